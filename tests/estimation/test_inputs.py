from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest

from limitlab._core.errors import DataError, InvalidArgument
from limitlab.data import Dataset
from limitlab.estimation import inputs


def test_files_of_vectors_say_sizes_type_and_length(tmp_path):
    rows = np.eye(6, dtype=np.float16)
    np.save(tmp_path / "d.npy", rows)
    np.save(tmp_path / "q.npy", rows[:2] * 3)
    found = inputs.of_vectors(tmp_path / "d.npy", tmp_path / "q.npy")
    assert found == {"n_docs": 6, "n_queries": 2, "dim": 6, "dtype": "float16", "unit": True, "in_files": True}
    np.savez(tmp_path / "d.npz", docs=rows.astype(np.float32) * 2)
    found = inputs.of_vectors(tmp_path / "d.npz", tmp_path / "q.npy")
    assert (found["dtype"], found["unit"], found["in_files"]) == ("float32", False, False)


def test_files_that_do_not_fit_are_refused(tmp_path):
    np.save(tmp_path / "d.npy", np.eye(3))
    np.save(tmp_path / "q.npy", np.eye(4))
    with pytest.raises(InvalidArgument, match="same dimension"):
        inputs.of_vectors(tmp_path / "d.npy", tmp_path / "q.npy")
    with pytest.raises(DataError, match="does not exist"):
        inputs.of_vectors(tmp_path / "none.npy", tmp_path / "q.npy")


def test_a_dataset_says_lengths_and_relevance():
    data = Dataset.from_texts({"a": "x" * 40, "b": "x" * 80}, {"p": "x" * 8, "q": "x" * 8}, {"p": {"a": 1}, "q": {"a": 1, "b": 1}})
    found = inputs.of_dataset(data)
    assert found == {"n_docs": 2, "n_queries": 2, "relevant_per_query": 1.5, "tokens_per_doc": 15.0, "tokens_per_query": 2.0}


def test_what_is_given_goes_before_what_is_found_and_gaps_are_named():
    sizes = inputs.sizes_of({"n_docs": 20, "dim": None}, {"n_docs": 2, "n_queries": 3, "dim": 4})
    assert (sizes.n_docs, sizes.dim) == (20, 4)
    with pytest.raises(InvalidArgument, match="--n-queries must be known"):
        inputs.sizes_of({"n_docs": 2}, {"dim": 4})


def test_rows_that_are_not_the_datasets_are_refused():
    data = Dataset.from_texts({"a": "x", "b": "y"}, {"p": "x"}, {"p": {"a": 1}})
    inputs.refuse_other_rows({"n_docs": 2, "n_queries": 1}, data, "diagnose")
    inputs.refuse_other_rows({"n_docs": 2, "n_queries": 3}, data, "eval", asked_may_be_more=True)
    for found, words in (({"n_docs": 3, "n_queries": 1}, "2 documents"), ({"n_docs": 2, "n_queries": 3}, "1 queries")):
        with pytest.raises(InvalidArgument, match=words):
            inputs.refuse_other_rows(found, data, "diagnose")


def test_rows_with_ids_may_be_others(tmp_path):
    data = Dataset.from_texts({"a": "x", "b": "y"}, {"p": "x"}, {"p": {"a": 1}})
    np.save(tmp_path / "q.npy", np.ones((1, 4), np.float32))
    np.savez(tmp_path / "named.npz", docs=np.ones((3, 4), np.float32), ids=np.array(["a", "b", "c"]))
    np.save(tmp_path / "d.npy", np.ones((3, 4), np.float32))
    for name, refused in (("named.npz", False), ("d.npy", True)):
        found = inputs.of_vectors(tmp_path / name, tmp_path / "q.npy")
        with pytest.raises(InvalidArgument, match="3 rows") if refused else nullcontext():
            inputs.refuse_unnamed_rows(tmp_path / name, tmp_path / "q.npy", found, data)


def test_shards_of_int8_with_scales_are_int8(tmp_path):
    from limitlab.search.shard_writing import write_manifest, write_shard

    rows = np.eye(8, dtype=np.float32)[:6]
    for name in ("docs", "queries"):
        (tmp_path / name).mkdir()
        entry = write_shard(tmp_path / name, 0, rows, [str(i) for i in range(6)], dtype="int8", form="npy", texts="t")
        write_manifest(tmp_path / name, [entry], dtype="int8", about={})
    found = inputs.of_vectors(tmp_path / "docs", tmp_path / "queries")
    assert (found["dtype"], found["in_files"]) == ("int8", True)
    assert inputs.sizes_of({"k": 2}, found).vector_bytes == 6 * 8
