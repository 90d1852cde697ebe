"""``limitlab serve``: a retriever over HTTP, for Dify and others."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from limitlab._core.errors import DataError
from limitlab._core.texts import Texts
from limitlab.cli.progress import Bars


def serve_command(
    dataset: Annotated[
        str, typer.Argument(help="Dataset folder, file of JSON lines, or hf:owner/name: its documents are served.", metavar="DATASET")
    ],
    model: Annotated[str, typer.Option("--model", "-m", help="The retriever, as in eval: bm25, minilm, an id or a folder.")] = "bm25",
    host: Annotated[str, typer.Option("--host", help="Address to bind. Other than this machine's own, a key must be set.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to bind.")] = 8808,
    key_env: Annotated[
        str | None,
        typer.Option("--key-env", help="Variable that holds the key clients must send; default LIMITLAB_SERVE_KEY if it is set."),
    ] = None,
    knowledge: Annotated[
        str | None, typer.Option("--knowledge", help="The External Knowledge ID that Dify is given; default: the name of DATASET.")
    ] = None,
    precision: Annotated[str, typer.Option("--precision", help="auto, float32 or bfloat16: of document vectors.")] = "auto",
) -> None:
    """Serve a retriever: POST /retrieval (Dify's External Knowledge API), POST /search, POST /v1/embeddings, GET /health."""
    from limitlab._core.optional import require
    from limitlab.retrieval import build
    from limitlab.retrieval.remote.keys import environment_name, key_from_environment
    from limitlab.serve.app import WHO, ServeConfig, checked_key, serve
    from limitlab.serve.searcher import Searcher

    for module in ("starlette", "uvicorn"):
        require(module, extra="serve", what="servers")
    name = environment_name(WHO, key_env or "LIMITLAB_SERVE_KEY")
    corpus, docs = _documents(dataset)
    config = ServeConfig(knowledge or corpus, host=host, port=port)
    key = checked_key(config, key_from_environment(WHO, name, needed=key_env is not None))
    bars = Bars()
    retriever = build(model, precision=precision)
    searcher = Searcher(retriever, docs, progress=bars)
    guard = f"with the key in {name}" if key else "without a key, for this machine only"

    def ready(address: str) -> None:
        bars.say(
            f"{retriever.label} over {len(docs):,} documents at {address} {guard}. Dify: knowledge ID {config.knowledge}. Ctrl-C ends it."
        )
        sys.stderr.flush()

    serve(searcher, config, key, ready=ready)


def _documents(source: str) -> tuple[str, Texts]:
    """(name, documents): queries and qrels are not needed."""
    from limitlab.data import load
    from limitlab.data.formats import Corpus
    from limitlab.data.formats.jsonl import read_texts

    if source.startswith("hf:"):
        data = load(source)
        return data.name, data.docs
    corpus = Corpus(source)
    assert corpus.path is not None
    docs, _ = read_texts(corpus.path)
    if not len(docs):
        raise DataError.at(corpus.path, None, "the corpus is empty; at least one document is needed")
    return corpus.name, docs
