"""All remedies of a plan, best first, and the sentence about the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from limitlab.diagnosis.remedies.adapter import adapters, trained_on_all
from limitlab.diagnosis.remedies.bench import Bench
from limitlab.diagnosis.remedies.hybrid import hybrids
from limitlab.diagnosis.remedies.larger_cut import larger_cuts
from limitlab.diagnosis.remedies.remedy import KINDS, MEASURED, Remedy
from limitlab.diagnosis.remedies.rerank import rerankers
from limitlab.diagnosis.remedies.serving import serving_undone
from limitlab.evaluation.gate import holm

_MEASURE = {"adapter": adapters, "hybrid": hybrids, "rerank": rerankers, "serving": serving_undone, "cut": larger_cuts}


def measured_remedies(bench: Bench) -> tuple[Remedy, ...]:
    """What the plan names: first those measured, best first, then larger cuts, bounds, and what is not possible.

    Saves the adapter of all queries where the plan names a file.
    """
    found = [remedy for name in bench.plan.names for remedy in _MEASURE[name](bench)]
    counted = [r for r in found if r.kind == MEASURED and r.recall is not None]
    adjusted = dict(zip((r.key for r in counted), holm([r.recall.p_value for r in counted if r.recall is not None])))
    found = [replace(r, p_adjusted=adjusted.get(r.key)) for r in found]
    if bench.plan.save_adapter is not None:
        trained_on_all(bench).save(bench.plan.save_adapter)
    return tuple(sorted(found, key=lambda r: (KINDS.index(r.kind), -r.gain)))


def remedy_sentence(remedies: Sequence[Remedy], k: int) -> str:
    """Which remedy helps most, with its gain; or that none does; nothing where none was measured."""
    measured = [r for r in remedies if r.kind == MEASURED]
    if not measured:
        return ""
    helping = [r for r in measured if r.helps]
    if not helping:
        what = "The one remedy measured does not help" if len(measured) == 1 else f"None of the {len(measured)} remedies measured helps"
        return f"{what} significantly."
    best = max(helping, key=lambda r: r.gain)
    assert best.recall is not None
    e = best.recall.difference
    name = f"A {best.label}" if best.trained else best.label[0].upper() + best.label[1:]
    told = f"{name} recovers {100 * e.mean:.1f} points of recall@{k}{' on held-out queries' if best.trained else ''}"
    told += f" ({100 * e.low:.1f} to {100 * e.high:.1f})"
    unseen = best.details.get("unseen_documents")
    if unseen and unseen.get("recall"):
        told += f", and {100 * unseen['recall']['difference']['mean']:.1f} points where the relevant documents were unseen in training"
    return f"{told}."
