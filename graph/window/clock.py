"""The bounds of a window as integers, and how its days are cut. Knows no rows.

Times of a window are `at`, microseconds after its start, so that 0 < at <= span says "inside the window" exactly and
all later arithmetic is on integers, alike in every engine. Days are counted from the start: `day` k covers
(start + k days, start + k + 1 days], so a window that ends at midnight UTC has the days of the calendar.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from graph.values import DAYS_A_WORD, Slice

MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR_US = timedelta(hours=1) // MICROSECOND
DAY_US = timedelta(days=1) // MICROSECOND


@dataclass(frozen=True)
class Clock:
    """The bounds of a window in microseconds since 1970, and how many days it has (the last one may be partial)."""

    start: int
    as_of: int

    @classmethod
    def of(cls, piece: Slice) -> "Clock":
        return cls((piece.start - EPOCH) // MICROSECOND, (piece.as_of - EPOCH) // MICROSECOND)

    @property
    def span(self) -> int:
        return self.as_of - self.start

    @property
    def days(self) -> int:
        return max(1, -(-self.span // DAY_US))

    @property
    def words(self) -> list[str]:
        """The names of the columns that hold days as bits, earliest first: `days_0` has the first 62 days."""
        return [f"days_{word}" for word in range((self.days - 1) // DAYS_A_WORD + 1)]
