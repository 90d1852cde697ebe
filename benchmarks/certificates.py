"""Prove every certificate that ships with limitlab again, completely, and time each proof."""

from __future__ import annotations

import argparse
import time

from record import record

from limitlab.capacity import shipped
from limitlab.published import critical_n_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dim", type=int, nargs="*", help="only these dimensions")
    parser.add_argument("--k", type=int)
    args = parser.parse_args()
    published = dict(critical_n_table())
    figures: dict[str, object] = {}
    for certificate in shipped():
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
