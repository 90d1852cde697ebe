"""Limits for what a level may lose."""

from __future__ import annotations

import numpy as np
import pytest

from limitlab._core.errors import InvalidArgument, RangeError, UnknownName
from limitlab.diagnosis import MaxLoss, gate_losses


def test_losses_are_net_and_compared_with_the_limit(plant):
    data = plant("below", 1)
    found = data.diagnosed(dim=4, dtype="binary")
    at = {level.key: level.recall.mean for level in found.levels}
    loss = at["encoder"] - at["truncation"]
    assert loss > 0.05
    exactly = gate_losses(found, {"truncation": loss})
    below = gate_losses(found, [f"truncation={loss - 0.01}", MaxLoss("quantisation", 1.0)], row="mine@4")
    assert exactly.passed and [c.passed for c in below.checks] == [False, True]
    assert below.checks[0].row == "mine@4" and below.checks[0].kind == "loss" and below.checks[0].value == pytest.approx(loss)
    assert gate_losses(found, {"cut": 0.0}).checks[0].value == pytest.approx(1 - at["cut"])
    told = below.to_dict()
    assert told["passed"] is False and told["diagnoses"][0]["schema"] == "limitlab.diagnosis/1" and "evaluation" not in told


def test_limits_that_mean_nothing_are_refused(plant):
    found = plant("below", 0).diagnosed()
    with pytest.raises(InvalidArgument, match="a limit for quantisation must come with what is served there"):
        gate_losses(found, {"quantisation": 0.1})
    with pytest.raises(UnknownName, match="did you mean 'quantisation'"):
        gate_losses(found, {"quantization": 0.1})
    with pytest.raises(InvalidArgument, match="at least one limit"):
        gate_losses(found, {})
    for text, error in (("encoder", InvalidArgument), ("encoder=x", InvalidArgument), ("encoder=2", RangeError), ("coder=0", UnknownName)):
        with pytest.raises(error):
            gate_losses(found, [text])
    assert np.isclose(gate_losses(found, ["encoder=1"]).checks[0].limit, 1)
