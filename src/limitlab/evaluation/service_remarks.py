"""What was odd about the answers of a service or of a run file, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Notes of a row by name, in the order in which they are told. {n} is the note; other names in braces are other notes of the row.
_SENTENCES: dict[str, str] = {
    "service": "{n}.",
    "settings_in_force": "in force: {n}.",
    "not_described": "the service did not say what it serves: {n}",
    "documents_at_service": "the dataset there holds {n} documents, the corpus here {documents_of_corpus}.",
    "uploaded_as": "the documents were uploaded as {n}.",
    "uploaded_documents": "{n} documents were uploaded.",
    "documents_already_there": "{n} documents were there already and were not uploaded again.",
    "documents_without_text": "{n} documents have no text and were not uploaded.",
    "documents_twice_at_service": "{n} documents are there twice: the answer to an upload was lost.",
    "dataset_deleted": "{n} was deleted afterwards.",
    "dataset_left": "{n} was there before, so it was not deleted.",
    "dataset_not_deleted": "what was uploaded could not be deleted: {n}",
    "documents_named_by": "documents were recognised by {n}.",
    "hits_asked_for": "only {n} hits a query were asked for: measures with a greater cut see no more.",
    "queries_cut_to_limit": "{n} queries are longer than {query_limit} characters and were cut to them.",
    "queries_over_limit_skipped": "{n} queries are longer than {query_limit} characters and were not asked.",
    "queries_not_asked": "{n} queries were not asked and count as having retrieved nothing.",
    "empty_answers": "{n} queries got no hit.",
    "short_answers": "{n} queries got fewer hits than asked for: a threshold, a filter, a budget, or too few documents.",
    "long_answers": "{n} queries got more hits than asked for; all were used.",
    "answers_ended_by_token_budget": "{n} queries got fewer hits than asked for: the budget of tokens was used up, or a threshold.",
    "answers_without_scores": "{n} answers have hits without a score and were ranked by position.",
    "answers_out_of_order": "{n} answers are not in the order of their scores; scores decided.",
    "repeated_hits": "{n} hits repeat a document, as its other chunks, in {answers_with_repeats} answers; a document counts once here, "
    "while each of its chunks takes a place in production.",
    "unknown_hits": "{n} hits are of no document of the corpus and were left out, such as {unknown_hits_such_as}.",
    "records_with_null_metadata": "{n} records have null as metadata, which breaks Dify.",
    "pages_read": "answers came in pages; {n} were read for answers of more than one.",
    "answers_resumed": "{n} answers are those of an interrupted run of the last 24 hours and were not asked for again.",
    "requests_repeated": "{n} requests failed and were repeated.",
    "queries_not_in_run": "{n} queries are not in the run and count as having retrieved nothing.",
    "run_queries_left_out": "{n} queries of the run are not evaluated and were left out.",
}


def service_remarks(label: str, notes: Mapping[str, Any]) -> list[str]:
    """A sentence for every note that has one, each beginning with the retriever's label."""
    words = {name: f"{value:,}" if isinstance(value, int) else str(value) for name, value in notes.items()}
    return [f"{label}: {text.format_map({**words, 'n': words[name]})}" for name, text in _SENTENCES.items() if notes.get(name)]
