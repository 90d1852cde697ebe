"""Write the tables of docs/scale.md with ``limitlab estimate`` and the machine profile beside it; ``--check`` only says whether they are current.

A table stands between ``<!-- table NAME -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PROFILE = "docs/machines/epyc-2-cores.json"
SIZES = (10**6, 10**8, 10**9)
COMMON = "--n-queries 1000 --dim 768 --dtype int8 --tokens-per-doc 120"
TABLES: dict[str, tuple[str, list[tuple[list[str], str]]]] = {
    "encode": (
        "documents | encoders | texts a second, each",
        [
            ([f"{n:,}", str(workers), f"{speed:,}"],
             f"eval -m minilm --n-docs {n} --n-queries 1000 --dim 384 --texts-per-second {speed} --engine ray --machines {workers}")
            for n in SIZES[1:] for speed, workers in ((50, 2), (50, 32), (1_000, 1), (10_000, 1), (10_000, 8))
        ],
    ),
    "search": (
        "documents | machines",
        [([f"{n:,}", str(w)], f"eval -m vectors --n-docs {n} {COMMON} --engine ray --machines {w}") for n in SIZES for w in (2, 16, 32)],
    ),
    "diagnose": (
        "documents | machines | skipped",
        [
            ([f"{n:,}", str(w), skip or "nothing"], f"diagnose --n-docs {n} {COMMON.replace('--dtype int8', '--dtype float32')} --engine ray --machines {w}"
             + (f" --skip {skip}" if skip else ""))
            for n in SIZES for w, skip in ((2, ""), (32, ""), (32, "drowning,gaps,geometry"))
        ],
    ),
    "critical-n": (
        "dimensions | seeds",
        [([dims, str(seeds)], f"critical-n --dim {dims} --seeds {seeds}") for dims, seeds in (("4:20", 1), ("4:20", 5), ("4:45", 1), ("4:100000", 1))],
    ),
}  # fmt: skip


def estimated(command: str) -> dict:
    """One estimate, as JSON."""
    code = "import sys; sys.argv[0] = 'limitlab'; from limitlab.cli.main import run; run()"
    arguments = [*command.split(), "--machine", str(HERE.parent / PROFILE), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", code, "estimate", *arguments], capture_output=True, text=True, check=True, env={**os.environ}
    )
    return json.loads(done.stdout)


def table(name: str) -> str:
    """One table as Markdown."""
    from limitlab.cli.estimate_text import duration, size

    if name == "bytes":
        return bytes_table()
    head, cases = TABLES[name]
    memory_only = name == "critical-n"
    columns = [*head.split(" | "), "time", "range", "longest part", "memory", *([] if memory_only else ["disk", "read by workers"])]
    lines = [columns, ["---"] * len(columns)]
    for first, command in cases:
        found = estimated(command)
        spans = found["seconds"]
        longest = max(found["parts"], key=lambda p: p["seconds"])
        row = [*first, duration(spans["expected"]), f"{duration(spans['low'])} to {duration(spans['high'])}"]
        row += [f"{longest['name']}: {duration(longest['seconds'])}", size(found["memory_bytes"])]
        lines.append([*row, *([] if memory_only else [size(found["disk_bytes"]), size(found["network_bytes"])])])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def bytes_table() -> str:
    """Files of vectors."""
    from limitlab.cli.estimate_text import size
    from limitlab.estimation.sizes import FILE_TYPES, Sizes

    lines = [["documents", "dim", *FILE_TYPES], ["---"] * (2 + len(FILE_TYPES))]
    for n in SIZES:
        for dim in (384, 768, 1024):
            lines.append([f"{n:,}", str(dim), *(size(Sizes(n, 1, dim, dtype=t).vector_bytes) for t in FILE_TYPES)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def page(text: str) -> str:
    """The page with its tables made again."""
    return re.sub(
        r"(<!-- table ([a-z-]+) -->\n).*?(<!-- end -->)",
        lambda found: f"{found[1]}\n{table(found[2])}\n\n{found[3]}",
        text,
        flags=re.DOTALL,
    )


def main() -> int:
    """Write the page, or compare it."""
    path = HERE / "scale.md"
    old = path.read_text(encoding="utf-8")
    new = page(old)
    if "--check" in sys.argv[1:]:
        if old != new:
            sys.stderr.write("docs/scale.md is not current; run: python docs/build_scale.py\n")
            return 1
        return 0
    path.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
