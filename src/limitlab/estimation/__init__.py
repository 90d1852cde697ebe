"""Floor 6: what a command will take before it runs: measured constants of a machine, and a stated model of every verb."""

from limitlab.estimation.critical_n_cost import Sweep
from limitlab.estimation.encode_cost import Encoding
from limitlab.estimation.estimate import estimate_critical_n, estimate_diagnose, estimate_eval
from limitlab.estimation.eval_cost import asked
from limitlab.estimation.machine import MachineProfile, read_profile, stored_profile, write_profile
from limitlab.estimation.means import Means
from limitlab.estimation.measure import measure_machine
from limitlab.estimation.part import Bytes, Estimate, Money, Part
from limitlab.estimation.sizes import Sizes

__all__ = [
    "Bytes",
    "Encoding",
    "Estimate",
    "MachineProfile",
    "Means",
    "Money",
    "Part",
    "Sizes",
    "Sweep",
    "asked",
    "estimate_critical_n",
    "estimate_diagnose",
    "estimate_eval",
    "measure_machine",
    "read_profile",
    "stored_profile",
    "write_profile",
]
