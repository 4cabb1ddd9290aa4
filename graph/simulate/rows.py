"""Event rows as plain number arrays, with two ragged columns. Knows ids, not names; draws nothing at random."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
IntsOr1 = Ints | int

MAIL, CALENDAR, CONTACTS = 0, 1, 2
NOBODY = np.int32(-1)  # no network, no campaign
NO_PRINT = np.int64(0)  # no fingerprint


@dataclass(frozen=True)
class Rows:
    """n events. `to` and `link` are ragged: row i owns the next `to_count[i]` and `link_count[i]` entries.

    `ts` is microseconds since the world began; `sender` and `to` are mailbox ids, `link` host ids, `network` and
    `host` an address, `annoyance` the probability that a recipient of average zeal reports the message.
    """

    ts: Longs
    channel: npt.NDArray[np.int8]
    sender: Ints
    network: Ints
    host: Ints
    fingerprint: Longs
    annoyance: npt.NDArray[np.float32]
    campaign: Ints
    to_count: Ints
    to: Ints
    link_count: Ints
    link: Ints

    def __len__(self) -> int:
        return len(self.ts)

    def take(self, order: npt.NDArray[Any]) -> "Rows":
        """The rows numbered in `order`, in that order."""
        to_count, to = take_ragged(self.to_count, self.to, order)
        link_count, link = take_ragged(self.link_count, self.link, order)
        flat = {f.name: getattr(self, f.name)[order] for f in fields(self) if f.name not in _RAGGED}
        return Rows(**flat, to_count=to_count, to=to, link_count=link_count, link=link)


_RAGGED = ("to_count", "to", "link_count", "link")
_TYPES = {
    "ts": np.int64,
    "channel": np.int8,
    "fingerprint": np.int64,
    "annoyance": np.float32,
}


def make_rows(
    ts: npt.NDArray[Any],
    sender: npt.NDArray[Any],
    to: npt.NDArray[Any],
    *,
    to_count: npt.NDArray[Any] | None = None,
    link: npt.NDArray[Any] | None = None,
    link_count: npt.NDArray[Any] | None = None,
    network: npt.NDArray[Any] | int = -1,
    host: npt.NDArray[Any] | int = 0,
    fingerprint: npt.NDArray[Any] | int = 0,
    annoyance: npt.NDArray[Any] | float = 0.0,
    channel: npt.NDArray[Any] | int = MAIL,
    campaign: npt.NDArray[Any] | int = -1,
) -> Rows:
    """Rows from columns; a scalar stands for every row, a missing count for one recipient (or one link) a row."""
    n = len(ts)

    def column(value: object, kind: type) -> npt.NDArray[Any]:
        return np.ascontiguousarray(np.broadcast_to(np.asarray(value, dtype=kind), (n,)))

    links = np.empty(0, np.int32) if link is None else np.asarray(link, np.int32)
    one_each = 0 if link is None else 1
    return Rows(
        ts=column(ts, np.int64),
        channel=column(channel, np.int8),
        sender=column(sender, np.int32),
        network=column(network, np.int32),
        host=column(host, np.int32),
        fingerprint=column(fingerprint, np.int64),
        annoyance=column(annoyance, np.float32),
        campaign=column(campaign, np.int32),
        to_count=column(1 if to_count is None else to_count, np.int32),
        to=np.asarray(to, np.int32),
        link_count=column(one_each if link_count is None else link_count, np.int32),
        link=links,
    )


def no_rows() -> Rows:
    empty = np.empty(0, np.int64)
    return make_rows(empty, empty, empty)


def concat(parts: Sequence[Rows]) -> Rows:
    """All rows of all parts, in order."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return no_rows()
    return Rows(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Rows)})


def starts_of(counts: npt.NDArray[Any]) -> Longs:
    """Where each row of a ragged column begins, and at the end where the last one stops."""
    starts = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    return starts


def spread(first: npt.NDArray[Any], counts: npt.NDArray[Any]) -> Longs:
    """first[i], first[i]+1, …, first[i]+counts[i]-1 for every i, one after the other."""
    starts = starts_of(counts)
    return np.arange(starts[-1]) + np.repeat(np.asarray(first, np.int64) - starts[:-1], counts)


def take_ragged(counts: Ints, flat: Ints, order: npt.NDArray[Any]) -> tuple[Ints, Ints]:
    """The ragged rows numbered in `order`."""
    if order.dtype == bool:
        order = np.flatnonzero(order)
    taken = counts[order]
    return taken, flat[spread(starts_of(counts)[order], taken)]


def owners(counts: npt.NDArray[Any]) -> Longs:
    """For every entry of a ragged column the row that owns it."""
    return np.repeat(np.arange(len(counts)), counts)


def without_repeats(rows: Rows) -> Rows:
    """Rows with every recipient named once."""
    row = owners(rows.to_count)
    several = np.flatnonzero(rows.to_count[row] > 1)
    pairs = row[several] << 32 | rows.to[several]
    kept = np.ones(len(row), bool)
    kept[several] = False
    kept[several[np.unique(pairs, return_index=True)[1]]] = True
    counts = np.bincount(row[kept], minlength=len(rows)).astype(np.int32)
    return replace(rows, to_count=counts, to=rows.to[kept])
