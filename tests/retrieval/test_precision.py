"""Which precision "auto" means, on which machine and for how many texts."""

from __future__ import annotations

import pytest

from limitlab._core.errors import UnknownName
from limitlab.retrieval import encoder
from limitlab.retrieval.encoder import LARGE_CORPUS, resolve_precision

AMX = frozenset({"avx2", "avx512f", "avx512_bf16", "amx_bf16"})
NO_AMX = frozenset({"avx2", "avx512f", "avx512_bf16"})
ARM = frozenset({"asimd", "bf16"})
OLD_ARM = frozenset({"asimd"})


@pytest.fixture
def flags(monkeypatch):
    def given(found: frozenset[str]) -> None:
        monkeypatch.setattr(encoder, "cpu_flags", lambda: found)

    return given


@pytest.mark.parametrize(
    ("found", "expected"), [(AMX, "bfloat16"), (ARM, "bfloat16"), (NO_AMX, "float32"), (OLD_ARM, "float32"), (frozenset(), "float32")]
)
def test_auto_takes_bfloat16_only_with_matrix_instructions(flags, found, expected):
    flags(found)
    precision, why = resolve_precision("auto", LARGE_CORPUS)
    assert precision == expected
    assert "bfloat16 matrix instructions" in why and ("has no" in why) == (expected == "float32")


def test_small_corpora_are_float32_on_every_machine(flags):
    flags(AMX)
    assert resolve_precision("auto", LARGE_CORPUS - 1) == ("float32", "fewer than 5,000 texts")


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("found", [AMX, NO_AMX])
def test_what_was_asked_for_is_taken(flags, found, precision):
    flags(found)
    for n in (1, 10**7):
        assert resolve_precision(precision, n) == (precision, "asked for")


def test_other_precisions_are_refused():
    with pytest.raises(UnknownName, match="did you mean 'bfloat16'"):
        resolve_precision("bfloat", 10)
