"""Search for harmonic frames, prove what is found, and add what is better to the certificates that ship with limitlab.

python benchmarks/frame_search.py --dim 24 --orbit 6 --start 40000 --seconds 120
python benchmarks/frame_search.py --dim 12 --k 3 --start 40 --seconds 60
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from limitlab._core.errors import NotSolved
from limitlab.capacity import Certificate, FoundFrame, HarmonicFrame, frame_certificate, grow_frames, search_set_frame
from limitlab.capacity import certificate as certificates

SHIPPED = Path(certificates.__file__).parent / "data" / "certificates.jsonl"


def certify(frame: HarmonicFrame, gap: float, *, k: int = 2, multipliers: tuple[int, ...] = ()) -> Certificate | None:
    """The claim with the greatest gap that is proved, in steps of 0.05 %; the search's own gap is a little off."""
    for _ in range(40):
        claim = frame_certificate(frame, gap, k=k, multipliers=multipliers)
        if claim.verify().verified:
            return claim
        gap *= 0.9995
    return None


def add(new: Certificate) -> bool:
    """Keep a certificate unless a shipped one of the same k, dim and types holds as many documents with as great a gap."""
    lines = [json.loads(line) for line in SHIPPED.read_text(encoding="utf-8").splitlines() if line.strip()] if SHIPPED.exists() else []
    known = [Certificate.from_dict(r) for r in lines]
    alike = ("k", "dim", "dtype", "query_dtype")
    same = [c for c in known if all(getattr(c, name) == getattr(new, name) for name in alike)]
    if any(c.n_docs >= new.n_docs and c.min_gap >= new.min_gap for c in same):
        return False
    kept = [c for c in known if c not in same or not (c.n_docs <= new.n_docs and c.min_gap <= new.min_gap)] + [new]
    kept.sort(key=lambda c: (c.k, c.dim, c.n_docs))
    SHIPPED.write_text("".join(json.dumps(c.to_dict()) + "\n" for c in kept), encoding="utf-8")
    return True


class _Said:
    def say(self, line: str) -> None:
        print(f"{time.perf_counter() - START:7.1f} s  {line}", file=sys.stderr, flush=True)


START = time.perf_counter()


def pairs(args: argparse.Namespace, margin: float) -> tuple[HarmonicFrame, float, tuple[int, ...]] | None:
    """Frames for k = 2, by orbits."""
    found: FoundFrame | None = grow_frames(
        args.dim, args.start, min_gap=margin, orbit=args.orbit, seconds=args.seconds, seed=args.seed, progress=_Said()
    )
    return None if found is None else (found.frame, found.gap, (found.multiplier,) if found.orbit > 1 else ())


def larger_sets(args: argparse.Namespace, margin: float) -> tuple[HarmonicFrame, float, tuple[int, ...]] | None:
    """Frames for k > 2: n grows by a tenth while a frame is found."""
    best, n, factor = None, args.start, 1.1
    deadline = START + args.seconds
    while time.perf_counter() < deadline and n > (best[0].n_docs if best else 0):
        try:
            frame, gap, _ = search_set_frame(
                args.dim, n, k=args.k, min_gap=margin, seconds=(deadline - time.perf_counter()) / 3, seed=args.seed, progress=_Said()
            )
        except NotSolved:
            factor = 1 + (factor - 1) / 2
        else:
            best = (frame, gap, ())
        n = int((best[0].n_docs if best else args.start / 1.2) * factor) + (1 if factor > 1.01 else 0)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dim", type=int, required=True)
    parser.add_argument("--k", type=int, default=2)
    parser.add_argument("--orbit", type=int, default=1, help="k = 2: frequencies come in orbits of this size")
    parser.add_argument("--start", type=int, required=True, help="documents to begin with")
    parser.add_argument("--min-gap", type=float, default=1e-3)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dry-run", action="store_true", help="do not add to the shipped certificates")
    args = parser.parse_args()
    margin = 1.002 * args.min_gap + 3e-7  # what rounding to float32 and to four digits may take
    found = pairs(args, margin) if args.k == 2 else larger_sets(args, margin)
    if found is None:
        print("nothing found in time; that is no limit")
        return
    frame, gap, multipliers = found
    claim = certify(frame, gap, k=args.k, multipliers=multipliers)
    if claim is None:
        print(f"n = {frame.n_docs:,} was found and could not be proved")
        return
    print(f"proved: d = {claim.dim}, k = {claim.k}, n = {claim.n_docs:,}, gap {claim.min_gap:.4g} in float32")
    if not args.dry_run:
        print("added to the shipped certificates" if add(claim) else "a shipped certificate is as good")


if __name__ == "__main__":
    main()
