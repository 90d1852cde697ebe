"""What one map over a cluster does with what comes back, without a cluster."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from limitlab.engine.attempt import Kind, Outcome
from limitlab.engine.ray_engine import _Flight
from limitlab.engine.tally import Tally


def test_what_ended_beside_a_failure_is_given_before_it_is_raised():
    outcomes = [Outcome(Kind.VALUE, "a"), Outcome(Kind.RAISED, error=ZeroDivisionError("broken")), Outcome(Kind.VALUE, "c")]

    class Flight(_Flight):
        def __init__(self):
            self._tally, self._job, self._whole, self._flying = Tally("ray", "", outcomes, None), None, False, {}
            errors = SimpleNamespace(RaySystemError=ConnectionError)
            self._ray = SimpleNamespace(put=lambda job: job, wait=lambda flying, **_: (flying, []), exceptions=errors)

        def _start(self, job):
            while self._tally.waiting:
                index, item = self._tally.take()
                self._flying[index] = item

        def _landed(self, reference):
            return self._tally.ended(reference, self._flying.pop(reference))

        def _cancel(self, references):
            assert not references

    given = []

    def take():
        for done in Flight().results():
            given.append((done.index, done.value))

    with pytest.raises(ZeroDivisionError, match="broken"):
        take()
    assert given == [(0, "a"), (2, "c")]
