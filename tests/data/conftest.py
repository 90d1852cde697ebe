"""What the data tests share: the released data, a folder builder, and the command line."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

RELEASED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "limit-small"

CORPUS = [
    {"_id": "d1", "title": "", "text": "red apples"},
    {"_id": "d2", "title": "", "text": "green pears"},
    {"_id": "d3", "title": "", "text": "blue plums"},
]
QUERIES = [{"_id": "q1", "text": "apples?"}, {"_id": "q2", "text": "pears?"}]
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t1\nq2\td2\t1\n"


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """A writable copy of the released LIMIT-small."""
    if not RELEASED.is_dir():
        pytest.skip(f"the released LIMIT-small is not at {RELEASED}")
    return Path(shutil.copytree(RELEASED, tmp_path / "limit-small"))


def _bytes(content: str | bytes | list[dict]) -> bytes:
    if isinstance(content, list):
        content = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in content)
    return content.encode() if isinstance(content, str) else content


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """Builds a small valid dataset folder; any file can be replaced (text, bytes, records) or left out (None)."""

    def build(
        *, corpus=CORPUS, queries=QUERIES, qrels=QRELS, qrels_at: str = "qrels/test.tsv", name: str = "fruit", **more: str | bytes
    ) -> Path:
        root = tmp_path / name
        for path, content in {"corpus.jsonl": corpus, "queries.jsonl": queries, qrels_at: qrels, **more}.items():
            if content is not None:
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_bytes(_bytes(content))
        return root

    return build


@pytest.fixture
def limitlab_command() -> list[str]:
    """The command line of the interpreter that runs the tests."""
    beside = shutil.which("limitlab", path=str(Path(sys.executable).parent))
    return [beside] if beside else [sys.executable, "-c", "from limitlab.cli.main import run; run()"]


@pytest.fixture
def needs() -> Callable[[str], None]:
    """Skips when a package is not installed; fails instead where LIMITLAB_REQUIRE_ALL=1 says that it must be."""

    def check(package: str) -> None:
        if importlib.util.find_spec(package) is None:
            if os.environ.get("LIMITLAB_REQUIRE_ALL") == "1":
                pytest.fail(f"{package} is not installed, and LIMITLAB_REQUIRE_ALL=1")
            pytest.skip(f"{package} is not installed")

    return check
