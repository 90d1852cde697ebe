"""Write one folder that BEIR's loader, ``datasets`` and mteb all open."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limitlab._core.files import atomic_folder, sha256_file
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import versions
from limitlab.data.dataset import Dataset

if TYPE_CHECKING:
    from limitlab.data.limit import LimitPlan
    from limitlab.data.stress import StressPlan

_README = """---
configs:
- config_name: corpus
  data_files:
  - split: corpus
    path: corpus.jsonl
- config_name: queries
  data_files:
  - split: queries
    path: queries.jsonl
- config_name: default
  data_files:
  - split: test
    path: qrels/test.jsonl
---
# {name}

{n_docs:,} documents, {n_queries:,} queries, {n_relevant:,} relevant pairs. Written by limitlab {version}.

Open it with `limitlab.load("FOLDER")`, BEIR's `GenericDataLoader("FOLDER").load(split="test")`,
`datasets.load_dataset("FOLDER", "corpus")`, or an mteb task whose `dataset["path"]` is this folder.
"""


def write_dataset(dataset: Dataset, folder: str | Path, *, overwrite: bool = False) -> Path:
    """Write any dataset; the folder appears only when complete.

    Holds ``corpus.jsonl``, ``queries.jsonl``, ``qrels/test.tsv`` (BEIR), ``qrels/test.jsonl`` and ``README.md``
    (``datasets``, mteb), ``manifest.json`` (counts and SHA-256 of every file).

    Raises
    ------
    InvalidArgument
        The folder exists and ``overwrite`` is not set.
    """
    relevance = dataset.relevance
    pairs = ((q, d, g) for q, row in relevance.to_qrels().items() for d, g in row.items())
    with atomic_folder(folder, who="write_dataset()", overwrite=overwrite) as part:
        _write_texts(part / "corpus.jsonl", zip(dataset.docs.ids, dataset.docs), titled=True)
        _write_texts(part / "queries.jsonl", zip(dataset.queries.ids, dataset.queries), titled=False)
        _write_qrels(part, pairs)
        counts = {"n_docs": dataset.n_docs, "n_queries": dataset.n_queries, "n_relevant": relevance.n_relevant}
        about = {"generator": dataset.origin.get("generator"), "config": dataset.origin.get("config", {})}
        if "templates" in dataset.origin:
            about["templates"] = dataset.origin["templates"]
        _write_about(part, dataset.name, counts, about)
    return Path(folder)


def write_stream(plan: LimitPlan, folder: str | Path, *, overwrite: bool = False, progress: Progress | None = None) -> Path:
    """Write a generator's documents as they are made; memory holds one block."""
    config = plan.config
    with atomic_folder(folder, who="make limit", overwrite=overwrite) as part:
        with (progress or SILENT).task("documents", plan.n_written) as bar:
            _write_texts(part / "corpus.jsonl", _streamed(plan, bar), titled=True)
        _write_texts(part / "queries.jsonl", zip(plan.query_ids, plan.query_texts), titled=False)
        _write_qrels(part, ((q, d, 1) for q, d in plan.relevant_ids()))
        counts = {"n_docs": plan.n_written, "n_queries": config.n_queries, "n_relevant": config.n_queries * config.k}
        about = {
            "generator": "limit",
            "seed": config.seed,
            "config": config.to_dict(),
            "attributes_per_doc": plan.attributes_per_doc,
            "templates": dict(plan.vocabulary.templates.__dict__),
        }
        _write_about(part, config.name, counts, about)
    return Path(folder)


def write_facts(
    plan_of: Callable[[], StressPlan], folder: str | Path, *, overwrite: bool = False, progress: Progress | None = None
) -> Path:
    """Write a corpus with facts added to some documents, as they are read; the plan is made once the folder may be written."""
    with atomic_folder(folder, who="make stress", overwrite=overwrite) as part:
        plan = plan_of()
        relevant = plan.relevant
        ids = dict.fromkeys((position for _, position in relevant), "")
        with (
            open(part / "corpus.jsonl", "wb", buffering=1 << 20) as corpus,
            open(part / "facts.jsonl", "w", encoding="utf-8", newline="\n") as facts,
            (progress or SILENT).task("documents", plan.n_docs) as bar,
        ):
            for position, doc, added in plan.documents():
                corpus.write(doc.encoded())
                if added:
                    facts.write(f'{{"_id": {_quoted(doc.id)}, "added": {_quoted(added)}}}\n')
                if position in ids:
                    ids[position] = doc.id
                bar.advance()
        _write_texts(part / "queries.jsonl", zip(plan.query_ids, plan.query_texts), titled=False)
        names = plan.query_ids
        _write_qrels(part, ((names[q], ids[position], 1) for q, position in relevant))
        counts = {"n_docs": plan.n_docs, "n_queries": len(names), "n_relevant": len(relevant)}
        _write_about(part, plan.name, counts, plan.about())
    return Path(folder)


def _streamed(plan: LimitPlan, bar: Any) -> Iterator[tuple[str, str]]:
    for ids, texts in plan.blocks():
        yield from zip(ids, texts)
        bar.advance(len(ids))


def _write_texts(path: Path, texts: Iterable[tuple[str, str]], *, titled: bool) -> None:
    title = ' "title": "",' if titled else ""
    with open(path, "w", encoding="utf-8", newline="\n", buffering=1 << 20) as out:
        for name, text in texts:
            out.write(f'{{"_id": {_quoted(name)},{title} "text": {_quoted(text)}}}\n')


def _quoted(text: str) -> str:
    """A JSON string with UTF-8 kept, by the C encoder; a lone surrogate, which UTF-8 cannot hold, is escaped."""
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        return json.encoder.encode_basestring_ascii(text)
    return json.encoder.encode_basestring(text)


def _write_qrels(folder: Path, pairs: Iterable[tuple[str, str, int]]) -> None:
    (folder / "qrels").mkdir()
    with ExitStack() as stack:
        tsv = stack.enter_context(open(folder / "qrels/test.tsv", "w", encoding="utf-8", newline=""))
        lines = stack.enter_context(open(folder / "qrels/test.jsonl", "w", encoding="utf-8", newline="\n"))
        writer = csv.writer(tsv, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_MINIMAL)
        # The csv module quotes what its own line end would break; a carriage return inside an id needs it too.
        quoting = csv.writer(tsv, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        writer.writerow(["query-id", "corpus-id", "score"])
        for q, d, grade in pairs:
            (quoting if "\r" in q or "\r" in d else writer).writerow([q, d, grade])
            lines.write(f'{{"query-id": {_quoted(q)}, "corpus-id": {_quoted(d)}, "score": {grade}}}\n')


def _write_about(folder: Path, name: str, counts: dict[str, int], about: dict[str, Any]) -> None:
    version = versions().get("limitlab", "from source")
    (folder / "README.md").write_text(_README.format(name=name, version=version, **counts), encoding="utf-8")
    files = {str(p.relative_to(folder)): sha256_file(p) for p in sorted(folder.rglob("*")) if p.is_file()}
    manifest = {"schema": "limitlab.manifest/1", "name": name, **counts, **about, "version": version, "sha256": files}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
