"""Log-odds of a group, by which it is kept and which its members inherit. Knows their margins; the risk that a campaign
is shown with is `graph.campaigns.assess`'s."""

import numpy as np
from numpy.typing import NDArray

SIZE_BONUS, USUAL_SIZE = 0.3, 5  # log-odds a unit of log(n / 5): more independent senders, more certain


def group_logits(group: NDArray[np.int64], margins: NDArray[np.float64], groups: int) -> NDArray[np.float64]:
    """Log-odds of each group: mean of its members' plus the size bonus, shape (groups,)."""
    member = group >= 0
    size = np.bincount(group[member], minlength=groups)
    mean = np.bincount(group[member], weights=margins[member], minlength=groups) / np.maximum(size, 1)
    return np.asarray(mean + SIZE_BONUS * np.log(np.maximum(size, 1) / USUAL_SIZE))
