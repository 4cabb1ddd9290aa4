"""The events of a window as an Ibis table, one row for an event or for each item of its lists. Counts nothing.

Times become `at`, microseconds after the window's start, so that 0 < at <= span says "inside the window" exactly and
all later arithmetic is on integers, alike in every engine. The window's days are counted from its start: `day` k covers
(start + k days, start + k + 1 days], so a window that ends at midnight UTC has the days of the calendar.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import ibis
import ibis.expr.types as ir

from graph.engine import Engine, distinct_items
from graph.schema import CHANNELS, LAKE_EVENTS, REPORTS
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


def window_events(piece: Slice, clock: Clock, engine: Engine) -> ir.Table:
    """The slice's events with start < ts <= as_of.

    In place of `ts`: `at`, `day`, `hour` (UTC), and the day as a bit of one of the clock's words; `channel` is its
    position in CHANNELS.
    """
    lake = engine.read(piece.events, LAKE_EVENTS)
    placed = lake.mutate(at=engine.micros(lake.ts) - clock.start, channel=_channel_code(lake.channel)).drop("ts")
    inside = placed.filter(placed["at"] > 0, placed["at"] <= clock.span)
    timed = inside.mutate(
        day=((inside["at"] - 1) // DAY_US).cast("int32"),
        hour=((inside["at"] + clock.start) // HOUR_US % 24).cast("int32"),
    )
    return timed.mutate(**{name: _day_bit(timed.day, word) for word, name in enumerate(clock.words)})


def window_reports(piece: Slice, clock: Clock, engine: Engine) -> ir.Table:
    """The reports known at `as_of`, whatever event they are about."""
    reports = engine.read(piece.reports, REPORTS)
    return reports.filter(engine.micros(reports.ts) <= clock.as_of)


def each_recipient(events: ir.Table, distinct: bool) -> ir.Table:
    """One row for each event and distinct recipient: the columns given, `recipients` replaced by `recipient`.

    `distinct`: no list names one twice.
    """
    people = events.recipients if distinct else _distinct(events.recipients)
    return events.mutate(recipient=people.unnest()).drop("recipients")


def each_site(events: ir.Table) -> ir.Table:
    """One row for each event and linked domain (`sites` are distinct in the lake): `sites` replaced by `domain`."""
    return events.mutate(domain=events.sites.unnest()).drop("sites")


def homes(events: ir.Table) -> ir.Table:
    """The distinct (sender, domain of its own address); the domain is null for an account id."""
    return events.select("sender", domain="sender_site").distinct()


def _distinct(people: ir.Value) -> ir.Value:
    """The distinct items; most lists have one item and need no set."""
    return ibis.cases((people.length() > 1, distinct_items(people)), else_=people)


def _day_bit(day: ir.Value, word: int) -> ir.Value:
    """The bit of this day, nought where it belongs to another word."""
    place = day - word * DAYS_A_WORD
    here = place.between(0, DAYS_A_WORD - 1)
    return ibis.ifelse(here, ibis.literal(1).cast("int64") << ibis.ifelse(here, place, 0), 0)


def _channel_code(channel: ir.Value) -> ir.Value:
    codes = [(channel == name, code) for code, name in enumerate(CHANNELS)]
    return ibis.cases(*codes).cast("int8")
