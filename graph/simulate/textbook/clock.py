"""When things happen: along the world's hours and weekdays, within an interval, or at an appointed hour."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graph.simulate.rows import Floats, Longs

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LONG = 2 * DAY  # shorter intervals are filled evenly, longer ones by the hours of the day
SATURDAY = 5


@dataclass(frozen=True)
class Clock:
    """The span in microseconds from the world's start, the weights of the hours and of a day at the weekend."""

    span: int
    first_weekday: int  # 0 is Monday
    hours: Floats
    weekend: float

    @property
    def days(self) -> int:
        return self.span // DAY

    def anytime(self, rng: np.random.Generator, n: int) -> Longs:
        """n moments of the span."""
        day = self._worked(rng, rng.integers(0, self.days, n))
        return day * DAY + self._of_day(rng, n)

    def between(self, rng: np.random.Generator, first: npt.NDArray[np.int64], last: npt.NDArray[np.int64]) -> Longs:
        """A moment of each interval."""
        even = first + (rng.random(len(first)) * (last - first)).astype(np.int64)
        long = last - first > LONG
        lived = self._worked(rng, even // DAY) * DAY + self._of_day(rng, len(first))
        return np.clip(np.where(long, lived, even), first, np.maximum(last - 1, first))

    def appointed(self, rng: np.random.Generator, day: Longs, hour: Floats, minutes: float) -> Longs:
        """A moment up to so many minutes after the hour of the day, days past the end counted from the start."""
        late = rng.random(len(day)) * minutes * MINUTE
        return np.minimum(day % self.days * DAY + (hour * HOUR + late).astype(np.int64), self.span - 1)

    def working_hour(self, rng: np.random.Generator, n: int) -> Floats:
        """Hours of the day along the world's hours."""
        hour: Floats = self._of_day(rng, n) / HOUR
        return hour

    def _of_day(self, rng: np.random.Generator, n: int) -> Longs:
        hour = np.searchsorted(np.cumsum(self.hours)[:-1], rng.random(n))
        return ((hour + rng.random(n)) * HOUR).astype(np.int64)

    def _worked(self, rng: np.random.Generator, day: Longs) -> Longs:
        """Days, with those at a weekend mostly put off to a working day before it."""
        weekend = (day + self.first_weekday) % 7 >= SATURDAY
        moved = weekend & (rng.random(len(day)) >= self.weekend)
        return np.where(moved, np.maximum(day - rng.integers(2, 6, len(day)), 0), day)
