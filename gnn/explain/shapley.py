"""Who made a value, and who would have to go: arithmetic on a value for every coalition. Knows no evidence.

Coalitions are numbered: coalition c holds player p where bit p of c is set. Values have the shape (rows, 2 ** players).
"""

from functools import cache
from math import factorial

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

_NO_COALITION = np.inf


def shapley(values: Array) -> Array:
    """What each player adds, on average over all orders of joining, shape (rows, players).

    Exact, not sampled; a row's shares sum to its last value less its first (Shapley 1953; Lundberg and Lee 2017,
    arXiv:1705.07874).
    """
    return np.asarray(values @ _weights(_players(values)))


def smallest_removal(totals: Array, line: float, extra: Array) -> Mask:
    """The fewest players, one outside the coalitions among them, without whom a row's total is below `line`.

    `extra` is what the outside player adds to every total, 0 where there is none. Returns who is to go, shape (rows,
    players + 1), the outside player last; nobody where no removal helps. All coalitions are tried, so no set of fewer
    does it, and no part of the set found; of sets of one size it is the one that brings the total lowest.
    """
    everybody = totals.shape[1] - 1
    gone = everybody - np.arange(totals.shape[1])
    count = np.array([int(code).bit_count() for code in gone], dtype=np.float64)
    best = np.full(len(totals), _NO_COALITION)
    removed = np.zeros(len(totals), dtype=np.int64)
    for without in (False, True):
        left = totals if without else totals + extra[:, None]
        allowed = (left < line) & ((extra != 0)[:, None] | (not without))
        cost = np.where(allowed, (count + without)[None, :] + _tie_break(left), _NO_COALITION)
        at = cost.argmin(axis=1)
        least = cost[np.arange(len(cost)), at]
        better = least < best
        best = np.where(better, least, best)
        removed = np.where(better, gone[at] | without * totals.shape[1], removed)
    return _bits(removed, _players(totals) + 1)


def _tie_break(totals: Array) -> Array:
    """Totals squeezed into (0, 1), in their order: less than one player."""
    return np.asarray(0.5 + np.arctan(totals) / 4)


def _bits(codes: Ids, count: int) -> Mask:
    """Codes taken apart, shape (codes, count)."""
    return np.asarray((codes[:, None] >> np.arange(count)) & 1 == 1)


def _players(values: Array) -> int:
    return int(values.shape[1]).bit_length() - 1


@cache
def _weights(players: int) -> Array:
    """The Shapley value as a matrix (coalitions × players)."""
    inside = _bits(np.arange(1 << players), players)
    size = inside.sum(axis=1)
    joins = np.array([factorial(s) * factorial(players - s - 1) / factorial(players) for s in range(players)] + [0.0])
    return np.asarray(np.where(inside, joins[np.maximum(size - 1, 0)][:, None], -joins[size][:, None]))
