"""The events of a window as an Ibis table of integers, or with a row for each item of a list. Counts nothing."""

import ibis
import ibis.expr.types as ir

from graph.engine import Engine, distinct_items
from graph.values import DAYS_A_WORD, Slice
from graph.window.clock import DAY_US, HOUR_US, Clock
from graph.window.codes import CODED_EVENTS, CODED_REPORTS, Vocabularies, coded_events, coded_reports
from graph.window.message_ids import message_ids


def window_reports(piece: Slice, words: Vocabularies, clock: Clock, engine: Engine) -> ir.Table:
    """CODED_REPORTS in the engine: the reports known at `as_of`, whatever event they are about."""
    messages = message_ids(piece.reports, piece.events)
    return engine.put(coded_reports(piece.reports, words, clock, messages), CODED_REPORTS)


def window_events(piece: Slice, words: Vocabularies, clock: Clock, engine: Engine) -> ir.Table:
    """CODED_EVENTS in the engine, with `day`, `hour` (UTC), and the day as a bit of one of the clock's words."""
    events = engine.put(coded_events(piece.events, words, clock), CODED_EVENTS)
    timed = events.mutate(
        day=((events["at"] - 1) // DAY_US).cast("int32"),
        hour=((events["at"] + clock.start) // HOUR_US % 24).cast("int32"),
    )
    days = {name: _day_bit(timed.day, word) for word, name in enumerate(clock.words)}
    return engine.named(timed.mutate(**days))


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
