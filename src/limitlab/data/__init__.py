"""Floor 3: datasets: vocabulary, LIMIT generator, formats, audit."""

from limitlab.data.audit import AuditReport, audit
from limitlab.data.dataset import Dataset
from limitlab.data.fact_words import FactWords
from limitlab.data.formats import load, read_hits, read_run, write_dataset, write_run
from limitlab.data.limit import LimitConfig, make_limit, write_limit
from limitlab.data.mteb_task import mteb_task
from limitlab.data.stress import StressConfig, make_stress, write_stress
from limitlab.data.vocabulary import Vocabulary

__all__ = [
    "AuditReport",
    "Dataset",
    "FactWords",
    "LimitConfig",
    "StressConfig",
    "Vocabulary",
    "audit",
    "load",
    "make_limit",
    "make_stress",
    "mteb_task",
    "read_hits",
    "read_run",
    "write_dataset",
    "write_limit",
    "write_run",
    "write_stress",
]
