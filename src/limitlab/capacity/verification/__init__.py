"""Re-check a certificate from the definition of its claim. Imports NumPy and limitlab's errors, nothing else.

Where to read: ``certificate.py`` decides which check a claim needs, ``claim.py`` reads the claim. Then each on its own:

- ``codes.py``, over the fields of ``fields.py`` with the transforms of ``cosets.py``: whole numbers throughout;
- ``theorems.py``: closed forms in fractions, hypotheses checked;
- ``vectors.py``: stored vectors, set by set;
- ``frames.py``: one set of every symmetry class, every error bound stated; ``cosines.py`` computes the only transcendental numbers with
  integers; ``propose.py`` finds query directions and is not trusted: a proposed query counts only for the gap that the check proves;
- ``rounding.py``: what number types cost;
- ``here.py``: parts of a check, done in this process unless another ``map`` is given.
"""

from limitlab.capacity.verification.certificate import Verdict, verify

__all__ = ["Verdict", "verify"]
