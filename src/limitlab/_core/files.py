"""Files that are either whole or absent, and content hashes."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from limitlab._core.errors import DataError, InvalidArgument

_ABANDONED_SECONDS = 60.0  # a process of that number may run on another machine that shares the folder


@contextmanager
def atomic_file(path: str | Path) -> Iterator[BinaryIO]:
    """A binary file that appears under ``path`` only when the block ends without an error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear_abandoned(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.{os.getpid()}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def atomic_folder(path: str | Path, *, who: str, overwrite: bool = False, marker: str = "manifest.json") -> Iterator[Path]:
    """A folder that appears under ``path`` only when the block ends without an error.

    The block writes into a sibling folder; a killed run leaves at most that sibling (``.<name>.<process>.<random>.part``),
    never half a dataset, and the next run with the same path removes it. An existing folder is refused unless ``overwrite`` is set, and also then unless it is empty or holds
    ``marker``, the file that every earlier product of the same kind has: nobody's own files are deleted.
    """
    given, path = Path(path), Path(path).resolve()  # a link stays, what it points to is replaced
    if path.exists() and not overwrite:
        raise InvalidArgument(f"{who}: the output folder must not exist; {given} does. Choose another -o, or pass --overwrite.")
    if path.exists() and not path.is_dir():
        raise InvalidArgument(f"{who}: the output must be a folder; {given} is a file.")
    if path.exists() and any(path.iterdir()) and not (path / marker).is_file():
        raise InvalidArgument(f"{who}: only an earlier product may be replaced; {given} has no {marker}. Choose another -o.")
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear_abandoned(path)
    part = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.{os.getpid()}.", suffix=".part"))
    try:
        yield part
        os.chmod(part, 0o777 & ~_umask())
        if path.exists():
            old = part.with_suffix(".old")
            os.replace(path, old)
            os.replace(part, path)
            shutil.rmtree(old)
        else:
            os.replace(part, path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def _clear_abandoned(path: Path) -> None:
    """Remove the unfinished siblings that killed runs have left for ``path``: their process is gone, and they have not changed for a while."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        process = part.name.removeprefix(f".{path.name}.").partition(".")[0]
        try:
            if process.isdigit() and not _alive(int(process)) and time.time() - part.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(part) if part.is_dir() else part.unlink()
        except OSError:  # somebody else is faster, or it is not ours to remove
            continue


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: str | Path, text: str) -> Path:
    """Write UTF-8 text atomically."""
    with atomic_file(path) as out:
        out.write(text.encode("utf-8"))
    return Path(path)


def sha256_file(path: str | Path) -> str:
    """SHA-256 of a file's bytes, as 64 hex digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: the same value gives the same text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)


def content_hash(value: Any, *, length: int = 16) -> str:
    """The first ``length`` hex digits of the SHA-256 of ``canonical_json(value)``."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:length]


def _plain(value: Any) -> Any:
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"not JSON: {type(value).__name__}")


def read_json(path: str | Path) -> Any:
    """The JSON value in a file; DataError with path:line when it is not JSON."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise DataError.at(path, error.lineno, f"not valid JSON ({error.msg})") from error
    except UnicodeDecodeError as error:
        raise DataError.at(path, None, f"not UTF-8 text ({error.reason} at byte {error.start})") from error
