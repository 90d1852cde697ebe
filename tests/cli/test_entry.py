"""Where the console script begins."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, ["4", "1000"]),
        ({"OPENBLAS_THREAD_TIMEOUT": "20", "GOMP_SPINCOUNT": "7"}, ["20", "7"]),
        ({"OMP_WAIT_POLICY": "passive"}, ["4", "None"]),
    ],
)
def test_threads_rest_at_once_unless_the_user_says_otherwise(given, kept):
    names = ("OPENBLAS_THREAD_TIMEOUT", "GOMP_SPINCOUNT")
    code = (
        "import os, sys; sys.argv = ['limitlab', '--version']; from limitlab.cli.entry import run; assert 'numpy' not in sys.modules\n"
        f"try: run()\nexcept SystemExit: print(*(os.environ.get(n) for n in {names}), sep='\\n')"
    )
    environment = {k: v for k, v in os.environ.items() if k not in (*names, "OMP_WAIT_POLICY")} | given
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines()[-2:] == kept
