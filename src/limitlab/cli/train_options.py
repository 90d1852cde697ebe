"""The options of ``limitlab train``, one a name: types with their help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Base = Annotated[str, typer.Option("--base", help="minilm, static, static:random, or a sentence-transformers id or folder.")]
Size = Annotated[
    str | None,
    typer.Option(
        "--size",
        help="small (both splits, one Matryoshka model each, 500 pairs x 3 epochs, 46 and 1,000 documents) or full (the same with 2,000 pairs x 5 epochs, 3 seeds, and 10,000 and 50,000 documents too); options given beside it win.",
    ),
]
Data = Annotated[str, typer.Option("--data", help="limit, or a dataset folder with qrels for train and test.")]
Split = Annotated[str | None, typer.Option("--split", help="train, test (overfitting on purpose) or mix; several with commas. [train]")]
Pairs = Annotated[int | None, typer.Option("--pairs", help="(query, relevant document) pairs. [2000, or all where a split has fewer]")]
Epochs = Annotated[int | None, typer.Option("--epochs", help="Times each pair is seen. [5]")]
Lr = Annotated[float | None, typer.Option("--lr", help="Learning rate. [5e-5; static: 1e-2]")]
BatchSize = Annotated[int, typer.Option("--batch-size", help="Pairs a step at most; a document is in a batch once.")]
Loss = Annotated[str, typer.Option("--loss", help="mnr or cached-mnr.")]
Batches = Annotated[
    str,
    typer.Option("--batches", help="no-duplicates or no-false-negatives (nothing relevant to a query of the batch is pushed away)."),
]
Dim = Annotated[str | None, typer.Option("--dim", help="Output dimensions by projection, a model each: 128 or 32,128.")]
Matryoshka = Annotated[str | None, typer.Option("--matryoshka", help="Dimensions trained together in one model: 32,128,384.")]
Architecture = Annotated[
    str,
    typer.Option(
        "--architecture",
        help="single-vector; multi-vector (a vector a token, MaxSim); or adapter: the base as it is, with linear maps fitted to its vectors.",
    ),
]
Pattern = Annotated[str, typer.Option("--pattern", help="Of the LIMIT training pairs: dense, random, cycle, disjoint.")]
Attributes = Annotated[int, typer.Option("--attributes", help="Different attributes that the LIMIT training pairs ask.")]
Queries = Annotated[int, typer.Option("--queries", help="Test queries of LIMIT.")]
NDocs = Annotated[
    str | None,
    typer.Option(
        "--n-docs", help="Corpus sizes of the evaluation: 46,1000,50000. [the relevant documents alone, and 1,000 or all of a folder]"
    ),
]
General = Annotated[str, typer.Option("--general", help="Held-out set for forgetting: shipped, none, or a dataset folder.")]
Seeds = Annotated[int | None, typer.Option("--seeds", help="Models a split and dimension, one a seed. [1]")]
Seed = Annotated[int, typer.Option("--seed", help="The first of the seeds.")]
Precision = Annotated[str, typer.Option("--precision", help="auto, float32 or bfloat16: of the training step.")]
Resume = Annotated[bool, typer.Option("--resume/--fresh", help="Continue and reuse what is there, or begin again.")]
Output = Annotated[
    list[Path],
    typer.Option("--output", "-o", help="Also write: report.html, result.json, rows.csv, or a folder for the models. Repeat."),
]
