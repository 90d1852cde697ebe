"""What ``limitlab eval`` costs: texts, encoding or given vectors or BM25, searches at every dimension, statistics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from limitlab._core.errors import InvalidArgument
from limitlab.estimation.diagnose_cost import BLOCK_BYTES, BYTES_AN_ID, start_part
from limitlab.estimation.encode_cost import Encoding, encoding_parts
from limitlab.estimation.machine import MachineProfile
from limitlab.estimation.model_dims import ADAPTED, known_dim
from limitlab.estimation.part import Bytes, Money, Part
from limitlab.estimation.search_cost import exact_search_parts, first_reading, reading, value_pass
from limitlab.estimation.sizes import Sizes
from limitlab.evaluation.config import EvaluationConfig
from limitlab.retrieval.model_kinds import DENSE, STATIC
from limitlab.retrieval.packaged import PACKAGED
from limitlab.retrieval.spec import Spec, parse_spec

VECTORS = "vectors"
LEXICAL = "bm25"
SERVED = ("openai", "tei", "gemini", "cohere", "jina")  # encode over HTTP, then search exactly
MADE_OF = "hybrid"
_RESAMPLES = 2_000
_IN_MEMORY = 4 << 30  # vectors of an encoder above this go to a temporary file
_BM25_BYTES_A_WORD = 8.0  # of the index: a float32 score and an int32 document for every distinct word of a document, at most
_BM25_TOKENS = 64.0  # bytes of a word while texts are cut: a pointer and its share of a string; measured: not, an upper bound


@dataclass(frozen=True)
class Asked:
    """One retriever of an evaluation.

    Attributes
    ----------
    kind
        vectors | bm25 | dense | served | hybrid.
    spec
        As written, taken apart.
    own
        Sizes of its own vectors, of Sizes: dim, dtype, unit, in_files.
    """

    kind: str
    spec: Spec
    own: Mapping[str, Any] = field(default_factory=dict)

    def sizes(self, s: Sizes) -> Sizes:
        """Those of the task with its own vectors."""
        return s.with_(**self.own)

    @property
    def cosine(self) -> bool:
        """Whether rows are scaled to unit length for every search."""
        return self.spec.options.get("similarity", "cosine") == "cosine"

    @property
    def price(self) -> float | None:
        """Price of a million tokens as the retriever's option says."""
        price = self.spec.options.get("price")
        return float(price) if isinstance(price, (int, float)) else None

    @property
    def dim(self) -> int | None:
        """Dimension that the options, the preset or the model's files say; None where only the loaded model knows."""
        stated = self.spec.options.get("dimensions")
        return int(stated) if isinstance(stated, int) else known_dim(self.spec)


def asked(text: str) -> list[Asked]:
    """The retriever, or those a hybrid is made of.

    Raises
    ------
    InvalidArgument
        There is no cost model for it.
    """
    from limitlab.retrieval.kinds import KINDS
    from limitlab.retrieval.presets import presets

    spec = parse_spec(text, bare={name: kind.bare for name, kind in KINDS.items() if kind.bare})
    if spec.name == MADE_OF and spec.parts:
        return [part for inner in spec.parts for part in asked(inner)]
    if spec.name in (VECTORS, LEXICAL):
        return [Asked(spec.name, spec)]
    found = presets().get(spec.name)
    if spec.name in SERVED or (found is not None and found.kind in SERVED):
        return [Asked("served", spec)]
    named = found.kind == DENSE if found is not None else spec.name not in KINDS and ("/" in spec.name or Path(spec.name).is_dir())
    if spec.name in PACKAGED or named or spec.name in (STATIC, ADAPTED):
        return [Asked("dense", spec)]
    known = f"{LEXICAL}, {VECTORS}:docs=FILE,queries=FILE, dense and static models, adapters, {', '.join(SERVED)}, {MADE_OF}(...) of these"
    raise InvalidArgument(f"limitlab estimate eval: -m must be one that has a cost model: {known}; got {text!r}.")


def eval_parts(
    s: Sizes,
    machine: MachineProfile,
    retrievers: Sequence[Asked],
    *,
    dims: Sequence[int] | None,
    encodings: dict[str, Encoding],
    texts: bool,
) -> list[Part]:
    """All parts.

    Parameters
    ----------
    dims
        Dimensions searched; None: the full one.
    encodings
        How fast each encoder is, by its text.
    texts
        Whether a dataset of texts is read.
    """
    parts: list[Part] = [start_part(machine)]
    if texts:
        parts.append(
            Part(
                "read texts", "bytes of texts, once", s.text_bytes, "bytes", machine.rates["text"], "text", "JSON lines with short ids",
                low=0.6, high=1.6,
            )
        )  # fmt: skip
    else:
        parts.append(Part("ids", "n_docs", float(s.n_docs), "ids", machine.rates["ids"], "ids", "ids are texts in memory"))
    for one in retrievers:
        if one.kind == LEXICAL:
            parts += bm25_parts(s, machine)
            continue
        found = one.sizes(s)
        if one.kind == VECTORS:
            parts += first_reading(found, machine)
        else:
            parts += encoding_parts(found, machine, encodings[one.spec.text])
            found = found.with_(in_files=4.0 * s.n_docs * found.dim > _IN_MEMORY, dtype="float32")
        searches = _searches(found, machine, [d for d in dims or (found.dim,) if d <= found.dim], one.cosine)
        parts += searches if found.in_files else [replace(p, divides=False) for p in searches]  # memory is one machine's
    return parts


def _searches(s: Sizes, machine: MachineProfile, dims: Sequence[int], cosine: bool) -> list[Part]:
    """At every dimension; those above the retriever's are rows without numbers, which cost nothing."""
    depth, measures = EvaluationConfig().depth, len(EvaluationConfig().measures)
    parts: list[Part] = []
    for dim in dims:
        parts += exact_search_parts(
            machine, n_docs=s.n_docs, n_queries=s.n_queries, dim=dim, k=depth, pairs=s.pairs, normalise=cosine, what="search"
        )
        if s.dtype != "float32":
            twice = 2.0 * s.n_docs * dim
            parts.append(value_pass("values to float32", "check", machine, twice, "n_docs x dim, twice: converted, tested", divides=True))
        parts += reading(s, machine, 1, "one search", divides=True)
        parts.append(_statistics(s, machine, measures))
    return parts


def _statistics(s: Sizes, machine: MachineProfile, measures: int) -> Part:
    draws = float(_RESAMPLES * measures * min(s.n_queries, 4_000_000))
    return Part(
        "intervals", "2,000 x measures x n_queries", draws, "values", machine.rates["resample"], "resample",
        "values of a measure are many; few distinct ones are quicker", low=0.05, high=1.3,
    )  # fmt: skip


def bm25_parts(s: Sizes, machine: MachineProfile) -> list[Part]:
    """BM25 in memory: one process, one core."""
    words = s.n_docs * s.tokens_per_doc
    return [
        Part(
            "index BM25", "n_docs x tokens_per_doc", words, "words", machine.rates["bm25_index"], "bm25_index",
            "one token is one word; in memory, by one process", low=0.6, high=1.6,
        ),
        Part(
            "search BM25", "n_queries x n_docs", float(s.n_queries) * s.n_docs, "scores", machine.rates["bm25_search"], "bm25_search",
            "queries of about 10 words, of which half are frequent", low=0.2, high=2.0,
        ),
        _statistics(s, machine, len(EvaluationConfig().measures)),
    ]  # fmt: skip


def eval_bytes(s: Sizes, machine: MachineProfile, retrievers: Sequence[Asked], *, texts: bool) -> list[Bytes]:
    """Memory of the leading process, and what stays on disk."""
    depth = EvaluationConfig().depth
    dim = max((one.sizes(s).dim for one in retrievers if one.kind != LEXICAL), default=s.dim)
    out = [
        Bytes("memory", "libraries", "measured", machine.start_bytes),
        Bytes("memory", "ids of documents", f"{BYTES_AN_ID} x n_docs", BYTES_AN_ID * s.n_docs),
        Bytes("memory", "lists", "24 x n_queries x depth", 24.0 * s.n_queries * depth),
        Bytes("memory", "blocks", "256 MiB at most", min(BLOCK_BYTES, 16.0 * s.n_docs * dim + 4 * s.n_docs * min(s.n_queries, 1024))),
        Bytes("disk", "ranked lists in the ledger", "8 x n_queries x depth", 8.0 * s.n_queries * depth),
    ]
    if texts:  # above 256 MiB of texts an offset a document is held
        held = s.text_bytes if s.text_bytes <= 256 << 20 else 8.0 * s.n_docs
        out.append(Bytes("memory", "texts", "texts, or above 256 MiB 8 x n_docs", held))
    for one in retrievers:
        if one.kind == LEXICAL:
            words = s.n_docs * s.tokens_per_doc
            out.append(Bytes("memory", "BM25", "(8 + 64) x words, at most", (_BM25_BYTES_A_WORD + _BM25_TOKENS) * words))
        elif one.kind == VECTORS:
            continue
        else:
            size = 4.0 * s.n_docs * one.sizes(s).dim
            out.append(Bytes("disk", "embedding cache", "(4 x dim + 20) x n_docs", size + 20.0 * s.n_docs))
            kind = "memory" if size <= _IN_MEMORY else "disk"
            out.append(Bytes(kind, "vectors gathered", "4 x dim x n_docs; above 4 GiB a temporary file", size))
    return out


def token_bills(s: Sizes, retrievers: Sequence[Asked], price_per_million: float | None) -> list[Money]:
    """What services charge for tokens; nothing where no price is known."""
    out = []
    for one in retrievers:
        price = one.price if one.price is not None else price_per_million
        if one.kind == "served" and price is not None:
            tokens = s.n_docs * s.tokens_per_doc + s.n_queries * s.tokens_per_query
            out.append(Money(f"tokens: {one.spec.name}", f"{tokens:,.0f} tokens x {price:g} a million", tokens * price / 1e6))
    return out


def plain(asked_for: Sequence[Asked]) -> list[Any]:
    """The retrievers as written, for the record."""
    return [one.spec.text for one in asked_for]
