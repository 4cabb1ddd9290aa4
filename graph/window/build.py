"""The order of work: events -> numbered keys -> counted relations -> the tables of a Window. Holds no arithmetic."""

from dataclasses import dataclass

import ibis.expr.types as ir
import pyarrow as pa

from graph.engine import Engine
from graph.schema import ADDRESS_AT, CARRIED, LINKED_TO, SAME_MAILBOX, SENT_FROM, WROTE_TO
from graph.values import Slice, Window
from graph.window import edges, events, nodes, tables
from graph.window.events import Clock, Keys


@dataclass(frozen=True)
class Relations:
    """The counted edges of each kind, sorted by (source, target); times in microseconds since the window's start."""

    wrote_to: tables.Columns
    linked_to: tables.Columns
    sent_from: tables.Columns
    carried: tables.Columns
    address_at: tables.Columns


def build_window(piece: Slice, engine: Engine) -> Window:
    """The typed graph of the slice's events with start < ts <= as_of, and of the reports about them known at as_of.

    The same events give the same bytes whatever their order, batches, the number of threads or the engine: ids are row
    numbers of the keys in byte order, edges stand in the order of (source, target). A slice without events gives a
    Window of empty tables. Beside what `graph.schema` says of the columns:

    - `days` counts events of each 24 hours since `start` (see `graph.window.events`); `active_days` counts the days
      that are not nought.
    - a recipient who stands twice in an event counts once in it, everywhere.
    - `domains` holds linked domains and senders' own; `events` and `senders` of a domain count links alone (nought
      where it is only an address), its times cover both.
    - `junk` and `not_junk` of a sender: a reporter of both counts in both. `reports` of WROTE_TO: distinct events of
      the sender which this recipient reported as junk or phish.
    - `answered`: recipients, other than itself, who as senders wrote to this sender in the window.

    Raises RingleaderError where a file cannot be read or the engine runs out of memory and scratch space.
    """
    clock = Clock.of(piece)
    seen = engine.named(events.window_events(piece, clock, engine))
    keys = events.number_keys(seen, engine)
    joined = count_relations(seen, keys, clock, engine)
    about = engine.keep(edges.reports_about(seen, events.window_reports(piece, clock, engine), keys))
    wrote_to = tables.with_reports(joined.wrote_to, engine.fetch(edges.reported(about, keys)))
    same_mailbox = tables.in_order(engine.fetch(edges.same_mailbox(keys)), "sender", "recipient")

    posts = engine.keep(nodes.sender_posts(seen, keys))
    senders = tables.sender_table(
        _keys(keys.senders, engine),
        facts=engine.fetch(nodes.sender_facts(posts)),
        reports=engine.fetch(nodes.sender_reports(about)),
        hours=engine.fetch(nodes.sender_profile(posts, "hour")),
        days=engine.fetch(nodes.sender_profile(posts, "day")),
        wrote_to=wrote_to,
        same_mailbox=same_mailbox,
        clock=clock,
    )
    return Window(
        start=piece.start,
        as_of=piece.as_of,
        fingerprint=piece.fingerprint,
        senders=senders,
        recipients=tables.recipient_table(_keys(keys.recipients, engine), wrote_to, clock),
        domains=tables.domain_table(_keys(keys.domains, engine), joined.linked_to, joined.address_at, senders, clock),
        networks=tables.artefact_table(_keys(keys.networks, engine), joined.sent_from, "network", clock),
        fingerprints=tables.artefact_table(_keys(keys.fingerprints, engine), joined.carried, "fingerprint", clock),
        wrote_to=tables.edge_table(wrote_to, WROTE_TO, clock),
        linked_to=tables.edge_table(joined.linked_to, LINKED_TO, clock),
        sent_from=tables.edge_table(joined.sent_from, SENT_FROM, clock),
        carried=tables.edge_table(joined.carried, CARRIED, clock),
        address_at=tables.pair_table(joined.address_at, ADDRESS_AT),
        same_mailbox=tables.pair_table(same_mailbox, SAME_MAILBOX),
    )


def count_relations(seen: ir.Table, keys: Keys, clock: Clock, engine: Engine) -> Relations:
    """The relations that events alone define, by id and in order."""
    return Relations(
        wrote_to=_counted(edges.wrote_to(seen, keys, clock), "recipient", clock, engine),
        linked_to=_counted(edges.linked_to(seen, keys, clock), "domain", clock, engine),
        sent_from=_counted(edges.sent_from(seen, keys, clock), "network", clock, engine),
        carried=_counted(edges.carried(seen, keys, clock), "fingerprint", clock, engine),
        address_at=tables.in_order(engine.fetch(edges.address_at(seen, keys)), "sender", "domain"),
    )


def _counted(relation: ir.Table, target: str, clock: Clock, engine: Engine) -> tables.Columns:
    counted = tables.in_order(engine.fetch(relation), "sender", target)
    return tables.with_active_days(counted, clock.words)


def _keys(numbered: ir.Table, engine: Engine) -> pa.Array:
    return tables.keys_in_order(engine.fetch(numbered))
