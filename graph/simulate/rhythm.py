"""When people and machines write: hours of the day, days of the week, delays of answers. Knows no people."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graph.simulate.rows import Floats, Longs

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
WEEK_DAYS = 7

# Relative volume by local hour, 0 to 23. Shapes after the usual two humps of private mail (late morning, evening)
# and the office day with a lunch dent; machines hardly sleep.
HOURS = {
    "private": (2, 1, 1, 1, 1, 1, 2, 4, 6, 7, 8, 7, 6, 6, 6, 6, 7, 8, 9, 10, 10, 9, 7, 4),
    "office": (0, 0, 0, 0, 0, 0, 1, 4, 9, 12, 12, 11, 7, 9, 11, 10, 9, 6, 3, 1, 1, 1, 0, 0),
    "machine": (5, 5, 4, 4, 4, 5, 6, 7, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 7, 7, 6, 6, 5),
    "flat": (1,) * 24,
}
# Relative volume Monday to Sunday.
WEEK = {
    "private": (1.0, 1.0, 1.0, 1.0, 1.0, 0.85, 0.9),
    "office": (1.0, 1.05, 1.05, 1.0, 0.85, 0.12, 0.1),
    "machine": (1.0, 1.0, 1.0, 1.0, 1.0, 0.9, 0.9),
    "flat": (1.0,) * 7,
}


@dataclass(frozen=True)
class Days:
    """Whole days [first, last) of the world, counted from its first day, which is weekday `weekday` (Monday 0)."""

    first: int
    last: int
    weekday: int

    @property
    def start(self) -> int:
        return self.first * DAY

    @property
    def end(self) -> int:
        return self.last * DAY

    @property
    def weekdays(self) -> Longs:
        return (np.arange(self.first, self.last) + self.weekday) % WEEK_DAYS


def volume(days: Days, habit: str) -> float:
    """How much of a habit's mail falls into these days, in full days."""
    return float(np.asarray(WEEK[habit])[days.weekdays].sum())


def moments(rng: np.random.Generator, n: int, days: Days, habit: str, zone: npt.ArrayLike = 0) -> Longs:
    """n times within `days` that follow the habit in local time; `zone` is hours east of UTC, one or one each."""
    weights = np.outer(np.asarray(WEEK[habit])[days.weekdays], np.asarray(HOURS[habit], float)).ravel()
    slot = pick(rng, n, np.cumsum(weights))
    local = slot * HOUR + rng.integers(0, HOUR, n)
    ts: Longs = days.start + (local - np.asarray(zone, np.int64) * HOUR) % (days.end - days.start)
    return ts


def delays(rng: np.random.Generator, n: int, median_hours: float, sigma: float) -> Longs:
    """n log-normal delays in microseconds."""
    return np.asarray(median_hours * HOUR * rng.lognormal(0.0, sigma, n), np.int64) + SECOND


def pick(rng: np.random.Generator, n: int, cumulative: Floats) -> Longs:
    """n indices drawn in proportion to weights whose running sum is given."""
    drawn = np.searchsorted(cumulative, rng.random(n) * cumulative[-1], side="right")
    return np.asarray(np.minimum(drawn, len(cumulative) - 1), np.int64)


def zipf(n: int, exponent: float) -> Floats:
    """Running sum of weights 1/rank^exponent, for `pick`."""
    return np.cumsum(np.arange(1, n + 1, dtype=float) ** -exponent)
