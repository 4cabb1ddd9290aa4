"""The window's relations counted by an engine: one Ibis expression each. Knows nothing of Arrow tables and their order.

All keys are codes. Days are gathered as bits of words: exact, and many times cheaper than a count of distinct days in
every group.
"""

import ibis.expr.types as ir

from graph.engine import any_bits
from graph.schema import CHANNELS
from graph.window.clock import Clock
from graph.window.events import each_recipient, each_site


def wrote_to(events: ir.Table, clock: Clock, distinct: bool) -> ir.Table:
    """sender, recipient -> events, first, last, days and the count of each channel.

    `distinct`: no event names a recipient twice.
    """
    letters = each_recipient(events.select("sender", "at", *clock.words, "channel", "recipients"), distinct)
    return letters.group_by("sender", "recipient").agg(**_counts(letters, clock), **channel_counts(letters))


def linked_to(events: ir.Table, clock: Clock) -> ir.Table:
    """sender, domain -> events, first, last and days."""
    links = each_site(events.select("sender", "at", *clock.words, "sites"))
    return links.group_by("sender", "domain").agg(**_counts(links, clock))


def sent_from(events: ir.Table, clock: Clock) -> ir.Table:
    """sender, network -> events, first, last, days and how many distinct addresses in it.

    Counted by address first: a second grouping of what is left is cheaper than a count of distinct ones.
    """
    sent = events.filter(events.network.notnull())
    by_address = sent.group_by("sender", "network", "ip").agg(**_counts(sent, clock))
    return by_address.group_by("sender", "network").agg(
        events=by_address.events.sum().cast("int64"),
        first=by_address["first"].min(),
        last=by_address["last"].max(),
        addresses=by_address.ip.count(),
        **{name: any_bits(by_address[name]) for name in clock.words},
    )


def carried(events: ir.Table, clock: Clock) -> ir.Table:
    """sender, fingerprint -> events, first, last and days."""
    sent = events.filter(events.fingerprint.notnull())
    return sent.group_by("sender", "fingerprint").agg(**_counts(sent, clock))


def reports_about(events: ir.Table, reports: ir.Table) -> ir.Table:
    """event, sender, reporter, bad, counted: the reports about events of the window."""
    return events.filter(events.event.notnull()).select("event", "sender").join(reports, "event")


def reported(about: ir.Table) -> ir.Table:
    """sender, reporter -> distinct events of the sender that this reporter called junk or phish."""
    bad = about.filter(about.bad)
    return bad.group_by("sender", "reporter").agg(reports=bad.event.nunique())


def report_counts(about: ir.Table, reports: ir.Table) -> tuple[ir.Table, ir.Table]:
    """How many reports were given in the window, and how many of them are about its events; one row each."""
    return reports.agg(count=reports.counted.sum()), about.agg(count=about.counted.sum())


def who_reported(about: ir.Table) -> ir.Table:
    """Distinct reporter, sender, bad."""
    return about.select("reporter", "sender", "bad").distinct()


def channel_counts(rows: ir.Table) -> dict[str, ir.Value]:
    """How many of the rows each channel has."""
    return {name: rows.count(where=rows.channel == code) for code, name in enumerate(CHANNELS)}


def _counts(rows: ir.Table, clock: Clock) -> dict[str, ir.Value]:
    days = {name: any_bits(rows[name]) for name in clock.words}
    return {"events": rows.count(), "first": rows["at"].min(), "last": rows["at"].max(), **days}
