"""Encoding LIMIT documents with MiniLM: plain SentenceTransformer.encode in float32 beside limitlab, alternating in one run.

Quality beside cost: the least document cosine between the two. What limitlab does depends on the processor (see
``limitlab.retrieval.encoder.resolve_precision``); the record says what it chose and why.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
from record import record

import limitlab as ll
from limitlab._core.reused_memory import reused_memory
from limitlab.retrieval.encoder import PRECISIONS, SentenceEncoder, resolve_precision
from limitlab.retrieval.encoding import Encoding
from limitlab.retrieval.packaged import packaged_folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-docs", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--precision", choices=PRECISIONS, default="auto")
    args = parser.parse_args()
    docs = list(ll.make_limit().docs)[: args.n_docs]
    folder = packaged_folder("minilm")
    plain = SentenceEncoder(folder).model()
    precision, why = resolve_precision(args.precision, 50_000)
    encode = Encoding(SentenceEncoder(folder), folder, options={"prompt": "", "precision": precision})  # what the cache is filled by

    def limitlab() -> np.ndarray:
        with reused_memory():  # as around all blocks of a corpus
            return encode(by_length)[0]

    # limitlab encodes in blocks of 1,024 texts sorted by length; plain encode sorts for itself.
    by_length = sorted(docs, key=len, reverse=True)
    rates: dict[str, list[float]] = {"plain": [], "limitlab": []}
    for turn in range(args.rounds + 1):  # the first round loads and warms up, and is not counted
        for name, work in (
            ("plain", lambda: plain.encode(docs, show_progress_bar=False)),
            ("limitlab", limitlab),
        ):
            start = time.perf_counter()
            vectors = work()
            if turn:
                rates[name].append(len(docs) / (time.perf_counter() - start))
            elif name == "plain":
                reference = vectors
    order = np.argsort([-len(d) for d in docs], kind="stable")
    a, b = np.asarray(reference, np.float64)[order], np.asarray(vectors, np.float64)
    cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    record(
        "encoding",
        {
            "plain: documents a second, median": statistics.median(rates["plain"]),
            "limitlab: documents a second, median": statistics.median(rates["limitlab"]),
            "ratio, median of pairs": statistics.median(y / x for x, y in zip(rates["plain"], rates["limitlab"])),
            "least document cosine": float(cosine.min()),
            "mean document cosine": float(cosine.mean()),
            "precision": precision,
            "why": why,
            "documents": len(docs),
        },
    )


if __name__ == "__main__":
    main()
