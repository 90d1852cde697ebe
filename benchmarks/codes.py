"""Prove what dual BCH codes and Kerdock sets hold, from the definition, and time each proof.

python benchmarks/codes.py                    # exact inner products of all pairs, every code that is shipped
python benchmarks/codes.py --dim 512 1024     # only these dimensions
python benchmarks/codes.py --theorem          # larger codes by the theorem of Carlitz and Uchiyama
python benchmarks/codes.py --add              # also add them to the certificates that ship with limitlab
"""

from __future__ import annotations

import argparse
import time

from frame_search import add
from record import record

from limitlab.capacity import Certificate, DualBCHCode, KerdockSet, code_certificate, holds

_MOST_T = {5: 2, 6: 2, 7: 4, 8: 4, 9: 5, 10: 4, 11: 4, 12: 4, 13: 3, 14: 3}


def exact() -> list[tuple[DualBCHCode | KerdockSet, str | None]]:
    """(code, document type): None for the code's own."""
    codes: list[tuple[DualBCHCode | KerdockSet, str | None]] = [
        (DualBCHCode(m, t), None) for m, top in _MOST_T.items() for t in range(2, top + 1)
    ]
    kerdock = [KerdockSet(m) for m in (4, 6, 8, 10, 12)]
    return codes + [(c, dtype) for c in kerdock for dtype in ("int8", "binary")]


def by_theorem() -> list[DualBCHCode]:
    """Codes whose cosets are too many, with coherence below 1/3 by the theorem: (2 t - 2) / d**0.5 < 1/3."""
    return [
        DualBCHCode(m, t)
        for m in range(10, 15)
        for t in range(_MOST_T[m] + 1, 40)
        if DualBCHCode(m, t).gap(2, extremes=DualBCHCode(m, t).bound()) > 0
    ]


def row(certificate: Certificate, seconds: float) -> dict[str, object]:
    """What was proved, in figures."""
    proof, dim = certificate.proof, certificate.dim
    return {
        "n_docs": certificate.n_docs,
        "log2 n_docs": certificate.n_docs.bit_length() - 1,
        "least, most": (proof["least"], proof["most"]),
        "coherence": max(-proof["least"], proof["most"]) / dim,
        "greatest k": certificate.k,
        "min_gap at it": certificate.min_gap,
        "gap at k = 2": round(gap_at(certificate, 2), 4),
        "gap at k = 10": round(gap_at(certificate, 10), 4),
        "seconds": round(seconds, 2),
    }


def gap_at(certificate: Certificate, k: int) -> float:
    """The gap of every k-subset that the certificate's inner products give."""
    return holds(certificate, certificate.dtype, "int8", k=k) or 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dim", type=int, nargs="*", help="only these dimensions")
    parser.add_argument("--theorem", action="store_true")
    parser.add_argument("--add", action="store_true", help="add to the shipped certificates")
    args = parser.parse_args()
    figures: dict[str, object] = {}
    work = [(c, None) for c in by_theorem()] if args.theorem else exact()
    for code, dtype in work:
        if args.dim and code.dim not in args.dim:
            continue
        certificate = code_certificate(code, dtype=dtype, by="theorem" if args.theorem else "orbit-exact")
        start = time.perf_counter()
        verdict = certificate.verify()
        seconds = time.perf_counter() - start
        if not verdict.verified:
            raise SystemExit(f"{certificate.name}: {verdict.reason}")
        name = f"{certificate.name}-{certificate.dtype}"
        figures[name] = row(certificate, seconds)
        print(name, figures[name], flush=True)
        if args.add:
            print("  added" if add(certificate) else "  a shipped certificate is as good")
    record("codes", figures)


if __name__ == "__main__":
    main()
