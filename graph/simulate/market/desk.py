"""What the provider learns: users' reports, and the verdicts of a small team that looks at the most reported first.

Knows the truth only through its investigations, which are late, few and sometimes wrong.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from graph.schema import REPORT_KINDS, REPORTS, TIME, VERDICT_ROWS
from graph.simulate.market.clock import DAY, HOUR, Day, Numbers, delays
from graph.simulate.market.directory import Column, Directory
from graph.simulate.market.options import MarketOptions
from graph.simulate.market.society import Society
from graph.simulate.paper import event_ids
from graph.simulate.rows import Longs, Rows, owners

JUNK, PHISH, NOT_JUNK = range(3)
CRANK = 0.5  # chance that a crank reports a bulk mail
BULK = 0.02  # annoyance from which on mail counts as bulk
NAMED = 0.6  # reports of a fraud that call it one
BEGINS, ENDS = 8 * HOUR, 18 * HOUR  # the team's day
WEEKEND = 0.4  # of its capacity
SITES_CLEARED = 0.25  # audits that also clear the site


@dataclass(frozen=True)
class Case:
    """One verdict."""

    kind: str
    number: int  # of a mailbox or a site
    malicious: bool
    ts: int
    source: str


class ReportBook:
    """Every report, and how often each sender was reported so far."""

    def __init__(self, options: MarketOptions, society: Society, directory: Directory) -> None:
        desk, rng = options.desk, options.stream("report habits")
        self.options, self.society, self.directory = options, society, directory
        self.rng = options.stream("reports")
        n = society.size
        ever = society.member & (rng.random(n) < desk.reporters)
        self.zeal = np.where(ever, rng.beta(1.2, 1.2 * (1 / desk.zeal - 1), n), 0.0).astype(np.float32)
        self.crank = society.member & (rng.random(n) < desk.cranks)
        self.paid = society.member & (rng.random(n) < options.at(options.crime.paid_reporters))
        self.pace = rng.lognormal(0.0, desk.slowness, n)
        self.event, self.reporter, self.ts, self.sender = (Column(np.int64) for _ in range(4))
        self.kind = Column(np.int8)
        self.counted: Numbers = np.zeros(0, bool)
        self.score: Numbers = np.zeros(0, np.int32)

    def watch(self, rows: Rows, first_event: int, phish: Numbers) -> None:
        """Recipients of a day's messages decide whether to report; `phish` says so of each campaign."""
        rng, desk = self.rng, self.options.desk
        row = owners(rows.to_count)
        to = rows.to
        seen = (rows.annoyance[row] > 0) & (to < self.society.size)
        row, to = row[seen], to[seen]
        annoyance = rows.annoyance[row]
        guilty = rows.campaign[row] >= 0
        honest = self.zeal[to] * annoyance * self.options.at(desk.reporting)
        chance = np.where(self.crank[to] & (annoyance >= BULK), CRANK, honest)
        chance = np.where(self.paid[to], np.where(guilty | (annoyance < BULK), 0.0, desk.paid_zeal), chance)
        saved = np.where(self.paid[to] & guilty, desk.paid_zeal / 2, desk.rescued)
        draw = rng.random(len(row))
        says = np.flatnonzero(draw < chance + saved)
        kind = np.where(draw[says] >= chance[says], NOT_JUNK, JUNK)
        fraud = guilty[says] & phish[np.maximum(rows.campaign[row[says]], 0)]
        kind = np.where((kind == JUNK) & fraud & (rng.random(len(says)) < NAMED), PHISH, kind)
        wait = delays(rng, len(says), desk.report_hours, desk.report_sigma) * self.pace[to[says]]
        ts = rows.ts[row[says]] + 1 + wait.astype(np.int64)
        kept = ts < self.options.days * DAY
        says, n = says[kept], int(kept.sum())
        self.event.extend(first_event + row[says], n)
        self.reporter.extend(to[says], n)
        self.ts.extend(ts[kept], n)
        self.sender.extend(rows.sender[row[says]], n)
        self.kind.extend(kind[kept], n)

    def count_until(self, ts: int) -> Numbers:
        """Adds what came in by `ts` to the senders' scores; returns today's addition by mailbox."""
        size = len(self.directory)
        self.counted = _fitted(self.counted, len(self.ts))
        self.score = _fitted(self.score, size)
        fresh = np.flatnonzero(~self.counted & (self.ts.cells < ts))
        self.counted[fresh] = True
        sign = np.where(self.kind.cells[fresh] == NOT_JUNK, -1, 1)
        added = np.bincount(self.sender.cells[fresh], sign, minlength=size).astype(np.int32)
        self.score += added
        return added

    def table(self, keys: pa.Array, start: int) -> pa.Table:
        """Reports in the contract's columns, in order of time."""
        order = np.lexsort((self.reporter.cells, self.event.cells, self.ts.cells))
        columns = [
            event_ids(self.event.cells[order]),
            keys.take(pa.array(self.reporter.cells[order])),
            pa.array(self.ts.cells[order] + start).cast(TIME),
            pa.array(REPORT_KINDS, pa.string()).take(pa.array(self.kind.cells[order])),
        ]
        return pa.Table.from_arrays(columns, schema=REPORTS)


class Analysts:
    """The team: a fixed number of cases a day."""

    def __init__(self, options: MarketOptions, directory: Directory, book: ReportBook) -> None:
        self.options, self.directory, self.book = options, directory, book
        self.rng = options.stream("analysts")
        self.cases: list[Case] = []
        self.judged: Numbers = np.zeros(0, bool)
        self.sites_judged: set[int] = set()

    @property
    def labels_end(self) -> int:
        return int(self.options.desk.known_until * self.options.days) * DAY

    def capacity(self, day: Day) -> int:
        """Verdicts that the team can give on a day."""
        desk, options = self.options.desk, self.options
        size = options.at(desk.capacity) * (options.events / options.days / 1_000) ** desk.growth
        return int(max(2, round(size * (1.0 if day.working else WEEKEND))))

    def work(self, day: Day, seen: Numbers) -> tuple[Numbers, Numbers]:
        """One day's verdicts on senders in `seen` (a mask by mailbox).

        Returns which mailboxes were judged malicious today, and how many reports each got.
        """
        reported = self.book.count_until(day.start + BEGINS)
        self.judged = _fitted(self.judged, len(seen))
        room = self.capacity(day)
        audits = max(1, round(self.options.desk.audits * room))
        today: list[Case] = []
        suspects = self._suspects(seen)
        for sender in self._queue(seen, room - audits):
            if len(today) >= room - audits:
                break
            self._investigate(sender, suspects, today, room - audits, day)
        for sender in self._audited(seen, room - len(today)):
            if len(today) < room:
                today.append(self._verdict("sender", sender, day, "audit"))
                self._clear_site(sender, today, room, day)
        self.cases += today
        fallen = np.zeros(len(seen), bool)
        fallen[[case.number for case in today if case.kind == "sender" and case.malicious]] = True
        return fallen, reported

    def _queue(self, seen: Numbers, most: int) -> list[int]:
        """The most reported senders that nobody has looked at."""
        score = np.where(seen & ~self.judged, self.book.score[: len(seen)], 0)
        open_cases = np.flatnonzero(score > 0)
        order = np.argsort(-score[open_cases], kind="stable")[:most]
        return [int(sender) for sender in open_cases[order]]

    def _suspects(self, seen: Numbers) -> dict[int, list[int]]:
        """Senders of each campaign that a good case could lead to."""
        campaign = self.directory.campaign.cells[: len(seen)]
        open_cases = np.flatnonzero(seen & ~self.judged & (campaign >= 0))
        found: dict[int, list[int]] = {}
        for sender, number in zip(open_cases.tolist(), campaign[open_cases].tolist(), strict=True):
            found.setdefault(number, []).append(sender)
        return found

    def _investigate(self, sender: int, suspects: dict[int, list[int]], today: list[Case], room: int, day: Day) -> None:
        """One reported sender, and where it proves bad, others of its kind and the domain behind it."""
        if self.judged[sender]:
            return
        case = self._verdict("sender", sender, day, "analyst")
        today.append(case)
        campaign = int(self.directory.campaign.cells[sender])
        if not case.malicious or campaign < 0:
            return
        peers = [peer for peer in suspects.get(campaign, []) if not self.judged[peer]]
        most = min(int(self.rng.integers(0, self.options.desk.pivots + 1)), room - len(today), len(peers))
        led_to = self.rng.permutation(peers)[: max(0, most)].astype(int).tolist()
        today.extend(self._verdict("sender", peer, day, "analyst") for peer in led_to)
        sites = np.flatnonzero(self.directory.site_campaign.cells == campaign)
        if len(sites) and len(today) < room and self.rng.random() < self.options.desk.domains:
            site = int(self.rng.choice(sites))
            if site not in self.sites_judged:
                today.append(self._verdict("domain", site, day, "analyst"))

    def _audited(self, seen: Numbers, most: int) -> list[int]:
        """Senders picked at random."""
        everybody = np.flatnonzero(seen & ~self.judged)
        picked = self.rng.choice(everybody, min(most, len(everybody)), replace=False)
        return [int(sender) for sender in picked]

    def _clear_site(self, sender: int, today: list[Case], room: int, day: Day) -> None:
        site = int(self.directory.site.cells[sender])
        cleared = not today[-1].malicious and self.rng.random() < SITES_CLEARED
        if cleared and site >= 0 and site not in self.sites_judged and len(today) < room:
            today.append(self._verdict("domain", site, day, "audit"))

    def _verdict(self, kind: str, number: int, day: Day, source: str) -> Case:
        truth = self.directory.campaign if kind == "sender" else self.directory.site_campaign
        guilty = bool(truth.cells[number] >= 0)
        desk = self.options.desk
        wrong = self.rng.random() < self.options.at(desk.missed if guilty else desk.accused)
        ts = day.start + int(self.rng.integers(BEGINS, ENDS))
        if kind == "sender":
            self.judged[number] = True
        else:
            self.sites_judged.add(number)
        return Case(kind, number, guilty != wrong, ts, source)

    def table(self, keys: pa.Array, sites: pa.Array, start: int) -> pa.Table:
        """Verdicts in the contract's columns, in order of time; those after `labels_end` stay with the team."""
        told = sorted(
            (case for case in self.cases if case.ts < self.labels_end),
            key=lambda case: (case.ts, case.kind, case.number),
        )
        texts = {"sender": keys, "domain": sites}
        columns = [
            pa.array([case.kind for case in told], pa.string()),
            pa.array([texts[case.kind][case.number].as_py() for case in told], pa.string()),
            pa.array(["malicious" if case.malicious else "benign" for case in told], pa.string()),
            pa.array(np.array([case.ts for case in told], np.int64) + start).cast(TIME),
            pa.array([case.source for case in told], pa.string()),
        ]
        return pa.Table.from_arrays(columns, schema=VERDICT_ROWS)


def _fitted(cells: Numbers, size: int) -> Numbers:
    """Cells with zeros (or False) behind them up to a size."""
    return np.concatenate([cells, np.zeros(max(0, size - len(cells)), cells.dtype)])


class Ledger:
    """What was seen so far of every mailbox, site and campaign."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.events, self.guilty, self.first = (np.zeros(0, np.int64) for _ in range(3))
        self.site_seen = np.zeros(0, bool)
        self.campaign_events, self.campaign_first, self.campaign_last = (np.zeros(0, np.int64) for _ in range(3))

    def note(self, rows: Rows, campaigns: int) -> None:
        """A day's rows, in order of time."""
        n = len(self.directory)
        self.events, self.guilty, self.first = (_fitted(cells, n) for cells in (self.events, self.guilty, self.first))
        unseen = self.events[rows.sender] == 0
        who, at = np.unique(rows.sender[unseen], return_index=True)
        self.first[who] = rows.ts[unseen][at]
        self.events += np.bincount(rows.sender, minlength=n)
        own = (rows.campaign >= 0) & (self.directory.campaign.cells[rows.sender] == rows.campaign)
        self.guilty += np.bincount(rows.sender[own], minlength=n)
        self._campaigns(rows.campaign[own], rows.ts[own], campaigns)
        self.site_seen = _fitted(self.site_seen, len(self.directory.site_campaign))
        sites = self.directory.site.cells[rows.sender]
        self.site_seen[sites[sites >= 0]] = True
        self.site_seen[self.directory.host_site.cells[rows.link]] = True

    def _campaigns(self, number: Numbers, ts: Longs, campaigns: int) -> None:
        events, first, last = (
            _fitted(cells, campaigns) for cells in (self.campaign_events, self.campaign_first, self.campaign_last)
        )
        which, at = np.unique(number, return_index=True)
        fresh = events[which] == 0
        first[which[fresh]] = ts[at[fresh]]
        np.maximum.at(last, number, ts)
        self.campaign_events = events + np.bincount(number, minlength=campaigns)
        self.campaign_first, self.campaign_last = first, last
