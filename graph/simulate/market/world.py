"""Lets the market world live day by day and writes it down: events, labels and truth."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from graph.errors import RingleaderError
from graph.schema import EVENTS
from graph.simulate.market.analysts import Analysts
from graph.simulate.market.clock import Day, calendar, week_weights
from graph.simulate.market.counter import Counters
from graph.simulate.market.crowds import Fads, Floods, Meetings, OneTime, Reunions
from graph.simulate.market.directory import Directory
from graph.simulate.market.ledger import Ledger
from graph.simulate.market.letters import Letters, Posts
from graph.simulate.market.options import MarketOptions
from graph.simulate.market.press import Presses
from graph.simulate.market.rentals import freemail, open_shop
from graph.simulate.market.reports import ReportBook
from graph.simulate.market.society import found_society
from graph.simulate.market.stage import Actor, Stage
from graph.simulate.market.trades import COUNTERS, PEOPLE, PRESSES
from graph.simulate.market.truth import Truth
from graph.simulate.market.underworld import Underworld
from graph.simulate.paper import COMPRESSION, WorldSummary, describe, event_batch, write_tables
from graph.simulate.rows import NOBODY, Rows, concat, owners, starts_of

NAMES_PER_EVENT = 0.2  # at most so many mailboxes of each kind


def simulate_market(
    options: MarketOptions, out: str | Path, progress: Callable[[int], None] = lambda events: None
) -> WorldSummary:
    """Writes a labelled market world into the folder `out`.

    Files: `events.parquet`, `reports.parquet`, `verdicts.parquet` in the contract's columns,
    `truth/{senders,domains,campaigns,operators,bombings}.parquet` and `world.json`. The same options give the same
    bytes.
    `progress` is called with the number of events written so far.

    Raises `RingleaderError` where the folder cannot be written.
    """
    folder = Path(out)
    try:
        (folder / "truth").mkdir(parents=True, exist_ok=True)
        world = MarketWorld(options)
        return Writer(world, folder, progress).write()
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise RingleaderError(str(folder), reason, "Choose a folder that can be written, with space") from problem


class MarketWorld:
    """Everybody who acts, on one stage."""

    def __init__(self, options: MarketOptions) -> None:
        self.options = options
        self.directory = Directory(int(options.events * NAMES_PER_EVENT) + 20_000, options.seed)
        mail = freemail(self.directory, options)
        society = found_society(self.directory, options, mail, options.stream("society"))
        self.stage = Stage(
            options, self.directory, society, open_shop(self.directory, options, mail, society, options.stream("shop")),
            options.stream("mail room"),
        )  # fmt: skip
        self.floods = Floods(self._at("bombed"), PEOPLE["bombed"])
        self.actors = self._actors()
        self.underworld = Underworld(self._at("underworld"))
        self.forwarded = np.zeros(society.size, bool)
        self.forwarded[society.members] = self.stage.rng.random(len(society.members)) < options.society.forwarded
        self.sent = 0

    def _at(self, name: str) -> Stage:
        stage = self.stage
        return Stage(self.options, self.directory, stage.society, stage.rentals, self.options.stream(name))

    def _actors(self) -> dict[str, tuple[float, Actor]]:
        """Each class of honest actors with its share of the honest events."""
        total = sum(PEOPLE.values()) + sum(trade.share for trade in (*PRESSES, *COUNTERS))
        share = {name: part / total for name, part in PEOPLE.items()}
        letters = Letters(self._at("letters"))
        found: dict[str, tuple[float, Actor]] = {}
        for press in PRESSES:
            part = press.share / total
            found[press.archetype] = part, Presses(self._at(press.archetype), press, part)
        for counter in COUNTERS:
            part = counter.share / total
            found[counter.archetype] = part, Counters(self._at(counter.archetype), counter, part)
        people: dict[str, Actor] = {
            "letters": letters,
            "posts": Posts(self._at("posts"), share["posts"]),
            "meetings": Meetings(self._at("meetings"), letters),
            "one_time": OneTime(self._at("one_time")),
            "reunions": Reunions(self._at("reunions"), letters),
            "viral": Fads(self._at("viral"), letters),
            "bombed": self.floods,
        }
        return found | {name: (share[name], actor) for name, actor in people.items()}

    def live(self, day: Day, part: float) -> Rows:
        """All messages of a day in order of time; `part` is the day's share of the honest mail still to come."""
        crime = self.underworld.act(day)
        left = self.options.events - self.sent - len(crime) - self.underworld.expected(day)
        quota = max(0.0, left) * part
        rows = concat([crime, *(actor.act(day, share * quota) for share, actor in self.actors.values())])
        rows = self._to_others(rows.take(np.argsort(rows.ts, kind="stable")))
        self.sent += len(rows)
        return self._through_the_mail_room(rows)

    def _to_others(self, rows: Rows) -> Rows:
        """Nobody writes to himself: he is left out, or another member gets the message."""
        members = self.stage.society.members
        row = owners(rows.to_count)
        own = np.flatnonzero(rows.to == rows.sender[row])
        alone = own[rows.to_count[row[own]] == 1]
        rows.to[alone] = members[(np.searchsorted(members, rows.to[alone]) + 1) % len(members)]
        kept = np.ones(len(rows.to), bool)
        kept[np.setdiff1d(own, alone)] = False
        count = np.bincount(row[kept], minlength=len(rows)).astype(np.int32)
        return replace(rows, to_count=count, to=rows.to[kept])

    def _through_the_mail_room(self, rows: Rows) -> Rows:
        """Some mail arrives through a forwarder, and of some nobody noted where it came from."""
        rng, forwarders = self.stage.rng, self.stage.rentals.forwarders
        to = rows.to[starts_of(rows.to_count)[:-1]]
        relayed = (
            (rows.to_count == 1) & (to < len(self.forwarded)) & self.forwarded[np.minimum(to, len(self.forwarded) - 1)]
        )
        rows.network[relayed] = forwarders[to[relayed] % len(forwarders)]
        rows.host[relayed] = 9
        rows.network[rng.random(len(rows)) < self.options.society.unknown_address] = NOBODY
        return rows


class Writer:
    """Puts one world on paper."""

    def __init__(self, world: MarketWorld, folder: Path, progress: Callable[[int], None]) -> None:
        self.world, self.folder, self.progress = world, folder, progress
        self.options, self.directory = world.options, world.directory
        self.start = int(self.options.start.timestamp()) * 1_000_000
        self.ledger = Ledger(self.directory)
        self.book = ReportBook(self.options, world.stage.society, self.directory)
        self.analysts = Analysts(self.options, self.directory, self.book)

    def write(self) -> WorldSummary:
        days = calendar(self.options.days, self.options.start.weekday())
        weights = week_weights(days)
        with pq.ParquetWriter(self.folder / "events.parquet", EVENTS, compression=COMPRESSION) as writer:
            held: list[pa.RecordBatch] = []
            done = 0
            for day in days:
                held.append(self._day(day, float(weights[day.number] / weights[day.number :].sum()), done))
                done += held[-1].num_rows
                if sum(batch.num_rows for batch in held) >= self.options.chunk_events or day is days[-1]:
                    writer.write_table(pa.Table.from_batches(held).combine_chunks())
                    held = []
                self.progress(done)
        return self._labels(done)

    def _day(self, day: Day, part: float, first_event: int) -> pa.RecordBatch:
        world = self.world
        rows = world.live(day, part)
        campaigns = world.underworld.campaigns
        phish = np.array([campaign.goal.phish for campaign in campaigns] or [False])
        self.book.watch(rows, first_event, phish)
        self.ledger.note(rows, len(campaigns))
        fallen, reported = self.analysts.work(day, self.ledger.events > 0)
        world.underworld.learn(day, fallen, reported)
        return event_batch(rows, self.directory.texts(), self.start, first_event)

    def _labels(self, events: int) -> WorldSummary:
        options, world = self.options, self.world
        keys, sites = self.directory.texts().keys, self.directory.site_names()
        truth = Truth(
            self.directory, self.ledger, world.underworld.campaigns, world.stage.society.size, self.start
        ).tables(world.floods.log)  # fmt: skip
        tables = {
            "reports": self.book.table(keys, self.start),
            "verdicts": self.analysts.table(keys, sites, self.start),
            **{f"truth/{name}": table for name, table in truth.items()},
        }
        write_tables(self.folder, tables)
        summary = WorldSummary(
            out=self.folder,
            events=events,
            senders=len(truth["senders"]),
            malicious_senders=int((self.ledger.guilty > 0).sum()),
            campaigns=len(truth["campaigns"]),
            reports=len(tables["reports"]),
            verdicts=len(tables["verdicts"]),
            start=options.start,
            labels_end=options.start + timedelta(microseconds=self.analysts.labels_end),
            as_of=options.start + timedelta(days=options.days),
        )
        describe(summary, "market", options.seed, options.as_dict())
        return summary
