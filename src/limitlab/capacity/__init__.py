"""Floor 4: constructions that can be run, the certificates that prove what they hold, and the check of certificates."""

from limitlab.capacity.certificate import (
    Certificate,
    certified_n,
    frame_certificate,
    shipped,
    shipped_certificate,
    vectors_certificate,
)
from limitlab.capacity.frame_search import FoundFrame, grow_frames, search_frame
from limitlab.capacity.frames import HarmonicFrame, trig_frame
from limitlab.capacity.set_frame_search import search_set_frame
from limitlab.capacity.verification import Verdict, verify

__all__ = [
    "Certificate",
    "FoundFrame",
    "HarmonicFrame",
    "Verdict",
    "certified_n",
    "frame_certificate",
    "grow_frames",
    "search_frame",
    "search_set_frame",
    "shipped",
    "shipped_certificate",
    "trig_frame",
    "vectors_certificate",
    "verify",
]
