"""From the hits of a platform to documents of the corpus: by a field, by any name, or by the text itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from limitlab._core.texts import Texts
from limitlab.retrieval.platforms.contract import Hit
from limitlab.search.chunk_ids import chunk_mapping

BY_TEXT = "text"


class DocumentMap:
    """Finds the document that a hit belongs to.

    A hit's fields are tried in their order: as they are, then as ids of chunks. Where none names a document, a chunk whose whole text is
    that of exactly one document belongs to it.

    Parameters
    ----------
    docs
        The corpus.
    who
        Named in errors.
    id_field
        Try this field only; "text": the text only. Default: all.
    separator, pattern
        See ``limitlab.search.chunk_ids.chunk_mapping``; "" for none.
    names
        What the platform calls documents that were uploaded, to their ids.
    """

    def __init__(
        self, docs: Texts, who: str, *, id_field: str = "", separator: str = "", pattern: str = "", names: Mapping[str, str] | None = None
    ) -> None:
        self._docs = docs
        self._rows = {name: j for j, name in enumerate(docs.ids)}
        self._names = {name: self._rows[doc] for name, doc in (names or {}).items()}
        self._field = id_field
        self._mapped = chunk_mapping(separator or None, pattern or None, who=who)
        self._by_text: dict[bytes, int] | None = None
        self.fields: dict[str, int] = {}

    def find(self, hit: Hit) -> int | None:
        """The document's row, or None; counts in ``fields`` what named it."""
        for field, value in hit.keys:
            if self._field in ("", field):
                for name in dict.fromkeys((value, self._mapped(value))):
                    row = self._names.get(name, self._rows.get(name))
                    if row is not None:
                        return self._counted(field, row)
        if self._field not in ("", BY_TEXT) or not hit.text:
            return None
        if self._by_text is None:
            self._by_text = _unique_texts(self._docs)
        found = self._by_text.get(_digest(hit.text))
        return None if found is None else self._counted(BY_TEXT, found)

    def _counted(self, field: str, row: int) -> int:
        self.fields[field] = self.fields.get(field, 0) + 1
        return row


def _digest(text: str) -> bytes:
    return blake2b(" ".join(text.split()).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _unique_texts(docs: Iterable[str]) -> dict[bytes, int]:
    """Rows by text, spaces apart; texts that several documents have are left out."""
    rows: dict[bytes, int] = {}
    twice: set[bytes] = set()
    for j, text in enumerate(docs):
        digest = _digest(text)
        if digest in rows:
            twice.add(digest)
        rows[digest] = j
    return {digest: j for digest, j in rows.items() if digest not in twice}
