"""Floor 2: every run and its status in one SQLite file; artefacts on disk by content hash."""

from limitlab.ledger.artefacts import Artefacts
from limitlab.ledger.running import Running, running
from limitlab.ledger.store import Cell, Ledger, Run

__all__ = ["Artefacts", "Cell", "Ledger", "Run", "Running", "running"]
