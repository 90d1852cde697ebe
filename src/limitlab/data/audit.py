"""Is a LIMIT-like dataset what it claims to be? Leaks, duplicates, unequal counts, length skew, the promised pattern."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from limitlab._core.files import canonical_json, read_json, sha256_file, write_text
from limitlab._core.progress import SILENT, Progress
from limitlab._core.provenance import versions
from limitlab._core.texts import listed_phrases
from limitlab.data.dataset import Dataset
from limitlab.data.formats.reading import load
from limitlab.data.phrases import Phrases
from limitlab.data.vocabulary import Templates
from limitlab.relevance import RelevanceMatrix, dense_documents, query_graph


@dataclass(frozen=True)
class Leak:
    """A query whose asked text also stands in a document that is not relevant to it."""

    query_id: str
    asked: str
    doc_id: str


@dataclass(frozen=True)
class AuditReport:
    """What the audit found.

    Attributes
    ----------
    leaks
        One example document for each leaking query.
    n_leaking_queries, n_leaking_pairs
        Queries with a leak, and (query, irrelevant document) pairs.
    duplicate_documents
        Documents whose text, name aside, or whose set of attributes another document has too.
    attribute_counts
        ``{attributes a document: documents}``; one key when all are equal.
    length
        Characters: mean of relevant and of other documents, and ``auc``, the chance that a relevant document is longer
        than another (0.5: length says nothing).
    patterns
        Patterns that the relevance matrix is consistent with.
    promised_pattern
        The pattern in ``manifest.json``, or None.
    problems
        One sentence for everything that is not as it should be; empty when the dataset is sound.
    documents_without_facts
        Of a corpus to which facts were added: documents left as they were. Attributes, duplicates and lengths are those of
        the others; leaks are looked for in all.
    """

    name: str
    n_docs: int
    n_queries: int
    n_relevant: int
    leaks: tuple[Leak, ...]
    n_leaking_queries: int
    n_leaking_pairs: int
    duplicate_documents: int
    attribute_counts: dict[int, int]
    length: dict[str, float]
    patterns: tuple[str, ...]
    promised_pattern: str | None
    query_graph: dict[str, float]
    problems: tuple[str, ...] = ()
    documents_without_facts: int = 0
    sha256: dict[str, str] = field(default_factory=dict)

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Plain values with a schema version."""
        out = asdict(self)
        out["attribute_counts"] = {str(k): v for k, v in self.attribute_counts.items()}
        return {"schema": "limitlab.audit/1", "sound": self.sound, **out}


def audit(source: str | Path | Dataset, *, write_manifest: bool = False, progress: Progress = SILENT) -> AuditReport:
    """Check a LIMIT-like dataset.

    Parameters
    ----------
    source
        A dataset folder, or a Dataset.
    write_manifest
        Put counts, SHA-256 of the files, version and the findings into ``manifest.json`` of the folder; what the
        generator wrote there (seed, config) is kept.

    Returns
    -------
    AuditReport; a leak is a case-insensitive occurrence of the asked text that begins at a word: what a
    tokeniser may see ("Law" in "Lawyers").

    Raises
    ------
    DataError
        As ``load``.
    """
    dataset = source if isinstance(source, Dataset) else load(source)
    templates = Templates(**dataset.origin.get("templates", {}))
    asked = asked_texts(list(dataset.queries), templates)
    relevance = dataset.relevance.binary()
    with_facts = _fact_lister(templates) if dataset.origin.get("generator") == "stress" else None
    found = _scan(dataset, relevance, asked, with_facts or _lister(templates), progress, all_listed=with_facts is None)
    promised = dataset.origin.get("pattern")
    bare = found.pop("relevant_without_facts")
    report = AuditReport(
        name=dataset.name,
        n_docs=dataset.n_docs,
        n_queries=dataset.n_queries,
        n_relevant=relevance.n_relevant,
        patterns=consistent_patterns(relevance),
        promised_pattern=promised,
        query_graph=query_graph(relevance).to_dict(),
        **found,
    )
    folder = None if isinstance(source, Dataset) else Path(source)
    files = _hashes(folder) if folder else {}
    report = AuditReport(**{**report.__dict__, "problems": _problems(report, dataset, bare), "sha256": files})
    if folder is not None and write_manifest:
        path = folder / "manifest.json"
        before = read_json(path) if path.is_file() else {}
        counts = {"n_docs": report.n_docs, "n_queries": report.n_queries, "n_relevant": report.n_relevant}
        about = {
            "schema": "limitlab.manifest/1",
            "name": report.name,
            "seed": None,
            **before,
            **counts,
            "version": versions().get("limitlab"),
            "sha256": files,
        }
        found_short = {k: v for k, v in report.to_dict().items() if k not in ("sha256", "name", "n_docs", "n_queries", "n_relevant")}
        write_text(path, json.dumps({**about, "audit": json.loads(canonical_json(found_short))}, indent=2, ensure_ascii=False) + "\n")
    return report


def asked_texts(queries: list[str], templates: Templates | None = None) -> list[str]:
    """What each query asks: its text without the query template ("Who likes " and "?").

    Queries of another template lose the beginning and end that all of them share.
    """
    templates = templates or Templates()
    before, after = templates.query.split("{attribute}", 1)
    if all(q.startswith(before) and q.endswith(after) and len(q) > len(before + after) for q in queries):
        return [q[len(before) : len(q) - len(after)] for q in queries]
    if len(queries) < 2:
        return list(queries)
    head = _common_start(queries)
    tail = _common_start([q[::-1] for q in queries])[::-1]
    # The shared parts end at word boundaries: "Who likes S" is not a template when every asked word starts with S.
    head = head[: len(head) - len(re.search(r"[\w'-]*$", head)[0])]  # type: ignore[index]
    tail = tail[len(re.match(r"[\w'-]*", tail)[0]) :]  # type: ignore[index]
    stop = [len(q) - len(tail) if tail else len(q) for q in queries]
    return [q[len(head) : s].strip() or q for q, s in zip(queries, stop)]


def _common_start(texts: list[str]) -> str:
    low, high = min(texts), max(texts)
    same = next((i for i, (a, b) in enumerate(zip(low, high)) if a != b), min(len(low), len(high)))
    return low[:same]


def consistent_patterns(relevance: RelevanceMatrix) -> tuple[str, ...]:
    """Patterns of [Weller2025] that a binary matrix can have come from, up to the order of documents and queries."""
    sizes = np.diff(relevance.indptr)
    if not sizes.size or sizes.min() != sizes.max() or not sizes[0]:
        return ()
    k = int(sizes[0])
    rows = relevance.indices.reshape(-1, k)
    distinct, counts = np.unique(rows, axis=0, return_counts=True)
    degree = np.bincount(relevance.indices, minlength=relevance.n_docs)
    found = []
    if len(distinct) == len(rows) and int((degree > 0).sum()) == dense_documents(len(rows), k):
        found.append("dense")
    if (degree <= 1).all():
        found.append("disjoint")
    # A ring that is gone round more than once repeats its rows, each nearly equally often.
    if counts.max() - counts.min() <= 1 and _is_ring(distinct, k):
        found.append("cycle")
    return (*found, "random")


def _is_ring(rows: np.ndarray, k: int) -> bool:
    """Whether the distinct rows are the windows of k consecutive documents of a ring, in some order."""
    from scipy import sparse

    docs, columns = np.unique(rows, return_inverse=True)
    columns = columns.reshape(rows.shape)
    n, m = len(rows), len(docs)
    if k == 1 or m == k:  # single documents, or one window that is the whole ring
        return k == 1 or n == 1
    if n != m or (np.bincount(columns.reshape(-1)) != k).any():
        return False
    if m == k + 1:  # all windows are there, each leaves one document out: any order is a ring
        return True
    a = sparse.csr_matrix((np.ones(columns.size, np.int32), columns.reshape(-1), np.arange(n + 1) * k), shape=(n, m))
    together = sparse.csr_matrix(a.T @ a)
    # Neighbours on the ring are together in k - 1 windows, documents further apart in fewer.
    near = sparse.csr_matrix((together.data == k - 1, together.indices, together.indptr), shape=together.shape)
    near.eliminate_zeros()
    if (np.diff(near.indptr) != 2).any():
        return False
    ring = [0, int(near.indices[0])]
    while len(ring) < m:
        one, other = near.indices[2 * ring[-1] : 2 * ring[-1] + 2].tolist()
        ring.append(one if other == ring[-2] else other)
    place = np.empty(m, np.int64)
    place[ring] = np.arange(m)
    if len(set(ring)) < m:
        return False
    windows = {frozenset((int(start + j) % m) for j in range(k)) for start in range(m)}
    return {frozenset(row.tolist()) for row in place[columns]} == windows


def _scan(
    dataset: Dataset,
    relevance: RelevanceMatrix,
    asked: list[str],
    listed: Callable[[str], list[str]],
    progress: Progress,
    *,
    all_listed: bool,
) -> dict[str, Any]:
    """One pass over the documents: leaks, duplicates, attribute counts, lengths."""
    phrases = Phrases(asked)
    relevant_rows = [frozenset(relevance.row(i).tolist()) for i in range(relevance.n_queries)]
    degree = np.bincount(relevance.indices, minlength=relevance.n_docs)
    examples: dict[int, Leak] = {}
    pairs = 0
    seen: Counter[int] = Counter()
    counts: Counter[int] = Counter()
    lengths = np.zeros(dataset.n_docs, np.int64)
    carries = np.ones(dataset.n_docs, bool)  # documents with attributes: the ones to be compared with each other
    with progress.task("audit", dataset.n_docs) as bar:
        for j, (doc_id, text) in enumerate(zip(dataset.docs.ids, dataset.docs)):
            lengths[j] = len(text)
            attributes = listed(text)
            carries[j] = all_listed or bool(attributes)
            if carries[j]:
                counts[len(attributes)] += 1
                seen[hash(frozenset(attributes) if all_listed else text)] += 1  # texts of their own differ where facts do not
            hit = phrases.found_in(text)
            for i in hit:
                if j not in relevant_rows[i]:
                    pairs += 1
                    examples.setdefault(i, Leak(dataset.queries.ids[i], asked[i], doc_id))
            bar.advance()
    return {
        "leaks": tuple(examples[i] for i in sorted(examples)),
        "n_leaking_queries": len(examples),
        "n_leaking_pairs": pairs,
        "duplicate_documents": sum(c for c in seen.values() if c > 1),
        "attribute_counts": dict(sorted(counts.items())),
        "length": _length_skew(lengths[carries], degree[carries] > 0),
        "documents_without_facts": int((~carries).sum()),
        "relevant_without_facts": int((degree[~carries] > 0).sum()),
    }


def _lister(templates: Templates) -> Callable[[str], list[str]]:
    """A function from a document's text to its attributes."""
    if templates == Templates():
        return listed_phrases
    before, after = (re.escape(part).replace(re.escape("{name}"), ".*?") for part in templates.document.split("{attributes}", 1))
    frame = re.compile(f"{before}(.*){after}", re.DOTALL)

    def attributes(text: str) -> list[str]:
        match = frame.fullmatch(text)
        return _split(match[1] if match else text, templates)

    return attributes


def _fact_lister(templates: Templates) -> Callable[[str], list[str]]:
    """A function from a document's text to the facts that were added to it; none where there is no such sentence."""
    before, after = templates.document.split("{attributes}", 1)

    def facts(text: str) -> list[str]:
        _, found, rest = text.partition(before)
        return _split(rest.partition(after)[0], templates) if found else []

    return facts


def _split(listed: str, templates: Templates) -> list[str]:
    parts = listed.split(templates.separator)
    return [p for p in [*parts[:-1], *parts[-1].rsplit(templates.last_separator, 1)] if p]


def _length_skew(lengths: np.ndarray, relevant: np.ndarray) -> dict[str, float]:
    if not lengths.size:
        return {"min": 0.0, "mean": 0.0, "max": 0.0}
    out = {"min": float(lengths.min()), "mean": float(lengths.mean()), "max": float(lengths.max())}
    if relevant.any() and not relevant.all():
        from scipy.stats import mannwhitneyu

        test = mannwhitneyu(lengths[relevant], lengths[~relevant])
        auc = test.statistic / (relevant.sum() * (~relevant).sum())
        out |= {
            "mean_relevant": float(lengths[relevant].mean()),
            "mean_other": float(lengths[~relevant].mean()),
            "auc": float(auc),
            "p_value": float(test.pvalue),
        }
    return out


def _problems(report: AuditReport, dataset: Dataset, relevant_without_facts: int) -> tuple[str, ...]:
    found = []
    if relevant_without_facts:
        found.append(f"{relevant_without_facts} relevant documents hold no facts.")
    if report.n_leaking_queries:
        found.append(
            f"{report.n_leaking_queries} queries leak: what they ask also stands in {report.n_leaking_pairs} irrelevant documents."
        )
    if report.duplicate_documents:
        same = "text" if dataset.origin.get("generator") == "stress" else "attributes"
        found.append(f"{report.duplicate_documents} documents have the same {same} as another one.")
    if len(report.attribute_counts) > 1:
        low, high = min(report.attribute_counts), max(report.attribute_counts)
        found.append(f"Documents do not have equally many attributes: {low} to {high}.")
    auc, p = report.length.get("auc", 0.5), report.length.get("p_value", 1.0)
    if abs(auc - 0.5) > 0.1 and p < 0.001:
        found.append(f"Length gives relevance away: a relevant document is longer than another with chance {auc:.2f}.")
    if report.promised_pattern and report.promised_pattern not in report.patterns:
        found.append(
            f"The pattern is not {report.promised_pattern}, as promised; it is consistent with: {', '.join(report.patterns) or 'none'}."
        )
    if left_out := dataset.notes.get("queries_without_relevant_documents"):
        found.append(f"{left_out} queries have no relevant document.")
    return tuple(found)


def _hashes(folder: Path) -> dict[str, str]:
    names = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "manifest.json" and not p.name.startswith("."))
    return {str(p.relative_to(folder)): sha256_file(p) for p in names}
