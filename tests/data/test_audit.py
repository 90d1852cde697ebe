"""The audit: what it finds in the release, and that it finds what was planted."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from limitlab.data import Dataset, LimitConfig, Vocabulary, audit, load, make_limit, write_limit
from limitlab.data.audit import asked_texts, consistent_patterns
from limitlab.relevance import RelevanceMatrix, from_pattern

SOUND = LimitConfig(n_docs=600, n_queries=100, seed=3)


@pytest.fixture(scope="module")
def sound_dataset() -> Dataset:
    return make_limit(SOUND)


def changed(data: Dataset, texts: dict[int, str]) -> Dataset:
    """The dataset with some documents' texts replaced."""
    docs = {d: texts.get(j, text) for j, (d, text) in enumerate(zip(data.docs.ids, data.docs))}
    return Dataset.from_texts(docs, dict(zip(data.queries.ids, data.queries)), data.relevance.to_qrels())


def irrelevant(data: Dataset) -> list[int]:
    return np.setdiff1d(np.arange(data.n_docs), data.relevance.indices).tolist()


# -- the release -----------------------------------------------------------------------------------------------------


def test_the_release_has_eleven_leaking_queries(released):
    report = audit(released)
    assert report.n_leaking_queries == 11 == len(report.leaks)
    assert not report.sound and any(p.startswith("11 queries leak") for p in report.problems)
    data = load(released)
    for leak in report.leaks:  # each example is true
        position = data.docs.ids.index(leak.doc_id)
        assert leak.asked.lower() in data.docs[position].lower()
        assert position not in data.relevance.row(data.queries.ids.index(leak.query_id))


def test_the_release_has_the_published_facts(released):
    report = audit(released)
    assert (report.n_docs, report.n_queries, report.n_relevant) == (46, 1000, 2000)
    assert report.attribute_counts == {45: 46}
    assert round(report.query_graph["density"], 6) == 0.085481
    assert round(report.query_graph["mean_query_strength"], 4) == 28.4653
    assert report.patterns == ("dense", "random")
    assert report.duplicate_documents == 0
    assert report.length["min"] == 512 and report.length["max"] == 654


# -- planted defects ---------------------------------------------------------------------------------------------------


def test_a_sound_dataset_has_no_problem(sound_dataset):
    report = audit(sound_dataset)
    assert report.sound and report.problems == () and report.leaks == ()
    assert report.attribute_counts == {45: 600}


@pytest.mark.parametrize("plant", ["{}", "{}x", "Very {}"], ids=["itself", "beginning of a word", "part of a longer one"])
@pytest.mark.parametrize("case", [str, str.lower, str.upper])
def test_a_planted_leak_is_found(sound_dataset, plant, case):
    asked = sound_dataset.queries[7].removeprefix("Who likes ").removesuffix("?")
    where = irrelevant(sound_dataset)[:2]
    planted = {}
    for j in where:
        head, _, tail = sound_dataset.docs[j].partition(" likes ")
        planted[j] = f"{head} likes {case(plant.format(asked))}, {tail.partition(', ')[2]}"
    report = audit(changed(sound_dataset, planted))
    assert (report.n_leaking_queries, report.n_leaking_pairs) == (1, 2)
    assert (report.leaks[0].query_id, report.leaks[0].asked, report.leaks[0].doc_id) == ("query_7", asked, sound_dataset.docs.ids[where[0]])
    assert report.problems == ("1 queries leak: what they ask also stands in 2 irrelevant documents.",)


def test_what_only_looks_like_a_leak_is_none():
    docs = {"a": "A likes Oats, Water Polo and C++.", "b": "B likes Goats, Water, Polonaises and Cats."}
    queries = {"q1": "Who likes Oats?", "q2": "Who likes Water Polo?", "q3": "Who likes C++?"}
    report = audit(Dataset.from_texts(docs, queries, {q: {"a": 1} for q in queries}))
    assert report.leaks == ()


def test_a_leak_through_a_name_is_found():
    docs = {"a": "Ada Lee likes Ham and Figs.", "b": "Hamilton May likes Plums and Pears."}
    report = audit(Dataset.from_texts(docs, {"q1": "Who likes Ham?", "q2": "Who likes Pears?"}, {"q1": {"a": 1}, "q2": {"b": 1}}))
    assert [leak.query_id for leak in report.leaks] == ["q1"]


def test_duplicate_documents_are_found_whatever_name_and_order(sound_dataset):
    one, two, *_ = irrelevant(sound_dataset)
    listed = sound_dataset.docs[one].partition(" likes ")[2].removesuffix(".").replace(" and ", ", ").split(", ")[::-1]
    copy = f"{sound_dataset.docs.ids[two]} likes {', '.join(listed[:-1])} and {listed[-1]}."
    report = audit(changed(sound_dataset, {two: copy}))
    assert report.duplicate_documents == 2
    assert report.problems == ("2 documents have the same attributes as another one.",)


def test_unequal_counts_are_found(sound_dataset):
    one = irrelevant(sound_dataset)[0]
    head, _, tail = sound_dataset.docs[one].partition(" likes ")
    report = audit(changed(sound_dataset, {one: f"{head} likes {tail.partition(', ')[2]}"}))
    assert report.attribute_counts == {44: 1, 45: 599}
    assert report.problems == ("Documents do not have equally many attributes: 44 to 45.",)


def test_length_that_gives_relevance_away_is_found(sound_dataset):
    longer = {
        j: sound_dataset.docs[j].replace(" likes ", f" {'van ' * 30}likes ", 1) for j in np.unique(sound_dataset.relevance.indices).tolist()
    }
    report = audit(changed(sound_dataset, longer))
    assert report.length["auc"] > 0.95 and report.length["p_value"] < 1e-6
    assert len(report.problems) == 1 and report.problems[0].startswith("Length gives relevance away")


def test_a_pattern_other_than_promised_is_found(tmp_path):
    out = write_limit(SOUND, tmp_path / "out")
    manifest = json.loads((out / "manifest.json").read_text())
    manifest["config"]["pattern"] = "cycle"
    (out / "manifest.json").write_text(json.dumps(manifest))
    report = audit(out)
    assert report.promised_pattern == "cycle" and report.patterns == ("dense", "random")
    assert report.problems == ("The pattern is not cycle, as promised; it is consistent with: dense, random.",)


def test_queries_without_relevant_documents_are_found(tmp_path):
    out = write_limit(SOUND, tmp_path / "out")
    with open(out / "queries.jsonl", "a") as file:
        file.write('{"_id": "query_more", "text": "Who likes Nothing?"}\n')
    assert audit(out).problems == ("1 queries have no relevant document.",)


def test_defects_are_found_under_own_templates_too(tmp_path):
    """The generator writes its templates into the manifest: the audit can cut the documents as they were joined."""
    joined = 'separator = "; "\nlast_separator = " und "\n'
    (tmp_path / "t.toml").write_text('document = "{name} mag {attributes}."\nquery = "Wer mag {attribute}?"\n' + joined)
    out = write_limit(SOUND, tmp_path / "out", vocabulary=Vocabulary.from_files(templates=tmp_path / "t.toml"))
    assert audit(out).attribute_counts == {45: 600}
    data = load(out)
    one, two, three, *_ = irrelevant(data)
    lines = (out / "corpus.jsonl").read_text().splitlines()
    lines[two] = lines[two].partition(" mag ")[0] + " mag " + lines[one].partition(" mag ")[2]
    lines[three] = lines[three].replace("; ", " ", 1)
    (out / "corpus.jsonl").write_text("\n".join(lines) + "\n")
    report = audit(out)
    assert report.duplicate_documents == 2 and report.attribute_counts == {44: 1, 45: 599}


# -- the manifest ------------------------------------------------------------------------------------------------------


def hashes(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in folder.rglob("*")
        if p.is_file() and p.name != "manifest.json"
    }


def test_the_manifest_keeps_what_the_generator_wrote(tmp_path):
    out = write_limit(SOUND, tmp_path / "out")
    before = json.loads((out / "manifest.json").read_text())
    report = audit(out, write_manifest=True)
    after = json.loads((out / "manifest.json").read_text())
    assert {key: after[key] for key in before} == before
    assert after["seed"] == 3 and after["config"] == SOUND.to_dict() and after["version"]
    assert after["sha256"] == hashes(out) == report.sha256
    assert (after["n_docs"], after["n_queries"], after["n_relevant"]) == (600, 100, 200)
    assert after["audit"]["sound"] is True
    assert load(out).origin["pattern"] == "dense"
    audit(out, write_manifest=True)
    assert json.loads((out / "manifest.json").read_text()) == after


def test_a_folder_without_manifest_is_given_one(released):
    audit(released)
    assert not (released / "manifest.json").exists()
    audit(released, write_manifest=True)
    manifest = json.loads((released / "manifest.json").read_text())
    assert manifest["sha256"] == hashes(released)
    assert (manifest["n_docs"], manifest["n_queries"], manifest["n_relevant"], manifest["seed"]) == (46, 1000, 2000, None)
    assert manifest["audit"]["n_leaking_queries"] == 11 and manifest["audit"]["sound"] is False


def test_files_changed_after_the_writing_show_in_the_hashes(tmp_path):
    out = write_limit(SOUND, tmp_path / "out")
    before = json.loads((out / "manifest.json").read_text())["sha256"]
    with open(out / "README.md", "a") as file:
        file.write("more\n")
    after = audit(out).sha256
    assert [name for name in before if before[name] != after[name]] == ["README.md"]


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_command_exits_0_when_sound_and_3_when_not(tmp_path, limitlab_command, released):
    out = write_limit(SOUND, tmp_path / "out")
    good = subprocess.run([*limitlab_command, "make", "audit", str(out)], capture_output=True, text=True)
    assert good.returncode == 0 and "sound: nothing found" in good.stdout
    bad = subprocess.run([*limitlab_command, "make", "audit", str(released), "--no-write", "--json"], capture_output=True, text=True)
    assert bad.returncode == 3
    assert json.loads(bad.stdout)["n_leaking_queries"] == 11
    assert not (released / "manifest.json").exists() and "audit" in json.loads((out / "manifest.json").read_text())


# -- patterns and templates --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize("pattern", ["dense", "random", "cycle", "disjoint"])
def test_a_pattern_is_recognised_after_shuffling_documents_and_queries(pattern, k):
    rng = np.random.default_rng(k)
    matrix = from_pattern(pattern, 300, 60, k=k, seed=k)
    columns = rng.permutation(300)[matrix.indices]
    rows = rng.permutation(60)[np.repeat(np.arange(60), k)]
    shuffled = RelevanceMatrix.from_pairs(rows, columns, query_ids=[f"q{i}" for i in range(60)], doc_ids=[f"d{j}" for j in range(300)])
    assert pattern in consistent_patterns(shuffled)


@pytest.mark.parametrize(
    ("pattern", "not_these"),
    [
        ("dense", {"cycle", "disjoint"}),
        ("random", {"dense", "cycle", "disjoint"}),
        ("cycle", {"dense", "disjoint"}),
        ("disjoint", {"dense", "cycle"}),
    ],
)
def test_patterns_are_not_mistaken_for_one_another(pattern, not_these):
    assert not not_these & set(consistent_patterns(from_pattern(pattern, 300, 60, k=2, seed=1)))


def test_two_small_rings_are_not_one_ring():
    pairs = [(i, (i + 1) % 10) for i in range(10)] + [(10 + i, 10 + (i + 1) % 10) for i in range(10)]
    matrix = RelevanceMatrix.from_qrels({f"q{n}": {f"d{a}": 1, f"d{b}": 1} for n, (a, b) in enumerate(pairs)})
    assert "cycle" not in consistent_patterns(matrix)


def test_queries_with_unequal_numbers_fit_no_pattern():
    assert consistent_patterns(RelevanceMatrix.from_qrels({"q1": {"a": 1}, "q2": {"a": 1, "b": 1}})) == ()


@pytest.mark.parametrize(
    ("queries", "asked"),
    [
        (["Who likes Figs?", "Who likes Snow Leopards?"], ["Figs", "Snow Leopards"]),
        (["Who likes Soups?", "Who likes Salads?"], ["Soups", "Salads"]),  # a shared S and s are no part of the template
        (["figs", "pears"], ["figs", "pears"]),
        (["Find Well-being", "Find Well-water"], ["Well-being", "Well-water"]),
    ],
)
def test_what_queries_ask(queries, asked):
    assert asked_texts(queries) == asked
