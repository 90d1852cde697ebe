"""Reading a certificate and deciding on it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from limitlab._core.errors import DataError
from limitlab.capacity.verification import codes, frames, theorems, vectors
from limitlab.capacity.verification.claim import Refused, read_claim, shown
from limitlab.capacity.verification.here import HERE, Mapper

_CHECKS: dict[tuple[str, str], Callable[..., tuple[str, dict[str, Any]]]] = {
    ("harmonic-frame", "orbit-enclosure"): frames.prove,
    ("trig-curve", "exhaustive-exact"): vectors.prove_trig,
    ("vectors", "exhaustive-exact"): vectors.prove,
    ("dual-bch", "orbit-exact"): codes.prove,
    ("kerdock", "orbit-exact"): codes.prove,
    ("dual-bch", "theorem"): codes.prove,
    ("simplex", "theorem"): theorems.prove,
    ("trig-curve", "theorem"): theorems.prove,
    ("integer-moment-curve", "theorem"): theorems.prove,
}
_IN_PARTS = (frames.prove, codes.prove)  # checks that can be dealt out: symmetry classes, cosets


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    Attributes
    ----------
    verified
        The claim was proved again, here and now.
    reason
        One sentence: what was proved, or why not.
    claim
        As stated in the certificate.
    facts
        Numbers of the proof: classes or sets checked, error bound, what rounding and scoring may cost.
    """

    verified: bool
    reason: str
    claim: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values with a schema version."""
        return {"schema": "limitlab.verdict/1", **self.__dict__}


def verify(source: str | Path | Mapping[str, Any], *, map: Mapper = HERE) -> Verdict:
    """Prove the claim of a certificate again, from its definition.

    Parameters
    ----------
    source
        A file, or the certificate as a mapping.
    map
        Does the parts of a check: blocks of symmetry classes, classes of cosets. Default: one after another in this process. Sets that are
        checked one by one, and theorems, stay here.

    Returns
    -------
    A Verdict. A certificate that is malformed, states a sample, or claims more than can be proved is refused with the
    reason; that a proof was not found does not show that the claim is false.

    Raises
    ------
    DataError
        The file cannot be read, or is not JSON.
    """
    record = _read(source) if isinstance(source, (str, Path)) else source
    claim: dict[str, Any] = {}
    try:
        claim = read_claim(record)
        kind, construction = record["proof"]["kind"], record["construction"]["kind"]
        if kind == "sampled":
            raise Refused("a sample is no proof of a claim about all sets")
        if (construction, kind) not in _CHECKS:
            raise Refused(f"no check is known for the construction {shown(construction)} with the proof kind {shown(kind)}")
        prove = _CHECKS[construction, kind]
        reason, facts = prove(record, claim, map=map) if prove in _IN_PARTS else prove(record, claim)
        return Verdict(True, reason, claim, facts)
    except Refused as refusal:
        return Verdict(False, str(refusal), claim)


def _read(path: str | Path) -> Any:
    try:
        text = Path(path).read_text(encoding="utf-8")
        return json.loads(text)
    except OSError as error:
        raise DataError.at(path, None, f"the file cannot be read ({error.strerror})") from error
    except json.JSONDecodeError as error:
        raise DataError.at(path, error.lineno, f"not a certificate: not valid JSON ({error.msg}); the file may be truncated") from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise DataError.at(path, None, "not a certificate: not a text of JSON") from error
