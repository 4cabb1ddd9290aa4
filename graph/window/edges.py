"""The window's relations counted by an engine: one Ibis expression each. Knows nothing of Arrow tables and their order.

Every expression gives one row for each (source, target) pair of ids. Days are gathered as bits of words: exact, and
many times cheaper than a count of distinct days in every group.
"""

import ibis.expr.types as ir

from graph.engine import any_bits
from graph.schema import CHANNELS
from graph.window.events import Clock, Keys, each_recipient, each_site

BAD_REPORTS = ("junk", "phish")


def wrote_to(events: ir.Table, keys: Keys, clock: Clock) -> ir.Table:
    """sender, recipient -> events, first, last, days and the count of each channel."""
    sent = from_senders(events, keys, "at", *clock.words, "channel", "recipients")
    pairs = _with_id(each_recipient(sent), "recipient", keys.recipients)
    return pairs.group_by("sender", "recipient").agg(**_counts(pairs, clock), **channel_counts(pairs))


def linked_to(events: ir.Table, keys: Keys, clock: Clock) -> ir.Table:
    """sender, domain -> events, first, last and days."""
    sent = from_senders(events, keys, "at", *clock.words, "sites")
    pairs = _with_id(each_site(sent), "domain", keys.domains)
    return pairs.group_by("sender", "domain").agg(**_counts(pairs, clock))


def sent_from(events: ir.Table, keys: Keys, clock: Clock) -> ir.Table:
    """sender, network -> events, first, last, days and how many distinct addresses in it.

    Counted by address first: a second grouping of what is left is cheaper than a count of distinct texts.
    """
    sent = from_senders(events.filter(events.network.notnull()), keys, "at", *clock.words, "network", "ip")
    pairs = _with_id(sent, "network", keys.networks)
    by_address = pairs.group_by("sender", "network", "ip").agg(**_counts(pairs, clock))
    return by_address.group_by("sender", "network").agg(
        events=by_address.events.sum().cast("int64"),
        first=by_address["first"].min(),
        last=by_address["last"].max(),
        addresses=by_address.ip.count(),
        **{name: any_bits(by_address[name]) for name in clock.words},
    )


def carried(events: ir.Table, keys: Keys, clock: Clock) -> ir.Table:
    """sender, fingerprint -> events, first, last and days."""
    sent = from_senders(events.filter(events.fingerprint.notnull()), keys, "at", *clock.words, "fingerprint")
    pairs = _with_id(sent, "fingerprint", keys.fingerprints)
    return pairs.group_by("sender", "fingerprint").agg(**_counts(pairs, clock))


def address_at(events: ir.Table, keys: Keys) -> ir.Table:
    """sender, domain of its own address."""
    pairs = events.filter(events.sender_site.notnull()).select("sender", domain="sender_site").distinct()
    return _with_id(from_senders(pairs, keys, "domain"), "domain", keys.domains)


def same_mailbox(keys: Keys) -> ir.Table:
    """sender, recipient that are one mailbox: equal keys."""
    both = keys.senders.join(keys.recipients, "key", rname="{name}_recipient")
    return both.select(sender="id", recipient="id_recipient")


def reports_about(events: ir.Table, reports: ir.Table, keys: Keys) -> ir.Table:
    """event_id, sender, reporter, bad: the reports about events of the window."""
    known = reports.select("event_id", "reporter", bad=reports.kind.isin(BAD_REPORTS))
    about = events.select("event_id", "sender").join(known, "event_id")
    return from_senders(about, keys, "event_id", "reporter", "bad")


def reported(about: ir.Table, keys: Keys) -> ir.Table:
    """sender, recipient -> distinct events of the sender that this recipient reported as junk or phish."""
    bad = about.filter(about.bad).select("event_id", "sender", recipient="reporter")
    pairs = _with_id(bad, "recipient", keys.recipients)
    return pairs.group_by("sender", "recipient").agg(reports=pairs.event_id.nunique())


def channel_counts(rows: ir.Table) -> dict[str, ir.Value]:
    """How many of the rows each channel has."""
    return {name: rows.count(where=rows.channel == code) for code, name in enumerate(CHANNELS)}


def _counts(rows: ir.Table, clock: Clock) -> dict[str, ir.Value]:
    days = {name: any_bits(rows[name]) for name in clock.words}
    return {"events": rows.count(), "first": rows["at"].min(), "last": rows["at"].max(), **days}


def from_senders(rows: ir.Table, keys: Keys, *columns: str) -> ir.Table:
    """These columns of the rows, and the sender as its id."""
    return _with_id(rows.select("sender", *columns), "sender", keys.senders)


def _with_id(rows: ir.Table, column: str, keys: ir.Table) -> ir.Table:
    joined = rows.join(keys, rows[column] == keys.key)
    others = [name for name in rows.columns if name != column]
    return joined.select(*others, **{column: joined.id})
