"""Floor 6: figures and pages from stored results; computes nothing.

plotly, jinja2 and matplotlib are imported inside the functions that draw with them.
"""

from limitlab.report.page import figures, write_report
from limitlab.report.static import write_figures

__all__ = ["figures", "write_figures", "write_report"]
