"""Search for harmonic frames, prove what is found, and add what is better to the certificates that ship with limitlab.

python benchmarks/frame_search.py --dim 24 --orbit 6 --start 40000 --seconds 120
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

from limitlab.capacity import Certificate, FoundFrame, frame_certificate, grow_frames
from limitlab.capacity import certificate as certificates
from limitlab.capacity.verification.frames import pair_classes

SHIPPED = Path(certificates.__file__).parent / "data" / "certificates.jsonl"


def certify(found: FoundFrame) -> Certificate | None:
    """The claim with the greatest gap, to four digits, that is proved; the search's own gap is float32 and a little off."""
    multipliers = [found.multiplier] if found.orbit > 1 else []
    gap = found.gap
    for _ in range(40):
        claim = frame_certificate(found.frame, gap, multipliers=multipliers)
        if claim.verify().verified:
            return claim
        gap *= 0.9995
    return None


def add(new: Certificate) -> bool:
    """Keep a certificate unless a shipped one of the same k and dim holds as many documents with as great a gap."""
    lines = [json.loads(line) for line in SHIPPED.read_text(encoding="utf-8").splitlines() if line.strip()] if SHIPPED.exists() else []
    known = [Certificate.from_dict(r) for r in lines]
    same = [c for c in known if (c.k, c.dim) == (new.k, new.dim)]
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dim", type=int, required=True)
    parser.add_argument("--orbit", type=int, default=1)
    parser.add_argument("--start", type=int, required=True, help="documents to begin with")
    parser.add_argument("--min-gap", type=float, default=1e-3)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dry-run", action="store_true", help="do not add to the shipped certificates")
    args = parser.parse_args()
    margin = 1.002 * args.min_gap + 3e-7  # what rounding to float32 and to four digits may take
    found = grow_frames(args.dim, args.start, min_gap=margin, orbit=args.orbit, seconds=args.seconds, seed=args.seed, progress=_Said())
    if found is None:
        print("nothing found in time; that is no limit")
        return
    claim = certify(found)
    if claim is None:
        print(f"n = {found.frame.n_docs:,} was found and could not be proved")
        return
    classes = len(pair_classes(claim.n_docs, claim.construction["frequencies"], claim.construction["weights"], claim.proof["multipliers"]))
    print(f"proved: d = {claim.dim}, n = {claim.n_docs:,}, gap {claim.min_gap:.4g} in float32, {classes:,} classes")
    if not args.dry_run:
        print("added to the shipped certificates" if add(claim) else "a shipped certificate is as good")


if __name__ == "__main__":
    main()
