"""From what an engine counted to the exact tables of `graph.schema`: ids, order, times, profiles, sums over edges.

Plain arrays on already reduced rows, the same code after every engine; knows neither Ibis nor files. A `Columns` is one
named integer array for each column, all of one length; those of edges are sorted by (source, target).
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from graph.schema import ARTEFACTS, RECIPIENTS, SENDERS, TIME
from graph.values import Reported
from graph.window.clock import Clock

Ints = NDArray[np.int64]
Columns = dict[str, Ints]

HOURS = 24
LATEST = np.iinfo(np.int64).max  # the neutral value of a minimum


def as_columns(table: pa.Table, ids: Mapping[str, Ints]) -> Columns:
    """The columns as int64 arrays; in place of the codes of a column that `ids` names stand their ids."""
    columns = {name: table[name].to_numpy() for name in table.column_names}
    return {
        name: ids[name][values] if name in ids else values.astype(np.int64, copy=False)
        for name, values in columns.items()
    }


def pair_key(source: Ints, target: Ints) -> Ints:
    """One integer for a pair of ids (both below 2^31) that sorts as the pair does."""
    return (source << 32) | target


def numbered(texts: pa.Array, *codes: pa.ChunkedArray) -> tuple[pa.Array, Ints]:
    """The texts that the codes name, in byte order (string), and the place there of every code (-1: not named)."""
    named = np.zeros(len(texts), dtype=np.bool_)
    for column in codes:
        named[column.to_numpy()] = True
    places = np.flatnonzero(named)
    order = pc.sort_indices(texts.take(pa.array(places))).to_numpy()
    ids = np.full(len(texts), -1, dtype=np.int64)
    ids[places[order]] = np.arange(len(order))
    return texts.take(pa.array(places[order])), ids


def ids_of(texts: pa.Array, among: pa.Array) -> Ints:
    """Where each text stands among the others (-1: nowhere)."""
    places: Ints = pc.index_in(texts, value_set=among).fill_null(-1).to_numpy().astype(np.int64)
    return places


def counted(relation: pa.Table, ids: Mapping[str, Ints], target: str, words: list[str]) -> Columns:
    """The edges of a relation, in order, `active_days` beside the words."""
    return in_order(with_active_days(as_columns(relation, ids), words), target)


def in_order(edges: Columns, target: str) -> Columns:
    """The edges sorted by (source, target)."""
    order = np.argsort(pair_key(edges["sender"], edges[target]))
    return {name: values[order] for name, values in edges.items()}


def same_mailbox(senders: pa.Array, recipients: pa.Array) -> Columns:
    """sender, recipient that are one mailbox: equal keys."""
    recipient = ids_of(senders, recipients)
    sender = np.flatnonzero(recipient >= 0)
    return {"sender": sender, "recipient": recipient[sender]}


def with_active_days(edges: Columns, words: list[str]) -> Columns:
    """The edges with `active_days`, the number of days whose bit is set in the words."""
    active = sum((np.bitwise_count(edges[word]).astype(np.int64) for word in words), np.zeros_like(edges["events"]))
    return edges | {"active_days": active}


def days_of(edges: Columns, words: list[str]) -> Ints:
    """The words of bits of every edge, shape (edges, words)."""
    return np.stack([edges[word] for word in words], axis=1)


def with_reports(wrote_to: Columns, reported: Columns) -> Columns:
    """The edges with `reports`, reporters by their id as recipients (-1: none).

    A report by someone the sender never wrote to has no edge to stand on.
    """
    reports = np.zeros_like(wrote_to["events"])
    edges = pair_key(wrote_to["sender"], wrote_to["recipient"])
    place, known = _places(edges, pair_key(reported["sender"], reported["reporter"]))
    reports[place[known]] = reported["reports"][known]
    return wrote_to | {"reports": reports}


def who_reported(pairs: pa.Table, ids: Mapping[str, Ints], reporters: pa.Array) -> Reported:
    """The distinct (reporter, sender, bad), reporters numbered by key, in order."""
    _, reporter = numbered(reporters, pairs["reporter"])
    rows = as_columns(pairs, {"sender": ids["sender"], "reporter": reporter})
    order = np.lexsort((rows["bad"], rows["sender"], rows["reporter"]))
    return Reported(rows["reporter"][order], rows["sender"][order], rows["bad"][order] > 0)


def edge_table(edges: Columns, schema: pa.Schema, clock: Clock) -> pa.Table:
    """Edges in order as a table of this schema."""
    return _table(edges | _times(edges, clock), schema)


def pair_table(pairs: Columns, schema: pa.Schema) -> pa.Table:
    """Bare relations (`ADDRESS_AT`, `SAME_MAILBOX`) as a table of this schema."""
    return _table(pairs, schema)


def sender_table(
    keys: pa.Array,
    facts: Columns,
    reports: Columns,
    hours: Columns,
    days: Columns,
    wrote_to: Columns,
    same_mailbox: Columns,
    clock: Clock,
) -> pa.Table:
    """SENDERS: what the events say, and what follows from whom they wrote to."""
    n = len(keys)
    counted = placed(facts, "sender", n)
    sums = {
        "recipients": np.bincount(wrote_to["sender"], minlength=n),
        "messages_to": _sum_by(wrote_to["sender"], wrote_to["events"], n),
        "answered": answered(wrote_to, same_mailbox, n),
        **placed(reports, "sender", n),
    }
    by_hour, by_day = _profile(hours, "hour", n, HOURS), _profile(days, "day", n, clock.days)
    active = {"active_days": np.count_nonzero(by_day, axis=1)}
    lists = {"key": keys, "hours": _lists(by_hour), "days": _lists(by_day)}
    return _table(counted | sums | active | lists | _times(counted, clock), SENDERS)


def recipient_table(keys: pa.Array, wrote_to: Columns, clock: Clock) -> pa.Table:
    """RECIPIENTS: sums over the edges that reach them."""
    sums = _sums_over(wrote_to, "recipient", len(keys))
    return _table({"key": keys, **sums, **_times(sums, clock)}, RECIPIENTS)


def artefact_table(keys: pa.Array, edges: Columns, target: str, clock: Clock) -> pa.Table:
    """ARTEFACTS: sums over the edges that reach them."""
    sums = _sums_over(edges, target, len(keys))
    return _table({"key": keys, **sums, **_times(sums, clock)}, ARTEFACTS)


def domain_table(keys: pa.Array, linked_to: Columns, address_at: Columns, senders: pa.Table, clock: Clock) -> pa.Table:
    """ARTEFACTS of domains: `events` and `senders` count links alone, the times also cover senders at the domain."""
    sums = _sums_over(linked_to, "domain", len(keys))
    homes, owner = address_at["domain"], address_at["sender"]
    first, last = (_since(senders[name], clock)[owner] for name in ("first_seen", "last_seen"))
    np.minimum.at(sums["first"], homes, first)
    np.maximum.at(sums["last"], homes, last)
    return _table({"key": keys, **sums, **_times(sums, clock)}, ARTEFACTS)


def answered(wrote_to: Columns, same_mailbox: Columns, senders: int) -> Ints:
    """How many of its recipients wrote to a sender in the window; mail to oneself is no answer."""
    source, target = wrote_to["sender"], wrote_to["recipient"]
    inbox = np.full(senders, -1, dtype=np.int64)  # sender -> itself as recipient
    inbox[same_mailbox["sender"]] = same_mailbox["recipient"]
    outbox = np.full(int(target.max(initial=-1)) + 1, -1, dtype=np.int64)  # recipient -> itself as sender
    outbox[same_mailbox["recipient"]] = same_mailbox["sender"]
    can_answer = (inbox[source] >= 0) & (outbox[target] >= 0) & (inbox[source] != target)
    source, target = source[can_answer], target[can_answer]
    _, back = _places(pair_key(source, target), pair_key(outbox[target], inbox[source]))
    return np.bincount(source[back], minlength=senders)


def placed(rows: Columns, by: str, n: int) -> Columns:
    """Rows put at their id among n; noughts where there is no row."""
    empty = {name: np.zeros(n, dtype=np.int64) for name in rows if name != by}
    for name, values in empty.items():
        values[rows[by]] = rows[name]
    return empty


def _sums_over(edges: Columns, by: str, n: int) -> Columns:
    at = edges[by]
    first, last = np.full(n, LATEST), np.full(n, -1)
    np.minimum.at(first, at, edges["first"])
    np.maximum.at(last, at, edges["last"])
    return {
        "events": _sum_by(at, edges["events"], n),
        "senders": np.bincount(at, minlength=n),
        "first": first,
        "last": last,
    }


def _sum_by(ids: Ints, values: Ints, n: int) -> Ints:
    sums = np.zeros(n, dtype=np.int64)
    np.add.at(sums, ids, values)
    return sums


def _places(edges: Ints, wanted: Ints) -> tuple[Ints, NDArray[np.bool_]]:
    """Where each wanted pair stands among the sorted edges, and whether it is there at all."""
    place = np.searchsorted(edges, wanted)
    inside = place < len(edges)
    known = np.zeros(len(wanted), dtype=np.bool_)
    known[inside] = edges[place[inside]] == wanted[inside]
    return place, known


def _profile(rows: Columns, unit: str, n: int, length: int) -> NDArray[np.int32]:
    profile = np.zeros((n, length), dtype=np.int32)
    profile[rows["sender"], rows[unit]] = rows["events"]
    return profile


def _lists(profile: NDArray[np.int32]) -> pa.Array:
    n, length = profile.shape
    offsets = np.arange(n + 1, dtype=np.int32) * length
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(profile.ravel()))


def _times(rows: Columns, clock: Clock) -> dict[str, pa.Array]:
    ends = {"first_seen": rows["first"], "last_seen": rows["last"]}
    return {name: pa.array(values + clock.start).cast(TIME) for name, values in ends.items()}


def _since(times: pa.ChunkedArray, clock: Clock) -> Ints:
    since: Ints = times.cast(pa.int64()).to_numpy() - clock.start
    return since


def _table(columns: dict[str, pa.Array | Ints], schema: pa.Schema) -> pa.Table:
    return pa.table([pa.array(columns[field.name]).cast(field.type) for field in schema], schema=schema)
