"""Certificates that ship: the small ones are proved again here, all of them by benchmarks/certificates.py; frames and their search."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

import limitlab.capacity.verification as room
from limitlab._core.errors import LimitlabError, NotSolved
from limitlab.capacity import HarmonicFrame, certified_n, frame_certificate, grow_frames, search_frame, shipped, shipped_certificate
from limitlab.capacity.certificate import rounded_down
from limitlab.published import critical_n_table


@pytest.mark.parametrize("certificate", [c for c in shipped() if c.dim <= 16], ids=lambda c: c.name)
def test_shipped_certificates_of_up_to_16_dimensions_are_proved_completely(certificate):
    verdict = certificate.verify()
    assert verdict.verified, verdict.reason


def test_certified_n_is_above_the_published_curve_in_every_dimension():
    for dim, published in critical_n_table():
        assert certified_n(dim, min_gap=1e-3).n_docs > published


def test_certified_n_meets_what_was_asked_for():
    asked = {4: 24, 6: 127, 8: 503, 10: 907, 12: 2_003, 16: 5_003, 20: 10_007, 24: 20_011, 32: 50_021, 44: 100_003}
    assert {d: certified_n(d, min_gap=1e-3).n_docs >= n for d, n in asked.items()} == dict.fromkeys(asked, True)
    assert certified_n(4, min_gap=0).n_docs >= 290


def test_certified_n_grows_with_the_dimension_and_falls_with_the_gap():
    ns = [certified_n(d).n_docs for d in range(4, 46)]
    assert ns == sorted(ns)
    assert certified_n(4, min_gap=0).n_docs >= certified_n(4, min_gap=1e-3).n_docs
    assert certified_n(13).dim <= 13
    with pytest.raises(NotSolved, match="no limit"):
        certified_n(3)
    with pytest.raises(NotSolved):
        certified_n(12, 7)


def test_shipped_names():
    for c in shipped():
        assert shipped_certificate(c.name) is c
    with pytest.raises(LimitlabError, match="unknown name"):
        shipped_certificate("harmonic-frame-d6-n1-k2")


def test_the_check_imports_numpy_and_the_errors_only():
    for path in Path(room.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module] if isinstance(node, ast.ImportFrom) else []
            )
            for name in names:
                own = name.startswith(("limitlab.capacity.verification", "limitlab._core"))
                standard = name.split(".")[0] in {
                    "__future__",
                    "base64",
                    "binascii",
                    "collections",
                    "concurrent",
                    "dataclasses",
                    "fractions",
                    "functools",
                    "itertools",
                    "json",
                    "math",
                    "pathlib",
                    "threading",
                    "typing",
                    "zlib",
                }
                assert own or standard or name == "numpy", f"{path.name}: {name}"


def test_a_frame_is_what_it_says():
    frame = HarmonicFrame(97, (1, 35, 36))
    docs = frame.docs()
    assert np.allclose(np.linalg.norm(docs, axis=1), 1)
    turn = np.linalg.lstsq(docs, np.roll(docs, -1, axis=0), rcond=None)[0]
    assert np.allclose(turn @ turn.T, np.eye(6)), "shifting all documents is a rotation"
    assert np.allclose(frame.docs(dim=8)[:, 6:], 0)
    queries = frame.queries([[0, 3], [10, 13]])
    assert np.allclose(np.linalg.norm(queries, axis=1), 1)
    assert frame.gap([0, 3]) == pytest.approx(frame.gap([10, 13]), abs=1e-9)


def test_rounded_down_to_four_digits():
    for value in (0.0010231300807, 3.3309509e-10, 0.5, 1.0, 1e-3, 0.99999, 1.23451e-7):
        down = rounded_down(value)
        assert down <= value < down * 1.0011 and len(f"{down:e}".split("e")[0].rstrip("0")) <= 5


def test_search_finds_and_says_when_it_does_not():
    found = search_frame(6, 97, min_gap=0.0039, orbit=3, seconds=5)
    assert found.gap >= 0.0039
    assert frame_certificate(found.frame, 0.0039, multipliers=[found.multiplier]).verify().verified
    again = search_frame(6, 97, min_gap=0.0039, orbit=3, seconds=5)
    assert again.frame == found.frame, "same seed, same frame"
    with pytest.raises(NotSolved, match="no frame"):
        search_frame(6, 97, min_gap=0.5, seconds=0.1)


def test_growing_frames_reports_each():
    seen = []
    best = grow_frames(6, 97, min_gap=1e-3, orbit=3, seconds=3, on_found=seen.append)
    assert best is not None and best == seen[-1] and best.frame.n_docs > 127


@pytest.mark.parametrize(
    "call",
    [
        lambda: HarmonicFrame(2, (1,)),
        lambda: HarmonicFrame(7, ()),
        lambda: HarmonicFrame(7, (7,)),
        lambda: HarmonicFrame(7, (1, 2), (1,)),
        lambda: HarmonicFrame(7, (1, 2), (0, 1)),
        lambda: HarmonicFrame(7, (1, 2)).docs(dim=3),
        lambda: HarmonicFrame(7, (1, 2)).queries([0, 1]),
        lambda: frame_certificate(HarmonicFrame(7, (1, 2)), 1e-9),
        lambda: frame_certificate(HarmonicFrame(7, (1, 2)), 0.1, dtype="int3"),
        lambda: search_frame(6, 96),
        lambda: search_frame(6, 91, orbit=3),
        lambda: search_frame(8, 97, orbit=3),
        lambda: grow_frames(8, 97, orbit=3),
        lambda: certified_n(0),
    ],
)
def test_bad_arguments(call):
    with pytest.raises(LimitlabError, match=r"must|needed|unknown"):
        call()
