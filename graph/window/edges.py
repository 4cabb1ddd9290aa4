"""The window's relations counted by an engine: one Ibis expression each. Knows nothing of Arrow tables and their order.

Senders are ids from the start, since every event has one and looking it up is cheap. What they touch is grouped by its
text and numbered afterwards, on the few rows that are left: each text is then hashed once, not twice. Days are gathered
as bits of words: exact, and many times cheaper than a count of distinct days in every group.
"""

import ibis.expr.types as ir

from graph.engine import any_bits
from graph.schema import CHANNELS
from graph.window.events import Clock, each_recipient, each_site
from graph.window.keys import with_id

BAD_REPORTS = ("junk", "phish")


def wrote_to(events: ir.Table, senders: ir.Table, clock: Clock, distinct: bool) -> ir.Table:
    """sender id, recipient -> events, first, last, days and the count of each channel.

    `distinct`: no event names a recipient twice.
    """
    letters = each_recipient(_sent(events, senders, "at", *clock.words, "channel", "recipients"), distinct)
    return letters.group_by("sender", "recipient").agg(**_counts(letters, clock), **channel_counts(letters))


def linked_to(events: ir.Table, senders: ir.Table, clock: Clock) -> ir.Table:
    """sender id, domain -> events, first, last and days."""
    links = each_site(_sent(events, senders, "at", *clock.words, "sites"))
    return links.group_by("sender", "domain").agg(**_counts(links, clock))


def sent_from(events: ir.Table, senders: ir.Table, clock: Clock) -> ir.Table:
    """sender id, network -> events, first, last, days and how many distinct addresses in it.

    Counted by address first: a second grouping of what is left is cheaper than a count of distinct texts.
    """
    sent = _sent(events.filter(events.network.notnull()), senders, "at", *clock.words, "network", "ip")
    by_address = sent.group_by("sender", "network", "ip").agg(**_counts(sent, clock))
    return by_address.group_by("sender", "network").agg(
        events=by_address.events.sum().cast("int64"),
        first=by_address["first"].min(),
        last=by_address["last"].max(),
        addresses=by_address.ip.count(),
        **{name: any_bits(by_address[name]) for name in clock.words},
    )


def carried(events: ir.Table, senders: ir.Table, clock: Clock) -> ir.Table:
    """sender id, fingerprint -> events, first, last and days."""
    sent = _sent(events.filter(events.fingerprint.notnull()), senders, "at", *clock.words, "fingerprint")
    return sent.group_by("sender", "fingerprint").agg(**_counts(sent, clock))


def address_at(homes: ir.Table, senders: ir.Table) -> ir.Table:
    """sender id, domain of its own address."""
    return with_id(homes.filter(homes.domain.notnull()), "sender", senders)


def reports_about(events: ir.Table, reports: ir.Table, senders: ir.Table) -> ir.Table:
    """event_id, sender id, reporter, bad: the reports about events of the window."""
    known = reports.select("event_id", "reporter", bad=reports.kind.isin(BAD_REPORTS))
    about = events.select("event_id", "sender").join(known, "event_id")
    return _sent(about, senders, "event_id", "reporter", "bad")


def reported(about: ir.Table) -> ir.Table:
    """sender id, recipient -> distinct events of the sender that this recipient reported as junk or phish."""
    bad = about.filter(about.bad).select("event_id", "sender", recipient="reporter")
    return bad.group_by("sender", "recipient").agg(reports=bad.event_id.nunique())


def who_reported(about: ir.Table) -> ir.Table:
    """Distinct reporter, sender id, bad."""
    return about.select("reporter", "sender", "bad").distinct()


def channel_counts(rows: ir.Table) -> dict[str, ir.Value]:
    """How many of the rows each channel has."""
    return {name: rows.count(where=rows.channel == code) for code, name in enumerate(CHANNELS)}


def _counts(rows: ir.Table, clock: Clock) -> dict[str, ir.Value]:
    days = {name: any_bits(rows[name]) for name in clock.words}
    return {"events": rows.count(), "first": rows["at"].min(), "last": rows["at"].max(), **days}


def _sent(rows: ir.Table, senders: ir.Table, *columns: str) -> ir.Table:
    return with_id(rows.select("sender", *columns), "sender", senders)
