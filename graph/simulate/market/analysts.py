"""The verdicts of a small team that looks at the most reported first, and at a few senders at random.

Knows the truth only through its investigations, which are late, few and sometimes wrong.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from graph.schema import TIME, VERDICT_ROWS
from graph.simulate.market.clock import DAY, HOUR, Day, Numbers
from graph.simulate.market.directory import Directory, fitted
from graph.simulate.market.options import MarketOptions
from graph.simulate.market.reports import ReportBook

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
        self.judged = fitted(self.judged, len(seen))
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
