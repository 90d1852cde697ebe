"""The verdict: three plain sentences that hold for the numbers they are made from."""

from __future__ import annotations

from collections.abc import Sequence

from limitlab.diagnosis.result import Level

_ADVICE = {
    "cut": "A larger k is the only thing that brings these documents back.",
    "documents": "No better query vector was found for these documents: look at how documents are encoded, split and stored.",
    "encoder": "The document vectors can be retrieved by better query vectors: look at the query side, not at the index.",
    "truncation": "Serve more dimensions, or use a model that was trained to be truncated.",
    "quantisation": "Use a wider type, or rescore the candidates with the full vectors.",
    "index": "Give the index more effort (ef, nprobe), or search exactly.",
    "platform": "Look at limits, score thresholds, filters and repeated chunks between the search and the reader.",
}


def verdict(levels: Sequence[Level], *, k: int, n_queries: int, n_relevant: int, complete_queries: int) -> tuple[str, str, str]:
    """What is missing and where it was lost; what the document vectors allow; what the dimension has to do with it.

    Parameters
    ----------
    levels
        All levels, counted.
    complete_queries
        Queries for which a query vector was found that retrieves every relevant document that fits into the cut.
    """
    by_key = {level.key: level for level in levels}
    n_missing = n_relevant - levels[-1].retained
    return (
        _where(levels, k, n_missing, n_relevant),
        _documents(by_key["documents"], k, n_queries, complete_queries),
        _dimension(by_key["dimension"]),
    )


def _where(levels: Sequence[Level], k: int, n_missing: int, n_relevant: int) -> str:
    recall = f"Recall@{k} is {_percent(levels[-1].recall.mean)}"
    if not n_missing:
        return f"{recall}: all {n_relevant:,} relevant documents are retrieved, and no level is to blame."
    ordered = sorted((level for level in levels if level.blamed), key=lambda level: -level.blamed)
    shares = [f"{_percent(level.blamed / n_missing)} of the loss is the {level.label} ({level.blamed:,})" for level in ordered[:3]]
    more = f", and {sum(level.blamed for level in ordered[3:]):,} are lost elsewhere" if len(ordered) > 3 else ""
    return f"{recall}, {n_missing:,} of {n_relevant:,} relevant documents are missing: {', '.join(shares)}{more}. {_ADVICE[ordered[0].key]}"


def _documents(level: Level, k: int, n_queries: int, complete: int) -> str:
    share = f"For {_percent(complete / n_queries)} of the queries a query vector"
    what = f"retrieves every relevant document that fits into the first {k} from your document vectors"
    if complete == n_queries:
        return f"{share} exists that {what}."
    return f"{share} was found that {what}; for the other {n_queries - complete:,} none was found, which does not prove that there is none."


def _dimension(level: Level) -> str:
    if level.status == "possible":
        return f"More dimensions are not needed to hold these qrels: {level.note}."
    if level.status == "exists":
        return f"More dimensions are not needed to hold these qrels, though nobody has constructed the vectors: {level.note}."
    if level.status == "impossible":
        return f"The dimension is too small for these qrels: {level.note}."
    return f"Whether the dimension is large enough for these qrels is open, and it is charged with no loss: {level.note}."


def _percent(share: float) -> str:
    """Rounded so that only the whole is called 100 % and only nothing 0 %."""
    value = 100 * share
    for digits in (0, 1, 2):
        text = f"{value:.{digits}f}"
        if (float(text) in (0.0, 100.0)) == (share in (0.0, 1.0)) and abs(float(text) - value) <= 0.05 + 0.45 * (5 < value < 95):
            return f"{text} %"
    return "under 0.01 %" if share < 0.5 else "over 99.99 %"
