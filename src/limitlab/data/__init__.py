"""Floor 3: datasets: vocabulary, LIMIT generator, formats, audit."""

from limitlab.data.audit import AuditReport, audit
from limitlab.data.dataset import Dataset
from limitlab.data.formats import load, read_hits, read_run, write_dataset, write_run
from limitlab.data.limit import LimitConfig, make_limit, write_limit
from limitlab.data.vocabulary import Vocabulary

__all__ = [
    "AuditReport",
    "Dataset",
    "LimitConfig",
    "Vocabulary",
    "audit",
    "load",
    "make_limit",
    "read_hits",
    "read_run",
    "write_dataset",
    "write_limit",
    "write_run",
]
