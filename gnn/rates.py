"""Report rates as log-odds over the window's own, smoothed where little was sent. Knows counts, not whose they are."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

REPORT_STRENGTH = 20.0  # pseudo-messages behind the prior in every pooled report rate


def overall_rate(reports: dict[str, Array]) -> float:
    """Junk reports a message of the whole window; `reports` as gnn.features.report_signals."""
    return float((reports["junk"].sum() + 1) / (reports["messages"].sum() + 100))


def report_rate(junk: Array, not_junk: Array, messages: Array, overall: float) -> Array:
    """Log of the net report rate over the window's `overall`, shape of `junk`; 0 where nothing was sent."""
    return np.asarray(
        np.log((np.maximum(junk - not_junk, 0) + REPORT_STRENGTH * overall) / (messages + REPORT_STRENGTH) / overall)
    )
