"""Which engine is meant."""

from __future__ import annotations

import contextvars

import pytest

from limitlab._core.errors import InvalidArgument, RangeError, UnknownName
from limitlab.engine import current, elsewhere, engine, using
from limitlab.engine.local import LocalEngine


def test_without_a_word_it_is_this_machine():
    assert current().name == "local" and current() is current() and elsewhere() is None


@pytest.mark.parametrize(("name", "workers"), [("local:3", 3), ("local:1", 1)])
def test_names_of_this_machine(name, workers):
    found = engine(name)
    assert isinstance(found, LocalEngine) and (found.name, found.workers) == (name, workers)
    assert engine("local", workers=workers).workers == workers


@pytest.mark.parametrize("name", ["", "Local", "local:", "local:x", "ray:", "rey", "dask", "ray:/head:1", "http://head"])
def test_other_names_are_refused(name):
    with pytest.raises(UnknownName, match=r"engine\(\): unknown engine .* ray://HOST:PORT"):
        engine(name)


def test_no_workers_are_said_to_be_too_few():
    for name in ("local:0", "local:-2"):
        with pytest.raises(RangeError, match=r"workers of local:WORKERS must be at least 1; got 'local:"):
            engine(name)


def test_using_is_a_block_and_nests():
    with using("local:2") as outer:
        assert current() is outer is elsewhere()
        with using(None) as same, using("local:2") as again:
            assert same is outer and again is outer
        with using("local:3"):
            assert current().workers == 3
        assert current() is outer
        with using(workers=5) as more:
            assert more.name == "local:5"
        with using("local"):
            assert elsewhere() is None
    assert elsewhere() is None


def test_an_engine_that_was_given_is_left_open():
    mine = LocalEngine(2)
    closed = []
    mine.close = lambda: closed.append(True)  # type: ignore[method-assign]
    with using(mine):
        assert current() is mine
    assert not closed
    with pytest.raises(ZeroDivisionError), using("local:2"):
        raise ZeroDivisionError
    assert elsewhere() is None


def test_a_block_is_this_contexts_alone():
    with using("local:2"):
        assert contextvars.Context().run(current).name == "local"


def test_wrong_arguments():
    with pytest.raises(InvalidArgument, match="must be a name"), using(7):  # type: ignore[arg-type]
        pass
    with pytest.raises(InvalidArgument, match="given once"), using("local:2", workers=3):
        pass
    with pytest.raises(InvalidArgument, match="workers must come with an engine's name"), using(LocalEngine(2), workers=3):
        pass
    with pytest.raises(RangeError, match="workers"), using("local", workers=0):
        pass
