"""What a reader must know about a row beside its numbers, in sentences."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from limitlab.evaluation.result import Row


def remarks(row: Row) -> list[str]:
    """Sentences about texts that were cut, words that are unknown, the precision of a row's vectors, and how a vector store searched."""
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
    if notes.get("document_precision"):
        out.append(
            f"{label}: documents were encoded in {notes['document_precision']} ({notes.get('why_this_precision', '')}), queries in float32."
        )
    return [*out, *_of_a_store(label, notes)]


def _of_a_store(label: str, notes: dict[str, Any]) -> list[str]:
    """How a vector store searched, and where it is not what was asked for."""
    out = []
    if "stored_as" in notes:
        dim = f"{notes['served_dimension']:,} dimensions" if "served_dimension" in notes else "vectors"
        out.append(
            f"{label}: {notes.get('points', 0):,} points of {dim}, stored as {notes['stored_as']}, quantisation {notes.get('quantisation')}, by "
            f"{notes.get('metric')}; search {notes.get('search')}: {notes.get('index')}."
        )
    if "model_dimension" in notes:
        out.append(
            f"{label} serves {notes.get('served_dimension')} dimensions, the model has {notes['model_dimension']}: queries were cut as well."
        )
    if "lengths_of_stored_vectors" in notes:
        out.append(
            f"{label} compares by inner product, and stored vectors have lengths from {notes['lengths_of_stored_vectors']}: long ones win. Use cosine."
        )
    if "documents" in notes and "points" in notes:
        out.append(f"{label} holds {notes['points']:,} points; the dataset has {notes['documents']:,} documents.")
    if notes.get("queries_with_fewer_hits"):
        out.append(
            f"{label} gave fewer than the {notes.get('hits_asked')} documents asked for to {notes['queries_with_fewer_hits']:,} queries."
        )
    if notes.get("hits_that_repeat_a_document"):
        out.append(f"{label}: {notes['hits_that_repeat_a_document']:,} hits repeat a document of their list; the best of them counts.")
    if notes.get("hits_of_unknown_ids"):
        out.append(f"{label}: {notes['hits_of_unknown_ids']:,} hits name no document of the dataset and were left out.")
    return out


def all_remarks(rows: Iterable[Row]) -> list[str]:
    """The remarks of several rows, each once, in order."""
    return list(dict.fromkeys(sentence for row in rows for sentence in remarks(row)))
