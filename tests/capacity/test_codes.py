"""Codes: the field, the documents from their definition, and inner products of all pairs against brute force."""

from __future__ import annotations

import itertools
import math
from itertools import combinations

import numpy as np
import pytest

from limitlab._core.errors import LimitlabError
from limitlab.capacity import DualBCHCode, KerdockSet
from limitlab.capacity.verification import codes, cosets
from limitlab.capacity.verification.fields import BinaryField, binary_field, smallest_primitive


def product(a: int, b: int, m: int, polynomial: int) -> int:
    """Schoolbook multiplication of polynomials over GF(2), then division: independent of the tables."""
    total = 0
    for i in range(m):
        if b >> i & 1:
            total ^= a << i
    for i in range(2 * m - 2, m - 1, -1):
        if total >> i & 1:
            total ^= polynomial << (i - m)
    return total


def trace(y: int, m: int, polynomial: int) -> int:
    total = 0
    for _ in range(m):
        total ^= y
        y = product(y, y, m, polynomial)
    return total


def gram_extremes(docs: np.ndarray) -> tuple[int, int]:
    gram = docs.astype(np.int64) @ docs.astype(np.int64).T
    off = gram[~np.eye(len(docs), dtype=bool)]
    return int(off.min()), int(off.max())


@pytest.mark.parametrize("m", [1, 2, 3, 5, 8])
def test_the_field_is_the_field(m):
    field = binary_field(m, smallest_primitive(m))
    a, b = np.meshgrid(np.arange(field.size)[:40], np.arange(field.size))
    expected = [product(int(x), int(y), m, field.polynomial) for x, y in zip(a.ravel(), b.ravel())]
    assert field.times(a, b).ravel().tolist() == expected
    assert field.trace.tolist() == [trace(y, m, field.polynomial) for y in range(field.size)]
    assert field.trace.sum() == field.size // 2
    for e in (1, 3, 5):
        power = np.arange(field.size)
        for _ in range(e - 1):
            power = field.times(power, np.arange(field.size))
        assert np.array_equal(field.to_the(e), power)


def test_smallest_primitive_polynomials_are_the_tabulated_ones():
    """Golden: x**2 + x + 1, x**3 + x + 1, ..., x**14 + x**5 + x**3 + x + 1, as whole numbers."""
    known = [3, 7, 11, 19, 37, 67, 131, 285, 529, 1033, 2053, 4179, 8219, 16427]
    assert [smallest_primitive(m) for m in range(1, 15)] == known


@pytest.mark.parametrize(
    ("m", "polynomial"), [(4, 0b11111), (4, 0b10101), (3, 0b1111), (3, 0b10011), (3, 7), (15, 0b1000000000000011), (4, -19)]
)
def test_polynomials_that_are_not_primitive_are_refused(m, polynomial):
    with pytest.raises(ValueError, match=r"primitive|no polynomial"):
        BinaryField(m, polynomial)


def test_documents_are_those_of_the_definition():
    m, t = 5, 3
    code = DualBCHCode(m, t)
    d, ids = code.dim, [0, 1, 31, 32, 1023, 1024, 32767, 12345]
    for row, i in zip(code.docs(ids), ids):
        a = [i % d, i // d % d, i // d**2]
        for x in range(d):
            powers = [x]
            for _ in range(t - 1):
                powers.append(product(product(powers[-1], x, m, code.polynomial), x, m, code.polynomial))
            bits = [trace(product(c, p, m, code.polynomial), m, code.polynomial) for c, p in zip(a, powers)]
            assert row[x] == (-1) ** (sum(bits) % 2)
    assert np.array_equal(code.docs(range(1024)), DualBCHCode(m, 2).docs(range(1024))), "a smaller code comes first"


@pytest.mark.parametrize(("m", "t"), [(2, 1), (2, 2), (3, 2), (3, 3), (4, 2), (4, 3), (5, 2), (6, 2), (4, 1), (3, 4)])
def test_extremes_of_dual_bch_codes_against_all_pairs(m, t):
    code = DualBCHCode(m, t)
    found = code.extremes()
    assert (min(found.least, 0), max(found.most, 0)) == tuple(
        np.clip(gram_extremes(code.docs(range(code.n_docs))), [-math.inf, 0], [0, math.inf])
    )


@pytest.mark.parametrize(("m", "t"), [(5, 3), (5, 4), (6, 3), (4, 5)])
def test_extremes_of_larger_codes_against_all_cosets(m, t):
    """The code is linear: products of document 0 with all others are those of all pairs. No symmetry is used here."""
    code = DualBCHCode(m, t)
    low, high = 0, 0
    for start in range(0, code.n_docs, 1 << 16):
        sums = code.docs(np.arange(start, min(code.n_docs, start + (1 << 16)))).sum(axis=1, dtype=np.int64)
        sums = sums[1:] if start == 0 else sums
        low, high = min(low, int(sums.min())), max(high, int(sums.max()))
    found = code.extremes()
    assert (found.least, found.most) == (low, high)
    assert found.cosets < code.n_docs / code.dim


@pytest.mark.parametrize(("m", "t"), [(5, 5), (6, 4), (6, 5), (7, 4)])
def test_no_coset_is_left_out(m, t):
    """All d**(t - 1) cosets, without any symmetry; also where least and most differ (t = 5: -20 and 32, -36 and 64)."""
    field = binary_field(m, smallest_primitive(m))
    d, signs = field.size, (1 - 2 * field.trace).astype(np.int8)
    tables = [signs[field.times(field.to_the(e)[:, None], np.arange(d)[None, :])] for e in range(3, 2 * t, 2)]
    two = (tables[-2][:, :, None] * tables[-1][:, None, :]).reshape(d, -1)
    buffers, low, high = np.empty((2, *two.shape), np.int16), 0, 0
    for first in itertools.product(range(d), repeat=t - 3):
        row = np.ones(d, np.int8)
        for table, a in zip(tables, first):
            row = row * table[:, a]
        buffers[0] = row[:, None] * two
        sums = cosets.walsh_hadamard(buffers[0], buffers[1])
        if not any(first):
            sums = sums[:, 1:]  # the coset of the linear functions themselves
        low, high = min(low, int(sums.min())), max(high, int(sums.max()))
    found = codes.dual_bch_extremes(field, t)
    assert (found.least, found.most) == (low, high)


@pytest.mark.parametrize("m", [4, 6])
def test_extremes_of_kerdock_sets_against_all_pairs(m):
    code = KerdockSet(m)
    docs = code.docs(range(code.n_docs))
    assert (docs.astype(int) ** 2).sum(axis=1).tolist() == [code.dim] * code.n_docs
    assert code.n_docs == code.dim**2 // 2 + code.dim
    found = code.extremes()
    assert (found.least, found.most) == gram_extremes(docs) == (-(2 ** (m // 2)), 2 ** (m // 2))
    assert code.coherence() == code.dim**-0.5


@pytest.mark.parametrize("m", [4, 6, 8, 10, 12])
def test_coherence_of_kerdock_sets(m):
    """Golden: d**-0.5, all inner products of different cosets being +-d**0.5."""
    assert KerdockSet(m).coherence() == 2.0 ** (-m // 2)


GOLDEN = {  # coherence, computed independently before this code was written (theory of the project, section 8)
    (5, 2): 0.25,
    (6, 2): 0.25,
    (7, 2): 0.125,
    (7, 3): 0.25,
    (8, 3): 0.25,
    (9, 2): 0.0625,
    (9, 3): 0.125,
    (10, 4): 0.140625,
    (12, 2): 0.03125,
}


@pytest.mark.parametrize(("m", "t"), GOLDEN)
def test_known_coherences(m, t):
    code = DualBCHCode(m, t)
    assert code.coherence() == GOLDEN[m, t] <= code.bound().most / code.dim + 1 / code.dim


@pytest.mark.parametrize("m", [3, 5, 7, 9, 11, 13])
def test_weights_of_dual_codes_for_odd_m(m):
    """Golden: the dual of the 2-error-correcting code has W in {0, +-2**((m + 1) / 2)}, the 3-error-correcting one also +-2**((m + 3) / 2)."""
    top = 2 ** ((m + 1) // 2)
    two = DualBCHCode(m, 2).extremes()
    assert (two.least, two.most) == (-top, top)
    if m in (7, 9, 11):
        three = DualBCHCode(m, 3).extremes()
        assert (three.least, three.most) == (-2 * top, 2 * top)


def test_another_polynomial_gives_the_same_extremes():
    assert DualBCHCode(7, 3, 137).extremes() == DualBCHCode(7, 3).extremes()
    assert KerdockSet(6, 61).extremes() == KerdockSet(6).extremes()


def test_the_transform_is_the_definition():
    rng = np.random.default_rng(0)
    signs = rng.choice([-1, 1], (32, 7)).astype(np.int16)
    hadamard = np.array([[(-1) ** (bin(b & x).count("1")) for x in range(32)] for b in range(32)])
    expected = hadamard @ signs
    assert np.array_equal(cosets.walsh_hadamard(signs.copy(), np.empty_like(signs)), expected)


def test_every_pair_of_1024_documents_in_32_bits():
    """Golden: no failure, least whole-number gap 8; the gap of unit vectors is at least what is proved."""
    code = DualBCHCode(5, 2)
    docs = code.docs(range(code.n_docs)).astype(np.float32)  # sums of 32 small whole numbers are exact
    least, unit = 10**9, 2.0
    for i in range(code.n_docs - 1):
        pairs = np.array([[i, j] for j in range(i + 1, code.n_docs)])
        queries = docs[i] + docs[i + 1 :]
        scores = queries @ docs.T
        rows = np.arange(len(pairs))[:, None]
        inside = scores[rows, pairs].min(axis=1)
        scores[rows, pairs] = -(10**6)
        gaps = inside - scores.max(axis=1)
        least = min(least, int(gaps.min()))
        unit = min(unit, float((gaps / np.sqrt(32 * (queries**2).sum(axis=1))).min()))
    assert least == 8
    assert 0.204 < code.gap(2) <= unit * (1 + 1e-6), "float32 norms"
    assert unit < 0.2042, "and no pair does better than proved: the bound is attained"


@pytest.mark.parametrize(
    ("code", "k"), [(KerdockSet(6), 4), (KerdockSet(4), 2), (DualBCHCode(6, 2), 2), (DualBCHCode(7, 2), 4), (DualBCHCode(4, 1), 7)]
)
def test_random_sets_have_at_least_the_proved_gap(code, k):
    rng = np.random.default_rng(k)
    docs = code.docs(range(code.n_docs)).astype(np.int64)
    sets = np.stack([rng.choice(code.n_docs, k, replace=False) for _ in range(200)])
    queries = code.queries(sets).astype(np.int64)
    assert np.array_equal(queries, docs[sets].sum(axis=1))
    scores = queries @ docs.T
    rows = np.arange(len(sets))[:, None]
    inside = scores[rows, sets].min(axis=1)
    scores[rows, sets] = -(10**9)
    gaps = (inside - scores.max(axis=1)) / np.sqrt((queries**2).sum(axis=1) * code.dim)
    assert 0 < code.gap(k) <= gaps.min() + 1e-12


def test_the_gap_of_sums_holds_for_any_vectors():
    """Adversarial: few random sign vectors, all their k-subsets, with their own extreme inner products."""
    rng = np.random.default_rng(3)
    tight = 0.0
    for trial in range(300):
        d, n, k = int(rng.integers(12, 60)), int(rng.integers(4, 8)), int(rng.integers(1, 4))
        docs = rng.choice([-1, 1], (n, d))
        if trial % 3 == 0:  # nearly orthogonal ones with planted positive or negative products
            docs = np.array([[(-1) ** bin(b & x).count("1") for x in range(32)] for b in rng.choice(32, n, replace=False)])
            d = 32
            docs[1, :3] = docs[0, :3]
        low, high = gram_extremes(docs)
        proved = codes.sum_query_gap(d, k, codes.Extremes(low, high, 0))
        least = math.inf
        for s in combinations(range(n), k):
            u = docs[list(s)].sum(axis=0)
            rest = [i for i in range(n) if i not in s]
            if (u * u).sum() == 0:
                least = 0.0
                continue
            least = min(least, float((docs[list(s)] @ u).min() - (docs[rest] @ u).max()) / math.sqrt(float((u * u).sum()) * d))
        assert proved <= max(least, 0.0) + 1e-12
        tight = max(tight, proved)
    assert tight > 0.3, "the test saw proved gaps"


def test_documents_of_a_code_with_more_documents_than_any_integer_type_counts():
    code = DualBCHCode(10, 7)
    assert code.n_docs == 2**70
    last = code.docs([2**70 - 1, 5])
    assert last.shape == (2, 1024) and set(np.unique(last)) == {-1, 1}
    assert code.queries([[2**70 - 1, 5]]).tolist() == [last.sum(axis=0).tolist()]
    assert code.gap(2, extremes=code.bound()) == 0.0
    assert DualBCHCode(10, 6).gap(2, extremes=DualBCHCode(10, 6).bound()) > 0.05


@pytest.mark.parametrize(
    "call",
    [
        lambda: DualBCHCode(1, 1),
        lambda: DualBCHCode(15, 2),
        lambda: DualBCHCode(5, 0),
        lambda: DualBCHCode(5, 17),
        lambda: DualBCHCode(4, 2, 31),
        lambda: DualBCHCode(4, 2, 3),
        lambda: KerdockSet(5),
        lambda: KerdockSet(14),
        lambda: KerdockSet(6, 32),
        lambda: DualBCHCode(5, 2).docs([1024]),
        lambda: DualBCHCode(5, 2).docs([-1]),
        lambda: DualBCHCode(5, 2).docs([0.5]),
        lambda: DualBCHCode(5, 2).docs([[0, 1]]),
        lambda: DualBCHCode(5, 2).queries([0, 1]),
        lambda: DualBCHCode(5, 2).queries([[0, 0]]),
        lambda: DualBCHCode(5, 2).queries([[0, 1], [2]]),
        lambda: KerdockSet(4).queries([[0, 144]]),
        lambda: DualBCHCode(5, 2).gap(0),
        lambda: DualBCHCode(10, 5).extremes(),
    ],
)
def test_bad_arguments(call):
    with pytest.raises(LimitlabError, match=r"^[\w.()]+: .*must.*got"):
        call()
