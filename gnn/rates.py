"""Report rates as log-odds over the window's own, smoothed where little was sent. Knows counts, not whose they are."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

REPORT_SHAPE = 0.15  # reports behind the prior of every pooled rate: where they are rare, one alone is little evidence


def overall_rate(reports: dict[str, Array]) -> float:
    """Junk reports a message of the whole window; `reports` as gnn.features.report_signals."""
    return float((reports["junk"].sum() + 1) / (reports["messages"].sum() + 100))


def report_rate(junk: Array, not_junk: Array, messages: Array, overall: float) -> Array:
    """Log of the net report rate over the window's `overall`, shape of `junk`; 0 where nothing was sent.

    The posterior mean of a Poisson rate under a gamma prior of shape `REPORT_SHAPE` and mean `overall` (Gelman
    et al., Bayesian Data Analysis, section 2.6): a report does not say the more, the rarer reports are.
    """
    net = np.maximum(junk - not_junk, 0)
    return np.asarray(np.log((net + REPORT_SHAPE) / (messages * overall + REPORT_SHAPE)))
