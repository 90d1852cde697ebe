"""``limitlab serve``: a retriever over HTTP, for Dify and others."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from limitlab.cli.progress import Bars


def serve_command(
    dataset: Annotated[str, typer.Argument(help="Dataset folder, or hf:owner/name: its documents are served.", metavar="DATASET")],
    model: Annotated[str, typer.Option("--model", "-m", help="The retriever, as in eval: bm25, minilm, an id or a folder.")] = "bm25",
    host: Annotated[str, typer.Option("--host", help="Address to bind. Other than this machine's own, a key must be set.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="Port to bind.")] = 8808,
    key_env: Annotated[
        str | None,
        typer.Option("--key-env", help="Variable that holds the key clients must send; default LIMITLAB_SERVE_KEY if it is set."),
    ] = None,
    knowledge: Annotated[
        str | None, typer.Option("--knowledge", help="The External Knowledge ID that Dify is given; default: the folder's name.")
    ] = None,
    precision: Annotated[str, typer.Option("--precision", help="auto, float32 or bfloat16: of document vectors.")] = "auto",
    split: Annotated[str, typer.Option("--split", help="Which qrels of DATASET: test, dev, train.")] = "test",
) -> None:
    """Serve a retriever: POST /retrieval (Dify's External Knowledge API), POST /search, POST /v1/embeddings, GET /health."""
    from limitlab._core.optional import require
    from limitlab.data import load
    from limitlab.retrieval import build
    from limitlab.retrieval.remote.keys import environment_name, key_from_environment
    from limitlab.serve.app import WHO, ServeConfig, checked_key, serve
    from limitlab.serve.searcher import Searcher

    for module in ("starlette", "uvicorn"):
        require(module, extra="serve", what="servers")
    name = environment_name(WHO, key_env or "LIMITLAB_SERVE_KEY")
    config = ServeConfig(knowledge or Path(dataset.rstrip("/")).name, host=host, port=port)
    key = checked_key(config, key_from_environment(WHO, name, needed=key_env is not None))
    bars = Bars()
    data = load(dataset, split=split)
    retriever = build(model, precision=precision)
    searcher = Searcher(retriever, data.docs, progress=bars)
    guard = f"with the key in {name}" if key else "without a key, for this machine only"

    def ready(address: str) -> None:
        bars.say(
            f"{retriever.label} over {data.n_docs:,} documents at {address} {guard}. Dify: knowledge ID {config.knowledge}. Ctrl-C ends it."
        )
        sys.stderr.flush()

    serve(searcher, config, key, ready=ready)
