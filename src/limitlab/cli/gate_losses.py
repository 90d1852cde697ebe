"""``limitlab gate --max-loss``: a diagnosis of every model as it is served, and its losses against limits."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limitlab._core.checks import whole
from limitlab._core.errors import InvalidArgument
from limitlab.cli.progress import Bars

if TYPE_CHECKING:
    from limitlab.evaluation import GateReport


class Served:
    """What --max-loss asks, and how vectors are served; refused before anything is measured where it makes no sense.

    Parameters
    ----------
    limits
        As given: ``quantisation=0.01``.
    dims
        Served dimensions, a diagnosis each; None: all.
    """

    def __init__(
        self,
        limits: Sequence[str],
        *,
        k: int,
        dims: Sequence[int] | None,
        dtype: str | None,
        query_dtype: str,
        index: str | None,
        run: Path | None,
    ) -> None:
        from limitlab.diagnosis import MaxLoss, parse_index
        from limitlab.diagnosis.served import QUERY_DTYPES, stored_type

        self.limits = [MaxLoss.parse(text) for text in limits]
        self.dims: Sequence[int | None] = list(dims) if dims else [None]
        self.options: dict[str, Any] = {
            "k": whole("--k", "k", k, low=1),
            "dtype": dtype,
            "query_dtype": query_dtype,
            "index": index,
            "run": run,
        }
        given = {"--dtype": dtype, "--index": index, "--run": run, "--query-dtype": None if query_dtype == "float32" else query_dtype}
        named = [name for name, value in given.items() if value is not None]
        if named and not limits:
            raise InvalidArgument(f"gate: {' and '.join(named)} must come with --max-loss, such as --max-loss quantisation=0.01; got none.")
        if dtype is not None:
            stored_type(dtype)
        if query_dtype not in QUERY_DTYPES:
            raise InvalidArgument(f"gate: --query-dtype must be one of {', '.join(QUERY_DTYPES)}; got {query_dtype!r}.")
        if index is not None:
            parse_index(index)
        here = {"truncation": bool(dims), "quantisation": bool(dtype or (named and "--query-dtype" in named)), "index": bool(index or run)}
        here["platform"] = run is not None
        for limit in self.limits:
            if not here.get(limit.level, True):
                raise InvalidArgument(
                    f"gate: a limit for {limit.level} must come with what is served there, such as --dim, --dtype, --index or --run; got none."
                )


def loss_report(served: Served, data: Sequence[Any], models: Sequence[str], *, precision: str, **options: Any) -> GateReport:
    """The checks of every dataset, model and served dimension."""
    from limitlab.diagnosis import diagnose, gate_losses
    from limitlab.evaluation import GateReport
    from limitlab.retrieval import build

    report = GateReport((), None)
    for dataset in data:
        for model in models:
            retriever = build(model, precision=precision)
            if not hasattr(retriever, "encoded"):
                raise InvalidArgument(f"gate: --max-loss must be asked of dense models; {model} has no vectors.")
            docs, queries = retriever.encoded(dataset.docs, dataset.queries, progress=Bars())
            for dim in served.dims:
                found = diagnose(
                    dataset, docs=docs, queries=queries, dim=dim, **served.options, **options, title=f"gate of {model}",
                    command=["limitlab", *sys.argv[1:]], progress=Bars(),
                )  # fmt: skip
                row = f"{retriever.name}@{dim or docs.shape[1]}"
                report = report.joined(gate_losses(found, served.limits, row=row))
    return report
