"""``limitlab train``: a tiny model from the command line, its outputs, and what is refused."""

from __future__ import annotations

import json
import re

import pytest

pytestmark = pytest.mark.models
SMALL = ["--pairs", "20", "--epochs", "1", "--batch-size", "8", "--queries", "20", "--attributes", "20", "--n-docs", "7,30"]


@pytest.fixture(scope="session")
def base(tmp_path_factory) -> str:
    """A static model with the packaged tokeniser and 8 random dimensions."""
    from pathlib import Path

    import numpy as np
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
    from tokenizers import Tokenizer

    from limitlab.retrieval.packaged import packaged_folder

    tokenizer = Tokenizer.from_file(str(Path(packaged_folder("minilm")) / "tokenizer.json"))
    weights = np.random.default_rng(0).standard_normal((tokenizer.get_vocab_size(), 8)).astype(np.float32)
    folder = tmp_path_factory.mktemp("base") / "tiny"
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights), Normalize()], device="cpu").save(str(folder))
    return str(folder)


def test_a_training_with_every_output_is_shown_again_and_evaluated(cli, base, tmp_path):
    wanted = ["-o", tmp_path / "t.html", "-o", tmp_path / "t.json", "-o", tmp_path / "t.csv", "-o", tmp_path / "model"]
    done = cli("train", "--base", base, "--split", "test", "--lr", "0.05", *SMALL, *wanted, "--json")
    assert done.code == 0, done.err
    assert "estimated time" in done.err and "overfitting on purpose" in done.err
    found = done.json()
    assert found["schema"] == "limitlab.training/1" and found["status"] == "solved" and found["config"]["n_docs"] == [7, 30]
    assert len(found["written"]) == 4
    assert json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))["changes"] == found["changes"]
    page = (tmp_path / "t.html").read_text(encoding="utf-8")
    body = page[page.index("<main") : page.index("</main>")]
    assert "overfitting on purpose" in body and "In-domain training does not help?" in body
    assert not re.search(r"(src|href)=[\"']?https?:", body) and "Who likes" not in body
    assert body.count("<tr data-row=") == len(found["changes"])

    run = found["run_ids"][0]
    shown = cli("runs", "show", run)
    assert shown.code == 0 and "train" in shown.out and "overfitting on purpose" in shown.out
    again = cli("report", run, "-o", tmp_path / "again.html")
    assert again.code == 0 and (tmp_path / "again.html").exists()
    assert cli("report", run, "-o", tmp_path / "x.html", "--png", tmp_path / "p").code == 1

    from limitlab.data import LimitConfig, write_limit

    write_limit(LimitConfig(n_docs=30, n_queries=20), tmp_path / "limit")
    measured = cli("eval", tmp_path / "limit", "-m", tmp_path / "model", "--json")
    after = next(c for c in found["changes"] if (c["n_docs"], c["measure"], c["kind"]) == (30, "recall@10", "task"))
    assert measured.json()["rows"][0]["measures"]["recall@10"]["mean"] == after["after"]["mean"]


def test_sizes_are_presets_that_options_change():
    from limitlab.cli.train import _asked

    nothing = dict.fromkeys(("split", "pairs", "epochs", "dim", "matryoshka", "n_docs", "seeds"))
    assert _asked(None, nothing) == {"split": "train", "epochs": 5, "seeds": 1}
    assert _asked("small", {**nothing, "pairs": 9})["pairs"] == 9
    full = _asked("full", {**nothing, "matryoshka": "8"})
    assert (full["matryoshka"], full.get("dim"), full["seeds"], full["n_docs"]) == ("8", None, 3, "46,1000,10000,50000")


@pytest.mark.parametrize(
    ("arguments", "start"),
    [
        (["--split", "tst"], "UnknownName: train(): unknown split 'tst'; did you mean 'test'?"),
        (["--size", "huge"], "UnknownName: --size: unknown size 'huge'"),
        (["--n-docs", "46-100"], "RangeError: --n-docs: whole numbers"),
        (["-o", "x.pdf"], "UnknownName: --output: unknown file type '.pdf'"),
        (["-o", "."], "InvalidArgument: --output: the folder for the models must not exist"),
        (["--data", "nowhere"], "InvalidArgument: load(): a dataset folder"),
    ],
)
def test_wrong_options_are_one_sentence(cli, arguments, start):
    cli("train", *arguments).refused(1, start)
