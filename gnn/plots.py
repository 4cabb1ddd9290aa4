"""The pictures of an evaluation as PNG: precision–recall, reliability, recall by size, learning curve.

Knows curves, not detectors. matplotlib draws; it is loaded here alone and only when something is drawn.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gnn.metrics import Figure

Array = NDArray[np.float64]
Curves = Mapping[str, tuple[Array, Array]]

PANEL, DOTS = 4.2, 110  # inches of a panel, dots an inch
# Okabe and Ito's colours, which most colour-blind readers can tell apart; the second round is dashed.
COLOURS = ("#000000", "#e69f00", "#56b4e9", "#009e73", "#d55e00", "#cc79a7", "#0072b2")
DASHES = ("-", "--", ":")
POINTS = 600  # of a curve: more cannot be seen


def detectors(title: str, curves: Curves, reliability: Curves, chance: float) -> bytes:
    """Precision by recall beside share malicious by probability, each detector in one style."""
    figure, (left, right) = _panels(title, 2)
    names = list(curves)
    for name, (recall, precision) in curves.items():
        take = np.unique(np.linspace(0, max(len(recall) - 1, 0), min(POINTS, len(recall))).astype(int))
        left.plot(recall[take], precision[take], label=name, **_style(names, name))
    left.axhline(chance, color="#999999", linewidth=0.8)
    _frame(left, "recall", "precision")
    for name, (said, seen) in reliability.items():
        right.plot(said, seen, marker="o", markersize=3, **_style(names, name))
    right.plot([0, 1], [0, 1], color="#999999", linewidth=0.8)
    _frame(right, "probability said", "share malicious")
    return _drawn(figure, left)


def recall_by_size(title: str, sizes: Sequence[str], recall: Mapping[str, Sequence[Figure]]) -> bytes:
    """Recall with its interval by size of campaign, each detector in one style."""
    figure, (only,) = _panels(title, 1)
    names, at = list(recall), np.arange(len(sizes))
    for number, (name, figures) in enumerate(recall.items()):
        value, low, high = (np.array([getattr(one, part) for one in figures]) for part in ("value", "low", "high"))
        around = np.abs(np.nan_to_num(np.stack([value - low, high - value])))
        shifted = at + (number - len(names) / 2) * 0.04
        only.errorbar(shifted, value, yerr=around, marker="o", markersize=3, label=name, **_style(names, name))
    _frame(only, "senders of the true campaign", "recall at 0.1 % false positives")
    only.set_xlim(-0.5, len(sizes) - 0.5)
    only.set_xticks(at, [size.removesuffix(" senders") for size in sizes])
    return _drawn(figure, only)


def learning(title: str, labels: Sequence[int], auprc: Mapping[str, Sequence[Figure]]) -> bytes:
    """AUPRC with its interval by number of verdicts known, each detector in one style."""
    figure, (only,) = _panels(title, 1)
    names, at = list(auprc), np.arange(len(labels))
    for name, figures in auprc.items():
        value, low, high = (np.array([getattr(one, part) for one in figures]) for part in ("value", "low", "high"))
        style = _style(names, name)
        only.plot(at, value, marker="o", markersize=3, label=name, **style)
        only.fill_between(at, low, high, color=style["color"], alpha=0.15, linewidth=0)
    _frame(only, "verdicts", "AUPRC")
    only.set_xlim(-0.2, max(len(labels) - 0.8, 0.2))
    only.set_xticks(at, [f"{count:,}" for count in labels])
    return _drawn(figure, only)


def _panels(title: str, count: int) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Sheet

    sheet = Sheet(figsize=(PANEL * max(count, 1.4), PANEL * 1.35), dpi=DOTS, layout="constrained")
    FigureCanvasAgg(sheet)
    sheet.suptitle(title, fontsize=11)
    return sheet, sheet.subplots(1, count, squeeze=False)[0]


def _style(names: list[str], name: str) -> dict[str, Any]:
    at = names.index(name)
    return {
        "color": COLOURS[at % len(COLOURS)],
        "linestyle": DASHES[at // len(COLOURS) % len(DASHES)],
        "linewidth": 2.2 if at == 0 else 1.1,
    }


def _frame(panel: Any, x: str, y: str) -> None:
    panel.set_xlabel(x)
    panel.set_ylabel(y)
    panel.set_xlim(-0.02, 1.02)
    panel.set_ylim(-0.02, 1.02)
    panel.grid(color="#eeeeee", linewidth=0.6)


def _drawn(sheet: Any, named: Any | None) -> bytes:
    if named is not None:
        handles, labels = named.get_legend_handles_labels()
        if labels:
            sheet.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    out = BytesIO()
    sheet.savefig(out, format="png", metadata={"Software": None})  # the same figures give the same bytes
    return out.getvalue()
