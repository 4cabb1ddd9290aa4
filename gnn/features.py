"""What each sender does by itself: behaviour without absolute times, and own reports. Knows no neighbour's label."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from graph.evidence import Evidence, Floats, column, ids, mailboxes, profile
from graph.values import Window

DAY = np.timedelta64(86_400_000_000, "us")
CLOSURE_FANOUT = 2_000  # a broadcaster's targets are not acquaintances of each other; counting them costs the most
REPORT_CAP = 0.03  # one sender's reports count at most 1 + .03 a message: a few poisoned reporters cannot shout


@dataclass(frozen=True)
class Channels:
    """A named matrix, float32 (rows × columns); a column belongs to one block, the unit that is dropped at random."""

    values: Floats
    names: tuple[str, ...]
    blocks: tuple[str, ...]

    def beside(self, *others: "Channels") -> "Channels":
        """The columns of all, for the same rows."""
        parts = (self, *others)
        values = np.hstack([part.values for part in parts])
        return Channels(values, sum((part.names for part in parts), ()), sum((part.blocks for part in parts), ()))

    def at(self, rows: NDArray[np.int64]) -> "Channels":
        """The same columns of some rows."""
        return Channels(self.values[rows], self.names, self.blocks)

    def only(self, blocks: set[str]) -> "Channels":
        """The columns of some blocks."""
        return self._columns([at for at, block in enumerate(self.blocks) if block in blocks])

    def without(self, blocks: set[str]) -> "Channels":
        """The columns of all other blocks."""
        return self._columns([at for at, block in enumerate(self.blocks) if block not in blocks])

    def within(self, part: str) -> "Channels":
        """The same columns as those of a part of what each block is about: `a.b` becomes `a.part.b`."""
        blocks = tuple(".".join([head, part, *rest]) for head, *rest in (block.split(".") for block in self.blocks))
        names = tuple(
            block + name.removeprefix(old) for block, old, name in zip(blocks, self.blocks, self.names, strict=True)
        )
        return Channels(self.values, names, blocks)

    def _columns(self, keep: list[int]) -> "Channels":
        return Channels(
            self.values[:, keep], tuple(self.names[at] for at in keep), tuple(self.blocks[at] for at in keep)
        )


def channels(columns: dict[str, NDArray[np.float64]], block: str) -> Channels:
    """Columns by name as one block; NaN and infinities become 0."""
    stacked = np.stack(list(columns.values()), axis=1) if columns else np.zeros((0, 0))
    values = np.nan_to_num(stacked, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)
    names = tuple(f"{block}.{name}" for name in columns)
    return Channels(values, names, (block,) * len(names))


def sender_channels(window: Window, evidence: Evidence) -> Channels:
    """Behaviour and own reports of every sender, rows as `window.senders`."""
    own = channels(_behaviour(window, evidence), "behaviour")
    return own.beside(channels(_style(window), "style")).beside(channels(_reports(window), "reports"))


def co_user_signals(window: Window) -> dict[str, NDArray[np.float64]]:
    """What a sender tells about the others that share an artefact with it, shape (senders,) each."""
    senders = window.senders
    events, recipients = column(senders, "events"), column(senders, "recipients")
    as_sender_too = np.zeros(senders.num_rows)
    as_sender_too[ids(window.same_mailbox, "sender")] = 1.0
    return {
        "one_shot": (events <= 1).astype(np.float64),
        "fan_out": np.log1p(recipients),
        "volume": np.log1p(events),
        "answered": column(senders, "answered") / np.maximum(recipients, 1),
        "mailbox": as_sender_too,
        "span": np.log1p(span_days(window.senders)),
    }


def report_signals(window: Window) -> dict[str, NDArray[np.float64]]:
    """Capped distinct reporters for and against each sender, and its messages, shape (senders,) each."""
    events = column(window.senders, "events")
    cap = report_cap(events)
    return {
        "junk": np.minimum(column(window.senders, "junk"), cap),
        "not_junk": np.minimum(column(window.senders, "not_junk"), cap),
        "messages": np.minimum(column(window.senders, "messages_to"), 50.0),
    }


def report_cap(events: NDArray[np.float64]) -> NDArray[np.float64]:
    """The most that reports about a sender of so many events count together."""
    return 1 + REPORT_CAP * events


def span_days(table: object) -> NDArray[np.float64]:
    """Days between the first and last event of each node."""
    first, last = (_times(table, name) for name in ("first_seen", "last_seen"))
    return np.asarray((last - first) / DAY, dtype=np.float64)


def _times(table: object, name: str) -> NDArray[np.datetime64]:
    values = table[name].to_numpy(zero_copy_only=False)  # type: ignore[index]
    return np.asarray(values, dtype="datetime64[us]")


def _behaviour(window: Window, evidence: Evidence) -> dict[str, NDArray[np.float64]]:
    senders = window.senders
    events, recipients = column(senders, "events"), np.maximum(column(senders, "recipients"), 1)
    messages, active = column(senders, "messages_to"), np.maximum(column(senders, "active_days"), 1)
    hours, days = profile(senders["hours"], len(events)), evidence.days
    as_sender, _ = mailboxes(window)
    wrote = evidence.relation("wrote_to").used
    popularity = np.log1p(column(window.recipients, "senders"))
    return {
        "events": np.log1p(events),
        "recipients": np.log1p(recipients),
        "copies": np.log1p(messages / np.maximum(events, 1)),
        "repeats": np.log(np.maximum(messages, 1) / recipients),
        "active_days": np.log1p(active),
        "span": np.log1p(span_days(senders)),
        "pace": np.log1p(events / active),
        "peak_day": days.max(axis=1, initial=0) / np.maximum(events, 1),
        "hour_entropy": _entropy(hours),
        "day_entropy": _entropy(days),
        "answered": column(senders, "answered") / recipients,
        "any_answer": (column(senders, "answered") > 0).astype(np.float64),
        "target_popularity": wrote @ popularity / recipients,
        "targets_active": wrote @ (as_sender >= 0).astype(np.float64) / recipients,
        "closure": np.log1p(_closure(window, wrote)),
        "domains": np.log1p(np.diff(evidence.relation("linked_to").counts.indptr)),
        "networks": np.log1p(np.diff(evidence.relation("sent_from").counts.indptr)),
        "fingerprints": np.log1p(np.diff(evidence.relation("carried").counts.indptr)),
        "sameness": np.log1p(events) - np.log1p(np.diff(evidence.relation("carried").counts.indptr)),
    }


def _style(window: Window) -> dict[str, NDArray[np.float64]]:
    events = np.maximum(column(window.senders, "events"), 1)
    return {name: column(window.senders, name) / events for name in ("calendar", "contacts", "linked")}


def _reports(window: Window) -> dict[str, NDArray[np.float64]]:
    senders, capped = window.senders, report_signals(window)
    return {
        "junk": np.log1p(capped["junk"]),
        "not_junk": np.log1p(capped["not_junk"]),
        "rate": capped["junk"] / (column(senders, "messages_to") + 5.0),
        "reported_events": column(senders, "reported_events") / np.maximum(column(senders, "events"), 1),
    }


def _entropy(counts: Floats) -> NDArray[np.float64]:
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return np.asarray(-(share * np.log(np.maximum(share, 1e-12))).sum(axis=1), dtype=np.float64)


def _closure(window: Window, wrote: sp.csr_matrix) -> NDArray[np.float64]:
    """Ties among a sender's recipients, for each recipient: do the people written to write to each other?"""
    as_sender, _ = mailboxes(window)
    people = np.flatnonzero(as_sender >= 0)
    ties = sp.csr_matrix(
        (np.ones(len(people), np.float32), (people, as_sender[people])), shape=(wrote.shape[1], wrote.shape[0])
    )
    fanout = np.diff(wrote.indptr)
    narrow = sp.diags(((fanout >= 2) & (fanout <= CLOSURE_FANOUT)).astype(np.float32)) @ wrote
    between = (narrow @ (ties @ narrow)).multiply(narrow)
    return np.asarray(between.sum(axis=1)).ravel() / np.maximum(fanout, 1)
