"""Floor 1: where tasks run. One seam, ``map`` over items; this machine now, a Ray cluster by changing one flag."""

from limitlab.engine.protocol import Done, Engine

__all__ = ["Done", "Engine"]
