"""What the provider learns: reports by fallible recipients, and verdicts that are late, partial and sometimes wrong."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graph.schema import REPORT_KINDS, REPORTS, TIME, VERDICT_ROWS
from graph.simulate.paper import event_ids
from graph.simulate.patterns.numbers import HOUR, Numbers, log_uniform
from graph.simulate.patterns.society import Society
from graph.simulate.rows import Bools, Ints, Longs, Rows, owners

JUNK, PHISH, NOT_JUNK = (REPORT_KINDS.index(kind) for kind in ("junk", "phish", "not_junk"))
BULKY = 3e-5  # annoyance from which somebody may find a message in the junk folder
MOST_JUDGED = 40  # members of one guilty group that analysts get to


@dataclass(frozen=True)
class Reports:
    """One entry a report: the row it is about, who said it, when, and what (index into REPORT_KINDS)."""

    row: Longs
    reporter: Ints
    ts: Longs
    kind: Ints

    def table(self, keys: pa.Array, start: int) -> pa.Table:
        """In the contract's columns, by time."""
        order = np.argsort(self.ts, kind="stable")
        columns = [
            event_ids(self.row[order]),
            keys.take(pa.array(self.reporter[order])),
            pa.array(self.ts[order] + start).cast(TIME),
            pa.array(REPORT_KINDS, pa.string()).take(pa.array(self.kind[order])),
        ]
        return pa.Table.from_arrays(columns, schema=REPORTS)


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


@dataclass(frozen=True)
class Facts:
    """What analysts look through: by mailbox when it was first seen and its group if guilty (-1), by site likewise.

    A guilty mailbox counts as seen from its first guilty message: before, there is nothing to find.
    """

    first: Longs
    owner: Ints
    events: Longs
    site_first: Longs
    site_owner: Ints
    sender_site: Longs  # by mailbox: a site that it linked, -1 for none


@dataclass(frozen=True)
class Verdicts:
    """One entry a verdict: on a mailbox or a site, when, whether malicious, and whether by audit."""

    sites: Bools
    which: Longs
    ts: Longs
    malicious: Bools
    audit: Bools

    def table(self, keys: pa.Array, names: pa.Array, start: int) -> pa.Table:
        """In the contract's columns, by time; the first verdict on each thing."""
        order = np.argsort(self.ts, kind="stable")
        thing = self.which[order] * 2 + self.sites[order]
        order = order[np.sort(np.unique(thing, return_index=True)[1])]
        sites = pa.array(self.sites[order])
        safe = np.where(self.sites[order], 0, self.which[order]), np.where(self.sites[order], self.which[order], 0)
        columns = [
            pc.if_else(sites, "domain", "sender"),
            pc.if_else(sites, names.take(pa.array(safe[1])), keys.take(pa.array(safe[0]))),
            pc.if_else(pa.array(self.malicious[order]), "malicious", "benign"),
            pa.array(self.ts[order] + start).cast(TIME),
            pc.if_else(pa.array(self.audit[order]), "audit", "analyst"),
        ]
        return pa.Table.from_arrays(columns, schema=VERDICT_ROWS)


def give_verdicts(rng: np.random.Generator, numbers: Numbers, facts: Facts, reported: Longs, until: int) -> Verdicts:
    """Verdicts before `until` on reported senders, their groups, the sites they link, and on some chosen for audit.

    `reported`: by mailbox, when the first report of it came in, the largest number for never.
    """
    known = facts.first < until
    guilty = _cases(rng, numbers, np.flatnonzero(known & (facts.owner >= 0)), facts, reported)
    complained = np.flatnonzero(known & (facts.owner < 0) & (reported < until))
    innocent = complained[rng.random(len(complained)) < 0.4]
    audited = _audits(rng, numbers, np.flatnonzero(known), facts.events)
    seen = np.flatnonzero(facts.site_first < until)
    sites = rng.permutation(seen)[: round(len(seen) * numbers.audited)]
    linked = facts.sender_site[guilty[rng.random(len(guilty)) < 0.4]]
    linked = linked[linked >= 0]
    which = np.concatenate([guilty, innocent, audited, linked, sites]).astype(np.int64)
    kinds = np.repeat(np.arange(5), [len(guilty), len(innocent), len(audited), len(linked), len(sites)])
    about_site = kinds >= 3
    first = np.where(about_site, facts.site_first[np.where(about_site, which, 0)], 0)
    first = np.where(about_site, first, facts.first[np.where(about_site, 0, which)])
    complaint = reported[np.where(about_site, 0, which)]
    told = np.where(about_site | (complaint >= until), first, np.maximum(first, complaint))
    ts = np.where(kinds <= 1, told, first) + (rng.lognormal(np.log(36), 0.9, len(which)) * HOUR).astype(np.int64)
    is_bad = np.where(
        about_site, facts.site_owner[np.where(about_site, which, 0)], facts.owner[np.where(about_site, 0, which)]
    )
    audit = (kinds == 2) | (kinds == 4)
    wrong = rng.random(len(which)) < numbers.wrong * np.where(audit, 0.3, 1.0)
    kept = np.flatnonzero(ts < until)
    return Verdicts(about_site[kept], which[kept], ts[kept], ((is_bad >= 0) != wrong)[kept], audit[kept])


def _cases(rng: np.random.Generator, numbers: Numbers, early: Longs, facts: Facts, reported: Longs) -> Longs:
    """Guilty mailboxes that analysts get to: some of some groups, reported ones first."""
    group = facts.owner[early]
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
