"""The order of work: events -> counted relations -> numbered keys -> the tables of a Window. Holds no arithmetic."""

from dataclasses import dataclass

import ibis.expr.types as ir
import pyarrow as pa

from graph.engine import Engine
from graph.schema import ADDRESS_AT, CARRIED, LINKED_TO, SAME_MAILBOX, SENT_FROM, WROTE_TO
from graph.values import Slice, Window
from graph.window import edges, events, nodes, tables
from graph.window.events import Clock
from graph.window.keys import numbered


@dataclass(frozen=True)
class Keys:
    """The distinct keys of each kind of node in byte order (string): row number = id."""

    senders: pa.Array
    recipients: pa.Array
    domains: pa.Array
    networks: pa.Array
    fingerprints: pa.Array


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
    ids, keys, joined = count_edges(seen, piece.distinct_recipients, clock, engine)
    about = engine.keep(edges.reports_about(seen, events.window_reports(piece, clock, engine), ids))
    wrote_to = tables.with_reports(joined.wrote_to, engine.fetch(edges.reported(about)), keys.recipients)
    same_mailbox = tables.same_mailbox(keys.senders, keys.recipients)

    posts = engine.keep(nodes.sender_posts(seen, ids))
    senders = tables.sender_table(
        keys.senders,
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
        recipients=tables.recipient_table(keys.recipients, wrote_to, clock),
        domains=tables.domain_table(keys.domains, joined.linked_to, joined.address_at, senders, clock),
        networks=tables.artefact_table(keys.networks, joined.sent_from, "network", clock),
        fingerprints=tables.artefact_table(keys.fingerprints, joined.carried, "fingerprint", clock),
        wrote_to=tables.edge_table(wrote_to, WROTE_TO, clock),
        linked_to=tables.edge_table(joined.linked_to, LINKED_TO, clock),
        sent_from=tables.edge_table(joined.sent_from, SENT_FROM, clock),
        carried=tables.edge_table(joined.carried, CARRIED, clock),
        address_at=tables.pair_table(joined.address_at, ADDRESS_AT),
        same_mailbox=tables.pair_table(same_mailbox, SAME_MAILBOX),
        edge_days={
            name: tables.days_of(getattr(joined, name), clock.words)
            for name in ("wrote_to", "linked_to", "sent_from", "carried")
        },
        reported=tables.who_reported(engine.fetch(edges.who_reported(about))),
    )


def count_edges(
    seen: ir.Table, distinct_recipients: bool, clock: Clock, engine: Engine
) -> tuple[ir.Table, Keys, Edges]:
    """The senders' ids in the engine, the keys of all nodes, and the edges that events alone define."""
    homes = engine.keep(events.homes(seen))
    senders = numbered(homes.sender, engine)
    found = engine.fetch_each(
        (
            senders.order_by("id"),
            edges.address_at(homes, senders),
            edges.wrote_to(seen, senders, clock, distinct_recipients),
            edges.linked_to(seen, senders, clock),
            edges.sent_from(seen, senders, clock),
            edges.carried(seen, senders, clock),
        )
    )
    known, own = next(found), next(found)

    def joined(target: str) -> tuple[pa.Array, tables.Columns]:
        relation = next(found)
        keys, (ids,) = tables.numbered(relation[target])
        return keys, tables.counted(relation, target, ids, clock.words)

    recipients, wrote_to = joined("recipient")
    linked = next(found)
    domains, (link, home) = tables.numbered(linked["domain"], own["domain"])
    linked_to = tables.counted(linked, "domain", link, clock.words)
    networks, sent_from = joined("network")
    fingerprints, carried = joined("fingerprint")
    keys = Keys(known["key"].cast(pa.string()).combine_chunks(), recipients, domains, networks, fingerprints)
    address_at = tables.in_order(tables.with_ids(own, "domain", home), "domain")
    return senders, keys, Edges(wrote_to, linked_to, sent_from, carried, address_at)
