"""The project's own papers: versions agree, references exist and are used, docs are current, nothing private is said."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRACKED = [
    p for p in ROOT.rglob("*") if p.is_file() and not any(part.startswith(".") and part != ".ci" for part in p.relative_to(ROOT).parts)
]
TEXTS = [
    p
    for p in TRACKED
    if p.suffix in {".py", ".md", ".toml", ".txt", ".cff", ".bib", ".j2", ".css", ".js", ".tsv"} or p.name in {"Makefile", "run"}
]


def _project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_one_version_everywhere():
    import limitlab

    version = _project()["version"]
    assert limitlab.__version__ == version
    assert re.search(r"^## (\S+) - ", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)[1] == version
    assert f"version: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


def test_constraints_pin_torch_and_every_dependency():
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if "==" in line)
    names = {n.lower().replace("_", "-") for n in pins}
    assert pins["torch"] == "2.13.0"
    wanted = [*_project()["dependencies"], *(d for deps in _project()["optional-dependencies"].values() for d in deps)]
    for requirement in wanted:
        name = re.match(r"[A-Za-z0-9_.-]+", requirement)[0].lower().replace("_", "-")
        assert name == "limitlab" or name in names, name


def test_every_citation_exists_and_every_reference_is_used():
    entries = set(re.findall(r"^@\w+\{(\w+),", (ROOT / "docs" / "references.bib").read_text(encoding="utf-8"), re.M))
    sources = [p for p in TEXTS if p.suffix in {".py", ".md"} and (p.is_relative_to(ROOT / "src") or p.is_relative_to(ROOT / "docs"))]
    cited = {key for p in sources for key in re.findall(r"\[([A-Z][A-Za-z]+\d{4}[a-z]?)[\],]", p.read_text(encoding="utf-8"))}
    assert cited - entries == set()
    assert entries - cited == set()


def test_command_line_reference_is_current():
    done = subprocess.run([sys.executable, ROOT / "docs" / "build_cli.py", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_readme_names_the_two_commands():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "make demo" in readme and "make test" in readme
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md"], ids=lambda p: p.name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_no_machine_paths_and_no_package_hosts():
    words = re.compile(
        "|".join(
            [
                "/wo" + "rk/",
                "/ro" + "ot/",
                "/ho" + "me/",
                "pypi" + r"\.org",
                "files\\.python" + "hosted",
                "registry\\.npm" + "js",
                "deb\\.deb" + "ian",
            ]
        )
    )
    for path in TEXTS:
        if found := words.search(path.read_text(encoding="utf-8")):
            pytest.fail(f"{path.relative_to(ROOT)}: {found[0]}")
