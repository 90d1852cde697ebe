"""Where the console script begins."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(("given", "kept"), [(None, "4"), ("20", "20")])
def test_threads_of_blas_rest_at_once_unless_the_user_says_otherwise(given, kept):
    code = (
        "import os, sys; sys.argv = ['limitlab', '--version']; from limitlab.cli.entry import run; assert 'numpy' not in sys.modules\n"
        "try: run()\nexcept SystemExit: print(os.environ['OPENBLAS_THREAD_TIMEOUT'])"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_THREAD_TIMEOUT"} | (
        {"OPENBLAS_THREAD_TIMEOUT": given} if given else {}
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines()[-1] == kept
