"""The order of work: events -> numbered keys -> counted relations -> the tables of a Window. Holds no arithmetic."""

from dataclasses import dataclass

import ibis.expr.types as ir
import pyarrow as pa

from graph.engine import Engine
from graph.schema import ADDRESS_AT, CARRIED, LINKED_TO, SAME_MAILBOX, SENT_FROM, WROTE_TO
from graph.values import Slice, Window
from graph.window import edges, events, nodes, tables
from graph.window.events import Clock
from graph.window.keys import Keys, numbered, with_id


@dataclass(frozen=True)
class Edges:
    """The counted edges by id, sorted by (source, target); times in microseconds since the window's start."""

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
    keys, joined = count_edges(seen, clock, engine)
    about = engine.keep(edges.reports_about(seen, events.window_reports(piece, clock, engine), keys.senders))
    wrote_to = tables.with_reports(joined.wrote_to, engine.fetch(edges.reported(about, keys)))
    same_mailbox = _sorted(edges.same_mailbox(keys), "recipient", engine)

    posts = engine.keep(nodes.sender_posts(seen, keys.senders))
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


def count_edges(seen: ir.Table, clock: Clock, engine: Engine) -> tuple[Keys, Edges]:
    """Number the nodes and count the edges that events alone define."""
    homes = engine.keep(events.homes(seen))
    senders = numbered(homes.sender, engine)
    counted = edges.relations(seen, homes, senders, clock, engine)
    keys = edges.number_targets(counted, senders, engine)

    def by_id(relation: ir.Table, target: str, targets: ir.Table) -> tables.Columns:
        columns = _sorted(with_id(relation, target, targets), target, engine)
        return tables.with_active_days(columns, clock.words)

    return keys, Edges(
        wrote_to=by_id(counted.wrote_to, "recipient", keys.recipients),
        linked_to=by_id(counted.linked_to, "domain", keys.domains),
        sent_from=by_id(counted.sent_from, "network", keys.networks),
        carried=by_id(counted.carried, "fingerprint", keys.fingerprints),
        address_at=_sorted(with_id(counted.address_at, "domain", keys.domains), "domain", engine),
    )


def _sorted(relation: ir.Table, target: str, engine: Engine) -> tables.Columns:
    return tables.as_columns(engine.fetch(relation.order_by("sender", target)))


def _keys(numbered: ir.Table, engine: Engine) -> pa.Array:
    return tables.keys_in_order(engine.fetch(numbered))
