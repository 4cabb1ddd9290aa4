"""Habits that tie a campaign where no artefact does: the same days, the same hours, a first appearance together.

A habit is a table entry: a matrix (senders × places) of who has it where, for instance who wrote mostly in which run of
days. Each group's best place is the one that chance would fill so least often. Knows no words.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from graph.campaigns.groups import Groups, Ids
from graph.campaigns.significance import corrected, hypergeometric_tail
from graph.evidence import Floats
from graph.schema import CERTAIN
from graph.values import Window

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

MOSTLY = 0.5  # share of a sender's events
RUNS = (1, 2, 4)  # days
ARCS = (2, 4)  # hours
UNSEEN_DAYS = 2  # at the window's start everybody appears for the first time


@dataclass(frozen=True)
class Habit:
    """`has[s, at]`: whether sender s has the habit at the place whose artefact is `places[at]`; lies by columns."""

    relation: str
    places: tuple[str, ...]
    has: Mask


@dataclass(frozen=True)
class Shared:
    """A group's most telling place of one habit: `inside` of its members have it, `outside` others of the window."""

    group: int
    relation: str
    artefact: str
    inside: int
    outside: int
    log10_p: float
    has: Mask  # shape (senders,)


def habits(groups: Groups) -> list[Habit]:
    """The habits of every sender of the window; none where it has no sender."""
    if not groups.senders:
        return []
    days, hours = groups.evidence.days, groups.evidence.hours
    window = groups.window
    first = np.where(days.any(axis=1), (days > 0).argmax(axis=1), -1)
    return [
        Habit("same_days", *_places(_day_runs(window, days.shape[1], RUNS), _mostly(days, RUNS, wraps=False))),
        Habit("debut", *_places(_day_runs(window, days.shape[1], RUNS), _debut(first, days.shape[1]))),
        Habit("same_hours", *_places(_hour_arcs(ARCS), _mostly(hours, ARCS, wraps=True))),
    ]


def looked_at(found: list[Habit]) -> int:
    """How many places a group is compared at."""
    return sum(len(habit.places) for habit in found)


def shared_habits(groups: Groups, found: list[Habit], tests: int) -> Iterator[Shared]:
    """Each group's best place of every habit, where it is beyond chance after so many `tests`."""
    belongs = groups.indicator[groups.members].T.tocsr()
    for habit in found:
        inside = (belongs @ habit.has[groups.members].astype(np.float64)).astype(np.int64)
        everybody = habit.has.sum(axis=0)
        log10_p = hypergeometric_tail(inside, groups.sizes[:, None], everybody[None, :], groups.senders)
        best = log10_p.argmin(axis=1) if len(habit.places) else np.zeros(0, np.int64)
        for group, at in enumerate(best.tolist()):
            p, count = float(log10_p[group, at]), int(inside[group, at])
            if count >= 2 and corrected(np.array(p), tests) < CERTAIN:
                outside = int(everybody[at]) - count
                yield Shared(group, habit.relation, habit.places[at], count, outside, p, habit.has[:, at])


def _places(names: list[str], columns: list[Mask]) -> tuple[tuple[str, ...], Mask]:
    return tuple(names), np.stack(columns).T if columns else np.zeros((0, 0), dtype=bool)


def _mostly(profile: Floats, lengths: tuple[int, ...], wraps: bool) -> list[Mask]:
    """Who has at least half of its events in each run; a run may go over the end where it `wraps`."""
    size, total = profile.shape[1], profile.sum(axis=1)
    by_place = np.ascontiguousarray(profile.T)
    up_to = np.zeros((size * (2 if wraps else 1) + 1, len(profile)))
    for at in range(len(up_to) - 1):
        np.add(up_to[at], by_place[at % size], out=up_to[at + 1])
    return [
        (up_to[at + length] - up_to[at] >= MOSTLY * total) & (total > 0)
        for length in lengths
        for at in _starts(size, length, wraps)
    ]


def _debut(first: Ids, days: int) -> list[Mask]:
    """Who was first seen in each run; in the window's first days nobody counts."""
    return [
        (first >= max(at, UNSEEN_DAYS)) & (first < at + length)
        for length in RUNS
        for at in _starts(days, length, False)
    ]


def _starts(size: int, length: int, wraps: bool) -> range:
    return range(size if wraps else max(size - length + 1, 0))


def _day_runs(window: Window, days: int, lengths: tuple[int, ...]) -> list[str]:
    return [day_run(window, at, length) for length in lengths for at in _starts(days, length, False)]


def day_run(window: Window, at: int, length: int) -> str:
    """A run of the window's days as text: `2024-03-04`, or `2024-03-04 to 2024-03-05`."""
    begin, end = (window.start + timedelta(days=number) for number in (at, at + length - 1))
    return f"{begin:%Y-%m-%d}" if length == 1 else f"{begin:%Y-%m-%d} to {end:%Y-%m-%d}"


def _hour_arcs(lengths: tuple[int, ...]) -> list[str]:
    return [f"{at:02d}:00 to {(at + length) % 24:02d}:00 UTC" for length in lengths for at in range(24)]
