"""Which days a lake keeps, and when so many would go that a person should say so first. Knows no file.

Days are counted back from the newest day that is not ahead of the clock: one wrong date must not make all others old.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from graph.errors import LakeError

# A lake that is fed in pieces as long as its retention drops as many days as come, which is half of what it holds then.
LARGEST_DROP: Final = 0.5


@dataclass(frozen=True)
class Retention:
    """`days` calendar days (UTC) of events and reports are kept, None keeps all.

    `largest_drop` is the share of its days of events, those that arrive included, that a lake gives up without being
    asked for more.
    """

    days: int | None = None
    largest_drop: float = LARGEST_DROP

    def __post_init__(self) -> None:
        if self.days is not None and self.days < 1:
            raise LakeError("retention_days", f"{self.days} days would keep nothing", "Give at least 1, or none")

    def oldest_day(self, stored: Collection[date], arriving: Collection[date], now: datetime | None = None) -> date:
        """The first day that is kept, by the days of events that the lake holds and that arrive.

        Raises LakeError where more of the lake than `largest_drop` would go.
        """
        today = (now or datetime.now(UTC)).astimezone(UTC).date()
        past = [day for day in (*stored, *arriving) if day <= today]
        if self.days is None or not past:
            return date.min
        newest = max(past)
        oldest = newest - timedelta(days=min(self.days - 1, newest.toordinal() - 1))
        self._check(stored, arriving, newest, oldest)
        return oldest

    def _check(self, stored: Collection[date], arriving: Collection[date], newest: date, oldest: date) -> None:
        days = {*stored, *(day for day in arriving if day >= oldest)}
        going = {day for day in stored if day < oldest}
        if len(going) <= self.largest_drop * len(days):
            return
        raise LakeError(
            f"a retention of {self.days} days",
            f"counted back from the newest event, of {newest}, it would drop {len(going):,} of the {len(days):,} days "
            f"of events ({min(going)} to {max(going)}), a larger share than lake.largest_drop "
            f"({self.largest_drop:g}); nothing was stored or dropped",
            "See whether that date is right; allow it for once with `ringleader ingest --largest-drop 1 …`, or raise "
            "lake.retention_days",
        )
