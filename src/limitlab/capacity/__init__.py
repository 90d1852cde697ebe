"""Floor 4: constructions that can be run, the certificates that prove what they hold, the check of certificates, and the planner.

Names are loaded on first use: a question to the planner needs no compiled kernel. The room itself can be called,
``limitlab.capacity(n_docs=..., k=..., dim=...)``: that is ``limitlab.capacity.planner.capacity``.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what editors and type checkers see of the lazy names
    from limitlab.capacity.attribute_sums import AttributeSums
    from limitlab.capacity.catalogue import certificates_for, certified_n, holds, restated, shipped, shipped_certificate
    from limitlab.capacity.certificate import Certificate, code_certificate, frame_certificate, vectors_certificate
    from limitlab.capacity.closed_forms import moment_curve_certificate, simplex_certificate, trig_certificate
    from limitlab.capacity.codes import DualBCHCode, KerdockSet
    from limitlab.capacity.curves import TrigCurve
    from limitlab.capacity.euclidean_curve import EuclideanCurve
    from limitlab.capacity.frame_search import FoundFrame, grow_frames, search_frame
    from limitlab.capacity.frames import HarmonicFrame, trig_frame
    from limitlab.capacity.integer_curve import IntegerCurve
    from limitlab.capacity.khatri_rao import KhatriRao
    from limitlab.capacity.number_types import NUMBER_TYPES, round_to
    from limitlab.capacity.phase_diagram import PhaseMap, phase_map
    from limitlab.capacity.placement import Placement
    from limitlab.capacity.placement_files import write_placement
    from limitlab.capacity.placing import place
    from limitlab.capacity.planner import CapacityAnswer
    from limitlab.capacity.precision import largest_n, survives
    from limitlab.capacity.random_docs import RandomDocs
    from limitlab.capacity.set_frame_search import search_set_frame
    from limitlab.capacity.simplex import Simplex
    from limitlab.capacity.verification import Verdict
    from limitlab.capacity.verifying import verify

_HOME_OF = {
    "AttributeSums": "attribute_sums",
    "CapacityAnswer": "planner",
    "Certificate": "certificate",
    "DualBCHCode": "codes",
    "EuclideanCurve": "euclidean_curve",
    "FoundFrame": "frame_search",
    "HarmonicFrame": "frames",
    "IntegerCurve": "integer_curve",
    "KerdockSet": "codes",
    "KhatriRao": "khatri_rao",
    "NUMBER_TYPES": "number_types",
    "PhaseMap": "phase_diagram",
    "Placement": "placement",
    "RandomDocs": "random_docs",
    "Simplex": "simplex",
    "TrigCurve": "curves",
    "Verdict": "verification",
    "certificates_for": "catalogue",
    "certified_n": "catalogue",
    "code_certificate": "certificate",
    "frame_certificate": "certificate",
    "grow_frames": "frame_search",
    "holds": "catalogue",
    "largest_n": "precision",
    "moment_curve_certificate": "closed_forms",
    "phase_map": "phase_diagram",
    "place": "placing",
    "restated": "catalogue",
    "round_to": "number_types",
    "search_frame": "frame_search",
    "search_set_frame": "set_frame_search",
    "shipped": "catalogue",
    "shipped_certificate": "catalogue",
    "simplex_certificate": "closed_forms",
    "survives": "precision",
    "trig_certificate": "closed_forms",
    "trig_frame": "frames",
    "vectors_certificate": "certificate",
    "verify": "verifying",
    "write_placement": "placement_files",
}

__all__ = [
    "NUMBER_TYPES",
    "AttributeSums",
    "CapacityAnswer",
    "Certificate",
    "DualBCHCode",
    "EuclideanCurve",
    "FoundFrame",
    "HarmonicFrame",
    "IntegerCurve",
    "KerdockSet",
    "KhatriRao",
    "PhaseMap",
    "Placement",
    "RandomDocs",
    "Simplex",
    "TrigCurve",
    "Verdict",
    "certificates_for",
    "certified_n",
    "code_certificate",
    "frame_certificate",
    "grow_frames",
    "holds",
    "largest_n",
    "moment_curve_certificate",
    "phase_map",
    "place",
    "restated",
    "round_to",
    "search_frame",
    "search_set_frame",
    "shipped",
    "shipped_certificate",
    "simplex_certificate",
    "survives",
    "trig_certificate",
    "trig_frame",
    "vectors_certificate",
    "verify",
    "write_placement",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'limitlab.capacity' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"limitlab.capacity.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _Room(ModuleType):
    """The package, which answers ``limitlab.capacity(...)`` too: the question and the room have one name."""

    def __call__(self, **question: Any) -> CapacityAnswer:
        from limitlab.capacity.planner import capacity

        return capacity(**question)


sys.modules[__name__].__class__ = _Room
