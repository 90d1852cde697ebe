"""What all tests share: no state outside a temporary folder, nothing from the network."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the package ``fakes``: services on this machine
os.environ.setdefault("HF_HUB_OFFLINE", "1")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell starts background jobs so, and what tests start would never see Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory, monkeypatch):
    """Every test has a ledger and an embedding cache of its own."""
    monkeypatch.setenv("LIMITLAB_HOME", str(tmp_path_factory.mktemp("home")))
