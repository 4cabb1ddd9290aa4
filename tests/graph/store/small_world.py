"""A graph small enough to check by eye, on reserved names, for the store tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from graph import schema
from graph.home import Home
from graph.store import GraphStore, open_store
from graph.values import Campaigns, GraphContents, Refresh, Window

START = datetime(2025, 3, 1, tzinfo=UTC)
EARLY, LATE = START + timedelta(hours=1, microseconds=7), START + timedelta(days=2)
Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Place:
    """Where a store is; every `open` is another client of the same one."""

    url: str
    home: Home
    password: str | None = None

    def open(self) -> GraphStore:
        return open_store(self.url, self.home, self.password)


def table(form: pa.Schema, rows: Rows) -> pa.Table:
    """Rows in a schema, columns that a row does not name null."""
    return pa.Table.from_pylist([{name: row.get(name) for name in form.names} for row in rows], schema=form)


def nodes(form: pa.Schema, keys: Sequence[str]) -> pa.Table:
    return table(form, [{"key": key, "first_seen": EARLY, "last_seen": LATE, "events": 3} for key in sorted(keys)])


def edges(form: pa.Schema, left: pa.Table, right: pa.Table, pairs: Sequence[tuple[str, str]], **given: Any) -> pa.Table:
    """Edges between two node tables by key; the n-th has n + 1 events."""
    source, target = form.names[:2]
    lefts, rights = left["key"].to_pylist(), right["key"].to_pylist()
    seen = {"first_seen": EARLY, "last_seen": LATE, "active_days": 2}
    rows = [
        {source: lefts.index(a), target: rights.index(b), "events": n, **seen, **given}
        for n, (a, b) in enumerate(pairs, start=1)
    ]
    return table(form, sorted(rows, key=lambda row: (row[source], row[target])))


def window(senders: Sequence[str] = ("mallory@bad.example", "trudy@bad.example", "alice@example.com")) -> Window:
    """Each sender wrote to two recipients; the bad ones link to one domain from one network."""
    who = nodes(schema.SENDERS, senders)
    to = nodes(schema.RECIPIENTS, ("alice@example.com", "bob@example.com", "carol@example.net"))
    bad = [sender for sender in senders if sender.endswith("bad.example")]
    sites = nodes(schema.ARTEFACTS, ("bad.example", "click.test", "example.com"))
    networks = nodes(schema.ARTEFACTS, ("192.0.2.0/24", "2001:db8:1::/48"))
    mail = [(sender, to_whom) for sender in senders for to_whom in ("bob@example.com", "carol@example.net")]
    counts = {"mail": 1, "calendar": 2, "contacts": 3, "reports": 4, "addresses": 5}
    return Window(
        start=START,
        as_of=START + timedelta(days=30),
        fingerprint="f" * 64,
        senders=who,
        recipients=to,
        domains=sites,
        networks=networks,
        fingerprints=nodes(schema.ARTEFACTS, ("aa11",)),
        wrote_to=edges(schema.WROTE_TO, who, to, mail, **counts),
        linked_to=edges(schema.LINKED_TO, who, sites, [(sender, "click.test") for sender in bad]),
        sent_from=edges(schema.SENT_FROM, who, networks, [(sender, "192.0.2.0/24") for sender in bad], **counts),
        carried=edges(schema.CARRIED, who, nodes(schema.ARTEFACTS, ("aa11",)), [(sender, "aa11") for sender in bad]),
        address_at=edges(schema.ADDRESS_AT, who, sites, [(sender, sender.split("@")[1]) for sender in senders]),
        same_mailbox=edges(
            schema.SAME_MAILBOX, who, to, [("alice@example.com",) * 2] if "alice@example.com" in senders else []
        ),
    )


def campaign(id: str, operation: str | None = "op-1", state: str = "active") -> dict[str, Any]:
    counts = {"senders": 2, "domains": 1, "recipients": 2, "events": 10}
    seen = {"first_seen": EARLY, "last_seen": LATE}
    return {"campaign_id": id, "operation_id": operation, "risk": 0.97, "state": state, **counts, **seen}


def member(id: str, kind: str, key: str, role: str, weight: float = 1.0) -> dict[str, Any]:
    return {"campaign_id": id, "kind": kind, "key": key, "role": role, "weight": weight}


def became(id: str, heir: str, event: str, refresh: str = "refresh-2", share: float = 0.75) -> dict[str, Any]:
    return {"campaign_id": id, "refresh": refresh, "ts": LATE, "event": event, "other_id": heir, "share": share}


def verdict(
    kind: str, key: str, verdict: str = "malicious", source: str = "analyst-1", ts: datetime = LATE
) -> dict[str, Any]:
    return {"kind": kind, "key": key, "verdict": verdict, "ts": ts, "source": source}


def verdicts(*rows: dict[str, Any]) -> pa.Table:
    return table(schema.VERDICT_ROWS, rows)


def campaigns(rows: Rows, members: Rows, lineage: Rows = ()) -> Campaigns:
    return Campaigns(
        campaigns=table(schema.CAMPAIGNS, rows),
        members=table(schema.MEMBERS, members),
        evidence=table(schema.EVIDENCE, []),
        lineage=table(schema.LINEAGE, lineage),
        timeline=table(schema.TIMELINE, []),
        edges=table(schema.CAMPAIGN_EDGES, []),
        impact=table(schema.IMPACT, []),
    )


FIRST_MEMBERS = (
    member("c-1", "sender", "mallory@bad.example", "sender", 0.9),
    member("c-1", "sender", "trudy@bad.example", "sender", 0.8),
    member("c-1", "domain", "click.test", "domain", 0.7),
    member("c-1", "recipient", "bob@example.com", "target"),
    member("c-1", "recipient", "carol@example.net", "target"),
    member("c-2", "sender", "trudy@bad.example", "sender", 0.2),
)


def contents(
    id: str = "refresh-1",
    graph: Window | None = None,
    found: Campaigns | None = None,
    said: pa.Table | None = None,
) -> GraphContents:
    """What one refresh writes; by default the whole small world with two campaigns and three verdicts."""
    graph = graph or window()
    found = found or campaigns([campaign("c-1"), campaign("c-2", None)], FIRST_MEMBERS)
    if said is None:
        said = verdicts(
            verdict("sender", "mallory@bad.example"),
            verdict("domain", "click.test"),
            verdict("campaign", "c-1"),
        )
    return GraphContents(
        refresh=Refresh(id, graph.start, graph.as_of, "model-1", graph.fingerprint),
        window=graph,
        sender_risk=pa.array([0.25 + i / 4 for i in range(graph.senders.num_rows)], pa.float64()),
        domain_risk=pa.array([0.5] * graph.domains.num_rows, pa.float64()),
        campaigns=found,
        verdicts=said,
    )
