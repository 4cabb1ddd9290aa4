"""What every actor is handed: the directory, the people, the stock, and a stream of chance. Acts on nothing itself."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from graph.simulate.market.clock import Day, Numbers
from graph.simulate.market.directory import Directory
from graph.simulate.market.options import MarketOptions
from graph.simulate.market.rentals import Rentals
from graph.simulate.market.society import Society
from graph.simulate.rows import Ints, Rows


@dataclass(frozen=True)
class Stage:
    """The surroundings of one actor class."""

    options: MarketOptions
    directory: Directory
    society: Society
    rentals: Rentals
    rng: np.random.Generator


class Actor(Protocol):
    """A class of actors that lives through the world day by day."""

    def act(self, day: Day, quota: float) -> Rows:
        """The messages of one day; over the days their number keeps to the sum of the quotas."""


class Credit:
    """How many messages an actor class may still send: what comes in lumps evens out over the days."""

    def __init__(self) -> None:
        self.left = 0.0

    def add(self, quota: float) -> int:
        """Whole messages that may be sent now."""
        self.left += quota
        return max(0, int(self.left))

    def spend(self, messages: int) -> None:
        self.left -= messages


def shares_of(weights: Numbers) -> Numbers:
    """Cumulative shares, to draw by `searchsorted`."""
    return np.asarray(np.cumsum(weights) / np.sum(weights))


def drawn(rng: np.random.Generator, shares: Numbers, n: int) -> Numbers:
    """n draws with replacement from cumulative shares."""
    return np.minimum(np.searchsorted(shares, rng.random(n), side="right"), len(shares) - 1)


def as_ints(values: Numbers) -> Ints:
    """The same numbers as ids are kept."""
    return np.asarray(values, np.int32)
