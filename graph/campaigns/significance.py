"""How often chance alone would do as much: exact tails, vectorised, as log10. Knows counts, not what was counted.

The null of a campaign's evidence: its senders are drawn at random, without regard to what they share. Groups are found
by what they share, so the null is a yardstick and no proof; `corrected` answers for how many things were looked at.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

Array = NDArray[np.float64]
Ratio = Callable[[Array], Array]  # from the count x: probability of x + 1 as a multiple of that of x

LN10 = float(np.log(10))
PRECISE = 1e-13  # terms of a tail that add less than this share of it are left out


def hypergeometric_tail(inside: ArrayLike, drawn: ArrayLike, marked: ArrayLike, total: int) -> Array:
    """log10 P(X ≥ inside), `drawn` senders taken from `total`, of whom `marked` share something. Shapes broadcast."""
    k, n, m = _broadcast(inside, drawn, marked)
    least, most = np.maximum(0.0, n + m - total), np.minimum(n, m)
    mode = np.floor((n + 1) * (m + 1) / (total + 2))
    start = np.clip(np.maximum(k, mode), least, most)
    first = _log_choose(m, start) + _log_choose(total - m, n - start) - _log_choose(np.full_like(n, total), n)
    return _tail(k, start, least, most, first, lambda x: (m - x) * (n - x) / ((x + 1) * (total - m - n + x + 1)))


def binomial_tail(hits: ArrayLike, trials: ArrayLike, chance: ArrayLike) -> Array:
    """log10 P(X ≥ hits) of so many trials, each with that chance in (0, 1). Shapes broadcast."""
    k, n, p = _broadcast(hits, trials, chance)
    start = np.clip(np.maximum(k, np.floor((n + 1) * p)), 0.0, n)
    first = _log_choose(n, start) + start * np.log(p) + (n - start) * np.log1p(-p)
    return _tail(k, start, np.zeros_like(n), n, first, lambda x: (n - x) / (x + 1) * p / (1 - p))


def corrected(log10_p: Array, looked_at: int) -> Array:
    """The same after a look at so many things (Bonferroni); never above 0."""
    return np.asarray(np.minimum(log10_p + np.log10(max(looked_at, 1)), 0.0))


def _tail(k: Array, start: Array, least: Array, most: Array, first: Array, ratio: Ratio) -> Array:
    """Sums the distribution from k on, outwards from `start`, its largest term, whose log is `first`.

    By ratios of neighbouring terms, so that nothing overflows and nothing cancels.
    """
    total = np.ones_like(k)
    for step in (1, -1):
        term, at = np.ones_like(k), start.copy()
        while True:
            further = at < most if step > 0 else at > np.maximum(k, least)
            with np.errstate(divide="ignore", invalid="ignore"):
                grown = term * ratio(at) if step > 0 else term / ratio(at - 1)
            term = np.where(further, grown, 0.0)
            total += term
            if not (term > PRECISE * total).any():
                break
            at = at + step
    log_p = np.where(k > most, -np.inf, np.minimum(first + np.log(total), 0.0))
    return np.asarray(np.where(k <= least, 0.0, log_p) / LN10)


def _broadcast(*parts: ArrayLike) -> list[Array]:
    return [np.array(part) for part in np.broadcast_arrays(*(np.asarray(part, dtype=np.float64) for part in parts))]


def _log_choose(n: Array, k: Array) -> Array:
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))
