"""mteb's numbers and ours on the same data: the same to the last digit that mteb keeps."""

from __future__ import annotations

import json

import numpy as np
import pytest

import limitlab as ll
from limitlab._core.errors import DataError, InvalidArgument, RangeError, UnknownName
from limitlab.data import mteb_task
from limitlab.evaluation.mteb_files import scores_of_ranks
from limitlab.retrieval import as_mteb, build
from limitlab.retrieval.mteb_models import MtebModel

MEASURES = ["recall@2", "recall@10", "recall@20", "recall@100", "ndcg@10", "ndcg@20", "mrr@10", "mrr@100"]
ROUNDED = 1.1e-5  # mteb keeps five digits


def by_mteb(model, task) -> dict[str, float]:
    import mteb

    result = mteb.evaluate(model, task, cache=None, show_progress_bar=False, encode_kwargs={"batch_size": 16, "show_progress_bar": False})
    return result.task_results[0].scores["test"][0]


@pytest.fixture(scope="session")
def of_bm25(task):
    return by_mteb(as_mteb("bm25"), task)


@pytest.mark.parametrize("dim", [None, 5])
def test_our_dense_retriever_in_mteb_has_our_numbers(task, limit, tiny, dim):
    found = by_mteb(as_mteb(tiny, dim=dim), task)
    row = ll.evaluate(limit, [tiny], dims=[dim or 16], measures=MEASURES).rows[0]
    for name, estimate in row.measures.items():
        assert found[name.replace("@", "_at_")] == pytest.approx(estimate.mean, abs=ROUNDED), name
    assert 0 < row.measures["recall@20"].mean < 1, "a test of nothing otherwise"


def test_our_bm25_in_mteb_has_our_numbers_ties_included(of_bm25, limit):
    row = ll.evaluate(limit, ["bm25"], measures=MEASURES).rows[0]
    for name, estimate in row.measures.items():
        assert of_bm25[name.replace("@", "_at_")] == pytest.approx(estimate.mean, abs=ROUNDED), name


def test_a_precision_that_was_asked_for_has_a_revision_of_its_own(tiny):
    from limitlab.retrieval import Dense

    revisions = [as_mteb(Dense(tiny, precision=p)).mteb_model_meta.revision for p in ("auto", "float32", "bfloat16", "bfloat16")]
    assert len(set(revisions)) == 3 and revisions[2] == revisions[3]


def test_queries_without_hits_count_as_zero_in_both(tmp_path):
    data = ll.Dataset.from_texts(
        {"a": "red apple", "b": "green pear", "c": "red pear"}, {"q1": "apple", "q2": "zzz"}, {"q1": {"a": 1}, "q2": {"b": 1}}, name="few"
    )
    found = by_mteb(as_mteb("bm25"), mteb_task(ll.write_dataset(data, tmp_path / "few")))
    assert found["recall_at_10"] == ll.evaluate(data, ["bm25"], measures=["recall@10"]).rows[0].measures["recall@10"].mean == 0.5


def test_files_are_those_of_mteb(of_bm25, limit, task, tmp_path):
    from mteb.cache import ResultCache
    from mteb.models.model_meta import ModelMeta
    from mteb.results import TaskResult

    result = ll.evaluate(limit, ["bm25"], measures=["recall@2"])
    (file,) = result.to_mteb(tmp_path / "results")
    assert file.parent.parent.name == "limitlab__bm25"
    read = TaskResult.from_disk(file)
    ours = read.scores["test"][0]
    assert (read.task_name, read.dataset_revision) == (task.metadata.name, task.metadata.revision)
    missing = {n for n in of_bm25 if n not in ours}
    assert {n for n in missing if not n.startswith("nauc")} == {"accuracy"}, "nAUC is not written; accuracy is recall at 1 again"
    for name in ours.keys() & of_bm25.keys():
        if isinstance(of_bm25[name], float):
            assert ours[name] == pytest.approx(of_bm25[name], abs=ROUNDED), name
    meta = json.loads((file.parent / "model_meta.json").read_text())
    assert ModelMeta.create_empty(meta).name == "limitlab/bm25"
    cached = ResultCache(tmp_path).load_task_result(task.metadata.name, "limitlab/bm25", meta["revision"])
    assert cached.get_score() == pytest.approx(ours["recall_at_2"])


def test_ranks_give_trec_eval_s_measures():
    import pytrec_eval

    rng = np.random.default_rng(0)
    cuts = (1, 3, 10)
    ranks, indptr, runs, qrels = [], [0], {}, {}
    for q in range(30):
        order = rng.permutation(15)
        relevant = rng.choice(15, rng.integers(1, 6), replace=False)
        retrieved = order[: rng.integers(1, 15)]
        ranks += [int(np.flatnonzero(retrieved == d)[0]) + 1 if d in retrieved else 0 for d in relevant]
        indptr.append(len(ranks))
        runs[str(q)] = {str(d): float(-i) for i, d in enumerate(retrieved)}
        qrels[str(q)] = {str(d): 1 for d in relevant}
    found = scores_of_ranks(np.array(ranks), np.array(indptr), binary=True, cuts=cuts)
    names = {"recall": "recall", "P": "precision", "map_cut": "map", "ndcg_cut": "ndcg", "success": "hit_rate"}
    expected = pytrec_eval.RelevanceEvaluator(qrels, {f"{n}.{','.join(map(str, cuts))}" for n in names}).evaluate(runs)
    for theirs, ours in names.items():
        for k in cuts:
            assert found[f"{ours}_at_{k}"] == pytest.approx(np.mean([row[f"{theirs}_{k}"] for row in expected.values()])), (ours, k)


def test_graded_data_get_ndcg_only_where_the_row_has_it(tmp_path):
    data = ll.Dataset.from_texts({"a": "red apple", "b": "green pear"}, {"q": "red pear"}, {"q": {"a": 2, "b": 1}}, name="graded")
    (file,) = ll.evaluate(data, ["bm25"], measures=["ndcg@10"]).to_mteb(tmp_path)
    scores = json.loads(file.read_text())["scores"]["test"][0]
    assert {n for n in scores if n.startswith("ndcg")} == {"ndcg_at_10"}
    assert "map_at_10" in scores


def test_other_tie_rules_are_not_mteb_s(limit, tmp_path):
    with pytest.raises(InvalidArgument, match="evaluate with ties='trec'"):
        ll.evaluate(limit, ["bm25"], ties="st").to_mteb(tmp_path)


def test_an_encoder_of_mteb_has_the_numbers_of_its_vectors(limit, tiny):
    from mteb.models.sentence_transformer_wrapper import SentenceTransformerEncoderWrapper

    theirs = MtebModel(SentenceTransformerEncoderWrapper(tiny, revision=None, device="cpu"))
    result = ll.evaluate(limit, [theirs, tiny], dims=[16, 4], measures=["recall@10", "ndcg@20"])
    assert (theirs.family, theirs.max_dim) == ("dense", 16)
    for dim in (16, 4):
        ours, other = (result.row(f"{name}@{dim}").measures for name in (theirs.name, "model"))
        assert {n: e.mean for n, e in ours.items()} == {n: e.mean for n, e in other.items()}
    assert theirs.config(1)["cache"] is False, "a model object without a revision must not be taken from the ledger"


def test_a_search_model_of_mteb_has_the_numbers_mteb_gives_it(limit, task):
    import mteb

    row = ll.evaluate(limit, ["mteb:mteb/baseline-bm25s"], measures=MEASURES).rows[0]
    assert row.family == "lexical" and row.notes["list_depth"] == 1000
    found = by_mteb(mteb.get_model("mteb/baseline-bm25s"), task)
    for name, estimate in row.measures.items():
        assert found[name.replace("@", "_at_")] == pytest.approx(estimate.mean, abs=ROUNDED), name


def test_names_that_mteb_does_not_know_and_models_that_do_not_retrieve():
    with pytest.raises(UnknownName, match=r"did you mean 'intfloat/e5-small-v2'\?.*without mteb: owner/name"):
        build("mteb:intfloat/e5-smal-v2")
    with pytest.raises(InvalidArgument, match="no such revision"):
        build("mteb:mteb/baseline-bm25s,revision=abc")
    with pytest.raises(InvalidArgument, match="it can rerank, not retrieve"):
        build("mteb:mteb/baseline-random-cross-encoder")
    with pytest.raises(InvalidArgument, match=r"nomic-embed-text-v1.5 needs code.*trust_remote_code=true"):
        build("mteb:nomic-ai/nomic-embed-text-v1.5")


def test_a_model_that_cannot_be_fetched_offline_is_a_data_error():
    with pytest.raises(DataError, match="mteb: intfloat/e5-small-v2 cannot be loaded"):
        _ = build("mteb:intfloat/e5-small-v2").family


def test_tasks_need_whole_folders(tmp_path, tiny):
    with pytest.raises(InvalidArgument, match="a dataset folder is needed"):
        mteb_task(tmp_path / "none")
    (tmp_path / "corpus.jsonl").write_text("{}\n")
    with pytest.raises(DataError, match=r"missing: README.md, queries.jsonl, qrels/test.jsonl"):
        mteb_task(tmp_path)
    with pytest.raises(RangeError, match=r"dim must be in \[1, 16\]"):
        as_mteb(tiny, dim=17)


def test_reranking_tasks_rank_their_candidates_only(limit):
    from datasets import Dataset

    model = as_mteb("bm25")
    model.index(Dataset.from_dict({"id": list(limit.docs.ids), "text": list(limit.docs), "title": [""] * limit.n_docs}))
    first = limit.queries.ids[0]
    queries = Dataset.from_dict({"id": [first], "text": [limit.queries[0]]})
    every = model.search(queries, top_k=5)[first]
    candidates = list(every)[1:2]
    assert list(model.search(queries, top_k=5, top_ranked={first: candidates})[first]) == candidates


def test_the_command_line_writes_the_folder(folder, tmp_path):
    from typer.testing import CliRunner

    from limitlab.cli.main import app

    done = CliRunner().invoke(app, ["eval", str(folder), "-m", "bm25", "-o", str(tmp_path / "results.mteb")])
    assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "results.mteb").glob("limitlab__bm25/*/data.json"))) == 1
