"""Before and after: the base and the trained models on every corpus, through the evaluation and its ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from limitlab._core.progress import Progress
from limitlab._core.status import Status
from limitlab.data import Dataset
from limitlab.evaluation import Estimate, EvaluationResult, Row, bootstrap, evaluate, unmeasured
from limitlab.ledger import Ledger
from limitlab.retrieval import build
from limitlab.retrieval.dense import Dense
from limitlab.retrieval.encoder import LARGE_CORPUS, SentenceEncoder, resolve_precision
from limitlab.retrieval.multi_vector import MultiVector, tokens
from limitlab.training.base import Base, no_transformer
from limitlab.training.config import TrainConfig
from limitlab.training.one_model import TrainedModel
from limitlab.training.result import GENERAL, TASK, Change

MEASURES = ("recall@1", "recall@2", "recall@10", "recall@100", "ndcg@10")


@dataclass(frozen=True)
class Measured:
    """Changes, sentences for the reader, the evaluations' runs, and what has no number."""

    changes: tuple[Change, ...]
    notes: tuple[str, ...]
    run_ids: tuple[str, ...]
    problems: tuple[str, ...]


def measured(
    models: Sequence[TrainedModel],
    base: Base,
    corpora: Sequence[Dataset],
    general: Dataset | None,
    ledger: Ledger,
    *,
    resume: bool,
    progress: Progress,
) -> Measured:
    """Evaluate the base and all models, and pair the queries of both.

    All corpora are encoded at one precision, that of the largest, so that a difference between sizes is one of size.

    Parameters
    ----------
    corpora
        From ``nested``, ascending.
    """
    if not models:
        return Measured((), (), (), ())
    data = [*corpora, *([general] if general is not None else [])]
    precision, storage = _precision(data)
    options = {"measures": MEASURES, "ledger": ledger, "reuse": resume, "progress": progress}
    before, dims, notes = _before([m.config for m in models], base, precision, storage)
    runs: list[EvaluationResult] = []
    if dims:
        sizes = None if dims == [None] else dims  # token vectors are not cut
        runs.append(evaluate(data, [before], dims=sizes, title=f"before training: {base.name}", **options))  # type: ignore[arg-type]
    after = [_retriever(m, precision, storage) for m in models]
    trained_dims = list(models[0].config.matryoshka) or None
    runs.append(evaluate(data, after, dims=trained_dims, title=f"after training: {base.name}", **options))  # type: ignore[arg-type]
    problems = [f"{r.name} on {r.dataset}: {r.message}" for run in runs for r in run.rows if r.status is not Status.SOLVED]
    kinds = {d.name: TASK for d in corpora} | ({general.name: GENERAL} if general is not None else {})
    before_rows = {(r.dataset, r.dim): (r, runs[0]) for r in runs[0].rows if r.retriever == before.name and r.status is Status.SOLVED}
    changes = []
    for dataset in data:
        for split, dim, group in _groups(models, runs[-1], dataset):
            at = before_rows.get((dataset.name, dim))
            changes += [_change(kinds[dataset.name], dataset, split, dim, m, at, group, runs[-1]) for m in MEASURES]
    return Measured(tuple(changes), tuple(notes), tuple(i for run in runs for i in run.run_ids), tuple(problems))


def texts_left(
    models: Sequence[TrainedModel],
    untrained: Sequence[TrainConfig],
    base: Base,
    corpora: Sequence[Dataset],
    general: Dataset | None,
    ledger: Ledger,
    *,
    resume: bool,
) -> int:
    """Documents that ``measured`` has still to encode: by the base, by models that are there, and by those still to be trained.

    What the ledger has is not measured again, what is cached is not encoded again; a model that is trained again may turn out to be the same.
    """
    data = [*corpora, *([general] if general is not None else [])]
    precision, storage = _precision(data)
    configs = [*(m.config for m in models), *untrained]
    before, dims, _ = _before(configs, base, precision, storage)
    trained_dims = list(configs[0].matryoshka) or None
    adapters = configs[0].architecture == "adapter"  # they change the base's vectors

    def left(retriever: Dense | MultiVector, at: Sequence[int] | None) -> int:
        names = (
            {d.name for d in unmeasured(data, retriever, dims=at, measures=MEASURES, ledger=ledger)} if resume else {d.name for d in data}
        )
        tasks = [d for d in corpora if d.name in names][-1:]  # the corpora lie within one another
        return sum(retriever.uncached(d.docs) for d in [*tasks, *data[len(corpora) :]] if d.name in names)

    found = left(before, None if dims == [None] else dims) if dims else 0  # type: ignore[arg-type]
    if adapters:
        return found
    found += sum(left(_retriever(m, precision, storage), trained_dims) for m in models)  # one is loaded at a time
    return found + len(untrained) * (corpora[-1].n_docs + (general.n_docs if general is not None else 0))


def _precision(data: Sequence[Dataset]) -> tuple[str, str]:
    """(precision of documents, storage of token vectors)."""
    most = max(d.n_docs for d in data)
    return resolve_precision("auto", most)[0], "float32" if most < LARGE_CORPUS else "float16"


def _before(
    configs: Sequence[TrainConfig], base: Base, precision: str, storage: str
) -> tuple[Dense | MultiVector, list[int | None], list[str]]:
    """(the base as it is, its dimensions to be measured, notes): its first values, or MaxSim over its own token vectors."""
    made: Any = build(base.source, precision=precision)
    wanted: list[int | None]
    if configs[0].architecture == "multi-vector":
        if type(made) is not Dense:
            raise no_transformer(base)
        made, wanted, width = tokens([made], storage=storage), [None], 0
        notes = [f"Before: MaxSim over {base.name}'s own token vectors, as they are, at full dimension."]
    else:
        width, notes = SentenceEncoder(base.source).dim, []
        wanted = [*(configs[0].matryoshka or sorted({c.dim or width for c in configs}))]
    dims = [d for d in wanted if d is None or d <= width]
    if len(dims) < len(wanted):
        notes.append(f"{base.name} has {width} dimensions; wider models have nothing to be compared with.")
    if configs[0].architecture == "adapter":
        notes.append(
            "An adapter is fitted to its end: epochs, learning rate, batch size and loss do not apply, and there is no learning curve."
        )
    made.name, made.label = base.name, f"{base.name} as it is"
    return made, dims, notes


def _retriever(model: TrainedModel, precision: str, storage: str) -> Any:
    multi = model.config.architecture == "multi-vector"
    made: Any = MultiVector(model.folder, precision=precision, storage=storage) if multi else build(model.folder, precision=precision)
    made.name, made.label = model.config.name, model.name
    return made


def _groups(
    models: Sequence[TrainedModel], after: EvaluationResult, dataset: Dataset
) -> list[tuple[str, int | None, list[tuple[TrainedModel, Row]]]]:
    """Rows of one split and dimension together, a row a seed."""
    found: dict[tuple[str, int | None], list[tuple[TrainedModel, Row]]] = {}
    for model in models:
        for row in after.rows:
            if (row.dataset, row.retriever) == (dataset.name, model.config.name) and row.status is Status.SOLVED:
                found.setdefault((model.config.split, row.dim), []).append((model, row))
    return [(split, dim, group) for (split, dim), group in found.items()]


def _change(
    kind: str,
    dataset: Dataset,
    split: str,
    dim: int | None,
    measure: str,
    before: tuple[Row, EvaluationResult] | None,
    group: list[tuple[TrainedModel, Row]],
    after: EvaluationResult,
) -> Change:
    values = [after.per_query(row, measure) for _, row in group]
    mean = np.mean(values, axis=0)  # (n_queries,), over seeds
    old = before[1].per_query(before[0], measure) if before is not None else None
    known = np.zeros(len(mean), bool)
    if kind == TASK:
        drawn = set().union(*(m.test_queries for m, _ in group))
        known = np.array([q in drawn for q in dataset.queries.ids])
    return Change(
        kind,
        dataset.name,
        dataset.n_docs,
        split,
        dim,
        measure,
        _estimate(old) if old is not None else None,
        _estimate(mean),
        tuple(float(np.nanmean(v)) for v in values),
        _estimate(mean - old) if old is not None else None,
        float(np.nanmean(mean[known])) if known.any() else None,
        float(np.nanmean(mean[~known])) if known.any() and not known.all() else None,
    )


def _estimate(values: np.ndarray) -> Estimate:
    return bootstrap(values[~np.isnan(values)])
