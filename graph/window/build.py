"""The order of work: coded events -> counted relations -> numbered keys -> tables of a Window. Holds no arithmetic."""

from dataclasses import dataclass

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from graph.engine import Engine
from graph.keys import canonical_key
from graph.schema import ADDRESS_AT, CARRIED, LINKED_TO, SAME_MAILBOX, SENT_FROM, WROTE_TO
from graph.values import Slice, Window
from graph.window import edges, events, nodes, tables
from graph.window.clock import Clock
from graph.window.codes import Vocabularies, Vocabulary


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
    clock, words = Clock.of(piece), Vocabularies()
    reports = events.window_reports(piece, words, clock, engine)
    seen = events.window_events(piece, words, clock, engine)
    keys, ids, joined = count_edges(seen, words, piece.distinct_recipients, clock, engine)
    about = engine.keep(edges.reports_about(seen, reports))
    same_mailbox = tables.same_mailbox(keys.senders, keys.recipients)

    def fetched(table: ir.Table) -> tables.Columns:
        return tables.as_columns(engine.fetch(table), ids)

    reporters = {"reporter": _recipients(words.reporters.texts, keys.recipients)}
    given, joined_reports = (_count(engine, table) for table in edges.report_counts(about, reports))
    reported = tables.as_columns(engine.fetch(edges.reported(about)), ids | reporters)
    wrote_to = tables.with_reports(joined.wrote_to, reported)
    senders = tables.sender_table(
        keys.senders,
        facts=fetched(nodes.sender_facts(seen)),
        reports=fetched(nodes.sender_reports(about)),
        hours=fetched(nodes.sender_profile(seen, "hour")),
        days=fetched(nodes.sender_profile(seen, "day")),
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
        reported=tables.who_reported(engine.fetch(edges.who_reported(about)), ids, words.reporters.texts),
        reports_given=given,
        reports_joined=joined_reports,
    )


def _recipients(reporters: pa.Array, recipients: pa.Array) -> tables.Ints:
    """Where each reporter stands among the recipients, in its own or in its canonical spelling (-1: nowhere)."""
    places = tables.ids_of(reporters, recipients)
    strange = np.flatnonzero(places < 0)
    if len(strange) and len(recipients):
        canonical = [canonical_key("recipient", key) for key in reporters.take(pa.array(strange)).to_pylist()]
        places[strange] = tables.ids_of(pa.array(canonical, pa.string()), recipients)
    return places


def _count(engine: Engine, table: ir.Table) -> int:
    return int(engine.fetch(table)["count"][0].as_py() or 0)


def count_edges(
    seen: ir.Table, words: Vocabularies, distinct_recipients: bool, clock: Clock, engine: Engine
) -> tuple[Keys, dict[str, tables.Ints], Edges]:
    """The keys of all nodes, the id of each code by the name of its column, and the edges that events alone define."""
    found = engine.fetch_each(
        (
            events.homes(seen),
            edges.wrote_to(seen, clock, distinct_recipients),
            edges.linked_to(seen, clock),
            edges.sent_from(seen, clock),
            edges.carried(seen, clock),
        )
    )
    homes = next(found)
    own = homes.drop_null()
    senders, sender = tables.numbered(words.senders.texts, homes["sender"])
    ids = {"sender": sender}

    def joined(target: str, vocabulary: Vocabulary, *others: pa.ChunkedArray) -> tuple[pa.Array, tables.Columns]:
        relation = next(found)
        keys, ids[target] = tables.numbered(vocabulary.texts, relation[target], *others)
        return keys, tables.counted(relation, ids, target, clock.words)

    recipients, wrote_to = joined("recipient", words.recipients)
    domains, linked_to = joined("domain", words.domains, own["domain"])
    networks, sent_from = joined("network", words.networks)
    fingerprints, carried = joined("fingerprint", words.fingerprints)
    address_at = tables.in_order(tables.as_columns(own, ids), "domain")
    keys = Keys(senders, recipients, domains, networks, fingerprints)
    return keys, ids, Edges(wrote_to, linked_to, sent_from, carried, address_at)
