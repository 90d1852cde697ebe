"""Fill the numbers of docs/reproduce.md and of the tables in other pages from benchmarks/records; ``--check`` only says whether they are current.

Prose is written by hand. A number that has a record is followed by a comment that says where it comes from:

    0.439 s<!-- search: {lists: seconds, median~.3f} s -->

What stands between the bar (or the last comment) and the comment is written anew from the newest record of benchmarks/records/search.jsonl.
``search@--seeds 42`` takes the newest whose command ends so, ``free_step#shape=d = 20`` the newest of which a figure begins so; a key within a
key stands behind `` > ``, a format behind ``~`` (as in Python; ``pow2`` writes 2^45 for large powers of two, ``after`` what stands behind an arrow,
``GB`` bytes in 10^9).

Between ``<!-- table: NAME -->`` and ``<!-- end -->`` whole tables are written: reproduce, training KEY=VALUE ..., architectures DATASET.
Without arguments the rows with numbers that have no record are listed as "no record".
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RECORDS = HERE.parent / "benchmarks" / "records"
PAGES = ("reproduce.md", "concepts/domain-shift.md", "how-to/choose-architecture.md", "how-to/diagnose.md")
_CELL = re.compile(
    r"(?:(?<=\|)|(?P<again>(?<=-->)))(?P<text>[^|\n]*?)(?P<comment><!-- (?P<name>[a-z_0-9]+)(?:@(?P<args>[^#:]*))?(?:#(?P<key>[^=]+)=(?P<value>[^:]+))?: (?P<template>[^\n]*?) -->)"
)
_FIELD = re.compile(r"\{([^{}~]+)(?:~([^{}]*))?\}")
_TABLE = re.compile(r"<!-- table: (?P<what>[^\n]*?) -->\n.*?<!-- end -->", re.S)
_VERDICTS = ("agrees", "differs", "not comparable", "not run", "ours alone")


def records(name: str) -> list[dict[str, Any]]:
    """All records of a benchmark, oldest first; none where there is no file."""
    path = RECORDS / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def chosen(name: str, args: str | None, key: str | None, value: str | None) -> dict[str, Any]:
    """The figures of the newest record that fits; LookupError says which comment has none."""
    found = records(name)
    command = f"python benchmarks/{name}.py" + (f" {args.strip()}" if args else "")
    fits = [r for r in found if r["command"] == command] if key is None else []
    if key is not None:
        fits = [r for r in found if str(r["figures"].get(key.strip(), "")).startswith(value or "\0")]
    if not fits:
        raise LookupError(f"no record: {name}{'@' + args if args else ''}{f'#{key}={value}' if key else ''}")
    figures: dict[str, Any] = fits[-1]["figures"]
    return figures


def filled(template: str, figures: dict[str, Any]) -> str:
    """The template with every ``{key > key~format}`` replaced."""

    def one(match: re.Match[str]) -> str:
        value: Any = figures
        for part in match[1].split(" > "):
            value = value[int(part)] if isinstance(value, list) else value[part]
        kind = match[2] or ""
        if kind == "after":
            return str(value).partition(" -> ")[2]
        if kind == "pow2":
            power = int(value).bit_length() - 1
            return f"2^{power}" if power >= 28 and 2**power == value else f"{value:,}"
        if kind == "GB":
            return f"{value / 1e9:.2g} GB"
        return format(value, kind) if kind else str(value)

    return _FIELD.sub(one, template)


def _table(what: str) -> str:
    name, *rest = what.split()
    if name == "reproduce":
        return _outcomes()
    if name == "architectures":
        return _architectures(" ".join(rest))
    return _training(dict(pair.split("=", 1) for pair in rest))


def _outcomes() -> str:
    """The newest record of every experiment and size."""
    newest: dict[tuple[str, str], dict[str, Any]] = {}
    for record in sorted(records("reproduce"), key=lambda r: r["created"]):
        newest[record["benchmark"], record["figures"]["size"]] = record
    lines = [
        "| experiment | size | seconds | " + " | ".join(_VERDICTS) + " | found |",
        "|---|---|---:|" + "---:|" * len(_VERDICTS) + "---|",
    ]
    for (name, size), record in sorted(newest.items()):
        f = record["figures"]
        counts = " | ".join(str(f["counts"].get(v, "")) for v in _VERDICTS)
        said = f["says"][0].replace("|", "/") if f["says"] else ""
        lines.append(f"| {name} | {size} | {f['seconds']:.1f} | {counts} | {said} |")
    small = {name: record["figures"]["seconds"] for (name, size), record in sorted(newest.items()) if size in ("full", "small")}
    if "domain-shift" not in small:
        return "\n".join(lines)
    whole = f"What `limitlab reproduce all --size small` runs takes {sum(small.values()) / 60:.0f} minutes together (45 asked); the training in it {small['domain-shift'] / 60:.1f} (12 asked)."
    return "\n".join([*lines, "", whole])


def _architectures(dataset: str) -> str:
    """Recall beside bytes, seconds and memory of every retriever, of the newest record on that dataset."""
    found = next((r for r in reversed(records("architectures")) if r["figures"]["dataset"] == dataset), None)
    if found is None:
        return f"*No record yet on {dataset}: `python benchmarks/architectures.py`.*"
    lines = ["| retriever | R@2 | R@10 | R@100 | bytes a document | index, s | search, s | peak MiB |", "|---|" + "---:|" * 7]
    for spec, row in json.loads(found["figures"]["rows"]).items():
        if row["status"] != "SOLVED":
            lines.append(f"| `{spec}` | {row['message']} | | | | | | |")
            continue
        index = row.get("index_seconds", 0.0) + row.get("muvera_seconds", 0.0)
        recalls = " | ".join(f"{row[f'recall@{k}']:.4f}" for k in (2, 10, 100))
        lines.append(f"| `{spec}` | {recalls} | {row['bytes_per_doc']:,.0f} | {index:.2f} | {row['search_seconds']:.2f} | {row['peak_mib']:,.0f} |")
    return "\n".join(lines)


def _training(wanted: dict[str, str]) -> str:
    """recall@10 before and after by corpus, split and dimension, of the newest training whose figures are as wanted."""
    wanted = {"lr": "None", **wanted}  # the protocol's, unless said
    fits = [r for r in records("training") if all(str(r["figures"].get(k)) == v for k, v in wanted.items())]
    if not fits:
        return f"*No record yet: `limitlab train ... -o run.json`, then `python benchmarks/reproduce.py --training run.json` ({', '.join(f'{k} {v}' for k, v in wanted.items())}).*"
    rows = [r for r in fits[-1]["figures"]["rows"] if (r["kind"], r["measure"]) == ("task", "recall@10")]
    splits = list(dict.fromkeys(r["split"] for r in rows))
    lines = ["| documents | dim | before | " + " | ".join(f"{s} split" for s in splits) + " |", "|---:|---:|---:|" + "---:|" * len(splits)]
    places = sorted({(r["n_docs"], r["dim"] or 0) for r in rows})
    for n_docs, dim in places:
        here = {r["split"]: r for r in rows if (r["n_docs"], r["dim"] or 0) == (n_docs, dim)}
        before = next((r["before"] for r in here.values() if r["before"]), None)
        cells = " | ".join(_change(here[s]) if s in here else "" for s in splits)
        lines.append(f"| {n_docs:,} | {dim or ''} | {before[0]:.1f} | {cells} |" if before else f"| {n_docs:,} | {dim or ''} | | {cells} |")
    return "\n".join([*lines, "", f"`{fits[-1]['command']}`"])


def _change(row: dict[str, Any]) -> str:
    d = row["difference"]
    notes = [f"{d[1]:+.1f} to {d[2]:+.1f}"] if d else []
    notes += [f"seeds {min(row['by_seed']):.1f} to {max(row['by_seed']):.1f}"] if len(row["by_seed"]) > 1 else []
    return f"{row['after'][0]:.1f}" + (f" ({'; '.join(notes)})" if notes else "")


def page(text: str) -> str:
    """The page with every marked number and table written anew."""

    def cell(match: re.Match[str]) -> str:
        figures = chosen(match["name"], match["args"], match["key"], match["value"])
        lead = " " if match["again"] is None else ", "
        return f"{lead}{filled(match['template'], figures)} {match['comment']}"

    text = _TABLE.sub(lambda m: f"<!-- table: {m['what']} -->\n{_table(m['what'])}\n<!-- end -->", text)
    return _CELL.sub(cell, text)


def without_record(text: str) -> list[str]:
    """First cells of the rows that hold a number and no comment that says where it comes from."""
    out = []
    lines = _TABLE.sub("", text).splitlines()
    for line, below in zip(lines, [*lines[1:], ""]):
        if below.startswith("|--"):
            continue  # a heading
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if line.startswith("|") and "<!--" not in line and any(re.search(r"\d", c) for c in cells[1:]):
            out.append(cells[0])
    return out


def main() -> int:
    """Write the pages, or compare them."""
    stale = 0
    for name in PAGES:
        path = HERE / name
        text = path.read_text(encoding="utf-8")
        made = page(text)
        if "--check" in sys.argv[1:]:
            if made != text:
                sys.stderr.write(f"docs/{name} is not current; run: python docs/build_reproduce.py\n")
                stale = 1
            continue
        path.write_text(made, encoding="utf-8")
        for row in without_record(made):
            sys.stdout.write(f"no record: {name}: {row}\n")
    return stale


if __name__ == "__main__":
    sys.exit(main())
