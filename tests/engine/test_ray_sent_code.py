"""A cluster whose machines have another limitlab, or none, runs the code of the driver."""

from __future__ import annotations

from fakes.ray_clusters import cluster
from limitlab.engine import using
from limitlab.free.critical_n import critical_n
from limitlab.ledger import Ledger


def test_machines_with_other_code_get_ours(tmp_path):
    other = tmp_path / "other" / "limitlab"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("raise RuntimeError('the wrong code')\n")
    with cluster(path=str(other.parent)) as (_, client), using(client) as chosen:
        assert chosen.facts()["code_sent"] and chosen.facts()["cluster"] == "client"
        found = critical_n([2], 2, start=4, ledger=Ledger(tmp_path / "ledger"), max_steps=1_000, patience=100, device="cpu")
        assert found.rows[0].critical_n is not None
