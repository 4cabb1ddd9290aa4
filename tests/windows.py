"""Windows by hand: a few letters in, the typed tables out, counted in plain Python so that a test can be exact."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from graph import schema
from graph.values import Reported, Window

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
    own, about = _by(letters, "sender"), _reports(letters, reports)
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
        senders=_table(schema.SENDERS, [_sender(key, own[key], written, about[key]) for key in senders]),
        recipients=_nodes(schema.RECIPIENTS, recipients, written),
        domains=_nodes(schema.ARTEFACTS, domains, linked, _edges((o.sender, o.home, o) for o in letters if o.home)),
        networks=_nodes(schema.ARTEFACTS, networks, sent),
        fingerprints=_nodes(schema.ARTEFACTS, texts, carried),
        wrote_to=_relation(schema.WROTE_TO, senders, recipients, written, about),
        linked_to=_relation(schema.LINKED_TO, senders, domains, linked),
        sent_from=_relation(schema.SENT_FROM, senders, networks, sent),
        carried=_relation(schema.CARRIED, senders, texts, carried),
        address_at=_relation(schema.ADDRESS_AT, senders, domains, homes),
        same_mailbox=_relation(schema.SAME_MAILBOX, senders, recipients, both),
        edge_days={
            name: _days(edges)
            for name, edges in (("wrote_to", written), ("linked_to", linked), ("sent_from", sent), ("carried", carried))
        },
        reported=_reported(letters, reports, senders),
    )


def key_of(window: Window, kind: str, number: int) -> str:
    """The key of a node by its id."""
    return str(getattr(window, kind)["key"][number].as_py())


def id_of(window: Window, kind: str, key: str) -> int:
    """The id of a node by its key."""
    return int(getattr(window, kind)["key"].to_pylist().index(key))


Edges = dict[Pair, list[Letter]]


def _days(edges: Edges) -> NDArray[np.int64]:
    """Of every edge, in the order of its keys, the days as bits of one word."""
    words = [[sum(1 << day for day in {(one.ts - START).days for one in edges[pair]})] for pair in sorted(edges)]
    return np.array(words, dtype=np.int64).reshape(-1, 1)


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


def _by(letters: Sequence[Letter], name: str) -> dict[str, list[Letter]]:
    out: dict[str, list[Letter]] = defaultdict(list)
    for one in letters:
        out[getattr(one, name)].append(one)
    return out


def _reports(letters: Sequence[Letter], reports: Sequence[Report]) -> dict[str, list[Report]]:
    """Reports by the sender that they are about."""
    out: dict[str, list[Report]] = defaultdict(list)
    for report in reports:
        out[letters[report.letter].sender].append(report)
    return out


def _reported(letters: Sequence[Letter], reports: Sequence[Report], senders: list[str]) -> Reported:
    """Each reporter, sender and side once, in order."""
    who = sorted({report.reporter for report in reports})
    pairs = {
        (who.index(one.reporter), senders.index(letters[one.letter].sender), one.kind != "not_junk") for one in reports
    }
    columns = np.array(sorted(pairs), dtype=np.int64).reshape(-1, 3).T
    return Reported(columns[0], columns[1], columns[2] > 0)


def _sender(key: str, own: list[Letter], written: Edges, about: list[Report]) -> dict[str, Any]:
    junk = [report for report in about if report.kind != "not_junk"]
    mine = {to for one in own for to in one.to}
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
    own: dict[str, list[Letter]] = defaultdict(list)
    seen: dict[str, list[Letter]] = defaultdict(list)
    senders: dict[str, int] = defaultdict(int)
    for (_, target), letters in edges.items():
        own[target] += letters
        senders[target] += 1
    for (_, target), letters in (also_seen or {}).items():
        seen[target] += letters
    rows = [
        _seen(own[key] + seen[key]) | {"key": key, "events": len(own[key]), "senders": senders[key]} for key in keys
    ]
    return _table(form, rows)


def _relation(
    form: pa.Schema,
    sources: list[str],
    targets: list[str],
    edges: Edges,
    about: dict[str, list[Report]] | None = None,
) -> pa.Table:
    source, target = form.names[:2]
    left_ids, right_ids = ({key: number for number, key in enumerate(keys)} for keys in (sources, targets))
    rows = []
    for (left, right), ones in edges.items():
        row: dict[str, Any] = {source: left_ids[left], target: right_ids[right], "addresses": 1}
        row |= _seen(ones) if ones else {}
        row |= {channel: sum(one.channel == channel for one in ones) for channel in schema.CHANNELS}
        row["reports"] = len({report.letter for report in (about or {}).get(left, []) if _is_junk(report, right)})
        rows.append(row)
    return _table(form, sorted(rows, key=lambda row: (row[source], row[target])))


def _is_junk(report: Report, reporter: str) -> bool:
    return report.reporter == reporter and report.kind != "not_junk"
