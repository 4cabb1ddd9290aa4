"""What users report, honestly, out of habit or for pay, and how often each sender was reported. Judges nobody."""

import numpy as np
import pyarrow as pa

from graph.schema import REPORT_KINDS, REPORTS, TIME
from graph.simulate.market.clock import DAY, Numbers, delays
from graph.simulate.market.directory import Column, Directory, fitted
from graph.simulate.market.options import MarketOptions
from graph.simulate.market.society import Society
from graph.simulate.paper import event_ids
from graph.simulate.rows import Rows, owners

JUNK, PHISH, NOT_JUNK = range(3)
CRANK = 0.5  # chance that a crank reports a bulk mail
BULK = 0.02  # annoyance from which on mail counts as bulk
NAMED = 0.6  # reports of a fraud that call it one


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
        self.counted = fitted(self.counted, len(self.ts))
        self.score = fitted(self.score, size)
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
