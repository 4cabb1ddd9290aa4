"""How likely a campaign is malicious as a whole, and whether enough was seen to say so. Knows figures, not the graph.

Log-odds are linear in the mean of the members' log-odds (their verdicts are in it) above the window's own, in the
logarithm of their number, and in the significance of the strongest tie, a member. What share of all senders is
malicious is taken out, since it says nothing of the groups that were found. The constants are those of a logistic
regression (ridge 1) on the 709 campaigns found in nine simulated worlds of three families, each family weighing the
same; a campaign is malicious there where half of its members are. How many independent kinds of evidence there are is
counted for the reader but is no term: beside the strongest tie it told nothing (docs/campaigns.md has the figures).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from graph.campaigns.groups import Groups
from graph.schema import CERTAIN

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

OFFSET, PER_MARGIN, PER_LOG_SIZE, PER_TIE = -2.95, 1.34, 0.02, 0.15
MOST_MARGIN = 6.0  # log-odds that a single member can bring: nobody is surer than that
MOST_LOG_SIZE, USUAL_SIZE = 4.0, 5
MOST_TIE = 4.0  # digits a member
LEAST_SENDERS = 3
LEAST_PREVALENCE, MOST_PREVALENCE = 0.001, 0.95
KIND = {  # relations that are one habit seen twice count once
    "linked_to": "links",
    "sent_from": "networks",
    "carried": "texts",
    "address_at": "addresses",
    "wrote_to": "targets",
    "cotargets": "targets",
    "same_days": "days",
    "debut": "days",
    "same_hours": "hours",
}


@dataclass(frozen=True)
class Assessments:
    """By group: `log_odds` of its risk and what they rest on; `insufficient` where `reason` says what is missing."""

    log_odds: Array
    members_log_odds: Array
    evidence_log10_p: Array
    kinds: Counts
    insufficient: NDArray[np.bool_]
    reason: tuple[str | None, ...]


def assess(groups: Groups, margins: Array, tie: Array, kinds: Counts) -> Assessments:
    """Every group's risk. `margins`: log-odds of all senders; `tie`, `kinds`: see `strongest_tie`, shape (groups,)."""
    bounded = np.clip(margins[groups.members], -MOST_MARGIN, MOST_MARGIN)
    mean = np.bincount(groups.group, weights=bounded, minlength=groups.count) / np.maximum(groups.sizes, 1)
    few = groups.sizes < LEAST_SENDERS
    loose = tie > CERTAIN
    reason = tuple(_missing(int(size), bool(a), bool(b)) for size, a, b in zip(groups.sizes, few, loose, strict=True))
    above = mean - prevalence_log_odds(margins)
    return Assessments(log_odds(above, groups.sizes, tie), mean, tie, kinds, few | loose, reason)


def strongest_tie(ties: pd.DataFrame, groups: int) -> Array:
    """log10 of the corrected chance of each group's most significant tie, 0 where it has none."""
    least = ties.groupby("group")["log10_p_corrected"].min().reindex(range(groups)).fillna(0.0)
    return np.asarray(least.to_numpy(), dtype=np.float64)


def independent_kinds(ties: pd.DataFrame, groups: int) -> Counts:
    """How many kinds of evidence tie each group beyond chance."""
    certain = ties[ties["log10_p_corrected"] < CERTAIN]
    kinds = certain["relation"].map(KIND).groupby(certain["group"]).nunique().reindex(range(groups)).fillna(0)
    return np.asarray(kinds.to_numpy(), dtype=np.int64)


def prevalence_log_odds(margins: Array) -> float:
    """Log-odds of the share of malicious senders that the margins of all senders imply."""
    share = float((1 / (1 + np.exp(-margins))).mean()) if len(margins) else LEAST_PREVALENCE
    share = min(max(share, LEAST_PREVALENCE), MOST_PREVALENCE)
    return float(np.log(share / (1 - share)))


def log_odds(above: Array, senders: Counts, tie: Array) -> Array:
    """Log-odds of campaigns' risk: from members' mean above the window's, their number, the strongest tie's log10 p."""
    size = np.minimum(np.log(np.maximum(senders, 1) / USUAL_SIZE), MOST_LOG_SIZE)
    tied = np.clip(-tie / np.maximum(senders, 1), 0.0, MOST_TIE)
    return np.asarray(OFFSET + PER_MARGIN * above + PER_LOG_SIZE * size + PER_TIE * tied)


def _missing(senders: int, few: bool, loose: bool) -> str | None:
    """Why nothing can be said, or None."""
    if few:
        return f"Only {senders} of its senders {'is' if senders == 1 else 'are'} in this window."
    return "Nothing that its senders share is beyond what chance would give." if loose else None
