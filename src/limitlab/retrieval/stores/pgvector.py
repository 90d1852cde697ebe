"""PostgreSQL with pgvector."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from limitlab._core.checks import choice, whole
from limitlab._core.errors import InvalidArgument, RangeError
from limitlab._core.files import content_hash
from limitlab.retrieval.stores.postgres import Database
from limitlab.retrieval.stores.store import Hits, Served, Store, flag, lengths_of, text_or_none

TYPES = ("vector", "halfvec", "bit")
INDEXES = ("none", "hnsw", "ivfflat")
ITERATIVE = ("off", "strict_order", "relaxed_order")
_INDEXED_DIMS = {"vector": 2_000, "halfvec": 4_000, "bit": 64_000}  # pgvector's README, "HNSW" and "IVFFlat"
_STORED_DIMS = {"vector": 16_000, "halfvec": 16_000, "bit": 83_886_080}
_OPERATORS = {"cosine": "<=>", "inner product": "<#>", "euclidean": "<->", "hamming": "<~>"}
_CLASSES = {"cosine": "cosine_ops", "inner product": "ip_ops", "euclidean": "l2_ops", "hamming": "hamming_ops"}
_BLOCK = 2000
_USUAL_K = 10  # hits for which the plan is asked before anything was searched


class PgVector(Store):
    """A table with a column of type vector, halfvec or bit.

    Parameters
    ----------
    dsn_env
        Environment variable with the connection string; never shown or stored.
    table, existing
        The user's table (``schema.table``), asked as it is; without ``existing``, the start of the name of our own.
    column, id_field
        Of the user's table: its vectors, and the documents' ids.
    metric
        cosine, inner-product or euclidean, by which the user's table is asked; default: that of its index, else cosine.
    type, index
        Of our own table: vector, halfvec or bit (signs, Hamming distance); none, hnsw or ivfflat.
    m, ef_construction, lists
        Of our own index; default 16, 64, and n/1000 (sqrt(n) above a million).
    ef_search, probes, iterative_scan
        Of the search; not given: the server's settings (40, 1, off).
    exact
        Do not use an index of the table.

    Raises
    ------
    UnknownName, RangeError, InvalidArgument
        No such type, index or metric; a value out of range; the variable is not set.
    """

    kind = "pgvector"

    def __init__(
        self,
        *,
        dsn_env: str = "DATABASE_URL",
        table: str | None = None,
        existing: bool = False,
        column: str = "embedding",
        id_field: str = "id",
        metric: str | None = None,
        type: str = "vector",
        index: str = "none",
        m: int = 16,
        ef_construction: int = 64,
        lists: int | None = None,
        ef_search: int | None = None,
        probes: int | None = None,
        iterative_scan: str | None = None,
        exact: bool = False,
    ) -> None:
        self._type, self._index = choice(self.kind, "type", type, TYPES), choice(self.kind, "index", index, INDEXES)
        if self._type == "bit" and self._index == "ivfflat" and not existing:
            raise InvalidArgument("pgvector: index of type=bit must be none or hnsw here; got index=ivfflat.")
        self._m = whole(self.kind, "m", m, low=2, high=100)
        self._ef_construction = whole(self.kind, "ef_construction", ef_construction, low=4, high=1000)
        self._lists = None if lists is None else whole(self.kind, "lists", lists, low=1, high=32_768)
        searched = {"hnsw.ef_search": (ef_search, 1000), "ivfflat.probes": (probes, 32_768)}
        self._settings: dict[str, int | str] = {
            name: whole(self.kind, name.split(".")[1], v, low=1, high=high) for name, (v, high) in searched.items() if v is not None
        }
        if iterative_scan is not None:
            self._settings["hnsw.iterative_scan"] = choice(self.kind, "iterative_scan", str(iterative_scan), ITERATIVE)
        asked = None if metric is None else choice(self.kind, "metric", metric, ("cosine", "inner-product", "euclidean", "hamming"))
        self._metric = None if asked is None else asked.replace("-", " ")
        self.collection, self.existing = text_or_none(table), flag(self.kind, "existing", existing)
        self._column, self._id_field = (str(column), str(id_field)) if existing else ("embedding", "doc_id")
        self._exact = flag(self.kind, "exact", exact)
        self._database = Database(self.kind, dsn_env)
        self._asked: dict[str, int] = {}

    def config(self) -> dict[str, Any]:
        """Table, index and settings; the name of the variable, not what it holds."""
        table = {"dsn": self._database.source, "table": self.collection, "existing": self.existing, "column": self._column}
        return {**table, "id_field": self._id_field, "metric": self._metric, **self.build(), **self._settings, "exact": self._exact}

    def build(self) -> dict[str, Any]:
        """What decides the table and its index."""
        made: dict[str, dict[str, Any]] = {
            "hnsw": {"m": self._m, "ef_construction": self._ef_construction},
            "ivfflat": {"lists": self._lists},
        }
        return {"type": self._type, "index": self._index, **made.get(self._index, {})}

    def shown(self) -> dict[str, Any]:
        """Table of the user's, or what differs from a plain table; and settings."""
        usual = {"type": "vector", "index": "none", "m": 16, "ef_construction": 64, "lists": None}
        out = {"table": self.collection} if self.existing else {n: v for n, v in self.build().items() if v != usual[n]}
        return out | {n.split(".")[1]: v for n, v in self._settings.items()} | ({"exact": "true"} if self._exact else {})

    def check(self, n_docs: int, dim: int) -> None:
        """Dimensions that a type, or an index over it, cannot hold."""
        if self.existing:
            return
        if dim > _STORED_DIMS[self._type]:
            raise RangeError(f"pgvector: {self._type} must have at most {_STORED_DIMS[self._type]:,} dimensions; got {dim:,}.")
        most = _INDEXED_DIMS[self._type]
        if self._index != "none" and dim > most:
            ways = [f"type={t} (up to {d:,})" for t, d in _INDEXED_DIMS.items() if d >= dim] + ["index=none", f"--dim {most}"]
            raise RangeError(
                f"pgvector: {self._index} indexes of {self._type} must have at most {most:,} dimensions; got {dim:,}. Use {', or '.join(ways)}."
            )

    def named(self, content: str) -> str:
        """The name of our own table; PostgreSQL would cut longer ones."""
        name = super().named(content)
        if len(name.split(".")[-1].encode()) > 63:
            raise InvalidArgument(f"pgvector: table must be a name of at most 46 bytes, as 17 are added; got {self.collection!r}.")
        return name

    def held(self, name: str) -> int | None:
        """Rows of a table."""
        return self._database.count(name)

    def create(self, name: str, dim: int) -> None:
        """An empty table."""
        db = self._database
        db.run("CREATE EXTENSION IF NOT EXISTS vector")
        declared = db.sql("{}({})", db.word(self._type), dim)
        db.run("CREATE TABLE {} (position bigint PRIMARY KEY, doc_id text NOT NULL, embedding {} NOT NULL)", db.name(name), declared)

    def add(self, name: str, start: int, ids: Sequence[str], vectors: np.ndarray) -> None:
        """One transaction a batch: all of its rows are there, or none."""
        rows = ((start + i, doc, sent) for i, (doc, sent) in enumerate(zip(ids, self._sent(vectors))))
        self._database.copied(name, start, ("position", "doc_id", "embedding"), ("int8", "text", "bytea"), rows)

    def finish(self, name: str, n_docs: int) -> None:
        """Build the index, unless it is there."""
        db = self._database
        if self._index != "none" and not db.indexes(name, "embedding"):
            metric = "hamming" if self._type == "bit" else "cosine"
            lists = self._lists or max(1, round(n_docs / 1000) if n_docs <= 1_000_000 else round(n_docs**0.5))
            options = f"m = {self._m}, ef_construction = {self._ef_construction}" if self._index == "hnsw" else f"lists = {lists}"
            db.run(
                "CREATE INDEX IF NOT EXISTS {} ON {} USING {} (embedding {}) WITH ({})", db.name(f"limitlab_index_{content_hash(name)}"), db.name(name),
                db.word(self._index), db.word(f"{self._type}_{_CLASSES[metric]}"), db.word(options),
            )  # fmt: skip
        db.run("ANALYZE {}", db.name(name))

    def search(self, name: str, queries: np.ndarray, k: int) -> list[Hits]:
        """One statement a query; distances become similarities."""
        statement, metric, settings = self._statement(name)
        sign = {"cosine": lambda d: 1.0 - d}.get(metric, lambda d: -d)  # <#> is the negative inner product
        texts = self._texts(queries, kind=self._column_type(name)[0])
        self._asked[name] = k
        with self._database.session(settings) as ask:
            return [[(str(doc), sign(float(distance))) for doc, distance in ask(statement, (text, text, k))] for text in texts]

    def describe(self, name: str) -> Served:
        """Column, index, and whether PostgreSQL's plan for a query, of the length last searched, uses it."""
        db = self._database
        kind, dim = self._column_type(name)
        statement, metric, settings = self._statement(name)
        sample = next(self._pages(name, 100), ([], np.zeros((0, 1), np.float32)))[1]
        text = self._texts(np.ones((1, dim), np.float32), kind=kind)[0]
        with db.session(settings) as ask:
            plan = db.index_used(ask, statement, (text, text, self._asked.get(name, _USUAL_K)))
            values = {n: str(ask(f"SELECT current_setting('{n}', true)", ())[0][0]) for n in ("hnsw.ef_search", "ivfflat.probes")}
        indexes = db.indexes(name, self._column)
        used = next((words for index, words in indexes if index == plan), None)
        words = ", ".join(words for _, words in indexes) or "none"
        if used is not None:
            words = f"{used} " + (
                f"ef_search={values['hnsw.ef_search']}" if used.startswith("hnsw") else f"probes={values['ivfflat.probes']}"
            )
            if "hnsw.iterative_scan" in self._settings:
                words += f" iterative_scan={self._settings['hnsw.iterative_scan']}"
        elif indexes:
            words += " (PostgreSQL reads the table instead)"
        dtype = {"vector": "float32", "halfvec": "float16", "bit": "1 bit"}[kind]
        coded = "binary" if kind == "bit" else "none"
        return Served(
            dim, db.count(name) or 0, metric, used is None, words, dtype, coded, None if coded == "binary" else lengths_of(sample)
        )

    def stored(self, name: str) -> Iterator[tuple[list[str], np.ndarray]]:
        """All rows; bits as +1 and -1."""
        return self._pages(name, None)

    def drop(self, name: str) -> None:
        """Remove a table."""
        self._database.run("DROP TABLE IF EXISTS {}", self._database.name(name))

    def release(self) -> None:
        """Close the connection."""
        self._database.close()

    def _pages(self, name: str, limit: int | None) -> Iterator[tuple[list[str], np.ndarray]]:
        db = self._database
        some = db.sql(" LIMIT {}", limit) if limit is not None else db.sql("")
        statement = db.sql("SELECT {}, {}::text FROM {}{}", db.name(self._id_field), db.name(self._column), db.name(name), some)
        bits = self._column_type(name)[0] == "bit"
        for rows in db.blocks(statement, _BLOCK):
            read = [
                [1.0 if c == "1" else -1.0 for c in text] if bits else np.fromstring(text[1:-1], np.float32, sep=",") for _, text in rows
            ]
            yield [str(doc) for doc, _ in rows], np.array(read, np.float32)

    def _statement(self, name: str) -> tuple[str, str, dict[str, int | str]]:
        """(a query for one vector, its metric, settings of the session)."""
        db = self._database
        kind, dim = self._column_type(name)
        found = next((c for _, w in db.indexes(name, self._column) for c in _CLASSES if w.endswith(_CLASSES[c].removesuffix("_ops"))), None)
        metric = self._metric or found or ("hamming" if kind == "bit" else "cosine")
        operator = db.word(_OPERATORS[metric])
        distance = db.sql("{} {} %s::{}({})", db.name(self._column), operator, db.word(kind), dim)
        statement = db.sql("SELECT {}, {} FROM {} ORDER BY {} LIMIT %s", db.name(self._id_field), distance, db.name(name), distance)
        settings = dict(self._settings)
        if self._exact:
            settings["enable_indexscan"] = "off"
        elif not self.existing and self._index != "none":
            settings["enable_seqscan"] = "off"  # small tables are read whole otherwise, and the index is what is asked for
        return db.text(statement), metric, settings

    def _column_type(self, name: str) -> tuple[str, int]:
        kind, dim = self._database.column(name, self._column)
        if kind not in TYPES or dim is None:
            raise InvalidArgument(
                f"pgvector: column {self._column!r} of {name} must be vector(n), halfvec(n) or bit(n); it is {kind}. Pass column=NAME."
            )
        return kind, dim

    def _sent(self, vectors: np.ndarray) -> list[bytes]:
        """Vectors in the binary form of their type: number of dimensions, two empty bytes, big-endian values; bits after their number."""
        dim = vectors.shape[1]
        if self._type == "bit":
            return [struct.pack("!i", dim) + row.tobytes() for row in np.packbits(vectors >= 0, axis=1)]
        values = np.ascontiguousarray(vectors, ">f2" if self._type == "halfvec" else ">f4")
        return [struct.pack("!hh", dim, 0) + row.tobytes() for row in values]

    def _texts(self, vectors: np.ndarray, *, kind: str | None = None) -> list[str]:
        """Vectors as PostgreSQL reads them; bits are signs, zero counts as positive."""
        if (kind or self._type) == "bit":
            return ["".join("1" if v else "0" for v in row) for row in vectors >= 0]
        return ["[" + ",".join(map(repr, row)) + "]" for row in np.asarray(vectors, np.float32).tolist()]
