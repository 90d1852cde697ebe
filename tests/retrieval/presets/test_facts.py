"""What the presets say, and what they refuse."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import pytest
from typer.testing import CliRunner

from limitlab._core.errors import DataError, InvalidArgument, UnknownName
from limitlab.cli.main import app
from limitlab.retrieval import Dense, build, known_retrievers
from limitlab.retrieval.kinds import KINDS, Kind
from limitlab.retrieval.presets import preset, preset_arguments, presets
from limitlab.retrieval.registry import _FOR_MODELS

OF_THE_PAPER = {
    "gritlm-7b", "qwen3-embedding-8b", "promptriever-llama3.1-8b", "e5-mistral-7b-instruct", "snowflake-arctic-embed-l-v2.0",
    "gemini-embedding-001", "gte-moderncolbert-v1",
}  # fmt: skip


def test_the_paper_s_models_are_there_and_every_preset_is_listed():
    assert set(presets()) >= OF_THE_PAPER
    assert len(presets()) == 20
    assert set(presets()) <= set(known_retrievers())


@pytest.mark.parametrize("name", presets())
def test_a_preset_is_complete_and_says_where_its_facts_come_from(name):
    p = preset(name)
    assert p.label and p.licence and p.dim > 0 and p.max_tokens
    assert p.sources and all(p.sources.values()), "every fact names a source"
    assert all(0 < d < p.dim for d in p.dims)
    if p.kind == "dense":
        assert p.revision and len(p.revision) == 40, "a commit, so that the same name is the same model tomorrow"
        assert p.memory_bytes == p.parameters * {"float32": 4, "bfloat16": 2, "float16": 2}[p.dtype]
        assert p.query_prompt is not None and p.document_prompt is not None
        assert "pooling" in p.settings or "pooling" in p.sources
        assert ("{instruction}" in p.query_prompt) == (p.instruction is not None)
        told = " ".join(p.sources) + " ".join(p.unverified)
        for fact in ("prompts", "pooling", "max_tokens"):
            assert fact in told, f"{fact} has a source, or is named as not verified"


def test_prompts_have_their_newlines_and_spaces():
    instruction = "Given a web search query, retrieve relevant passages that answer the query"
    assert preset("gritlm-7b").prompt("query") == f"<|user|>\n{instruction}\n<|embed|>\n"
    assert preset("gritlm-7b").prompt("document") == "<|embed|>\n"
    assert preset("qwen3-embedding-4b").prompt("query") == f"Instruct: {instruction}\nQuery:"
    assert preset("e5-mistral-7b-instruct").prompt("query", "Find it") == "Instruct: Find it\nQuery: "
    assert preset("promptriever-llama3.1-8b").prompt("query") == "query:  "


@pytest.mark.parametrize("name", ["gritlm-7b", "qwen3-embedding-0.6b", "bge-m3"])
def test_without_network_a_named_model_gives_the_house_s_error(name):
    with pytest.raises(DataError, match="not a folder, not fetched before, and HF_HUB_OFFLINE is set"):
        build(name).config(10)


def test_the_hub_is_asked_for_the_pinned_commit(monkeypatch):
    import huggingface_hub

    asked = []

    def fake(source, **options):
        asked.append((source, options["revision"]))
        raise OSError("no network in tests")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fake)
    with pytest.raises(DataError):
        build("e5-base-v2").config(1)
    assert asked == [("intfloat/e5-base-v2", preset("e5-base-v2").revision)]


def test_code_that_comes_with_a_model_is_run_only_when_the_user_says_so():
    with pytest.raises(
        InvalidArgument, match=r"jina-embeddings-v3: .* read that code, then pass jina-embeddings-v3:trust_remote_code=true"
    ):
        build("jina-embeddings-v3")
    built = build("jina-embeddings-v3:trust_remote_code=true")
    assert isinstance(built, Dense) and built._encoder._trust is True
    with pytest.raises(InvalidArgument, match="trust_remote_code must be true or false"):
        build("jina-embeddings-v3:trust_remote_code=yes,folder=.")


def test_options_of_presets_are_checked(tmp_path):
    with pytest.raises(UnknownName, match="did you mean 'instruction'"):
        build("gritlm-7b:instuction=x")
    with pytest.raises(InvalidArgument, match="folder must be a folder with the model's files; got 'nowhere'"):
        build("gritlm-7b:folder=nowhere")
    with pytest.raises(InvalidArgument, match="its prompts have no place for an instruction"):
        build(f"bge-m3:folder={tmp_path},instruction=x")
    with pytest.raises(UnknownName, match="did you mean 'lasttoken'"):
        build(f"bge-m3:folder={tmp_path},pooling=last_token")
    with pytest.raises(UnknownName, match="did you mean 'gritlm-7b'"):
        build("gritlm")


def test_an_instruction_may_hold_commas(tmp_path):
    built = build(f"e5-mistral-7b-instruct:folder={tmp_path},instruction=Given a need, find documents, now,max_tokens=64")
    assert built._query_prompt == "Instruct: Given a need, find documents, now\nQuery: "
    assert built._encoder.settings.max_tokens == 64


def test_a_preset_is_recorded_with_the_result(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    config = build(f"gritlm-7b:folder={tmp_path}").config(10)
    assert config["preset"] == "gritlm-7b"
    assert config["settings"]["bidirectional"] is True
    assert "revision" not in config["settings"], "a folder has no commit; its files are hashed"


def test_presets_of_other_kinds_use_that_kind_s_class(monkeypatch):
    class Service:
        name = label = "service"
        family = "dense"
        max_dim = 3072

        def __init__(self, *, model: str, dimensions: int | None = None) -> None:
            self.model, self.dimensions = model, dimensions

        def config(self, n_docs):
            return {}

        def index(self, docs, queries, *, progress):
            return {}

        def search(self, **_):
            return None

        def predict(self, measure, cut, **_):
            return None

    module = ModuleType("limitlab.retrieval.somewhere")
    module.Service = Service
    monkeypatch.setitem(sys.modules, "limitlab.retrieval.somewhere", module)
    monkeypatch.setitem(KINDS, "gemini", Kind("somewhere:Service", "a service"))
    built = build("gemini-embedding-001:dimensions=768")
    assert (built.name, built.label) == ("gemini-embedding-001", "Gemini Embedding")
    assert (built.model, built.dimensions) == ("gemini-embedding-001", 768)
    monkeypatch.setitem(_FOR_MODELS, "multi-vector", ("somewhere:Service", False))
    assert build("gte-moderncolbert-v1:folder=./local").model == "./local"


def test_preset_arguments_win_over_the_preset():
    _, made = preset_arguments(preset("qwen3-embedding-8b"), {"max_tokens": 99, "query_prompt": "q", "dtype": "float32"})
    assert (made["settings"].max_tokens, made["query_prompt"], made["dtype"]) == (99, "q", "float32")
    assert made["settings"].pooling == "lasttoken"


# -- the command line -------------------------------------------------------------------------------------------------


def test_models_lists_presets_with_what_they_need():
    done = CliRunner().invoke(app, ["models"])
    assert done.exit_code == 0, done.output
    line = next(x for x in done.output.splitlines() if x.startswith("gritlm-7b"))
    assert "13.5 GiB" in line and "4096 only" in line and "apache-2.0" in line
    assert any(x.startswith("bm25") for x in done.output.splitlines())


def test_models_name_shows_prompts_sources_and_departures():
    done = CliRunner().invoke(app, ["models", "gritlm-7b"])
    assert '"<|user|>\\n{instruction}\\n<|embed|>\\n"' in done.output
    assert "not verified:" in done.output and "source of prompts:" in done.output and "notes: The code that comes" in done.output
    record = json.loads(CliRunner().invoke(app, ["models", "gritlm-7b", "--json"]).output)
    assert record["memory_bytes"] == 2 * 7_240_000_000 and record["query_prompt"].count("\n") == 3


def test_models_of_no_preset_are_refused_with_a_suggestion():
    done = CliRunner().invoke(app, ["models", "gritlm"])
    assert done.exit_code == 1 and "did you mean 'gritlm-7b'" in str(done.exception)
