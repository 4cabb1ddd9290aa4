"""From a refresh's contents to rows of nodes and relationships, as Arrow. Knows no database and no Cypher."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graph.schema import VERDICT_ROWS
from graph.store import vocabulary as words
from graph.store.vocabulary import NODES, NodeKind, RelationKind
from graph.values import GraphContents, Window

LIVING_STATES = ("new", "active")  # what a campaign that left the window can no longer be


def _empty(kind: NodeKind | RelationKind) -> pa.Table:
    return kind.schema.empty_table()


@dataclass(frozen=True)
class History:
    """What an earlier refresh left that this one may not take away: tables as in the vocabulary."""

    refreshes: pa.Table = field(default_factory=lambda: _empty(NODES["Refresh"]))
    verdicts: pa.Table = field(default_factory=lambda: _empty(NODES["Verdict"]))
    campaigns: pa.Table = field(default_factory=lambda: _empty(NODES["Campaign"]))
    became: pa.Table = field(default_factory=lambda: _empty(words.BECAME))


def node_rows(contents: GraphContents, history: History) -> Iterator[tuple[NodeKind, pa.Table]]:
    """Rows of every label, keys unique."""
    window = contents.window
    yield NODES["Sender"], _conform(window.senders.append_column("risk", contents.sender_risk), NODES["Sender"].schema)
    yield NODES["Recipient"], _conform(window.recipients, NODES["Recipient"].schema)
    yield NODES["Domain"], _conform(window.domains.append_column("risk", contents.domain_risk), NODES["Domain"].schema)
    yield NODES["Network"], _conform(window.networks, NODES["Network"].schema)
    yield NODES["Campaign"], _campaign_rows(contents, history)
    yield NODES["Operation"], _operation_rows(contents)
    yield NODES["Verdict"], all_verdicts(verdict_rows(contents.verdicts), history.verdicts)
    yield NODES["Refresh"], _first(pa.concat_tables([_refresh_row(contents), history.refreshes]), "id")


def relation_rows(contents: GraphContents, history: History) -> Iterator[tuple[RelationKind, pa.Table]]:
    """Rows of every relationship, one kind at a time; both ends are among `node_rows`."""
    window = contents.window
    yield words.WROTE_TO, _ends(window.wrote_to, window.senders, window.recipients, words.WROTE_TO)
    yield words.LINKED_TO, _ends(window.linked_to, window.senders, window.domains, words.LINKED_TO)
    yield words.SENT_FROM, _ends(window.sent_from, window.senders, window.networks, words.SENT_FROM)
    yield words.ADDRESS_AT, _ends(window.address_at, window.senders, window.domains, words.ADDRESS_AT)
    yield words.SAME_MAILBOX, _ends(window.same_mailbox, window.senders, window.recipients, words.SAME_MAILBOX)
    yield words.SENDER_MEMBER, _members(contents, "sender", window.senders, words.SENDER_MEMBER)
    yield words.DOMAIN_MEMBER, _members(contents, "domain", window.domains, words.DOMAIN_MEMBER)
    yield words.TARGETS, _targets(contents)
    yield words.PART_OF, _part_of(contents)
    yield words.BECAME, _became(contents, history)
    verdicts = all_verdicts(verdict_rows(contents.verdicts), history.verdicts)
    campaigns = _campaign_rows(contents, history)["id"]
    present = {"sender": window.senders["key"], "domain": window.domains["key"], "campaign": campaigns}
    for relation in words.ABOUT:
        kind = relation.target.lower()
        yield relation, _about(verdicts, kind, present[kind], relation)


def verdict_rows(verdicts: pa.Table) -> pa.Table:
    """Verdict nodes of `graph.schema.VERDICT_ROWS`: their id is a hash of all they say, so that it never moves."""
    verdicts = _conform(verdicts, VERDICT_ROWS)
    ids = pa.array([_verdict_id(row) for row in verdicts.to_pylist()], pa.string())
    return _conform(verdicts.append_column("id", ids), NODES["Verdict"].schema)


def all_verdicts(*verdicts: pa.Table) -> pa.Table:
    """Verdict nodes of several tables, each once."""
    return _first(pa.concat_tables(verdicts), "id")


def _verdict_id(row: dict[str, str | datetime]) -> str:
    said = json.dumps([str(row[name]) for name in VERDICT_ROWS.names]).encode()
    return hashlib.blake2b(said, digest_size=16).hexdigest()


def _refresh_row(contents: GraphContents) -> pa.Table:
    refresh = contents.refresh
    return pa.Table.from_pylist([{name: getattr(refresh, name) for name in NODES["Refresh"].schema.names}]).cast(
        NODES["Refresh"].schema
    )


def _campaign_rows(contents: GraphContents, history: History) -> pa.Table:
    """Campaigns of this refresh, then earlier ones that have lineage or a verdict, then those only lineage names."""
    schema = NODES["Campaign"].schema
    named = contents.campaigns.campaigns
    now = _conform(
        named.rename_columns([("id" if name == "campaign_id" else name) for name in named.column_names]), schema
    )
    became = _became(contents, history)
    ids = pa.concat_arrays([column.combine_chunks() for column in (became["source"], became["target"])])
    named_only = pa.table([ids, *(pa.nulls(len(ids), type) for type in schema.types[1:])], schema=schema)
    judged = all_verdicts(verdict_rows(contents.verdicts), history.verdicts)
    kept = pa.concat_arrays([ids, judged.filter(pc.equal(judged["kind"], "campaign"))["key"].combine_chunks()])
    before = history.campaigns.filter(pc.is_in(history.campaigns["id"], kept))
    return _first(pa.concat_tables([now, asleep(before), named_only]), "id")


def asleep(campaigns: pa.Table) -> pa.Table:
    """Campaigns without members in the window: those that were new or active are dormant; decided ones stay so."""
    living = pc.is_in(campaigns["state"], pa.array(LIVING_STATES))
    state = pc.if_else(living, "dormant", campaigns["state"])
    return campaigns.set_column(campaigns.schema.get_field_index("state"), "state", state)


def _operation_rows(contents: GraphContents) -> pa.Table:
    ids = pc.unique(contents.campaigns.campaigns["operation_id"].drop_null())
    return pa.table([ids], schema=NODES["Operation"].schema)


def _ends(edges: pa.Table, sources: pa.Table, targets: pa.Table, kind: RelationKind) -> pa.Table:
    """Edges by node id to rows by node key."""
    source, target = edges.column_names[:2]
    keys = [sources["key"].take(edges[source]), targets["key"].take(edges[target])]
    properties = [edges[name].cast(type) for name, type in kind.properties]
    return pa.table([*keys, *properties], schema=kind.schema)


def _members(contents: GraphContents, kind: str, present: pa.Table, relation: RelationKind) -> pa.Table:
    members = contents.campaigns.members
    known = pc.and_(pc.equal(members["kind"], kind), pc.is_in(members["key"], present["key"].combine_chunks()))
    return _conform(
        members.filter(known).rename_columns(["target", "kind", "source", "role", "weight"]), relation.schema
    )


def _targets(contents: GraphContents) -> pa.Table:
    """Target members with the number of events that the campaign's senders sent them."""
    members = contents.campaigns.members
    targets = members.filter(pc.equal(members["role"], "target")).select(["campaign_id", "key"])
    known = pc.is_in(targets["key"], contents.window.recipients["key"].combine_chunks())
    joined = targets.filter(known).join(_campaign_mail(contents), ["campaign_id", "key"], join_type="left outer")
    return pa.table(
        [joined["campaign_id"], joined["key"], pc.fill_null(joined["events"], 0)], schema=words.TARGETS.schema
    ).sort_by([("source", "ascending"), ("target", "ascending")])


def _campaign_mail(contents: GraphContents) -> pa.Table:
    """(campaign_id, key of recipient, events) over the mail of member senders only."""
    window, members = contents.window, contents.campaigns.members
    senders = members.filter(pc.equal(members["kind"], "sender"))
    ids = pc.index_in(senders["key"], window.senders["key"].combine_chunks())
    senders = pa.table({"campaign_id": senders["campaign_id"], "sender": ids}).filter(pc.is_valid(ids))
    mail = _mail_of(window, senders["sender"].to_numpy())
    by_id = (
        mail.join(senders, "sender", join_type="inner")
        .group_by(["campaign_id", "recipient"])
        .aggregate([("events", "sum")])
    )
    return pa.table(
        {
            "campaign_id": by_id["campaign_id"],
            "key": window.recipients["key"].take(by_id["recipient"]),
            "events": by_id["events_sum"],
        }
    )


def _mail_of(window: Window, senders: np.ndarray) -> pa.Table:
    chosen = np.zeros(window.senders.num_rows, dtype=bool)
    chosen[senders] = True
    return window.wrote_to.select(["sender", "recipient", "events"]).filter(
        pa.array(chosen[window.wrote_to["sender"].to_numpy()])
    )


def _part_of(contents: GraphContents) -> pa.Table:
    campaigns = contents.campaigns.campaigns
    rows = campaigns.filter(pc.is_valid(campaigns["operation_id"]))
    return pa.table([rows["campaign_id"], rows["operation_id"]], schema=words.PART_OF.schema)


def _became(contents: GraphContents, history: History) -> pa.Table:
    """Lineage of merges and splits: what `campaign_id` became is `other_id`."""
    lineage = contents.campaigns.lineage
    rows = lineage.filter(
        pc.and_(pc.is_in(lineage["event"], pa.array(["merged", "split"])), pc.is_valid(lineage["other_id"]))
    )
    now = _conform(
        rows.rename_columns(
            [{"campaign_id": "source", "other_id": "target"}.get(name, name) for name in rows.column_names]
        ),
        words.BECAME.schema,
    )
    return _first(pa.concat_tables([now, history.became]), "source", "target", "refresh")


def _about(verdicts: pa.Table, kind: str, present: pa.ChunkedArray, relation: RelationKind) -> pa.Table:
    known = pc.and_(pc.equal(verdicts["kind"], kind), pc.is_in(verdicts["key"], present.combine_chunks()))
    rows = verdicts.filter(known)
    return pa.table([rows["id"], rows["key"]], schema=relation.schema)


def _conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    return table.select(schema.names).cast(schema)


def _first(table: pa.Table, *keys: str) -> pa.Table:
    """The first row of each key, in the order of the table."""
    numbered = table.select(list(keys)).append_column("row", pa.array(np.arange(table.num_rows)))
    rows = numbered.group_by(list(keys)).aggregate([("row", "min")])["row_min"]
    return table.take(pa.array(np.sort(rows.to_numpy())))
