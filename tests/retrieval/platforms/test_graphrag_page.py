"""The function of the how-to page that makes a run of GraphRAG's tables."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from limitlab.evaluation import evaluate

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "evaluate-my-rag-platform.md"


@pytest.mark.parametrize("column", ["document_ids", "document_id"])
def test_the_pages_function_makes_a_run(data, tmp_path, column):
    pandas = pytest.importorskip("pandas")
    block = next(
        b for b in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S) if b.startswith("def document_lists")
    )
    space: dict = {}
    exec(block, space)
    numbers = {doc: f"{i:032x}" for i, doc in enumerate(data.docs.ids)}
    documents = pandas.DataFrame({"id": list(numbers.values()), "title": [f"{doc}.txt" for doc in numbers]})
    held = [[n] for n in numbers.values()] if column == "document_ids" else list(numbers.values())
    text_units = pandas.DataFrame({"text": list(data.docs), column: held})
    found = {
        q: pandas.DataFrame({"source_id": range(2), "text": [data.docs[int(j)] for j in data.relevance.row(i)]})
        for i, q in enumerate(data.queries.ids)
    }
    (tmp_path / "graphrag.json").write_text(json.dumps(space["document_lists"](found, text_units, documents)))
    row = evaluate(data, [f"run:file={tmp_path / 'graphrag.json'}"], measures=["recall@2"]).rows[0]
    assert row.measures["recall@2"].mean == 1.0 and "unknown_hits" not in row.notes
