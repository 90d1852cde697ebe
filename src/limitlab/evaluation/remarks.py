"""What a reader must know about a row beside its numbers, in sentences."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from limitlab.evaluation.result import Row
from limitlab.evaluation.service_remarks import service_remarks


def remarks(row: Row) -> list[str]:
    """Sentences about texts that were cut, words that are unknown, the precision of a row's vectors, and what services were asked."""
    own = row.label or row.retriever
    groups: dict[str, dict[str, Any]] = {own: {}}
    for key, value in row.notes.items():  # retrievers made of others keep their parts' notes as "label: name"
        label, sign, name = key.rpartition(": ")
        groups.setdefault(label if sign else own, {})[name] = value
    share = row.notes.get("relevant_documents_cut_share", 0.0)
    return [sentence for label, notes in groups.items() for sentence in [*_local(label, notes, share), *_served(label, notes)]]


def _local(label: str, notes: dict[str, Any], share: float | str) -> list[str]:
    out = []
    if notes.get("different_names_or_versions"):
        out.append(
            f"{label}: documents and queries were encoded under different names or versions: {notes['different_names_or_versions']}."
        )
    if notes.get("documents_cut"):
        out.append(
            f"{label} reads {notes.get('token_limit')} tokens: {notes['documents_cut']:,} documents are longer and cut, {100 * float(share):.1f} % of the relevant ones among them."
        )
    if notes.get("queries_cut"):
        out.append(f"{label} reads {notes.get('token_limit')} tokens: {notes['queries_cut']:,} queries are longer and cut.")
    if notes.get("queries_without_known_terms"):
        out.append(f"{label}: {notes['queries_without_known_terms']:,} queries have no word that occurs in the documents.")
    if notes.get("tokeniser"):
        how = "words by jieba" if notes["tokeniser"] == "jieba" else "pairs of neighbouring characters"
        out.append(f"{label}: texts without spaces between words were cut into {how}.")
    if notes.get("document_precision"):
        out.append(
            f"{label}: documents were encoded in {notes['document_precision']} ({notes.get('why_this_precision', '')}), queries in float32."
        )
    return [*out, *service_remarks(label, notes), *_of_a_store(label, notes)]


def _served(label: str, notes: dict[str, Any]) -> list[str]:
    """What retrievers behind a service note."""
    out = []
    for prefix, what in (("", "texts"), ("rerank_", "reranking")):
        if tokens := notes.get(f"{prefix}tokens_sent"):
            guessed = notes.get(f"{prefix}tokens_estimated")
            counted = (
                "estimated from their length" if guessed == tokens else "part of them estimated" if guessed else "as the service counts"
            )
            cost = notes.get(f"{prefix}tokens_cost")
            paid = "" if cost is None else f"; {cost:,.4g} at {notes[f'{prefix}price_of_a_million_tokens']:g} a million"
            out.append(f"{label}: {what} of {tokens:,} tokens ({counted}){paid}.")
    if notes.get("rerank_search_units"):
        out.append(f"{label}: {notes['rerank_search_units']:,} search units were billed.")
    for what in ("documents", "queries"):
        if empty := notes.get(f"empty_{what}_sent_as_a_space"):
            out.append(f"{label}: {empty:,} empty {what} were sent as one space.")
        if cut := notes.get(f"{what}_cut_at_characters"):
            out.append(f"{label}: {cut:,} {what} were cut at {notes.get('max_chars'):,} characters.")
    if notes.get("requests_repeated"):
        out.append(f"{label}: {notes['requests_repeated']:,} requests were repeated after an error or silence of the service.")
    if notes.get("served_dtype"):
        out.append(f"{label}: the server computes in {notes['served_dtype']}.")
    if notes.get("server_cuts_long_texts"):
        out.append(f"{label}: the server cuts long texts ({notes['server_cuts_long_texts']}) and does not say which.")
    for key, words in (
        ("unknown_ids", "ids named are not in the corpus"),
        ("queries_unanswered", "queries got no answer that could be read"),
        ("answers_not_json", "answers were not the JSON asked for; ids were looked for in their text"),
        ("answers_cut", "answers were cut off by the service"),
    ):
        if notes.get(key):
            out.append(f"{label}: {notes[key]:,} {words}.")
    return out


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
