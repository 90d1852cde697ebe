from __future__ import annotations

import numpy as np
import pytest

import limitlab.diagnosis.drowning as drowning_room
import limitlab.diagnosis.forecast as forecast_room
import limitlab.diagnosis.gaps as gaps_room
import limitlab.diagnosis.geometry.hubness as hubness_room
import limitlab.diagnosis.geometry.moments as moments_room
import limitlab.diagnosis.geometry.neighbours as neighbours_room
import limitlab.diagnosis.scratch as scratch_room
import limitlab.diagnosis.standing as standing_room
from limitlab._core.errors import UnknownName
from limitlab.diagnosis import diagnose
from limitlab.estimation import diagnose_cost
from limitlab.estimation.diagnose_cost import diagnose_bytes, diagnose_parts, list_depth
from limitlab.estimation.sizes import Sizes
from limitlab.ledger import Ledger
from limitlab.relevance import RelevanceMatrix
from limitlab.search import normalised


def test_constants_are_those_of_the_rooms():
    assert diagnose_cost.SOLVED == gaps_room._SOLVED
    assert diagnose_cost.PATH_QUERIES == drowning_room._PATH_QUERIES
    assert len(drowning_room.FACTORS) == diagnose_cost.FACTORS
    assert diagnose_cost.RESAMPLES == forecast_room._RESAMPLES
    assert diagnose_cost.HUB_SAMPLE == hubness_room._SAMPLE
    assert diagnose_cost.MOMENT_WORK == moments_room._WORK
    assert diagnose_cost.NEIGHBOUR_WORK == neighbours_room._PRODUCTS
    assert (diagnose_cost.LIST_BYTES, diagnose_cost.TAIL) == (standing_room._LIST_BYTES, standing_room._TAIL)
    assert scratch_room._IN_MEMORY_BYTES == diagnose_cost.IN_MEMORY


@pytest.mark.parametrize(("n_docs", "n_queries", "relevant", "k"), [(50_000, 1_000, 2, 10), (300, 50, 3, 10), (10**6, 10**6, 2, 20)])
def test_the_list_is_as_deep_as_the_diagnosis_makes_it(n_docs, n_queries, relevant, k):
    class Stub:
        docs, queries, sizes = range(n_docs), range(n_queries), np.full(3, relevant)

    Stub.k = k
    assert list_depth(Sizes(n_docs, n_queries, 8, k=k, relevant_per_query=relevant)) == standing_room.list_depth(Stub)


def test_products_of_a_diagnosis_are_near_those_it_makes(machine, monkeypatch, tmp_path):
    counted, matmul = [0.0], np.matmul

    def counting(a, b, *args, **kwargs):
        counted[0] += 2.0 * a.shape[0] * a.shape[1] * b.shape[1]
        return matmul(a, b, *args, **kwargs)

    monkeypatch.setattr(np, "matmul", counting)
    rng = np.random.default_rng(0)
    n, dim, n_queries = 12_000, 64, 150
    docs = normalised(rng.standard_normal((n, dim)).astype(np.float32))
    rows = np.stack([rng.choice(n, 2, replace=False) for _ in range(n_queries)])
    queries = normalised((docs[rows].sum(axis=1) + 0.25 * rng.standard_normal((n_queries, dim))).astype(np.float32))
    matrix = RelevanceMatrix.from_pairs(np.repeat(np.arange(n_queries), 2), rows.reshape(-1), query_ids=range(n_queries), doc_ids=range(n))
    found = diagnose(matrix, docs=docs, queries=queries, k=10, ledger=Ledger(tmp_path))
    missing = sum(level.lost for level in found.levels if level.key == "encoder")
    assert missing > 20
    share = sum(q.retained[[level.key for level in found.levels].index("encoder")] < 2 for q in found.queries) / n_queries
    s = Sizes(n, n_queries, dim, missing=share)
    parts = diagnose_parts(s, machine)
    # drowning and moments use the operator, which is not counted here; the first block of the cutting planes is counted with its solves
    flop = sum(p.amount for p in parts if p.unit == "flop" and p.name.startswith("products") and "drowning" not in p.name)
    first = sum(2.0 * p.amount * passes for p, passes in zip([p for p in parts if "local solves" in p.name], (3.2, 5.7)))
    assert counted[0] == pytest.approx(flop + first, rel=0.15)


@pytest.mark.parametrize("field", ["n_docs", "n_queries", "dim", "k", "relevant_per_query"])
def test_more_of_anything_never_costs_less(machine, field):
    base = Sizes(100_000, 500, 256, missing=0.5)
    before = None
    for factor in (1, 2, 3, 10, 100):
        s = base.with_(**{field: getattr(base, field) * factor})
        seconds = sum(p.seconds()[1] for p in diagnose_parts(s, machine, dtype="int8"))
        held = sum(b.amount for b in diagnose_bytes(s, machine, dtype="int8"))
        if before is not None:
            assert seconds >= 0.999 * before[0] and held >= 0.999 * before[1]
        before = seconds, held


def test_what_is_skipped_or_not_served_is_not_counted(machine):
    s = Sizes(1_000_000, 1_000, 384)
    names = {p.name for p in diagnose_parts(s, machine)}
    less = {p.name for p in diagnose_parts(s, machine, skip=["drowning", "gaps", "geometry"])}
    assert {"products: drowning", "moments", "equal rows", "products: hubs"} <= names - less
    assert "products: quantisation" not in names
    served = diagnose_parts(s, machine, dtype="int8", served_dim=128)
    flop = {p.name: p.amount for p in served if p.unit == "flop"}
    assert flop["products: truncation"] == flop["products: quantisation"] == 2.0 * 10**6 * 1_000 * 128
    with pytest.raises(UnknownName):
        diagnose_parts(s, machine, skip=["geometri"])


def test_large_copies_go_to_disk_and_small_ones_to_memory(machine):
    small = {(b.kind, b.name) for b in diagnose_bytes(Sizes(1_000, 10, 384), machine, dtype="int8")}
    large = {b.name: b for b in diagnose_bytes(Sizes(10**7, 10, 384, dtype="float16"), machine)}
    assert ("memory", "int8 vectors, as float32") in small
    copy = large["float32 vectors of unit length, as float32"]
    assert (copy.kind, copy.amount) == ("disk", 4.0 * 10**7 * 384)
