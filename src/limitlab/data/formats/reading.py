"""Read a dataset folder: BEIR, the released LIMIT layout, HF / MTEB folders; or a dataset of the hub."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from pathlib import Path

from limitlab._core.errors import DataError, InvalidArgument
from limitlab._core.files import read_json
from limitlab.data.dataset import Dataset, checked_dataset
from limitlab.data.formats.jsonl import identifier, read_texts, records

Judgement = tuple[str, str, int]
_CORPUS = ("corpus.jsonl", "corpus/corpus.jsonl", "corpus/test.jsonl")
_QUERIES = ("queries.jsonl", "queries/queries.jsonl", "queries/test.jsonl")


def load(
    source: str | Path, *, split: str = "test", qrels: str | Path | None = None, strict: bool = False, name: str | None = None
) -> Dataset:
    """A dataset from a folder, or from the hub with ``hf:owner/name``.

    Folders: BEIR (``corpus.jsonl``, ``queries.jsonl``, ``qrels/test.tsv``), the released LIMIT layout (``corpus.jsonl``,
    ``queries.jsonl``, ``qrels.jsonl``), HF / MTEB (``qrels/test.jsonl``; README not needed). Titles are put before texts.

    Parameters
    ----------
    split
        Which qrels: "test", "dev", "train", ...
    qrels
        Another qrels file (TSV with BEIR header, JSON lines, or TREC's four columns).
    strict
        Refuse queries without relevant documents and empty documents, which otherwise are counted in ``notes``.

    Raises
    ------
    DataError
        A malformed line (path:line), repeated or unknown ids, an empty corpus, no relevant document.

    Examples
    --------
    >>> load("my-beir-folder")  # doctest: +SKIP
    """
    if isinstance(source, str) and source.startswith("hf:"):
        from limitlab.data.formats.hub import load_hub

        return load_hub(source[3:], split=split, strict=strict, name=name)
    folder = Path(source)
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        raise InvalidArgument(f"load(): a dataset folder (or hf:owner/name) is needed; {source} {what}.")
    docs_path, queries_path = corpus_file(folder), queries_file(folder)
    qrels_path = Path(qrels) if qrels is not None else find_qrels(folder, split)
    if not qrels_path.is_file():
        raise DataError.at(qrels_path, None, "this qrels file does not exist")
    docs, empty_docs = read_texts(docs_path)
    queries, _ = read_texts(queries_path)
    return checked_dataset(
        name or folder.resolve().name,
        docs,
        queries,
        list(read_qrels(qrels_path)),
        who=str(folder),
        strict=strict,
        empty_docs=empty_docs,
        origin={"folder": folder.name, "qrels": qrels_path.name, **_manifest(folder)},
    )


def corpus_file(folder: Path) -> Path:
    """The file of documents in a dataset folder; DataError listing what is there when there is none."""
    return _first_of(folder, _CORPUS)


def queries_file(folder: Path) -> Path:
    """The file of queries in a dataset folder; DataError listing what is there when there is none."""
    return _first_of(folder, _QUERIES)


def find_qrels(folder: Path, split: str) -> Path:
    """The qrels file of a split; DataError listing what was looked for and which splits there are."""
    names = (f"qrels/{split}.tsv", f"qrels/{split}.jsonl", f"default/{split}.jsonl", "qrels.jsonl", "qrels.tsv")
    for name in names:
        if (folder / name).is_file():
            return folder / name
    there = sorted({p.stem for p in folder.glob("qrels/*") if p.suffix in (".tsv", ".jsonl")})
    hint = f"; splits found: {', '.join(there)}" if there else ""
    raise DataError.at(folder, None, f"no qrels found for split {split!r}; looked for {', '.join(names)}{hint}")


def read_qrels(path: Path) -> Iterator[Judgement]:
    """(query id, document id, grade) of a TSV, JSON-lines or TREC qrels file."""
    if path.suffix == ".jsonl":
        yield from _jsonl_qrels(path)
    else:
        yield from _tsv_qrels(path)


def _jsonl_qrels(path: Path) -> Iterator[Judgement]:
    for number, record in records(path):
        q = identifier(path, number, record, ("query-id", "query_id"))
        d = identifier(path, number, record, ("corpus-id", "corpus_id"))
        yield q, d, whole_grade(path, number, record.get("score", 1))


def _tsv_qrels(path: Path) -> Iterator[Judgement]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        # BEIR writes qrels with the csv module: ids holding tabs or quotes are quoted.
        reader = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_MINIMAL)
        try:
            for row in reader:
                number = reader.line_num
                if not row or row == [""]:
                    continue
                if number == 1 and row[-1].strip() in ("score", "relevance", "label"):
                    continue
                if len(row) == 1:
                    row = row[0].split()  # TREC qrels may be separated by spaces
                if len(row) == 4:
                    row = [row[0], row[2], row[3]]
                if len(row) != 3:
                    raise DataError.at(
                        path, number, f"three tab-separated fields are expected (query-id, corpus-id, score); the line has {len(row)}"
                    )
                if not row[0] or not row[1]:
                    raise DataError.at(path, number, "an id is empty")
                yield row[0], row[1], whole_grade(path, number, row[2])
        except UnicodeDecodeError as error:
            raise DataError.at(path, None, f"not UTF-8 text ({error.reason} at byte {error.start})") from error
        except csv.Error as error:
            raise DataError.at(path, reader.line_num, f"not readable as tab-separated text ({error})") from error


def whole_grade(path: Path | str, number: int | None, value: object) -> int:
    """A judgement as an int; DataError when it is not a whole number."""
    try:
        grade = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise DataError.at(path, number, f"score must be a whole number; it is {value!r}") from None
    if isinstance(value, bool) or not math.isfinite(grade) or grade != int(grade) or abs(grade) > 2**31 - 1:
        raise DataError.at(path, number, f"score must be a whole number; it is {value!r}")
    return int(grade)


def _first_of(folder: Path, names: tuple[str, ...]) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    there = ", ".join(sorted(p.name for p in folder.iterdir())[:8]) or "nothing"
    raise DataError.at(folder, None, f"{names[0]} is missing; the folder holds {there}")


def _manifest(folder: Path) -> dict[str, object]:
    """Generator facts from manifest.json, when limitlab wrote the folder."""
    path = folder / "manifest.json"
    if not path.is_file():
        return {}
    found = read_json(path)
    config = found.get("config") if isinstance(found, dict) else None
    if not isinstance(config, dict):
        return {}
    templates = {"templates": found["templates"]} if isinstance(found.get("templates"), dict) else {}
    return {"generator": found.get("generator"), "pattern": config.get("pattern"), "config": config, **templates}
