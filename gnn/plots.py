"""Precision–recall and reliability as SVG, drawn by hand: no plotting library in the product. Knows curves only."""

from collections.abc import Mapping
from html import escape

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Curves = Mapping[str, tuple[Array, Array]]

SIDE, MARGIN, LEGEND = 320, 48, 22  # pixels of a panel, around it, and of one line of the legend
# Okabe and Ito's colours, which most colour-blind readers can tell apart.
COLOURS = ("#000000", "#e69f00", "#56b4e9", "#009e73", "#d55e00", "#cc79a7")
POINTS = 400  # of a curve: more cannot be seen


def plot(title: str, curves: Curves, reliability: Curves) -> str:
    """Two panels side by side, each detector in one colour."""
    names = list(curves)
    height = SIDE + 2 * MARGIN + LEGEND * len(names)
    width = 2 * SIDE + 3 * MARGIN
    left = _panel(MARGIN, "recall", "precision", {n: _steps(*curves[n]) for n in names}, names, dots=False)
    marks = {n: np.stack(reliability[n], axis=1) for n in names if n in reliability}
    right = _panel(2 * MARGIN + SIDE, "probability said", "share malicious", marks, names, dots=True)
    legend = "".join(_legend(at, name) for at, name in enumerate(names))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="sans-serif" font-size="12" role="img"><title>{escape(title)}</title>'
        f'<rect width="100%" height="100%" fill="#fff"/><text x="{MARGIN}" y="24" font-size="14">{escape(title)}</text>'
        f"{left}{right}{legend}</svg>\n"
    )


def _steps(recall: Array, precision: Array) -> Array:
    take = np.unique(np.linspace(0, max(len(recall) - 1, 0), min(POINTS, len(recall))).astype(int))
    return np.stack([recall[take], precision[take]], axis=1)


def _panel(x0: int, x_name: str, y_name: str, lines: Mapping[str, Array], names: list[str], dots: bool) -> str:
    axis = f'<rect x="{x0}" y="{MARGIN}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#999"/>'
    ticks = "".join(_tick(x0, share) for share in (0.0, 0.25, 0.5, 0.75, 1.0))
    words = (
        f'<text x="{x0 + SIDE / 2}" y="{MARGIN + SIDE + 34}" text-anchor="middle">{x_name}</text>'
        f'<text x="{x0 + 6}" y="{MARGIN + 16}" fill="#555">{y_name}</text>'
    )
    diagonal = (
        f'<path d="M{x0} {MARGIN + SIDE}L{x0 + SIDE} {MARGIN}" stroke="#ccc" stroke-dasharray="4"/>' if dots else ""
    )
    drawn = "".join(
        _line(x0, points, COLOURS[names.index(name) % len(COLOURS)], dots) for name, points in lines.items()
    )
    return axis + ticks + words + diagonal + drawn


def _tick(x0: int, share: float) -> str:
    x, y = x0 + SIDE * share, MARGIN + SIDE * (1 - share)
    return (
        f'<text x="{x:.0f}" y="{MARGIN + SIDE + 16}" text-anchor="middle" fill="#555">{share:g}</text>'
        f'<text x="{x0 - 4}" y="{y + 4:.0f}" text-anchor="end" fill="#555">{share:g}</text>'
    )


def _line(x0: int, points: Array, colour: str, dots: bool) -> str:
    at = [(x0 + SIDE * float(x), MARGIN + SIDE * (1 - float(y))) for x, y in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
    marks = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in at) if dots else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>{marks}'


def _legend(at: int, name: str) -> str:
    y, colour = SIDE + 2 * MARGIN + LEGEND * at, COLOURS[at % len(COLOURS)]
    mark = f'<rect x="{MARGIN}" y="{y - 8}" width="16" height="4" fill="{colour}"/>'
    return f'{mark}<text x="{MARGIN + 24}" y="{y}">{escape(name)}</text>'
