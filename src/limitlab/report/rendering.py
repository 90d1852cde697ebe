"""One HTML file that needs nothing but a browser: templates filled, styles, scripts and figures inside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any

from limitlab.report.language import harmless, in_language, script_words

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from markupsafe import Markup

_BUNDLE = "/* plotly.js */"


def rendered(template: str, content: Mapping[str, Any], *, language: str = "en", names: frozenset[str] = frozenset()) -> str:
    """A page from one of the room's templates; everything in ``content`` that is not ``Markup`` is escaped.

    Parameters
    ----------
    template
        Name of a file in ``templates/`` that extends ``base.html.j2``.
    content
        Every name the template uses, without ``style``, ``script``, ``said`` and ``plotly``.
    language
        Of the page's own words; ``content`` is in English.
    names
        Words of the user, which are not translated.
    """
    import plotly.offline
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("limitlab.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    words = script_words(language)
    page = environment.get_template(template).render(
        style=Markup(_file("report.css")),
        script=Markup(_file("report.js")),
        plotly=Markup(_BUNDLE),
        said=embedded(words) if words else None,
        **content,
    )
    # The bundle goes in last: nobody has to look for sentences in it. Text of the user cannot hold the place, as its tags are escaped.
    place = f"<script>{_BUNDLE}</script>"
    return in_language(page, language, names).replace(place, f"<script>{plotly.offline.get_plotlyjs()}</script>", 1)


def embedded_figures(figures: Mapping[str, go.Figure]) -> dict[str, Markup]:
    """Figures as JSON that may stand inside a script element."""
    from markupsafe import Markup

    return {name: Markup(harmless(figure.to_json() or "")) for name, figure in figures.items()}


def embedded(value: Any) -> Markup:
    """Plain values as JSON that may stand inside a script element."""
    from markupsafe import Markup

    return Markup(harmless(json.dumps(value, ensure_ascii=False, allow_nan=False)))


def _file(name: str) -> str:
    return resources.files("limitlab.report").joinpath("templates", name).read_text(encoding="utf-8")
