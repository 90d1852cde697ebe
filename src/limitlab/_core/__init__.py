"""Floor 0: errors, argument checks, seeds, optional imports, atomic files, provenance, progress."""
