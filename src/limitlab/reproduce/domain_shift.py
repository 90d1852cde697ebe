"""Training on LIMIT-like data: other attributes, or the test queries themselves [Weller2025, figure 4]."""

from __future__ import annotations

from dataclasses import replace

from limitlab._core.status import Status
from limitlab.published import lookup
from limitlab.reproduce.asked import Asked, Found
from limitlab.reproduce.experiment import Compared, compared
from limitlab.training import Change, TrainConfig, TrainResult, train

_MEASURE = "recall@10"
_SPLITS = ("train", "test")
_LIMIT, _SMALL = 50_000, 46
_PAPER = {s: f"modernbert-embed-large fine-tuned on LIMIT {s}" for s in _SPLITS}
_OTHERS = {
    "train": "modernbert-embed-large fine-tuned on regenerated LIMIT train",
    "test": "modernbert-embed-large fine-tuned on LIMIT test",
}
_SIZES = {
    "tiny": (TrainConfig(base="static", pairs=100, epochs=1, queries=200, matryoshka=(32, 128)), 1, (_SMALL,)),
    "small": (TrainConfig(base="minilm", pairs=500, epochs=3, matryoshka=(32, 128, 384)), 1, (_SMALL, 1_000)),
    "full": (TrainConfig(base="minilm", matryoshka=(32, 128, 384)), 3, (_SMALL, 1_000, 10_000, _LIMIT)),
}


def domain_shift(asked: Asked) -> Found:
    """The same models on nested corpora, after training on other attributes and on the test queries."""
    config, seeds, sizes = _SIZES[asked.size]
    config = replace(config, data_seed=asked.seed)
    found = train(
        config, splits=_SPLITS, seeds=seeds, n_docs=sizes, ledger=asked.ledger, command=asked.command, progress=asked.progress
    )  # fmt: skip
    departs = [f"base {config.base} instead of modernbert-embed-large", "data of our own: the same recipe, other words"]
    rows = [_row(asked, found, change, departs) for change in found.select(measure=_MEASURE, kind="task")]
    rows += _not_run(rows)
    return Found(rows, found.verdict, found.run_ids, [] if found.status is Status.SOLVED else [found.message])


def _row(asked: Asked, found: TrainResult, change: Change, departs: list[str]) -> Compared:
    """The paper measured among 50,000 documents, the repetition among 46; other corpora are ours alone."""
    paper = [v for v in lookup(dataset="LIMIT", metric=_MEASURE, model=_PAPER[change.split], kind="paper-finetune") if v.dim == change.dim]
    paper = paper if change.n_docs == _LIMIT else []
    others = [
        (_OTHERS[change.split], v.value, v.source)
        for v in lookup(dataset="LIMIT-small", metric=_MEASURE, model=_OTHERS[change.split], kind="reproduction-finetune")
        if v.dim == change.dim and change.n_docs == _SMALL
    ]
    e = change.after
    return compared(
        _MEASURE,
        f"after training on {change.split}, {change.n_docs:,} documents, d = {change.dim}",
        paper[0].value if paper else None,
        source=paper[0].source if paper else "",
        ours=100 * e.mean,
        low=100 * e.low,
        high=100 * e.high,
        before=None if change.before is None else 100 * change.before.mean,
        others=others,
        size=asked.size,
        departs=departs,
    )


def _not_run(rows: list[Compared]) -> list[Compared]:
    """The paper's other numbers: dimensions and measures that ours lack."""
    shown = {(r.published, r.source, r.setting.partition(",")[0]) for r in rows if r.published is not None}
    out = []
    for split, model in _PAPER.items():
        for v in lookup(dataset="LIMIT", model=model, kind="paper-finetune"):
            setting = f"after training on {split}"
            if v.metric != _MEASURE or (v.value, v.source, setting) not in shown:
                out.append(
                    compared(v.metric, f"{setting}, 50,000 documents, d = {v.dim}", v.value, source=v.source, not_run="not at this size")
                )
    return out
