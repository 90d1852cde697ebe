"""Floor 1: where tasks run. One seam, ``map`` over items; this machine now, a Ray cluster by changing one flag.

``protocol.py`` is the seam. ``choosing.py`` says which engine is meant, ``local.py`` and ``ray_engine.py`` are the two there are; both keep
count in ``tally.py`` and run a task as ``attempt.py`` does. ``kept.py`` and ``finished.py`` are for those who write tasks.
"""

from limitlab.engine.choosing import current, elsewhere, engine, using
from limitlab.engine.finished import Finished
from limitlab.engine.kept import kept
from limitlab.engine.protocol import Done, Engine

__all__ = ["Done", "Engine", "Finished", "current", "elsewhere", "engine", "kept", "using"]
