"""From which log-odds on a group of suspects is believed to be a campaign. Knows log-odds of groups alone, no labels.

A fixed line is right where the prior knows the mail and wrong where it does not, so the window's own groups draw it.
Where a home is like the worlds that taught the prior, next to no group is near the line and it stays where it is.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

UNDER = 1.0  # log-odds under the line from which on groups are looked at
GUILTY_MEAN, GUILTY_SPREAD = 5.0, 2.5  # of the log-odds of campaigns, counted from there, before any is seen
TAIL_GROUPS, MEAN_GROUPS, SPREAD_GROUPS = 5.0, 1.0, 5.0  # pseudo-observations that hold tail, mean and spread
MOST_TAIL = 3.0  # e-fold of the innocent, at most
ROUNDS = 200


@dataclass(frozen=True)
class CutOptions:
    """A group stays where its log-odds are at least `keep_margin`, and above two cuts.

    From the first on no more than `false_share` of the groups are expected to be innocent, who thin out e-fold in
    `innocent_tail`; above the second a single group is innocent with a probability of `most_doubt` at most.
    """

    keep_margin: float = 0.0
    false_share: float = 0.15
    innocent_tail: float = 1.2
    most_doubt: float = 0.8


def least_log_odds(whole: Array, joined: Array, options: CutOptions) -> float:
    """Log-odds from which on groups are kept; infinite where none is.

    `whole`: log-odds of the groups that are large enough once doubtful members are sorted out, shape (groups,);
    `joined`: of those that are large enough with all whom the search joined, shape (others,). Those just under the line
    are counted in `joined`, since the rest rise when doubtful members are sorted out; one may be chance and counts for
    nothing, and where there are no more than that the line stays.
    """
    least = options.keep_margin
    under = int(((joined >= least - UNDER) & (joined < least)).sum()) - 1
    cuts = np.sort(whole[whole >= least])
    if under <= 0 or not len(cuts):
        return least
    good = _few_enough(cuts, under, options) & _likely_enough(cuts, whole, options)
    return float(cuts[np.argmax(good)]) if good.any() else np.inf


def _few_enough(cuts: Array, under: int, options: CutOptions) -> Mask:
    """Where so few of the groups above are expected to be innocent.

    How many innocent groups come out above `keep_margin` the unit under it tells: nearly all groups there are innocent,
    and their number falls exponentially upwards (the upper tail of the innocent, as the lab fits it to senders).
    """
    above = len(cuts) - np.arange(len(cuts))
    innocent = under * options.innocent_tail * np.exp((options.keep_margin - cuts) / options.innocent_tail)
    return np.asarray(innocent <= options.false_share * above)


def _likely_enough(cuts: Array, whole: Array, options: CutOptions) -> Mask:
    """Where a single group of such log-odds is not too probably innocent beside all that are there."""
    start = options.keep_margin - UNDER
    mixture = Mixture.fit(whole[whole >= start] - start, options.innocent_tail)
    return np.asarray(mixture.innocent(cuts - start) <= options.most_doubt)


@dataclass(frozen=True)
class Mixture:
    """Log-odds of groups above some bound: a `share` of them innocent, thinning out e-fold in `tail`.

    The others are guilty, about normal with `mean` and `spread`. From it follows the local false discovery rate (Efron
    2008, section 2).
    """

    share: float
    tail: float
    mean: float
    spread: float

    @classmethod
    def fit(cls, above: Array, tail: float) -> "Mixture":
        """By expectation maximisation from log-odds above the bound, shape (groups,), held by pseudo-observations.

        `tail`: that of the innocent before any is seen.
        """
        found = cls(0.3, tail, max(float(np.quantile(above, 0.75)), GUILTY_MEAN), GUILTY_SPREAD)
        for _ in range(ROUNDS):
            innocent = found._shares(above)
            guilty = 1 - innocent
            many, few = innocent.sum(), guilty.sum()
            mean = (guilty @ above + MEAN_GROUPS * GUILTY_MEAN) / (few + MEAN_GROUPS)
            squares = guilty @ (above - mean) ** 2 + SPREAD_GROUPS * GUILTY_SPREAD**2
            found = cls(
                share=float(max(many - 1, 0.0) / len(above)),  # one weak group may be chance
                tail=float(min((innocent @ above + TAIL_GROUPS * tail) / (many + TAIL_GROUPS), MOST_TAIL)),
                mean=float(mean),
                spread=float(np.sqrt(squares / (few + SPREAD_GROUPS))),
            )
        return found

    def innocent(self, above: Array) -> Array:
        """Probability that a group is innocent, 0 to 1, of the same shape; never rises with its log-odds."""
        return self._shares(np.minimum(above, self.mean))

    def _shares(self, above: Array) -> Array:
        innocent = self.share * np.exp(-above / self.tail) / self.tail
        far = (above - self.mean) / self.spread
        guilty = (1 - self.share) * np.exp(-0.5 * far**2) / (self.spread * np.sqrt(2 * np.pi))
        both = innocent + guilty
        return np.asarray(np.divide(innocent, both, out=np.zeros_like(both), where=both > 0))
