"""What a reader must know about a row beside its numbers, in sentences."""

from __future__ import annotations

from collections.abc import Iterable

from limitlab.evaluation.result import Row
from limitlab.evaluation.service_remarks import service_remarks


def remarks(row: Row) -> list[str]:
    """Sentences about texts that were cut, words that are unknown, and the precision of a row's vectors."""
    notes, label = row.notes, row.label or row.retriever
    out = []
    if notes.get("documents_cut"):
        share = notes.get("relevant_documents_cut_share", 0.0)
        out.append(
            f"{label} reads {notes.get('token_limit')} tokens: {notes['documents_cut']:,} documents are longer and cut, {100 * float(share):.1f} % of the relevant ones among them."
        )
    if notes.get("queries_cut"):
        out.append(f"{label} reads {notes.get('token_limit')} tokens: {notes['queries_cut']:,} queries are longer and cut.")
    if notes.get("queries_without_known_terms"):
        out.append(f"{label}: {notes['queries_without_known_terms']:,} queries have no word that occurs in the documents.")
    if notes.get("tokeniser"):
        how = (
            "jieba" if notes["tokeniser"] == "jieba" else "pairs of neighbouring characters (better with jieba: pip install 'limitlab[zh]')"
        )
        out.append(f"{label}: texts are written without spaces and were cut into words by {how}.")
    if notes.get("document_precision"):
        out.append(
            f"{label}: documents were encoded in {notes['document_precision']} ({notes.get('why_this_precision', '')}), queries in float32."
        )
    return out + service_remarks(label, notes)


def all_remarks(rows: Iterable[Row]) -> list[str]:
    """The remarks of several rows, each once, in order."""
    return list(dict.fromkeys(sentence for row in rows for sentence in remarks(row)))
