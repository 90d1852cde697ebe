"""Floor 4: constructions that can be run, the certificates that prove what they hold, and the check of certificates."""

from limitlab.capacity.attribute_sums import AttributeSums
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
from limitlab.capacity.place import place
from limitlab.capacity.placement import Placement
from limitlab.capacity.placement_files import write_placement
from limitlab.capacity.precision import largest_n, survives
from limitlab.capacity.random_docs import RandomDocs
from limitlab.capacity.set_frame_search import search_set_frame
from limitlab.capacity.shipped import certificates_for, certified_n, holds, restated, shipped, shipped_certificate
from limitlab.capacity.simplex import Simplex
from limitlab.capacity.verification import Verdict, verify

__all__ = [
    "NUMBER_TYPES",
    "AttributeSums",
    "Certificate",
    "DualBCHCode",
    "EuclideanCurve",
    "FoundFrame",
    "HarmonicFrame",
    "IntegerCurve",
    "KerdockSet",
    "KhatriRao",
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
