"""Remedies of a diagnosis, measured on queries that they were not trained on."""

from limitlab.diagnosis.remedies.plan import REMEDIES, RemedyPlan
from limitlab.diagnosis.remedies.remedy import Remedy

__all__ = ["REMEDIES", "Remedy", "RemedyPlan"]
