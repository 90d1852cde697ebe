"""Extras from metadata lines, with the versions found."""

from __future__ import annotations

from limitlab._core.extras import extras, installed_version

LINES = [
    "numpy>=1.26",
    "numpy>=1.26; extra == 'models'",
    'no-such-package<7,>=6; extra == "models"',
    "limitlab[models]; extra == 'demo'",
    "another-missing==0.1.0; extra == 'demo'",
    "scipy[extra]>=1; extra == 'figures'",
    "limitlab[demo,figures]; extra == 'all'",
]


def test_extras_hold_the_packages_of_those_they_name():
    found = {e.name: e for e in extras(LINES)}
    assert list(found) == ["models", "demo", "figures"], "what only joins others is not listed"
    assert found["models"].wanted == {"numpy": ">=1.26", "no-such-package": "<7,>=6"}
    assert set(found["demo"].packages) == {"numpy", "no-such-package", "another-missing"}
    assert found["figures"].packages == {"scipy": installed_version("scipy")}


def test_an_extra_is_installed_when_all_of_it_is():
    found = {e.name: e for e in extras(LINES)}
    assert found["figures"].installed and found["figures"].pip is None
    assert not found["models"].installed
    assert found["models"].pip == "pip install 'limitlab[models]'"
    assert found["models"].packages == {"numpy": installed_version("numpy"), "no-such-package": None}


def test_rings_of_extras_end():
    assert extras(["limitlab[b]; extra == 'a'", "limitlab[a]; extra == 'b'", "numpy; extra == 'b'"])[0].packages.keys() == {"numpy"}
