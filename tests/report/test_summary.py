"""The headline says only what the rows say, and does not call an untrained baseline an embedding model."""

from __future__ import annotations

from dataclasses import replace

from limitlab.report.summary import cards, headline, sentences


def test_untrained_sums_are_a_baseline_and_not_the_best_embedding(samples):
    top = headline(samples.limit_result())
    assert top.sized.retriever == "minilm"
    assert top.untrained.retriever == "token-sums"
    said = sentences(samples.limit_result())
    assert any("learn nothing" in s and "same 384 dimensions" in s for s in said)
    assert all("token" not in c.detail for c in cards(samples.limit_result()))


def test_untrained_sums_are_shown_when_there_is_nothing_else(samples):
    result = samples.limit_result()
    alone = replace(result, rows=tuple(r for r in result.rows if r.family == "untrained"))
    assert headline(alone).sized.retriever == "token-sums"
    assert not any("learn nothing" in s for s in sentences(alone))


def test_no_sentence_about_the_untrained_when_intervals_overlap(samples):
    result = samples.limit_result()
    rows = tuple(
        replace(r, measures={m: replace(e, low=0.0) for m, e in r.measures.items()}) if r.family == "untrained" else r for r in result.rows
    )
    assert not any("learn nothing" in s for s in sentences(replace(result, rows=rows)))
