from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import limitlab.retrieval
from limitlab._core.errors import InvalidArgument, RangeError
from limitlab.estimation import encode_cost
from limitlab.estimation.encode_cost import SAMPLE, encoding_parts, measured, stated, texts_of_length
from limitlab.estimation.sizes import Sizes


class Slow:
    """Encodes one character in 20 microseconds of its own clock, which no other program can slow."""

    max_dim = 8

    def __init__(self):
        self.seen = []
        self.now = 0.0

    def encode(self, texts, kind):
        self.seen.append(texts)
        self.now += 2e-5 * sum(map(len, texts))
        return np.zeros((len(texts), 8), np.float32)


def test_speed_is_that_of_a_random_sample_of_the_users_texts(monkeypatch):
    slow = Slow()
    monkeypatch.setattr(limitlab.retrieval, "build", lambda *_, **__: slow)
    monkeypatch.setattr(encode_cost, "time", SimpleNamespace(perf_counter=lambda: slow.now))
    texts = ["x" * (10 if i % 2 else 90) for i in range(1_000)]
    speed = measured("m", texts)
    mean = np.mean([len(t) for group in slow.seen[1:] for t in group])
    assert sum(map(len, slow.seen[1:])) == SAMPLE and 25 < mean < 75
    assert speed.docs_per_second == pytest.approx(1 / (2e-5 * mean), rel=0.1)
    assert speed.dim == 8 and speed.error > 0
    assert all(group == sorted(group, key=len, reverse=True) for group in slow.seen[1:])


def test_what_encodes_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(limitlab.retrieval, "build", lambda *_, **__: object())
    with pytest.raises(InvalidArgument, match="--texts-per-second"):
        measured("m", ["a"])
    with pytest.raises(RangeError):
        stated(0.0)


def test_texts_without_meaning_have_about_the_length_asked_for():
    texts = texts_of_length(120)
    assert 0.7 * 480 < np.mean([len(t) for t in texts]) < 1.3 * 480


def test_queries_count_by_their_length_and_uncertainty_shows(machine):
    (part,) = encoding_parts(Sizes(1_000, 1_000, 8, tokens_per_doc=100.0, tokens_per_query=10.0), machine, stated(10.0))
    assert part.amount == pytest.approx(1_100)
    assert part.seconds()[1] == pytest.approx(110)
    assert part.seconds()[0] < 110 < part.seconds()[2]
    assert part.divides


def test_texts_that_are_nobodys_are_called_so(monkeypatch):
    monkeypatch.setattr(limitlab.retrieval, "build", lambda *_, **__: Slow())
    assert measured("m", ["x" * 20] * 60, made_up=True).why == "measured here on 48 made-up texts of 20 characters"
    assert measured("m", ["x" * 20] * 60).why == "measured here on 48 of the texts"


def test_an_adapter_is_measured_by_its_base(monkeypatch, tmp_path):
    from limitlab.retrieval.adapters.folder import save_adapter_folder
    from limitlab.retrieval.adapters.linear import LinearAdapter

    save_adapter_folder(tmp_path / "ad", LinearAdapter(np.eye(6, dtype=np.float32)), base="minilm", fingerprint="f")
    LinearAdapter(np.eye(6, dtype=np.float32)).save(tmp_path / "a.npz")
    built = []
    monkeypatch.setattr(limitlab.retrieval, "build", lambda name, **_: built.append(name) or Slow())
    for model in (str(tmp_path / "ad"), f"adapted(minilm):file={tmp_path / 'a.npz'}"):
        speed = measured(model, ["x"] * 8)
        assert speed.dim == 6 and speed.why.endswith("with its base minilm")
    assert built == ["minilm", "minilm"]
