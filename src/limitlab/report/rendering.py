"""One HTML file that needs nothing but a browser: templates filled, styles, scripts and figures inside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from markupsafe import Markup


def rendered(template: str, content: Mapping[str, Any]) -> str:
    """A page from one of the room's templates; everything in ``content`` that is not ``Markup`` is escaped.

    Parameters
    ----------
    template
        Name of a file in ``templates/`` that extends ``base.html.j2``.
    content
        Every name the template uses, without ``style``, ``script`` and ``plotly``.
    """
    import plotly.offline
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("limitlab.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(template).render(
        style=Markup(_file("report.css")), script=Markup(_file("report.js")), plotly=Markup(plotly.offline.get_plotlyjs()), **content
    )


def embedded_figures(figures: Mapping[str, go.Figure]) -> dict[str, Markup]:
    """Figures as JSON that may stand inside a script element."""
    from markupsafe import Markup

    return {name: Markup(_harmless(figure.to_json() or "")) for name, figure in figures.items()}


def embedded(value: Any) -> Markup:
    """Plain values as JSON that may stand inside a script element."""
    from markupsafe import Markup

    return Markup(_harmless(json.dumps(value, ensure_ascii=False, allow_nan=False)))


def _harmless(text: str) -> str:
    """JSON that cannot end its script element: the same values, with the risky characters as escapes."""
    for risky in "<>&\u2028\u2029":
        text = text.replace(risky, f"\\u{ord(risky):04x}")
    return text


def _file(name: str) -> str:
    return resources.files("limitlab.report").joinpath("templates", name).read_text(encoding="utf-8")
