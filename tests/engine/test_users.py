"""The rooms on worker processes: the same numbers as in this process, and the record says where."""

from __future__ import annotations

import pytest

from limitlab._core.errors import TooLarge, UnknownName
from limitlab.capacity import shipped, verify
from limitlab.capacity.verification import codes, frames
from limitlab.capacity.verification.fields import binary_field
from limitlab.capacity.verifying import parts_elsewhere
from limitlab.data import make_limit
from limitlab.engine import using
from limitlab.engine.local import LocalEngine
from limitlab.evaluation import evaluate
from limitlab.free.critical_n import critical_n
from limitlab.ledger import Ledger

QUICK = {"max_steps": 1_000, "patience": 100, "device": "cpu"}


@pytest.fixture(scope="module")
def two():
    engine = LocalEngine(2)
    yield engine
    engine.close()


def plain(result) -> list[dict]:
    """Rows without what a clock said."""
    rows = [r.to_dict() | {"seconds": 0} for r in result.rows]
    return [r | {"trials": [t | {"seconds": 0} for t in r["trials"]]} for r in rows]


def test_critical_n_in_workers_is_that_of_this_process(tmp_path, two):
    here = critical_n([2, 3], 2, seeds=[1, 2, 3], start=4, ledger=Ledger(tmp_path / "here"), **QUICK)
    there = critical_n([2, 3], 2, seeds=[1, 2, 3], start=4, ledger=Ledger(tmp_path / "there"), engine=two, **QUICK)
    assert plain(here) == plain(there) and here.curves == there.curves
    assert there.provenance["engine"] == {"engine": "local", "workers": 2, "machines": 1}
    again = critical_n([2, 3], 2, seeds=[1, 2, 3], start=4, ledger=Ledger(tmp_path / "there"), **QUICK)
    assert again.provenance["trials_run"] == 0 and plain(again) == plain(there), "one ledger, whichever engine filled it"


def test_a_problem_too_large_for_a_worker_fails_alone(tmp_path, two, monkeypatch):
    import limitlab.free.critical_n as module

    def apart(engine, problems, config, *, progress):
        for index, p in enumerate(problems):
            yield index, TooLarge("no room") if p.n_docs > 5 else module.free_embed_many([p], config)[0]

    monkeypatch.setattr(module, "optimised_apart", apart)
    found = critical_n([4], 2, seeds=[1], start=5, ledger=Ledger(tmp_path), engine=two, **QUICK)
    assert found.rows[0].status.key == "failed" and "no room" in found.rows[0].message


def smallest(kind: str):
    return min((c for c in shipped() if c.construction["kind"] == kind), key=lambda c: (c.n_docs, c.k))


@pytest.mark.parametrize("kind", ["harmonic-frame", "dual-bch", "kerdock"])
def test_a_certificate_has_one_verdict_wherever_it_is_checked(kind, two):
    record = smallest(kind).to_dict()
    here, there = verify(record), verify(record, engine=two)
    assert here.verified and here.to_dict() == there.to_dict()


def test_a_false_claim_is_refused_with_the_same_words(two):
    record = smallest("harmonic-frame").to_dict()
    record["claim"]["min_gap"] = 0.9
    here, there = verify(record), verify(record, engine=two)
    assert not here.verified and here.to_dict() == there.to_dict()


@pytest.mark.parametrize("parts", [1, 2, 7])
def test_parts_of_a_check_add_up(parts):
    class Cut:
        def __init__(self):
            self.parts, self.items = parts, 0

        def __call__(self, task, shared, items):
            for item in items:
                self.items += 1
                yield task(shared, item)

    cut = Cut()
    field = binary_field(7, 0b10000011)
    for t in (2, 3):
        assert codes.dual_bch_extremes(field, t, map=cut) == codes.dual_bch_extremes(field, t)
    assert codes.kerdock_extremes(binary_field(5, 0b100101), map=cut) == codes.kerdock_extremes(binary_field(5, 0b100101))
    assert cut.items == 3 * parts
    known = smallest("harmonic-frame")
    f, w = known.construction["frequencies"], known.construction["weights"]
    cut.items = 0
    for n, k, gap in ((600, 2, 1e-7), (601, 2, 1e-7), (14, 3, 0.5), (14, 3, 1e-9)):
        assert frames.check_frame(n, k, f, w, [], gap, map=cut) == frames.check_frame(n, k, f, w, [], gap)
    assert cut.items >= 4


def test_parts_are_cut_for_whoever_was_asked_for(two):
    assert parts_elsewhere().parts == 1
    with using(two):
        assert parts_elsewhere().parts == 8


def test_eval_says_where_it_ran_and_closes_what_it_opened(tmp_path):
    data = make_limit(small=True)
    here = evaluate(data, ["bm25"], ledger=Ledger(tmp_path / "a"))
    there = evaluate(data, ["bm25"], ledger=Ledger(tmp_path / "b"), engine="local:2")
    assert [r.measures for r in here.rows] == [r.measures for r in there.rows]
    assert there.provenance["engine"]["workers"] == 2
    with pytest.raises(UnknownName, match="unknown engine 'cloud'"):
        evaluate(data, ["bm25"], ledger=Ledger(tmp_path / "c"), engine="cloud")
    assert Ledger(tmp_path / "c").runs() == [], "refused before anything ran"
