"""RelevanceMatrix: building, refusing, reading, never changing."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import DataError, RangeError, ShapeError
from limitlab.relevance import RelevanceMatrix

QRELS = {"q1": {"a": 2, "c": 1}, "q2": {"b": 0, "a": 1}, "q3": {}, "q4": {"c": -1}}


@pytest.fixture
def graded() -> RelevanceMatrix:
    return RelevanceMatrix.from_qrels(QRELS, doc_ids=["a", "b", "c", "d"])


def test_sizes_count_entries_and_relevant_entries_apart(graded: RelevanceMatrix) -> None:
    assert graded.shape == (4, 4)
    assert (graded.n_queries, graded.n_docs) == (4, 4)
    assert graded.n_judged == 5
    assert graded.n_relevant == 3
    assert graded.relevant_counts().tolist() == [2, 1, 0, 0]
    assert graded.relevant_counts(2).tolist() == [1, 0, 0, 0]


def test_qrels_come_back_as_they_went_in(graded: RelevanceMatrix) -> None:
    assert graded.to_qrels() == QRELS


def test_ids_follow_the_order_of_the_qrels_unless_given() -> None:
    matrix = RelevanceMatrix.from_qrels({"z": {"d9": 1, "d1": 1}, "a": {"d5": 1}})
    assert list(matrix.query_ids) == ["z", "a"]
    assert list(matrix.doc_ids) == ["d9", "d1", "d5"]
    given = RelevanceMatrix.from_qrels({"z": {"d9": 1}}, query_ids=["a", "z"], doc_ids=["d1", "d9"])
    assert given.to_qrels() == {"a": {}, "z": {"d9": 1}}
    assert given.row(1).tolist() == [1]


def test_triples_in_any_order_build_the_same_matrix() -> None:
    triples = [("q2", "b", 1), ("q1", "c", 3), ("q2", "a", 2), ("q1", "a", 1)]
    built = [RelevanceMatrix.from_triples(t, query_ids=["q1", "q2"], doc_ids=["a", "b", "c"]) for t in (triples, triples[::-1])]
    assert built[0] == built[1]
    assert built[0].to_csr().toarray().tolist() == [[1, 0, 3], [2, 1, 0]]


def test_row_holds_positive_grades_in_column_order(graded: RelevanceMatrix) -> None:
    assert [graded.row(i).tolist() for i in range(4)] == [[0, 2], [0], [], []]


def test_dense_and_csr_agree_with_the_qrels(graded: RelevanceMatrix) -> None:
    assert graded.to_csr().toarray().tolist() == [[2, 0, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, -1, 0]]


def test_numbered_ids_stand_in_for_missing_ones() -> None:
    matrix = RelevanceMatrix(np.array([0, 1, 2]), np.array([4, 0]), n_docs=6)
    assert list(matrix.query_ids) == ["0", "1"]
    assert list(matrix.doc_ids) == ["0", "1", "2", "3", "4", "5"]
    assert matrix.doc_ids[-1] == "5"
    assert matrix.doc_ids[1:3] == ["1", "2"]
    with pytest.raises(IndexError):
        matrix.doc_ids[6]


def test_an_empty_matrix_is_a_matrix() -> None:
    empty = RelevanceMatrix.from_qrels({})
    assert empty.shape == (0, 0)
    assert empty.to_qrels() == {}
    assert empty.binary() == empty


# -- immutability -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["indptr", "indices", "grades"])
def test_arrays_cannot_be_written(graded: RelevanceMatrix, name: str) -> None:
    with pytest.raises(ValueError, match="read-only"):
        getattr(graded, name)[0] = 7


def test_the_matrix_keeps_its_own_copy_of_arrays() -> None:
    indptr, indices, grades = np.array([0, 2]), np.array([0, 1], np.int32), np.array([1, 1], np.int32)
    matrix = RelevanceMatrix(indptr, indices, grades, n_docs=3)
    indices[1] = 2
    grades[0] = 9
    assert matrix.to_qrels() == {"0": {"0": 1, "1": 1}}


def test_the_matrix_keeps_its_own_copy_of_ids() -> None:
    ids = ["a", "b"]
    matrix = RelevanceMatrix(np.array([0, 2]), np.array([0, 1]), doc_ids=ids)
    ids[0] = "changed"
    assert list(matrix.doc_ids) == ["a", "b"]


@pytest.mark.parametrize("name", ["indptr", "grades", "doc_ids", "n_docs"])
def test_attributes_cannot_be_replaced(graded: RelevanceMatrix, name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(graded, name, getattr(graded, name))


def test_a_scipy_copy_may_be_written_without_touching_the_matrix(graded: RelevanceMatrix) -> None:
    before = graded.to_qrels()
    graded.to_csr().data[:] = 5
    assert graded.to_qrels() == before


# -- derived matrices ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("least, kept", [(1, {"q1": {"a": 1, "c": 1}, "q2": {"a": 1}}), (2, {"q1": {"a": 1}, "q2": {}})])
def test_binary_keeps_shape_and_ids_and_grades_one(graded: RelevanceMatrix, least: int, kept: dict) -> None:
    binary = graded.binary(least)
    assert binary.shape == graded.shape
    assert list(binary.doc_ids) == list(graded.doc_ids)
    assert binary.to_qrels() == {**kept, "q3": {}, "q4": {}}


def test_binary_refuses_grades_that_would_make_the_irrelevant_relevant(graded: RelevanceMatrix) -> None:
    with pytest.raises(RangeError, match=r"min_relevance must be >= 1; got min_relevance=0"):
        graded.binary(0)


def test_select_takes_rows_in_the_order_given_and_all_columns(graded: RelevanceMatrix) -> None:
    part = graded.select([3, 0])
    assert part.to_qrels() == {"q4": QRELS["q4"], "q1": QRELS["q1"]}
    assert part.n_docs == graded.n_docs
    assert graded.select([]).shape == (0, 4)
    assert graded.select(range(4)) == graded


# -- fingerprints -------------------------------------------------------------------------------------------------


def test_equal_content_has_equal_fingerprints_and_hashes(graded: RelevanceMatrix) -> None:
    again = RelevanceMatrix.from_qrels(graded.to_qrels(), query_ids=list(graded.query_ids), doc_ids=list(graded.doc_ids))
    assert again == graded
    assert hash(again) == hash(graded)
    assert again.fingerprint() == graded.fingerprint()
    assert len(graded.fingerprint()) == 16
    int(graded.fingerprint(), 16)


@pytest.mark.parametrize(
    "other",
    [
        {"q1": {"a": 1, "c": 1}, "q2": {"b": 0, "a": 1}, "q3": {}, "q4": {"c": -1}},
        {"q1": {"a": 2, "b": 1}, "q2": {"b": 0, "a": 1}, "q3": {}, "q4": {"c": -1}},
        {"x1": {"a": 2, "c": 1}, "q2": {"b": 0, "a": 1}, "q3": {}, "q4": {"c": -1}},
        {"q1": {"a": 2, "c": 1}, "q2": {"b": 0, "a": 1}, "q3": {"c": -1}, "q4": {}},
    ],
    ids=["grade", "column", "query id", "row"],
)
def test_any_difference_changes_the_fingerprint(graded: RelevanceMatrix, other: dict) -> None:
    matrix = RelevanceMatrix.from_qrels(other, doc_ids=["a", "b", "c", "d"])
    assert matrix.fingerprint() != graded.fingerprint()
    assert matrix != graded


def test_document_ids_and_extent_are_part_of_the_fingerprint(graded: RelevanceMatrix) -> None:
    wider = RelevanceMatrix.from_qrels(QRELS, doc_ids=["a", "b", "c", "d", "e"])
    renamed = RelevanceMatrix.from_qrels(QRELS, doc_ids=["a", "b", "c", "x"])
    assert len({graded.fingerprint(), wider.fingerprint(), renamed.fingerprint()}) == 3


def test_ids_are_told_apart_whatever_characters_they_hold() -> None:
    left = RelevanceMatrix(np.array([0, 1]), np.array([0]), doc_ids=["a\x1fb", "c"])
    right = RelevanceMatrix(np.array([0, 1]), np.array([0]), doc_ids=["a", "b\x1fc"])
    assert left != right


def test_stored_and_numbered_ids_are_the_same_content() -> None:
    numbered = RelevanceMatrix(np.array([0, 2]), np.array([0, 2]), n_docs=3)
    stored = RelevanceMatrix(np.array([0, 2]), np.array([0, 2]), query_ids=["0"], doc_ids=["0", "1", "2"])
    assert numbered == stored


# -- refusals -----------------------------------------------------------------------------------------------------


def test_repeated_pairs_are_counted_and_the_first_named() -> None:
    triples = [("q", f"d{i}", 1) for i in range(5)] * 2
    with pytest.raises(DataError) as caught:
        RelevanceMatrix.from_triples(triples)
    assert str(caught.value) == (
        "qrels: a (query, document) pair must be judged once; 5 pairs are repeated: ('q', 'd0'), ('q', 'd1'), ('q', 'd2'), ...."
    )


def test_unknown_ids_are_named() -> None:
    with pytest.raises(DataError, match=r"every id must be known; query 'q' or document 'x' is not"):
        RelevanceMatrix.from_qrels({"q": {"x": 1}}, doc_ids=["a"])
    with pytest.raises(DataError, match=r"query 'q' or document 'a' is not"):
        RelevanceMatrix.from_qrels({"q": {"a": 1}}, query_ids=["p"], doc_ids=["a"])


@pytest.mark.parametrize("grade", [0.5, "1", float("nan"), None], ids=repr)
def test_grades_that_are_not_whole_are_named(grade: object) -> None:
    with pytest.raises(DataError, match=r"grades must be whole numbers; query 'q', document 'd'"):
        RelevanceMatrix.from_triples([("q", "d", grade)])  # type: ignore[list-item]


def test_fractional_grades_in_arrays_are_refused_not_cut() -> None:
    with pytest.raises(ShapeError, match="grades"):
        RelevanceMatrix(np.array([0, 1]), np.array([0]), np.array([0.5]))


def test_repeated_ids_are_counted_and_the_first_named() -> None:
    with pytest.raises(ShapeError, match=r"doc_ids must be distinct; 4 repeat: 'a', 'b', 'c', \.\.\."):
        RelevanceMatrix(np.array([0, 1]), np.array([0]), doc_ids=["a", "b", "c", "d", "a", "b", "c", "d"])
    with pytest.raises(ShapeError, match=r"query_ids must be distinct; 1 repeat: 'q'"):
        RelevanceMatrix(np.array([0, 1, 1]), np.array([0]), query_ids=["q", "q"])


@pytest.mark.parametrize("ids", [["a"], ["a", "b", "c"], range(5)], ids=["too few", "too many", "range"])
def test_the_number_of_ids_must_fit(ids: object) -> None:
    with pytest.raises(ShapeError, match="query_ids must have one id per position"):
        RelevanceMatrix(np.array([0, 1, 1]), np.array([0]), query_ids=ids)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "indptr, indices, message",
    [
        ([1, 2], [0, 1], "indptr must ascend"),
        ([0, 2, 1], [0], "indptr must ascend"),
        ([0, 1], [0, 1], "indptr must ascend"),
        ([0, 1], [3], r"columns must be in \[0, 3\); got 3 to 3"),
        ([0, 1], [-1], r"columns must be in \[0, 3\); got -1 to -1"),
        ([0, 2], [1, 0], "must ascend and not repeat"),
        ([0, 2], [1, 1], "must ascend and not repeat"),
    ],
)
def test_broken_arrays_are_refused(indptr: list[int], indices: list[int], message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        RelevanceMatrix(np.array(indptr), np.array(indices), n_docs=3)


def test_columns_need_to_ascend_only_within_a_row() -> None:
    matrix = RelevanceMatrix(np.array([0, 0, 2, 2, 3]), np.array([1, 2, 0]), n_docs=3)
    assert [matrix.row(i).tolist() for i in range(4)] == [[], [1, 2], [], [0]]


def test_grades_must_align_with_columns() -> None:
    with pytest.raises(ShapeError, match="grades must have one value per entry; got 1 for 2 entries"):
        RelevanceMatrix(np.array([0, 2]), np.array([0, 1]), np.array([1]))


def test_rows_outside_the_matrix_are_an_error_not_an_empty_row(graded: RelevanceMatrix) -> None:
    for query in (-1, 4):
        with pytest.raises((IndexError, RangeError)):
            graded.row(query)
        with pytest.raises((IndexError, RangeError)):
            graded.select([query])


def test_a_pickled_matrix_is_the_same_and_immutable():
    import pickle

    matrix = RelevanceMatrix.from_qrels({"q": {"a": 1, "b": 2}, "r": {}}, doc_ids=["b", "a", "c"])
    matrix.fingerprint()
    again = pickle.loads(pickle.dumps(matrix))
    assert again.fingerprint() == matrix.fingerprint() and again.doc_ids == matrix.doc_ids and again.query_ids == matrix.query_ids
    assert not again.indices.flags.writeable
    with pytest.raises(AttributeError, match="immutable"):
        again.grades = None
