"""The investigators' page, rendered on the server: templates, drawings as inline SVG, one style sheet. No scripts.

Nothing is loaded from elsewhere, and nothing that a sender chose (an address, a host) ever becomes a link.
"""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from graph.schema import CERTAIN

ASSETS = Path(__file__).parent / "assets"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer our own forms come with `Origin: null`, and are refused
    "Cache-Control": "no-store",
}
# A dot within a host name: letters follow it. Numbers ("0.8") and ends of sentences stay as they are.
_HOST_DOT = re.compile(r"(?<=[\w-])\.(?=[^\W\d_][\w-])")


def render(template: str, **values: Any) -> str:
    """An HTML page."""
    return _environment.get_template(template).render(**values)


def defang(text: str) -> str:
    """Text in which no host name can be clicked or pasted by accident, and every character can be seen."""
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return _HOST_DOT.sub("[.]", shown)


def day(moment: datetime) -> str:
    """A date, without its year's noise of time."""
    return f"{moment:%Y-%m-%d}"


def count(number: int | None) -> str:
    """A number with thin spaces between thousands."""
    return f"{number or 0:,}".replace(",", "\N{THIN SPACE}")


def probability(value: float) -> str:
    """Two digits; what would round to certainty is said as a bound, for no risk is certain."""
    return ">0.99" if value >= 0.995 else "<0.01" if value < 0.005 else f"{value:.2f}"


def chance(log10_p: float | None) -> str:
    """How often chance would do as much, from its corrected log10; nothing where it was not counted."""
    if log10_p is None:
        return ""
    return f", by chance once in 10^{-log10_p:.0f}" if log10_p < CERTAIN else ", which chance may do too"


def code(text: str) -> Markup:
    """Text with what stands in backticks as code."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(text))))


_environment = Environment(
    loader=PackageLoader("api.page"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(defang=defang, day=day, count=count, probability=probability, chance=chance, code=code)
