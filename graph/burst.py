"""What each sender did that its own past does not explain: the burst of a hijacked or camouflaged account.

A stolen account's honest mail dilutes every mean over it. Here recurrent correspondents are left out, and of the rest
the run of days that stands out most (scan statistic of a Poisson process, Kulldorff 1997, equation 2) is kept; where
no run stands out, all days with such mail are. A Window comes in and a Window goes out, so all that is computed from
one can be computed from the other. Knows no risk.
"""

from dataclasses import replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from graph.evidence import column, contains, ids, mailboxes, profile
from graph.values import DAYS_A_WORD, Window

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

RECURRENT_DAYS, RECURRENT_SPAN = 3, 5  # a correspondent met on so many days, over so many days, is no stranger
RUNS = (1, 2, 4, 8, 16)  # days
LEAST_EVENTS, LEAST_DAYS = 4, 3  # of a sender in whom a run can stand out
LEAST_FRESH = 0.01  # letters of a day to others than recurrent correspondents: less is rounding
LEAST_SURPRISE = 4.0  # log-likelihood ratio of a run
EDGES_AT_ONCE, SENDERS_AT_ONCE = 50_000, 4_096  # whose days stay in the processor's cache
DAY = np.timedelta64(86_400_000_000, "us")
RELATIONS = ("wrote_to", "linked_to", "sent_from", "carried")


def burst_of(window: Window) -> Window:
    """The window with each sender's burst alone: fewer edges, and the senders' counts that follow from them.

    Counts within edges are spread evenly over an edge's days, so they are estimates. A sender of whom only recurrent
    mail was seen has no burst and no edge. The window itself where its edges carry no days.
    """
    if not window.edge_days or not window.senders.num_rows:
        return window
    days = profile(window.senders["days"], window.senders.num_rows).astype(np.float64)
    recurrent = recurrent_edges(window)
    fresh = days * _fresh_share(window, recurrent, days.shape)
    inside = standing_out(fresh) & (fresh > LEAST_FRESH)
    words = _packed(inside, window.edge_days["wrote_to"].shape[1])
    kept = {name: _kept(window, name, words, ~recurrent if name == "wrote_to" else None) for name in RELATIONS}
    return replace(window, **kept, senders=_senders(window, kept["wrote_to"], fresh * inside))


def standing_out(fresh: Array) -> Mask:
    """For each sender the days of its most surprising run, all where none stands out; shape of `fresh`, counts."""
    inside = np.ones(fresh.shape, dtype=bool)
    able = (fresh.sum(axis=1) >= LEAST_EVENTS) & (np.count_nonzero(fresh, axis=1) >= LEAST_DAYS)
    rows = np.flatnonzero(able)
    for at in range(0, len(rows), SENDERS_AT_ONCE):
        some = rows[at : at + SENDERS_AT_ONCE]
        inside[some] = _run(fresh[some])
    return inside


def _run(fresh: Array) -> Mask:
    """As `standing_out`, of senders in whom a run can stand out."""
    senders, days = fresh.shape
    total = fresh.sum(axis=1)
    up_to = np.hstack([np.zeros((senders, 1)), np.cumsum(fresh, axis=1)])
    best = np.full(senders, LEAST_SURPRISE)
    first, after = np.zeros(senders, np.int64), np.full(senders, days, np.int64)
    for run in RUNS:
        if run >= days:
            break
        surprise = _surprise(up_to[:, run:] - up_to[:, :-run], total[:, None], run / days)
        at = surprise.argmax(axis=1)
        most = surprise[np.arange(senders), at]
        better = most > best
        best[better], first[better], after[better] = most[better], at[better], at[better] + run
    day = np.arange(days)
    return np.asarray((day >= first[:, None]) & (day < after[:, None]))


def first_burst_day(window: Window) -> Ints:
    """Of every sender the first day since the window's start of its burst, 0 where all its mail is recurrent.

    Where no run of days stands out, the burst begins with the first letter to a stranger.
    """
    if not window.edge_days or not window.senders.num_rows:
        return np.zeros(window.senders.num_rows, np.int64)
    days = profile(window.senders["days"], window.senders.num_rows).astype(np.float64)
    fresh = days * _fresh_share(window, recurrent_edges(window), days.shape)
    return np.asarray((standing_out(fresh) & (fresh > LEAST_FRESH)).argmax(axis=1), dtype=np.int64)


def answered_edges(window: Window) -> Mask:
    """Which edges of wrote_to go to a recipient who wrote back in the window; shape (edges,)."""
    return _answered(window, ids(window.wrote_to, "sender"), ids(window.wrote_to, "recipient"))


def _surprise(inside: Array, total: Array, share: float) -> Array:
    """Log-likelihood ratio of `inside` of `total` events in a share of the days, 0 where there are fewer than usual."""
    rest = np.maximum(total - inside, 0.0)
    expected = np.maximum(total * share, 1e-9)
    ratio = inside * np.log(np.maximum(inside, 1e-9) / expected)
    ratio += rest * np.log(np.maximum(rest, 1e-9) / np.maximum(total - expected, 1e-9))
    return np.where(inside > expected, ratio, 0.0)


def recurrent_edges(window: Window) -> Mask:
    """Which edges of wrote_to go to a correspondent met on several days, over a longer time; shape (edges,)."""
    edges = window.wrote_to
    first, last = (
        edges[name].to_numpy(zero_copy_only=False).astype("datetime64[us]") for name in ("first_seen", "last_seen")
    )
    return np.asarray((column(edges, "active_days") >= RECURRENT_DAYS) & (last - first >= RECURRENT_SPAN * DAY))


def _fresh_share(window: Window, recurrent: Mask, shape: tuple[int, int]) -> Array:
    """Of each sender's messages of a day the share that went to others than recurrent correspondents."""
    sender, bits = ids(window.wrote_to, "sender"), window.edge_days["wrote_to"]
    a_day = column(window.wrote_to, "events") / np.maximum(column(window.wrote_to, "active_days"), 1)
    everything, known = np.zeros(shape[0] * shape[1]), np.zeros(shape[0] * shape[1])
    for at in range(0, len(sender), EDGES_AT_ONCE):
        some = slice(at, at + EDGES_AT_ONCE)
        edge, day = np.nonzero(_unpacked(bits[some], shape[1]))
        cell, messages = sender[some][edge] * shape[1] + day, a_day[some][edge]
        np.add.at(everything, cell, messages)
        np.add.at(known, cell, messages * recurrent[some][edge])
    return np.asarray(1.0 - known / np.maximum(everything, 1e-9)).reshape(shape)


def _kept(window: Window, name: str, words: Ints, besides: Mask | None) -> pa.Table:
    """The edges of a relation that lie on their sender's days, with their events there."""
    edges: pa.Table = getattr(window, name)
    shared = window.edge_days[name] & words[ids(edges, "sender")]
    days = np.bitwise_count(shared).sum(axis=1)
    keep = days > 0 if besides is None else (days > 0) & besides
    share = days[keep] / np.maximum(column(edges, "active_days")[keep], 1)
    edges = edges.filter(pa.array(keep))
    events = np.maximum(np.rint(column(edges, "events") * share), 1).astype(np.int64)
    return edges.set_column(edges.schema.get_field_index("events"), "events", pa.array(events))


def _senders(window: Window, wrote_to: pa.Table, daily: Array) -> pa.Table:
    """The senders' counts of their bursts; reports about them and their hours stay whole."""
    table, n = window.senders, window.senders.num_rows
    source, target = ids(wrote_to, "sender"), ids(wrote_to, "recipient")
    sent = np.rint(daily.sum(axis=1))
    share = sent / np.maximum(column(table, "events"), 1)
    counts = {
        "events": sent,
        "recipients": np.bincount(source, minlength=n) * 1.0,
        "messages_to": np.bincount(source, weights=column(wrote_to, "events"), minlength=n),
        "active_days": np.count_nonzero(daily >= 0.5, axis=1) * 1.0,
        "answered": np.bincount(source[_answered(window, source, target)], minlength=n) * 1.0,
        **{name: np.rint(column(table, name) * share) for name in ("mail", "calendar", "contacts", "linked")},
    }
    for name, values in counts.items():
        at = table.schema.get_field_index(name)
        table = table.set_column(
            at, table.schema.field(at), pa.array(values.astype(np.int64)).cast(table.schema.field(at).type)
        )
    flat = pa.array(np.rint(daily).astype(np.int32).ravel())
    offsets = pa.array(np.arange(n + 1, dtype=np.int32) * daily.shape[1])
    at = table.schema.get_field_index("days")
    return table.set_column(at, table.schema.field(at), pa.ListArray.from_arrays(offsets, flat))


def _answered(window: Window, source: Ints, target: Ints) -> Mask:
    """Edges whose recipient, as a sender, wrote to this sender in the whole window."""
    as_sender, as_recipient = mailboxes(window)
    people = window.recipients.num_rows
    every = ids(window.wrote_to, "sender") * people + ids(window.wrote_to, "recipient")
    back = as_sender[target] * people + as_recipient[source]
    able = (as_sender[target] >= 0) & (as_recipient[source] >= 0) & (as_recipient[source] != target)
    able[able] = contains(np.sort(every), back[able])
    return np.asarray(able)


def _packed(inside: Mask, words: int) -> Ints:
    """Days as bits of words, shape (senders, words)."""
    out = np.zeros((len(inside), words), np.int64)
    for day in range(inside.shape[1]):
        out[:, day // DAYS_A_WORD] |= inside[:, day].astype(np.int64) << (day % DAYS_A_WORD)
    return out


def _unpacked(bits: Ints, days: int) -> Mask:
    """Bits of words as days, shape (edges, days)."""
    day = np.arange(days)
    return np.asarray((bits[:, day // DAYS_A_WORD] >> (day % DAYS_A_WORD)) & 1, dtype=bool)
