"""The window's relations counted by an engine: one Ibis expression each. Knows nothing of Arrow tables and their order.

Senders are ids from the start, since every event has one and looking it up is cheap. What they touch is grouped by its
text and numbered afterwards, on the few rows that are left: each text is then hashed once, not twice. Days are gathered
as bits of words: exact, and many times cheaper than a count of distinct days in every group.
"""

from dataclasses import dataclass

import ibis.expr.types as ir

from graph.engine import Engine, any_bits
from graph.schema import CHANNELS
from graph.window.events import Clock, each_recipient, each_site
from graph.window.keys import Keys, numbered, with_id

BAD_REPORTS = ("junk", "phish")


@dataclass(frozen=True)
class Relations:
    """One expression for each relation of the events: a row for each (sender id, key of the target)."""

    wrote_to: ir.Table
    linked_to: ir.Table
    sent_from: ir.Table
    carried: ir.Table
    address_at: ir.Table


def relations(events: ir.Table, homes: ir.Table, senders: ir.Table, clock: Clock, engine: Engine) -> Relations:
    """Each relation counted once, its rows kept in the engine."""
    return Relations(
        wrote_to=engine.keep(wrote_to(events, senders, clock)),
        linked_to=engine.keep(linked_to(events, senders, clock)),
        sent_from=engine.keep(sent_from(events, senders, clock)),
        carried=engine.keep(carried(events, senders, clock)),
        address_at=with_id(homes, "sender", senders),
    )


def number_targets(counted: Relations, senders: ir.Table, engine: Engine) -> Keys:
    """Number what the senders touch. Domains are those linked and those of senders' own addresses."""
    linked, own = counted.linked_to.select(key="domain"), counted.address_at.select(key="domain")
    return Keys(
        senders=senders,
        recipients=numbered(counted.wrote_to.recipient, engine),
        domains=numbered(linked.union(own).key, engine),
        networks=numbered(counted.sent_from.network, engine),
        fingerprints=numbered(counted.carried.fingerprint, engine),
    )


def wrote_to(events: ir.Table, senders: ir.Table, clock: Clock) -> ir.Table:
    """sender, recipient -> events, first, last, days and the count of each channel."""
    letters = each_recipient(_sent(events, senders, "at", *clock.words, "channel", "recipients"))
    return letters.group_by("sender", "recipient").agg(**_counts(letters, clock), **channel_counts(letters))


def linked_to(events: ir.Table, senders: ir.Table, clock: Clock) -> ir.Table:
    """sender, domain -> events, first, last and days."""
    links = each_site(_sent(events, senders, "at", *clock.words, "sites"))
    return links.group_by("sender", "domain").agg(**_counts(links, clock))


def sent_from(events: ir.Table, senders: ir.Table, clock: Clock) -> ir.Table:
    """sender, network -> events, first, last, days and how many distinct addresses in it.

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
    """sender, fingerprint -> events, first, last and days."""
    sent = _sent(events.filter(events.fingerprint.notnull()), senders, "at", *clock.words, "fingerprint")
    return sent.group_by("sender", "fingerprint").agg(**_counts(sent, clock))


def same_mailbox(keys: Keys) -> ir.Table:
    """sender, recipient that are one mailbox: equal keys."""
    both = keys.senders.join(keys.recipients, "key", rname="{name}_recipient")
    return both.select(sender="id", recipient="id_recipient")


def reports_about(events: ir.Table, reports: ir.Table, senders: ir.Table) -> ir.Table:
    """event_id, sender, reporter, bad: the reports about events of the window."""
    known = reports.select("event_id", "reporter", bad=reports.kind.isin(BAD_REPORTS))
    about = events.select("event_id", "sender").join(known, "event_id")
    return _sent(about, senders, "event_id", "reporter", "bad")


def reported(about: ir.Table, keys: Keys) -> ir.Table:
    """sender, recipient -> distinct events of the sender that this recipient reported as junk or phish."""
    bad = about.filter(about.bad).select("event_id", "sender", recipient="reporter")
    pairs = with_id(bad, "recipient", keys.recipients)
    return pairs.group_by("sender", "recipient").agg(reports=pairs.event_id.nunique())


def channel_counts(rows: ir.Table) -> dict[str, ir.Value]:
    """How many of the rows each channel has."""
    return {name: rows.count(where=rows.channel == code) for code, name in enumerate(CHANNELS)}


def _counts(rows: ir.Table, clock: Clock) -> dict[str, ir.Value]:
    days = {name: any_bits(rows[name]) for name in clock.words}
    return {"events": rows.count(), "first": rows["at"].min(), "last": rows["at"].max(), **days}


def _sent(rows: ir.Table, senders: ir.Table, *columns: str) -> ir.Table:
    return with_id(rows.select("sender", *columns), "sender", senders)
