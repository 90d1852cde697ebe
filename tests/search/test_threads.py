"""Neither the number of threads nor the block size may change a byte of the answer."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import hashlib, numpy as np, numba
from limitlab.search import RelevantSet, exact_search, normalised, search_scores, tie_order
rng = np.random.default_rng(0)
docs, queries = rng.standard_normal((1500, 96)).astype(np.float32), rng.standard_normal((200, 96)).astype(np.float32)
docs[1000:] = docs[:500] + np.float32(1e-7)
relevant = RelevantSet(np.arange(201) * 3, np.concatenate([np.sort(rng.choice(1500, 3, replace=False)) for _ in range(200)]))
places = tie_order([str(i) for i in range(1500)])
found = exact_search(docs, queries, k=50, places=places, relevant=relevant)
scored = search_scores([queries[:, :50] @ rng.standard_normal((50, 1500)).round(1)], n_docs=1500, k=20, places=places, relevant=relevant)
digest = hashlib.sha256()
for array in (found.indices, found.scores, found.ranks.above, found.ranks.tied, found.ranks.before, scored.indices, normalised(docs, 30)):
    digest.update(np.ascontiguousarray(array).tobytes())
print(numba.get_num_threads(), digest.hexdigest())
"""


def run_with(threads: int) -> list[str]:
    counts = {name: str(threads) for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env={**os.environ, **counts}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one core: there is no second thread to compare with")
def test_one_thread_and_two_give_the_same_bytes() -> None:
    one, two = run_with(1), run_with(2)
    assert (one[0], two[0]) == ("1", "2")
    assert one[1] == two[1]
