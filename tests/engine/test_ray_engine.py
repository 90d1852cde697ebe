"""What one map over a cluster does with what comes back, without a cluster."""

from __future__ import annotations

from limitlab.engine import Done
from limitlab.engine.ray_engine import _Flight


def test_what_ended_beside_a_failure_is_kept():
    class Flight(_Flight):
        def __init__(self):
            pass

        def _landed(self, reference):
            if reference == "broken":
                raise ZeroDivisionError(reference)
            return None if reference == "again" else Done(int(reference), reference)

    finished, raised = Flight()._all_landed(["1", "broken", "again", "2"])
    assert [d.index for d in finished] == [1, 2] and [str(e) for e in raised] == ["broken"]
