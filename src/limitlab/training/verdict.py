"""What an experiment says about "in-domain training does not help", in sentences made from its numbers alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from limitlab.published import lookup
from limitlab.training.config import ON_PURPOSE

if TYPE_CHECKING:
    from limitlab.training.result import Change, TrainResult

HEADLINE, GENERAL_HEADLINE = "recall@10", "recall@1"
_PAPER_DOCS = 50_000
_PAPER_MODEL = "modernbert-embed-large fine-tuned on LIMIT train"
_WORDS = {
    "train": "Trained on other attributes (train split)",
    "test": "Trained on the test queries (overfitting on purpose)",
    "mix": "Trained on a mix of both splits (half overfitting on purpose)",
}


def sentences(result: TrainResult) -> list[str]:
    """Adapters that change nothing, one sentence a split, then the claim, drowning, and what was forgotten; those without numbers are absent."""
    out = _unchanged(result)
    for split in dict.fromkeys(c.split for c in result.changes):
        task = _of(result, "task", split, HEADLINE)
        if task:
            out.append(_gain(split, task))
    out += [*_claim(result), *_drowning(result), *_forgotten(result), *result.notes]
    return out


def _unchanged(result: TrainResult) -> list[str]:
    """Adapters that were saved as they began: no number below is theirs."""
    fits = [(m.config.name, m.facts["adapter"]) for m in result.models if m.config.architecture == "adapter"]
    same = [name for name, fit in fits if not fit["ridge"] and fit["start"] == "unchanged"]
    if not same:
        return []
    which = "The saved adapter changes nothing" if len(same) == 1 else "These saved adapters change nothing"
    return [f"{which}, because no adapter gained on the pairs held out for the choice: {'; '.join(same)}."]


def _of(result: TrainResult, kind: str, split: str, measure: str) -> list[Change]:
    return [c for c in result.changes if (c.kind, c.split, c.measure) == (kind, split, measure)]


def _top(changes: list[Change]) -> Change:
    return max(changes, key=lambda c: (c.n_docs, c.dim or 0))


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _at(change: Change) -> str:
    return "" if change.dim is None else f" at {change.dim:,} dimensions"


def _gain(split: str, changes: list[Change]) -> str:
    top = _top(changes)
    seeds = f", {_percent(min(top.by_seed))} to {_percent(max(top.by_seed))} over {len(top.by_seed)} seeds" if len(top.by_seed) > 1 else ""
    words = f"{_WORDS[split]}: recall@10 among {top.n_docs:,} documents{_at(top)} is {_percent(top.after.mean)} %{seeds}"
    if top.before is None or top.difference is None:
        return f"{words}; the base has no vectors of that dimension to compare with."
    d = top.difference
    return f"{words}; before {_percent(top.before.mean)} % ({100 * d.mean:+.1f} points, 95 % interval {100 * d.low:+.1f} to {100 * d.high:+.1f})."


def _claim(result: TrainResult) -> list[str]:
    """Whether training on other attributes helps, counted over all corpora and dimensions of the experiment; for LIMIT also the level it reaches."""
    compared = [c for c in _of(result, "task", "train", HEADLINE) if c.difference is not None]
    if not compared:
        return []
    better = sum(c.difference.low > 0 for c in compared if c.difference)
    worse = sum(c.difference.high < 0 for c in compared if c.difference)
    count = f"in {better} of {len(compared)} comparisons recall@10 rises beyond its 95 % interval, in {worse} it falls"
    if result.config.get("data") != "limit" or result.config.get("architecture", "single-vector") != "single-vector":
        return [f"Does in-domain training help here? In{count[2:]}."]
    seen = "is not seen here" if better > len(compared) / 2 else "is seen here" if not better else "is seen here in part"
    return [f'That "in-domain training does not help" {seen}: {count}.', _level(result)]


def _level(result: TrainResult) -> str:
    """The level that the paper found after training on other attributes, beside the one reached here among as many documents."""
    reached = _of(result, "task", "train", HEADLINE)
    level = max(v.value for v in lookup(dataset="LIMIT", metric=HEADLINE, model=_PAPER_MODEL, kind="paper-finetune"))
    words = f"The paper states a level: at most {level} % after such training among {_PAPER_DOCS:,} documents"
    there = [c for c in reached if c.n_docs >= _PAPER_DOCS]
    if not there:
        largest = max(c.n_docs for c in reached)
        return f"{words}; these numbers are for at most {largest:,} and neither confirm nor contradict it."
    above = sum(100 * c.after.low > level for c in there)
    said = "contradicted" if above > len(there) / 2 else "contradicted in part" if above else "not contradicted"
    return f"{words}; that is {said} here: in {above} of {len(there)} comparisons among as many recall@10 is above it beyond its 95 % interval."


def _drowning(result: TrainResult) -> list[str]:
    """The same model among few and many documents."""
    out = []
    for split in dict.fromkeys(c.split for c in result.changes):
        task = _of(result, "task", split, HEADLINE)
        if not task:
            continue
        top = _top(task)
        small = min((c for c in task if c.dim == top.dim), key=lambda c: c.n_docs)
        if small.n_docs < top.n_docs:
            fell = top.after.mean < small.after.mean
            why = "what more documents take away is drowning, not a shift of domain" if fell else "more documents take nothing away"
            out.append(
                f"The same {split}-split model finds {_percent(small.after.mean)} % among {small.n_docs:,} documents and "
                f"{_percent(top.after.mean)} % among {top.n_docs:,}: {why}."
            )
    return out


def _forgotten(result: TrainResult) -> list[str]:
    """What general questions lose, by every measure there is: at the largest dimension, beyond its 95 % interval or not; in numbers what moved, and two."""
    out = []
    for split in dict.fromkeys(c.split for c in result.changes):
        changes = [
            c for c in result.changes if (c.kind, c.split) == ("general", split) and c.before is not None and c.difference is not None
        ]
        if not changes:
            continue
        top = _top(changes)
        shown = [c for c in changes if (c.n_docs, c.dim) == (top.n_docs, top.dim)]
        lost = [c.measure for c in shown if c.difference and c.difference.high < 0]
        risen = [c.measure for c in shown if c.difference and c.difference.low > 0]
        said = [f"something is forgotten by {_listed(lost)}"] if lost else []
        said += [f"{_listed(risen)} {'rises' if len(risen) == 1 else 'rise'}"] if risen else []
        rest = len(shown) - len(lost) - len(risen)
        said += [] if not rest else [f"no loss beyond chance by {'any measure' if rest == len(shown) else 'the others'}"]
        numbers = ", ".join(_moved(c) for c in shown if c.measure in {GENERAL_HEADLINE, HEADLINE, *lost, *risen})
        out.append(f"Beside it, on {top.dataset} after the {split} split{_at(top)}: {'; '.join(said)} ({numbers}).")
    return out


def _moved(c: Change) -> str:
    assert c.before is not None and c.difference is not None
    d = c.difference
    return f"{c.measure} {_percent(c.before.mean)} to {_percent(c.after.mean)} %, {100 * d.low:+.1f} to {100 * d.high:+.1f}"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def label(split: str) -> str:
    """How a split is called in tables: the test split with its warning."""
    return {"test": f"test ({ON_PURPOSE})", "mix": "mix (half of it overfitting on purpose)"}.get(split, split)
