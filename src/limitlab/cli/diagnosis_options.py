"""Options of ``limitlab diagnose``, and of the gate on its losses, that are too long for one line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DocVectors = Annotated[
    str | None,
    typer.Option(
        "--docs", help="Document vectors: .npy, .npz, .parquet, a folder of shards, or a store: qdrant:path=FOLDER,collection=NAME."
    ),
]
NoRenormalise = Annotated[bool, typer.Option("--no-renormalise", help="Truncated vectors are not scaled to unit length again.")]
ServedType = Annotated[
    str | None,
    typer.Option("--dtype", help="Served documents: float16, bfloat16, fp8-e4m3, fp8-e5m2, int8, int8-per-dim, int8-ranges, binary, pq:M."),
]
ServedIndex = Annotated[
    str | None,
    typer.Option(
        "--index",
        help="hnsw:m=32,ef_construction=40,ef_search=16, ivf:nlist=256,nprobe=8, a faiss index file, or a store: qdrant:url=URL.",
    ),
]
ChunkSeparator = Annotated[
    str | None, typer.Option("--chunk-separator", help="Hits of the run are chunks: the document id ends at the last one.")
]
ChunkPattern = Annotated[
    str | None, typer.Option("--chunk-pattern", help="The same by a regular expression; its group is the document id.")
]
DiagnosisFiles = Annotated[
    list[Path], typer.Option("--output", "-o", help="Also write: .html (page), .json, or .csv (table of queries). Repeat for more.")
]
Remedies = Annotated[
    str | None, typer.Option("--remedies", help="Measure remedies too: all, or some of adapter,hybrid,rerank,serving,cut.")
]
SaveAdapter = Annotated[
    Path | None, typer.Option("--save-adapter", help="Write the query adapter trained on ALL queries: .npz, for adapted(MODEL):file=...")
]
MaxLosses = Annotated[
    list[str],
    typer.Option(
        "--max-loss", help="quantisation=0.01: recall before that level of a diagnosis minus recall after it is at most this. Repeat."
    ),
]
GateType = Annotated[str | None, typer.Option("--dtype", help="Served documents, for --max-loss: int8, binary, pq:M, ...")]
GateIndex = Annotated[str | None, typer.Option("--index", help="Served index, for --max-loss: hnsw:m=32,ef_search=64, ivf:..., a file.")]
GateRun = Annotated[Path | None, typer.Option("--run", help="Production ranking, for --max-loss: a TREC or JSON run file.")]
