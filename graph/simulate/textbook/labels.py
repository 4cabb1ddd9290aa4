"""What the provider learns: reports by some recipients, and a number of verdicts spent on the guilty and at random."""

import numpy as np

from graph.simulate.facts import NEVER
from graph.simulate.rows import Bools, Ints, Longs, Rows, owners
from graph.simulate.said import JUNK, NOT_JUNK, PHISH, Reports, Verdicts
from graph.simulate.textbook.clock import DAY, HOUR
from graph.simulate.textbook.conventions import Conventions
from graph.simulate.textbook.stage import Stage
from graph.simulate.textbook.truth import Truth

BULK = 2e-5  # annoyance from which mail may have been put into the junk folder
POISON = 0.3  # chance that a reporter reports a message of a sender that is framed
REPORT_HOURS = 8.0  # mean delay
VERDICT_DAYS = 1.5  # mean delay
MOST_OF_ONE = 0.5  # of a campaign's senders that a look at whole campaigns finds
DOMAINS = 0.2  # verdicts on domains, of all


def file_reports(s: Stage, rows: Rows) -> Reports:
    """Reporters among the people report what annoys them, frame a few innocents, and miss or praise some guilty."""
    rng, customs = s.rng, s.customs
    reporter = rng.random(s.town.people) < customs.reporters
    row = owners(rows.to_count)
    at = np.flatnonzero((rows.to < s.town.people) & reporter[np.minimum(rows.to, s.town.people - 1)])
    row, to = row[at], rows.to[at]
    guilty, annoyance = rows.campaign[row] >= 0, rows.annoyance[row].astype(np.float64)
    framed = rng.random(len(s.registry.book())) < customs.poisoned
    annoyance[framed[rows.sender[row]] & ~guilty & (annoyance > BULK)] = POISON
    bad = rng.random(len(row)) < annoyance
    praise = np.where(guilty, customs.whitewashed, np.where(annoyance > BULK, customs.rescued, 0.0))
    good = ~bad & (rng.random(len(row)) < praise)
    said = np.flatnonzero(bad | good)
    phish = rng.random(len(said)) < np.where(guilty[said], 0.4, 0.1)
    kind = np.where(good[said], NOT_JUNK, np.where(phish, PHISH, JUNK))
    ts = rows.ts[row[said]] + rng.exponential(REPORT_HOURS * HOUR, len(said)).astype(np.int64)
    kept = ts < customs.span
    return Reports(row[said][kept], to[said][kept], ts[kept], kind[kept])


def give_verdicts(
    rng: np.random.Generator, customs: Conventions, truth: Truth, told: Longs, burnt: list[tuple[int, int]], until: int
) -> Verdicts:
    """Verdicts before `until`, at most one on each account or site.

    `told`: by account, when the first report of it came in, NEVER for most; `burnt`: accounts that a campaign has to
    give up at a moment, because they are judged just then.
    """
    seen_from = np.where(truth.owner >= 0, truth.first_guilty, truth.first)
    reported = told < until
    due = np.maximum(_later(rng, seen_from), np.where(reported, told + 1, 0))
    for account, moment in burnt:
        due[account] = max(moment, truth.first[account] + 1)
    open_ = due < until
    accounts = max(2, round(customs.verdicts * (1 - DOMAINS)))
    wanted = max(1, round(accounts * customs.found))
    guilty = np.flatnonzero(open_ & (truth.owner >= 0))
    forced = np.array([account for account, _ in burnt if open_[account]], np.int64)
    found = _campaigns(rng, truth.owner, guilty, wanted) if customs.whole_campaigns else _listed(rng, reported, guilty)
    found = np.unique(np.concatenate([forced, found[:wanted]]))
    innocent = np.flatnonzero(open_ & (truth.owner < 0))
    random = _listed(rng, reported, innocent) if rng.random() < 0.5 else rng.permutation(innocent)
    cleared = random[: max(1, accounts - wanted)]
    sites, site_due = _sites(rng, truth, round(customs.verdicts * DOMAINS), customs.found, until)
    which = np.concatenate([found, cleared, sites])
    is_site = np.arange(len(which)) >= len(found) + len(cleared)
    malicious = np.concatenate([truth.owner[found] >= 0, truth.owner[cleared] >= 0, truth.site_owner[sites] >= 0])
    wrong = rng.random(len(which)) < customs.wrong
    wrong[: len(found)] &= ~np.isin(found, forced)
    audit = np.concatenate([np.zeros(len(found), bool), ~reported[cleared], np.zeros(len(sites), bool)])
    return Verdicts(is_site, which, np.concatenate([due[found], due[cleared], site_due]), malicious != wrong, audit)


def _later(rng: np.random.Generator, first: Longs) -> Longs:
    """When what was first seen at these moments can be judged; NEVER for what was not."""
    delay = 1 + rng.exponential(VERDICT_DAYS * DAY, len(first)).astype(np.int64)
    return np.where(first < NEVER, np.minimum(first, NEVER // 2) + delay, NEVER)


def _listed(rng: np.random.Generator, reported: Bools, accounts: Longs) -> Longs:
    """Accounts in a random order, those that were reported first."""
    order = rng.permutation(accounts)
    return order[np.argsort(~reported[order], kind="stable")]


def _campaigns(rng: np.random.Generator, owner: Ints, guilty: Longs, wanted: int) -> Longs:
    """A good part of one campaign after another."""
    order = rng.permutation(guilty)
    rank = rng.permutation(int(owner.max()) + 1)[owner[order]]
    order = order[np.argsort(rank, kind="stable")]
    kept = order[rng.random(len(order)) < MOST_OF_ONE]
    return kept if len(kept) >= min(wanted, 2) else order


def _sites(rng: np.random.Generator, truth: Truth, n: int, found: float, until: int) -> tuple[Longs, Longs]:
    """Sites to be judged, and when."""
    due = _later(rng, truth.site_first)
    open_ = due < until
    guilty, innocent = (
        rng.permutation(np.flatnonzero(open_ & side)) for side in (truth.site_owner >= 0, truth.site_owner < 0)
    )
    bad = round(n * found)
    sites = np.concatenate([guilty[:bad], innocent[: n - bad]])
    return sites, due[sites]
