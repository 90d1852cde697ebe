"""One connection to PostgreSQL: statements with quoted names, and no connection string in any message."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from limitlab._core.errors import InvalidArgument, ServiceError
from limitlab._core.optional import require
from limitlab.retrieval.remote.connection_string import without_login
from limitlab.retrieval.remote.keys import key_from_environment

_INDEXES = """
SELECT c.relname, am.amname, coalesce(array_to_string(c.reloptions, ' '), ''), o.opcname
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am am ON am.oid = c.relam
JOIN pg_opclass o ON o.oid = i.indclass[0] JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = to_regclass(%s) AND a.attname = %s AND am.amname IN ('hnsw', 'ivfflat') AND i.indisvalid ORDER BY c.relname
"""
_COLUMN = "SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attname = %s AND NOT attisdropped"


class Database:
    """PostgreSQL behind one connection, opened when it is first needed.

    Parameters
    ----------
    who
        Named in errors.
    variable
        Environment variable with the connection string.

    Raises
    ------
    InvalidArgument
        The variable is not set.
    """

    def __init__(self, who: str, variable: str) -> None:
        self._who = who
        secret = key_from_environment(who, variable)
        assert secret is not None
        self._secret, self.source = secret, f"${{{variable}}}"
        self._made: Any = None

    def word(self, text: str) -> Any:
        """A piece of SQL written by this program."""
        return self._library().sql.SQL(text)

    def name(self, text: str) -> Any:
        """A quoted name; a dot parts schema and table."""
        return self._library().sql.Identifier(*text.split("."))

    def sql(self, text: str, *parts: Any) -> Any:
        """A statement of words, names and whole numbers."""
        library = self._library().sql
        return library.SQL(text).format(*[library.Literal(p) if isinstance(p, int) else p for p in parts])

    def text(self, statement: Any) -> str:
        """A statement as text."""
        return statement.as_string(self._connection())

    def run(self, text: str, *parts: Any) -> list[tuple[Any, ...]]:
        """Run one statement and commit; rows, where it has any."""
        with self._errors(), self._connection().transaction():
            cursor = self._connection().execute(self.sql(text, *parts))
            return cursor.fetchall() if cursor.description else []

    def count(self, table: str) -> int | None:
        """Rows of a table; None when there is none."""
        if not self._exists(table):
            return None
        return int(self.run("SELECT count(*) FROM {}", self.name(table))[0][0])

    def column(self, table: str, column: str) -> tuple[str, int | None]:
        """(type, dimension) of a column: ``("vector", 384)``; dimension None where none is declared."""
        with self._errors():
            row = self._connection().execute(_COLUMN, (self._quoted(table), column)).fetchone()
        if row is None:
            raise InvalidArgument(f"{self._who}: table {table} must have the column {column!r}; it has not. Pass column=NAME.")
        match = re.fullmatch(r"(?:\w+\.)?(\w+)(?:\((\d+)\))?", str(row[0]))
        return (match[1], int(match[2]) if match[2] else None) if match else (str(row[0]), None)

    def indexes(self, table: str, column: str) -> list[tuple[str, str]]:
        """(name, ``hnsw m=16 ef_construction=64 by cosine``) of the vector indexes over a column."""
        with self._errors():
            rows = self._connection().execute(_INDEXES, (self._quoted(table), column)).fetchall()
        return [
            (str(name), " ".join(filter(None, [method, options, f"by {operators.split('_')[-2]}"])))
            for name, method, options, operators in rows
        ]

    def copied(self, table: str, start: int, columns: Sequence[str], types: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
        """Rows of a batch in one transaction; what is there from its first position on is replaced."""
        names = self._library().sql.SQL(", ").join(map(self.name, columns))
        with self._errors(), self._connection().transaction(), self._connection().cursor() as cursor:
            cursor.execute(self.sql("DELETE FROM {} WHERE position >= {}", self.name(table), start))
            with cursor.copy(self.sql("COPY {} ({}) FROM STDIN (FORMAT BINARY)", self.name(table), names)) as copy:
                copy.set_types(types)
                for row in rows:
                    copy.write_row(row)

    def blocks(self, statement: Any, size: int) -> Iterator[list[tuple[Any, ...]]]:
        """All rows of a statement, in blocks, through a cursor of the server."""
        with self._errors(), self._connection().transaction(), self._connection().cursor(name="limitlab_export") as cursor:
            cursor.itersize = size
            cursor.execute(statement)
            while rows := cursor.fetchmany(size):
                yield rows

    @contextmanager
    def session(self, settings: dict[str, int | str]) -> Iterator[Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]]]:
        """A function that runs statements under settings that end with the block."""
        connection = self._connection()
        with self._errors(), connection.transaction():
            connection.execute("SELECT '[1]'::vector")  # loads the extension, whose settings are unknown before
            for name, value in settings.items():
                connection.execute("SELECT set_config(%s, %s, true)", (name, str(value)))
            yield lambda text, values: connection.execute(text, values or None).fetchall()

    def index_used(
        self, ask: Callable[[str, tuple[Any, ...]], list[tuple[Any, ...]]], statement: str, values: tuple[Any, ...]
    ) -> str | None:
        """The name of the index by which PostgreSQL would answer a statement; None when it reads the table."""
        plan = ask("EXPLAIN (FORMAT JSON) " + statement, values)[0][0]
        nodes = [plan[0]["Plan"]]
        for node in nodes:
            nodes += node.get("Plans", [])
        return next((str(node["Index Name"]) for node in nodes if "Index Name" in node), None)

    def close(self) -> None:
        """Close the connection."""
        if self._made is not None:
            self._made.close()
            self._made = None

    def _exists(self, table: str) -> bool:
        with self._errors():
            return self._connection().execute("SELECT to_regclass(%s)", (self._quoted(table),)).fetchone()[0] is not None

    def _quoted(self, table: str) -> str:
        return self.text(self.name(table))

    def _connection(self) -> Any:
        if self._made is None or self._made.closed:
            library = self._library()
            with self._errors():
                self._made = library.connect(self._secret.reveal(), autocommit=True)
        return self._made

    def _library(self) -> Any:
        require("psycopg.sql", extra="pgvector", what="tables of PostgreSQL", package="psycopg")
        return require("psycopg", extra="pgvector", what="tables of PostgreSQL")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """PostgreSQL's own words in one sentence, without the connection string and its password."""
        library = self._library()
        try:
            yield
        except library.ProgrammingError as error:
            if self._made is None:  # the string itself cannot be read, and the message repeats it
                raise InvalidArgument(
                    f"{self._who}: {self.source} must be a connection string such as postgresql://host/database."
                ) from None
            raise ServiceError(f"{self._who}: PostgreSQL refused: {self._hidden(error)}") from None
        except library.Error as error:
            raise ServiceError(f"{self._who}: PostgreSQL at {self.source} failed: {self._hidden(error)}") from None

    def _hidden(self, error: BaseException) -> str:
        return " ".join(without_login(str(error), self._secret.reveal()).split())[:300]
