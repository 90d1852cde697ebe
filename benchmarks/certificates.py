"""Prove every certificate that ships with limitlab again, completely, and time each proof.

``--without-orbits`` times instead three frames whose frequencies have no multiplicative symmetry, so that every class of pairs
has to be solved: the sizes at which a complete check was asked for.
"""

from __future__ import annotations

import argparse
import time

from record import record

from limitlab.capacity import Certificate, HarmonicFrame, frame_certificate, shipped
from limitlab.published import critical_n_table

_WITHOUT_ORBITS = (
    (20_011, 0.0035, (1, 786, 1082, 1537, 1888, 2231, 2970, 5666, 5935, 6637, 7102, 8166)),
    (50_021, 0.0019, (1, 888, 4021, 4202, 9978, 10690, 11314, 12230, 13999, 15060, 15199, 15495, 20150, 22628, 23823, 24436)),
    (
        100_003,
        0.0028,
        (
            1,
            308,
            5010,
            7862,
            8009,
            9892,
            10714,
            12679,
            12846,
            14654,
            15877,
            19673,
            20292,
            26324,
            28362,
            28764,
            32238,
            40933,
            41607,
            43662,
            46375,
            47703,
        ),
    ),
)


def without_orbits() -> list[Certificate]:
    """Claims about the three frames."""
    return [frame_certificate(HarmonicFrame(n, frequencies), gap) for n, gap, frequencies in _WITHOUT_ORBITS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dim", type=int, nargs="*", help="only these dimensions")
    parser.add_argument("--k", type=int)
    parser.add_argument("--without-orbits", action="store_true")
    args = parser.parse_args()
    published = dict(critical_n_table())
    figures: dict[str, object] = {}
    for certificate in without_orbits() if args.without_orbits else shipped():
        if (args.dim and certificate.dim not in args.dim) or (args.k and certificate.k != args.k):
            continue
        start = time.perf_counter()
        verdict = certificate.verify()
        figures[certificate.name] = {
            "verified": verdict.verified,
            "min_gap": certificate.min_gap,
            "classes": verdict.facts.get("classes"),
            "sets": verdict.facts.get("sets"),
            "times the published critical n": certificate.n_docs / published[certificate.dim]
            if certificate.k == 2 and certificate.dim in published
            else None,
            "seconds": round(time.perf_counter() - start, 2),
        }
        print(certificate.name, figures[certificate.name], flush=True)
    record("certificates", figures)


if __name__ == "__main__":
    main()
