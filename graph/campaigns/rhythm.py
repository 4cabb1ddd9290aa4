"""When groups write: shares of their events by day or by hour, and how alike two such rows are. Decides nothing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

TENTH = 0.1


@dataclass(frozen=True)
class Rhythm:
    """`shares`: rows × places, days of a window or hours of a day; each row sums to one, or is all nought.

    Of each row `length` is the Euclidean one, `spread` the entropy in nats, `first` and `last` the places where its
    first tenth and its last tenth of events begin.
    """

    shares: Array
    length: Array
    spread: Array
    first: Ids
    last: Ids

    @staticmethod
    def of(shares: Array) -> "Rhythm":
        """The rhythm of each row of shares."""
        done = np.cumsum(shares, axis=1)
        return Rhythm(
            shares=shares,
            length=np.linalg.norm(shares, axis=1),
            spread=np.asarray(-(shares * np.log(np.maximum(shares, 1e-9))).sum(axis=1)),
            first=(done < TENTH).sum(axis=1),
            last=(done < 1 - TENTH).sum(axis=1),
        )

    def at(self, rows: Ids) -> "Rhythm":
        """Some rows, which may repeat."""
        return Rhythm(self.shares[rows], self.length[rows], self.spread[rows], self.first[rows], self.last[rows])


def cosine(a: Rhythm, b: Rhythm) -> Array:
    """Of each row of one with the same row of the other, 0 to 1."""
    lengths = np.maximum(a.length * b.length, 1e-9)
    return np.asarray(np.einsum("ij,ij->i", a.shares, b.shares) / lengths)


def gap(a: Rhythm, b: Rhythm) -> Array:
    """Log of the days between two stretches, each from its first tenth of events to its last."""
    between = np.maximum(a.first, b.first) - np.minimum(a.last, b.last)
    return np.asarray(np.log1p(np.maximum(between, 0)))
