"""Days, and at which hours of them who is awake. Knows no actors."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from graph.simulate.rows import Floats, Longs

Numbers = npt.NDArray[Any]

SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
WEEK = (1.08, 1.10, 1.10, 1.08, 1.02, 0.76, 0.72)  # Monday to Sunday: how much mail a day sees
WORKING_DAYS = 5

# Weights of the 24 local hours, for each way of life.
HABITS: dict[str, tuple[float, ...]] = {
    "private": (1, 1, 0, 0, 0, 1, 3, 5, 6, 6, 6, 6, 7, 6, 6, 6, 7, 8, 9, 11, 12, 10, 6, 3),
    "office": (0, 0, 0, 0, 0, 0, 1, 5, 12, 15, 14, 12, 7, 10, 13, 12, 9, 5, 2, 1, 1, 0, 0, 0),
    "machine": (2, 2, 2, 2, 2, 3, 4, 6, 7, 7, 7, 6, 6, 6, 6, 6, 6, 6, 6, 6, 5, 4, 3, 2),
    "always": (1,) * 24,
}
_SHARES = {name: np.cumsum(hours) / np.sum(hours) for name, hours in HABITS.items()}


@dataclass(frozen=True)
class Day:
    """One day of the world, counted from 0; times are microseconds since the world began."""

    number: int
    weekday: int

    @property
    def start(self) -> int:
        return self.number * DAY

    @property
    def end(self) -> int:
        return self.start + DAY

    @property
    def working(self) -> bool:
        return self.weekday < WORKING_DAYS


def calendar(days: int, first_weekday: int) -> list[Day]:
    """The days of a world."""
    return [Day(number, (first_weekday + number) % 7) for number in range(days)]


def moments(rng: np.random.Generator, day: Day, habit: str, n: int, zone: Numbers | int = 0) -> Longs:
    """Times of n messages on a day by people of one habit; `zone` is their clock's lead over UTC, in hours."""
    hour = np.searchsorted(_SHARES[habit], rng.random(n)) - np.asarray(zone, np.int64)
    within = (rng.random(n) * HOUR).astype(np.int64)
    return np.asarray(day.start + hour % 24 * HOUR + within, np.int64)


def delays(rng: np.random.Generator, n: int, median_hours: float, sigma: float) -> Longs:
    """Log-normal waiting times."""
    return np.asarray(np.exp(rng.normal(0.0, sigma, n)) * (median_hours * HOUR), np.int64)


def week_weights(days: list[Day]) -> Floats:
    """How the world's mail divides among its days."""
    weights = np.array([WEEK[day.weekday] for day in days])
    return np.asarray(weights / weights.sum(), np.float64)
