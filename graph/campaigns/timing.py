"""How a campaign moves in time: growth, synchrony, and when it is due again if it keeps a period. Knows days and hours.

Growth compares the last week with the week before (exact conditional test of two Poisson rates: Przyborowski, Wilenski
1940). A period is looked for among the days since its first: in which cycle of 2 to 8 days, and at which of its phases,
more active days fall together than if they were dealt out at random (hypergeometric tail, corrected for every cycle and
phase tried). It must have come round at least three times and not have stayed away since; what is active every day has
a period of one day where its hours, too, stand out against everybody's. Where nothing is certain, nothing is predicted.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from graph.campaigns.groups import Groups
from graph.campaigns.significance import binomial_tail, hypergeometric_tail
from graph.schema import CERTAIN

Array = NDArray[np.float64]

WEEK = 7
CYCLES = range(2, 9)  # days
LEAST_ROUNDS = 3  # that a cycle must have come round
DAILY = 5  # last days on which a daily campaign was active without a gap
MOST_OF_HOURS = 0.8  # of a campaign's events fall in the hours that it is said to keep
RUN = 2  # days: synchrony is the share of members with most of their events in one run


@dataclass(frozen=True)
class Period:
    """A cycle of `days` in which `length` days from `start` (days since the window's start) are active."""

    days: int
    start: int
    length: int
    log10_p: float


@dataclass(frozen=True)
class Timing:
    """A group in time. `growth`: events of the last seven days over those of the seven before, None where these are 0.

    `synchrony`: the largest share of members that has half of its events within two days. `next_from` and `next_until`
    bound the next activity that its period lets expect, None where it has none.
    """

    active_days: int
    events_last_week: int
    events_week_before: int
    growth: float | None
    growth_log10_p: float
    new_senders_last_week: int
    synchrony: float
    period_days: int | None
    period_log10_p: float | None
    next_from: datetime | None
    next_until: datetime | None
    sentence: str


def timings(groups: Groups) -> list[Timing]:
    """The timing of every group."""
    days, hours = (part.astype(np.float64) for part in (groups.evidence.days, groups.evidence.hours))
    usual = _shares(hours).mean(axis=0) if groups.senders else np.full(24, 1 / 24)
    start, as_of = groups.window.start, groups.window.as_of
    out = []
    for group in range(groups.count):
        members = groups.members[groups.group == group]
        out.append(timing(days[members], _shares(hours[members]).mean(axis=0), usual, start, as_of))
    return out


def timing(days: Array, hours: Array, usual: Array, start: datetime, as_of: datetime) -> Timing:
    """Timing of some senders: `days` (senders × days of the window) counts, `hours` their mean share of every hour.

    `usual`: everybody's. The window may end within its last day.
    """
    daily = days.sum(axis=0)
    now, before = int(daily[-WEEK:].sum()), int(daily[-2 * WEEK : -WEEK].sum())
    more = max(now, before)
    changed = float(binomial_tail(more, now + before, 0.5)) if now + before else 0.0
    first = np.where(days.any(axis=1), (days > 0).argmax(axis=1), -1)
    fresh = int((first >= days.shape[1] - WEEK).sum())
    arc = _hours_kept(hours, usual, len(days))
    period = period_of(daily > 0) or _daily(daily > 0, arc)
    begin, end = _due(period, arc, start, as_of) if period else (None, None)
    return Timing(
        active_days=int((daily > 0).sum()),
        events_last_week=now,
        events_week_before=before,
        growth=now / before if before else None,
        growth_log10_p=changed,
        new_senders_last_week=fresh,
        synchrony=_synchrony(days),
        period_days=period.days if period else None,
        period_log10_p=period.log10_p if period else None,
        next_from=begin,
        next_until=end,
        sentence=_sentence(now, before, changed, period, begin, end),
    )


def period_of(active: NDArray[np.bool_]) -> Period | None:
    """The cycle that the active days keep, beyond chance; None where there is none."""
    days = np.flatnonzero(active)
    if len(days) < LEAST_ROUNDS:
        return None
    since = int(days[0])
    span = len(active) - since
    cycles = [cycle for cycle in CYCLES if LEAST_ROUNDS * cycle <= span]
    tried = [
        (cycle, phase, length) for cycle in cycles for length in range(1, cycle // 2 + 1) for phase in range(cycle)
    ]
    if not tried:
        return None
    inside = np.array([((np.arange(span) - phase) % cycle < length) for cycle, phase, length in tried])
    hit = (inside & active[since:]).sum(axis=1)
    log10_p = hypergeometric_tail(hit, inside.sum(axis=1), len(days), span) + np.log10(len(tried))
    for at in np.argsort(log10_p, kind="stable").tolist():
        if log10_p[at] >= CERTAIN:
            return None
        cycle, phase, length = tried[at]
        if _comes_round(days - since, span, cycle, phase, length):
            return Period(cycle, since + phase, length, float(log10_p[at]))
    return None


def _comes_round(days: NDArray[np.int64], span: int, cycle: int, phase: int, length: int) -> bool:
    """Whether it was active in at least three rounds, and in all but one of those since its first day."""
    rounds = (days - phase) // cycle
    met = len(np.unique(rounds[(days - phase) % cycle < length]))
    past = sum(1 for at in range(phase, span, cycle) if at + length <= span)
    return met >= LEAST_ROUNDS and met >= past - 1 and int(days[-1]) >= span - 1 - cycle


def _daily(active: NDArray[np.bool_], arc: tuple[int, int, float] | None) -> Period | None:
    if arc is None or len(active) < DAILY + 1 or not active[-DAILY - 1 : -1].all():
        return None
    return Period(1, 0, 1, arc[2])


def _hours_kept(hours: Array, usual: Array, senders: int) -> tuple[int, int, float] | None:
    """First hour and length of the shortest stretch of day with most of the events, and the log10 p of its surplus.

    Each sender counts as one draw, for its own events come together. None where it is no surplus beyond chance.
    """
    for length in range(1, 13):
        around = np.array([[at + step for step in range(length)] for at in range(24)]) % 24
        share = hours[around].sum(axis=1)
        at = int(share.argmax())
        if share[at] >= MOST_OF_HOURS:
            chance = float(np.clip(usual[around[at]].sum(), 1e-6, 1 - 1e-6))
            log10_p = float(binomial_tail(int(share[at] * senders), senders, chance)) + float(np.log10(24 * 12))
            return (at, length, log10_p) if log10_p < CERTAIN else None
    return None


def _due(
    period: Period, arc: tuple[int, int, float] | None, start: datetime, as_of: datetime
) -> tuple[datetime, datetime]:
    """The first stretch of the period that ends after the window does."""
    first_hour, hours = arc[:2] if arc else (0, 24)
    at = period.start
    while True:
        begin = _next_hour(start + timedelta(days=at), first_hour)
        end = begin + timedelta(days=period.length - 1, hours=hours)
        if end > as_of:
            return begin, end
        at += period.days


def _next_hour(moment: datetime, hour: int) -> datetime:
    """The first time at or after the moment when the clock of UTC strikes that hour."""
    struck = moment.astimezone(UTC).replace(hour=hour, minute=0, second=0, microsecond=0)
    return struck if struck >= moment else struck + timedelta(days=1)


def _synchrony(days: Array) -> float:
    total = days.sum(axis=1)
    runs = days[:, : days.shape[1] - RUN + 1].copy() if days.shape[1] >= RUN else days
    for step in range(1, RUN if days.shape[1] >= RUN else 1):
        runs = runs + days[:, step : step + runs.shape[1]]
    return float(((runs >= total[:, None] / 2) & (total[:, None] > 0)).mean(axis=0).max(initial=0.0))


def _shares(counts: Array) -> Array:
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-9))


def _sentence(
    now: int, before: int, changed: float, period: Period | None, begin: datetime | None, end: datetime | None
) -> str:
    trend = "no different beyond chance" if changed >= CERTAIN else "growing" if now > before else "fading"
    text = f"{now} events in the last seven days and {before} in the seven before: {trend}."
    if period is None or begin is None or end is None:
        return f"{text} It keeps no period, so nothing is predicted."
    every = "every day" if period.days == 1 else f"every {period.days} days"
    return f"{text} It comes {every}; next from {begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC."
