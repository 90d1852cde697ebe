"""Re-check a certificate from the definition of its claim. Imports NumPy and limitlab's errors, nothing else.

Where to read: ``frames.py`` and ``vectors.py`` hold the checks and state every error bound; ``cosines.py`` computes the
only transcendental numbers with integers; ``propose.py`` finds query directions and is not trusted: a proposed query
counts only for the gap that the check proves for it.
"""

from limitlab.capacity.verification.certificate import Verdict, verify

__all__ = ["Verdict", "verify"]
