"""Windows by hand: a few letters in, the typed tables out, counted in plain Python so that a test can be exact."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from graph import schema
from graph.values import Window

START = datetime(2024, 3, 1, tzinfo=UTC)
DAYS = 10
AS_OF = START + timedelta(days=DAYS)
Pair = tuple[str, str]


@dataclass(frozen=True)
class Letter:
    """One event: `day` and `hour` from the window's start; `sites` are linked domains, `text` a fingerprint."""

    sender: str
    to: tuple[str, ...]
    day: int = 1
    hour: int = 9
    sites: tuple[str, ...] = ()
    network: str | None = None
    text: str | None = None
    channel: str = "mail"

    @property
    def ts(self) -> datetime:
        return START + timedelta(days=self.day, hours=self.hour)

    @property
    def home(self) -> str | None:
        """The domain of the sender's own address."""
        return self.sender.partition("@")[2] or None


@dataclass(frozen=True)
class Report:
    """A recipient's report about the letter with this number."""

    letter: int
    reporter: str
    kind: str = "junk"


def letter(sender: str, *to: str, **more: Any) -> Letter:
    return Letter(sender, to, **more)


def window(letters: Sequence[Letter], reports: Sequence[Report] = ()) -> Window:
    """The window graph of the letters, as `graph.window.build_window` makes it of the same events in a lake."""
    senders = sorted({one.sender for one in letters})
    recipients = sorted({to for one in letters for to in one.to})
    domains = sorted({site for one in letters for site in one.sites} | {one.home for one in letters if one.home})
    networks = sorted({one.network for one in letters if one.network})
    texts = sorted({one.text for one in letters if one.text})
    written = _edges((one.sender, to, one) for one in letters for to in set(one.to))
    linked = _edges((one.sender, site, one) for one in letters for site in set(one.sites))
    sent = _edges((one.sender, one.network, one) for one in letters if one.network)
    carried = _edges((one.sender, one.text, one) for one in letters if one.text)
    homes = {(one.sender, one.home): [one] for one in letters if one.home}
    both = {(key, key): [] for key in set(senders) & set(recipients)}
    return Window(
        start=START,
        as_of=AS_OF,
        fingerprint="0" * 64,
        senders=_table(schema.SENDERS, [_sender(key, letters, written, reports) for key in senders]),
        recipients=_nodes(schema.RECIPIENTS, recipients, written),
        domains=_nodes(schema.ARTEFACTS, domains, linked, _edges((o.sender, o.home, o) for o in letters if o.home)),
        networks=_nodes(schema.ARTEFACTS, networks, sent),
        fingerprints=_nodes(schema.ARTEFACTS, texts, carried),
        wrote_to=_relation(schema.WROTE_TO, senders, recipients, written, letters, reports),
        linked_to=_relation(schema.LINKED_TO, senders, domains, linked),
        sent_from=_relation(schema.SENT_FROM, senders, networks, sent),
        carried=_relation(schema.CARRIED, senders, texts, carried),
        address_at=_relation(schema.ADDRESS_AT, senders, domains, homes),
        same_mailbox=_relation(schema.SAME_MAILBOX, senders, recipients, both),
    )


def key_of(window: Window, kind: str, number: int) -> str:
    """The key of a node by its id."""
    return str(getattr(window, kind)["key"][number].as_py())


def id_of(window: Window, kind: str, key: str) -> int:
    """The id of a node by its key."""
    return int(getattr(window, kind)["key"].to_pylist().index(key))


Edges = dict[Pair, list[Letter]]


def _edges(rows: Iterable[tuple[str, str | None, Letter]]) -> Edges:
    out: Edges = defaultdict(list)
    for source, target, one in rows:
        out[source, str(target)].append(one)
    return dict(out)


def _table(form: pa.Schema, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([{name: row.get(name) for name in form.names} for row in rows], schema=form)


def _seen(letters: Sequence[Letter]) -> dict[str, Any]:
    times = [one.ts for one in letters]
    days = len({one.day for one in letters})
    return {"events": len(letters), "first_seen": min(times), "last_seen": max(times), "active_days": days}


def _sender(key: str, letters: Sequence[Letter], written: Edges, reports: Sequence[Report]) -> dict[str, Any]:
    own = [one for one in letters if one.sender == key]
    about = [report for report in reports if letters[report.letter].sender == key]
    junk = [report for report in about if report.kind != "not_junk"]
    mine = {to for source, to in written if source == key}
    return {
        "key": key,
        **_seen(own),
        "recipients": len(mine),
        "messages_to": sum(len(set(one.to)) for one in own),
        **{channel: sum(one.channel == channel for one in own) for channel in schema.CHANNELS},
        "hours": [sum(one.ts.hour == hour for one in own) for hour in range(24)],
        "days": [sum((one.ts - START).days == day for one in own) for day in range(DAYS)],
        "linked": sum(bool(one.sites) for one in own),
        "junk": len({report.reporter for report in junk}),
        "not_junk": len({report.reporter for report in about if report.kind == "not_junk"}),
        "reported_events": len({report.letter for report in junk}),
        "answered": sum((to, key) in written for to in mine if to != key),
    }


def _nodes(form: pa.Schema, keys: list[str], edges: Edges, also_seen: Edges | None = None) -> pa.Table:
    """Counts from `edges` alone, times from both."""
    rows = []
    for key in keys:
        own = [one for (_, target), letters in edges.items() if target == key for one in letters]
        more = [one for (_, target), letters in (also_seen or {}).items() if target == key for one in letters]
        senders = len({source for source, target in edges if target == key})
        rows.append({**_seen(own + more), "key": key, "events": len(own), "senders": senders})
    return _table(form, rows)


def _relation(
    form: pa.Schema,
    sources: list[str],
    targets: list[str],
    edges: Edges,
    letters: Sequence[Letter] = (),
    reports: Sequence[Report] = (),
) -> pa.Table:
    source, target = form.names[:2]
    rows = []
    for (left, right), ones in edges.items():
        row: dict[str, Any] = {source: sources.index(left), target: targets.index(right)}
        row |= _seen(ones) if ones else {}
        row |= {channel: sum(one.channel == channel for one in ones) for channel in schema.CHANNELS}
        row["addresses"] = 1
        row["reports"] = len({r.letter for r in reports if _is_about(r, letters[r.letter], left, right)})
        rows.append(row)
    return _table(form, sorted(rows, key=lambda row: (row[source], row[target])))


def _is_about(report: Report, one: Letter, sender: str, recipient: str) -> bool:
    return one.sender == sender and report.reporter == recipient and report.kind != "not_junk"
