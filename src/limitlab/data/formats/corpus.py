"""Documents of a corpus one by one, with everything their lines hold, so that they can be written again unchanged."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from limitlab._core.errors import InvalidArgument
from limitlab._core.files import sha256_file
from limitlab._core.texts import Texts
from limitlab.data.dataset import Dataset
from limitlab.data.formats.jsonl import identifier, parse, raw_lines, text_of
from limitlab.data.formats.reading import corpus_file, load


class CorpusDocument(NamedTuple):
    """One document.

    Attributes
    ----------
    id, text
        As ``load`` gives them: the title is put before the text.
    fields
        ``_id``, ``title``, ``text`` and whatever else the line holds.
    line
        The line itself, when it needs no change to be read by BEIR; None otherwise.
    """

    id: str
    text: str
    fields: dict[str, Any]
    line: bytes | None

    def with_text(self, text: str) -> CorpusDocument:
        """The same document with another ``text`` field; the title stays before it."""
        title = self.fields["title"]
        return CorpusDocument(self.id, f"{title.strip()} {text}" if title.strip() else text, {**self.fields, "text": text}, None)

    def encoded(self) -> bytes:
        """The line to write: the original one where there is one."""
        if self.line is not None:
            return self.line + b"\n"
        try:
            return json.dumps(self.fields, ensure_ascii=False).encode("utf-8") + b"\n"
        except UnicodeEncodeError:  # a lone surrogate, which UTF-8 cannot hold, is escaped
            return json.dumps(self.fields).encode("ascii") + b"\n"


class Corpus:
    """Documents that can be gone through more than once, in order, without being held.

    Parameters
    ----------
    source
        A dataset folder, a file of JSON lines with ``_id`` (or ``id``) and ``text``, ``hf:owner/name``, a Dataset, or texts with ids.

    Raises
    ------
    InvalidArgument
        There is no such folder or file.
    DataError
        The folder holds no corpus; a malformed line (path:line) when it is reached.
    """

    def __init__(self, source: str | Path | Dataset | Texts) -> None:
        self.path: Path | None = None
        self._texts: Texts | None = None
        if isinstance(source, str) and source.startswith("hf:"):
            source = load(source)
        if isinstance(source, Dataset):
            self.name, self._texts = source.name, source.docs
        elif isinstance(source, (str, Path)):
            path = Path(source)
            if not path.exists():
                raise InvalidArgument(f"corpus: a dataset folder or a file of JSON lines is needed; {source} does not exist.")
            self.path = corpus_file(path) if path.is_dir() else path
            self.name = path.resolve().name if path.is_dir() else path.stem
        elif isinstance(source, Texts):
            self.name, self._texts = "my corpus", source
        else:
            raise InvalidArgument(
                f"corpus: a folder, a file of JSON lines, a Dataset or texts with ids must be given; got {type(source).__name__}."
            )

    def __iter__(self) -> Iterator[CorpusDocument]:
        if self._texts is not None:
            for name, text in zip(self._texts.ids, self._texts):
                yield CorpusDocument(name, text, {"_id": name, "title": "", "text": text}, None)
            return
        assert self.path is not None
        for number, _, line in raw_lines(self.path):
            record = parse(self.path, number, line)
            name, text = identifier(self.path, number, record, ("_id", "id")), text_of(self.path, number, record)
            whole = record.get("_id") == name and isinstance(record.get("title"), str) and not line.startswith(b"\xef\xbb\xbf")
            fields = {"_id": name, "title": record.get("title") or "", "text": record["text"] or ""}
            rest = {key: value for key, value in record.items() if key not in ("_id", "id", "title", "text")}
            yield CorpusDocument(name, text, fields | rest, line.strip() if whole else None)

    def origin(self) -> dict[str, str]:
        """Name and, of a file, SHA-256."""
        return {"name": self.name} if self.path is None else {"name": self.name, "file": self.path.name, "sha256": sha256_file(self.path)}
