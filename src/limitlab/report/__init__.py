"""Floor 6: figures and pages from stored results; computes nothing but the polynomials it draws.

plotly, jinja2 and matplotlib are imported inside the functions that draw with them.
"""

from limitlab.report.bounds_page import bounds_figure, write_bounds_report
from limitlab.report.capacity_map import capacity_figure
from limitlab.report.capacity_page import write_capacity_report
from limitlab.report.critical_n import critical_n_figures
from limitlab.report.critical_n_page import write_critical_n_report
from limitlab.report.diagnosis_page import write_diagnosis_report
from limitlab.report.drowning import drowning_figure
from limitlab.report.gaps import gap_figure, score_figure
from limitlab.report.page import figures, write_report
from limitlab.report.reproduction_page import write_reproduction_report
from limitlab.report.static import write_capacity_figures, write_critical_n_figures, write_figures
from limitlab.report.training_page import write_training_report
from limitlab.report.waterfall import waterfall_figure

__all__ = [
    "bounds_figure",
    "capacity_figure",
    "critical_n_figures",
    "drowning_figure",
    "figures",
    "gap_figure",
    "score_figure",
    "waterfall_figure",
    "write_bounds_report",
    "write_capacity_figures",
    "write_capacity_report",
    "write_critical_n_figures",
    "write_critical_n_report",
    "write_diagnosis_report",
    "write_figures",
    "write_report",
    "write_reproduction_report",
    "write_training_report",
]
