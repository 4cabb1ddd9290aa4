"""What the provider learns: reports by fallible recipients, and verdicts that are late, partial and sometimes wrong."""

from dataclasses import fields

import numpy as np

from graph.simulate.patterns.numbers import HOUR, Numbers, log_uniform
from graph.simulate.patterns.society import Society
from graph.simulate.patterns.truth import Truth
from graph.simulate.rows import Ints, Longs, Rows, owners
from graph.simulate.said import JUNK, NOT_JUNK, PHISH, Reports, Verdicts

BULKY = 3e-5  # annoyance from which somebody may find a message in the junk folder
MOST_JUDGED = 40  # members of one guilty group that analysts get to
CLEARED = 0.4  # reported innocents that analysts look at
PIVOTS = 0.4  # guilty senders whose link is judged too
DELAY_HOURS = 36  # median
AUDIT_ERRORS = 0.3  # of an analyst's errors: audits are done with care


def file_reports(rng: np.random.Generator, numbers: Numbers, society: Society, rows: Rows, guilty: int) -> Reports:
    """Recipients report what annoys them; groups numbered below `guilty` are guilty ones."""
    row = owners(rows.to_count)
    zeal = np.where(rows.to < society.people, society.reporting[np.minimum(rows.to, society.people - 1)], 0.0)
    bad = rng.random(len(row)) < rows.annoyance[row] * zeal
    bulky = (rows.annoyance[row] > BULKY) & (zeal > 0)
    good = ~bad & bulky & (rng.random(len(row)) < numbers.rescued)
    at = np.flatnonzero(bad | good)
    is_guilty = (rows.campaign[row[at]] >= 0) & (rows.campaign[row[at]] < guilty)
    phish = rng.random(len(at)) < np.where(is_guilty, 0.4, 0.1)
    kind = np.where(good[at], NOT_JUNK, np.where(phish, PHISH, JUNK)).astype(np.int32)
    ts = rows.ts[row[at]] + (rng.lognormal(np.log(6), 1.4, len(at)) * HOUR).astype(np.int64)
    kept = ts < numbers.span
    return Reports(row[at][kept], rows.to[at][kept], ts[kept], kind[kept])


def give_verdicts(rng: np.random.Generator, numbers: Numbers, truth: Truth, reported: Longs, until: int) -> Verdicts:
    """Verdicts before `until` on reported senders, their groups, the sites they link, and on some chosen for audit.

    `reported`: by mailbox, when the first report of it came in, NEVER for most. A guilty mailbox is looked at from its
    first guilty message: before, there is nothing to find.
    """
    first = np.where(truth.owner >= 0, truth.first_guilty, truth.first)
    known = first < until
    guilty = _cases(rng, numbers, np.flatnonzero(known & (truth.owner >= 0)), truth.owner, reported)
    complained = np.flatnonzero(known & (truth.owner < 0) & (reported < until))
    innocent = complained[rng.random(len(complained)) < CLEARED]
    senders = np.concatenate([guilty, innocent])
    when = np.where(reported[senders] < until, np.maximum(first, reported)[senders], first[senders])
    linked = truth.linked_site[guilty[rng.random(len(guilty)) < PIVOTS]]
    linked = linked[linked >= 0]
    audited = _audits(rng, numbers, np.flatnonzero(known), truth.events)
    seen = np.flatnonzero(truth.site_first < until)
    sites = rng.permutation(seen)[: round(len(seen) * numbers.audited)]
    wrong = numbers.wrong
    parts = [
        _judged(rng, False, senders, when, truth.owner, wrong, False),
        _judged(rng, True, linked, truth.site_first[linked], truth.site_owner, wrong, False),
        _judged(rng, False, audited, first[audited], truth.owner, wrong * AUDIT_ERRORS, True),
        _judged(rng, True, sites, truth.site_first[sites], truth.site_owner, wrong * AUDIT_ERRORS, True),
    ]
    every = {f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Verdicts)}
    kept = every["ts"] < until
    return Verdicts(**{name: column[kept] for name, column in every.items()})


def _judged(
    rng: np.random.Generator, site: bool, which: Longs, from_when: Longs, owner: Ints, wrong: float, audit: bool
) -> Verdicts:
    """Verdicts that come a day or two after they could."""
    n = len(which)
    ts = from_when + (rng.lognormal(np.log(DELAY_HOURS), 0.9, n) * HOUR).astype(np.int64)
    malicious = (owner[which] >= 0) != (rng.random(n) < wrong)
    return Verdicts(np.full(n, site), which.astype(np.int64), ts, malicious, np.full(n, audit))


def _cases(rng: np.random.Generator, numbers: Numbers, early: Longs, owner: Ints, reported: Longs) -> Longs:
    """Guilty mailboxes that analysts get to: some of some groups, reported ones first."""
    group = owner[early]
    order = np.lexsort((rng.random(len(early)) - (reported[early] < numbers.span), group))
    early, group = early[order], group[order]
    groups, first, back = np.unique(group, return_index=True, return_inverse=True)
    quota = log_uniform(rng, np.full(len(groups), 1.0), np.full(len(groups), MOST_JUDGED + 0.99)).astype(np.int64)
    quota = np.where(rng.random(len(groups)) < numbers.judged, quota, 0)
    return early[np.arange(len(early)) - first[back] < quota[back]]


def _audits(rng: np.random.Generator, numbers: Numbers, known: Longs, events: Longs) -> Longs:
    """Senders looked at for no reason of their own, half of them at random and half because they write much."""
    n = min(len(known), max(10, round(len(known) * numbers.audited)))
    busy = known[np.argsort(-events[known] * rng.random(len(known)) ** 4, kind="stable")]
    return np.unique(np.concatenate([rng.permutation(known)[: n // 2], busy[: n - n // 2]]))
