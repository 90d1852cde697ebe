"""Properties of the vectors that cost recall: one file a property, each a ``Finding``."""

from limitlab.diagnosis.geometry.finding import STATUSES, Finding
from limitlab.diagnosis.geometry.survey import geometry

__all__ = ["STATUSES", "Finding", "geometry"]
