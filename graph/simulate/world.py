"""Puts a world together: plans everybody, lets time run chunk by chunk, and writes events, labels and truth."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zlib import crc32

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graph.errors import RingleaderError
from graph.schema import EVENTS
from graph.simulate import truth
from graph.simulate.adversary import Adversary
from graph.simulate.bridges import GROUPED
from graph.simulate.bulk import Invitations, Issues, Mailings
from graph.simulate.campaigns import Underworld, plan_underworld
from graph.simulate.ground import Ground, host_texts
from graph.simulate.judging import labels_end
from graph.simulate.labels import ReportDesk, Sightings, open_report_desk, report_table, verdict_table
from graph.simulate.options import WorldOptions
from graph.simulate.paper import COMPRESSION, Texts, WorldSummary, describe, event_batch, event_ids, write_tables
from graph.simulate.people import Correspondence, People, Strangers, plan_people, plan_web
from graph.simulate.rhythm import DAY, WEEK, WEEK_DAYS, Days, volume
from graph.simulate.rows import Ints, Longs, Rows, concat, no_rows, owners, without_repeats
from graph.simulate.senders import PLANNERS, Population
from graph.simulate.stage import Stage

LEAST_FREE = 12.0  # events of a population that writes at will, so that it is there in the smallest world too
BULK = (
    "newsletter",
    "political",
    "company",
    "school",
    "franchise",
    "club",
    "outreach",
    "recruiter",
    "seller",
    "conference",
)


@dataclass(frozen=True)
class World:
    """Everybody and everything planned, before time runs."""

    options: WorldOptions
    ground: Ground
    people: People
    populations: dict[str, Population | Correspondence | Strangers]
    underworld: Underworld
    budgets: dict[str, float]  # events of each population over the whole span
    relay_of: Ints  # network a mailbox's mail is forwarded through, -1 for most


def simulate(
    options: WorldOptions, out: str | Path, progress: Callable[[int], None] = lambda events: None
) -> WorldSummary:
    """Writes a labelled world into the folder `out`.

    Files: `events.parquet`, `reports.parquet`, `verdicts.parquet` in the contract's columns,
    `truth/{senders,domains,campaigns,operators,bombings}.parquet` and `world.json`. The same options give the same
    bytes.
    `progress` is called with the number of events written so far.

    Raises `RingleaderError` where the folder cannot be written.
    """
    folder = Path(out)
    try:
        (folder / "truth").mkdir(parents=True, exist_ok=True)
        return _written(plan_world(options), folder, progress)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise RingleaderError(str(folder), reason, "Choose a folder that can be written, with space") from problem


def plan_world(options: WorldOptions) -> World:
    """Who there is, what they plan, and every malicious message."""
    ground = Ground(options, stream(options, "ground"))
    web = plan_web(ground, options)
    people = plan_people(ground, options, stream(options, "people"))
    letters = Correspondence(people, web, options)
    days = Days(0, options.days, options.start.weekday())
    shares = shares_of(options)
    populations: dict[str, Population | Correspondence | Strangers] = {"people": letters}
    strangers = Strangers(ground, letters, shares["strangers"] * options.events, stream(options, "strangers"))
    populations["strangers"] = strangers
    for name, planner in PLANNERS.items():
        stage = Stage(ground, options, people, web, letters, days, stream(options, name))
        populations[name] = planner(stage, shares[name] * options.events)
    stage = Stage(ground, options, people, web, letters, days, stream(options, "campaigns"))
    groups = [population for name in GROUPED if isinstance(population := populations[name], Mailings)]
    adversary = Adversary(options, stream(options, "adversary"))
    underworld = plan_underworld(stage, adversary, groups, shares["campaigns"] * options.events)
    budgets = _budgets(options, populations, underworld)
    return World(options, ground, people, populations, underworld, budgets, _relays(ground, people, options))


def stream(options: WorldOptions, name: str) -> np.random.Generator:
    """A stream of chance of its own for each part, so that one part's draws never move another's."""
    return np.random.Generator(np.random.SFC64([options.seed, crc32(name.encode())]))


def shares_of(options: WorldOptions) -> dict[str, float]:
    """Each population's share of the events."""
    raw = {name: getattr(options.share, name) for name in ("people", "strangers", *PLANNERS, "campaigns")}
    total = sum(raw.values())
    return {name: value / total for name, value in raw.items()}


def _budgets(
    options: WorldOptions, populations: Mapping[str, Population | Correspondence | Strangers], underworld: Underworld
) -> dict[str, float]:
    """Events of each population: what is planned already, and the rest divided among those who write at will."""
    planned = {}
    for name, population in populations.items():
        if isinstance(population, Mailings):
            planned[name] = population.planned()
        elif isinstance(population, Invitations):
            planned[name] = population.planned(options.days / WEEK_DAYS)
    left = options.events - len(underworld.rows) - sum(planned.values())
    free = {name: share for name, share in shares_of(options).items() if name in populations and name not in planned}
    scale = max(0.0, left) / sum(free.values())
    return planned | {name: max(LEAST_FREE, share * scale) for name, share in free.items()}


def _relays(ground: Ground, people: People, options: WorldOptions) -> Ints:
    """Mailboxes whose mail comes through a forwarding service, so that its origin is hidden."""
    rng = stream(options, "relays")
    relay = np.full(ground.mailboxes, -1, np.int32)
    chosen = people.users[rng.random(len(people.users)) < options.people.forwarded]
    relay[chosen] = ground.fixed_networks(3)[rng.integers(0, 3, len(chosen))]
    return relay


# ---- time


def chunks(options: WorldOptions) -> Iterator[Days]:
    """Runs of whole days with about `chunk_events` events each."""
    step = max(1, int(options.chunk_events * options.days / options.events))
    for first in range(0, options.days, step):
        yield Days(first, min(first + step, options.days), options.start.weekday())


class Clock:
    """Lets the world run: rows of each chunk in order of time; what falls later waits."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.waiting = no_rows()
        options = world.options
        self.rngs = {name: stream(options, "live " + name) for name in world.populations}
        self.whole = {habit: volume(Days(0, options.days, options.start.weekday()), habit) for habit in WEEK}

    def rows(self, days: Days) -> Rows:
        part = volume(days, "private") / self.whole["private"]
        parts = [self.waiting, self._crimes(days)]
        for name, population in self.world.populations.items():
            wanted = self.world.budgets[name] * part
            rng = self.rngs[name]
            parts.append(population.emit(rng, days, int(wanted + rng.random())))
        rows = concat(parts)
        later = rows.ts >= days.end
        self.waiting = rows.take(np.flatnonzero(later & (rows.ts < self.world.options.days * DAY)))
        due = np.flatnonzero(~later)
        return self._relayed(without_repeats(rows.take(due[np.argsort(rows.ts[due], kind="stable")])))

    def _crimes(self, days: Days) -> Rows:
        rows = self.world.underworld.rows
        first, last = np.searchsorted(rows.ts, [days.start, days.end])
        return rows.take(np.arange(first, last))

    def _relayed(self, rows: Rows) -> Rows:
        alone = rows.to_count == 1
        first = np.cumsum(rows.to_count) - rows.to_count
        relay = np.where(alone, self.world.relay_of[rows.to[first]], -1)
        rows.host[relay >= 0] = 7
        rows.network[relay >= 0] = relay[relay >= 0]
        return rows


# ---- paper


class Ledger:
    """What was seen so far of every mailbox and site."""

    def __init__(self, ground: Ground, end: int) -> None:
        self.events = np.zeros(ground.mailboxes, np.int64)
        self.fan_out = np.zeros(ground.mailboxes, np.int64)
        self.first = np.full(ground.mailboxes, end, np.int64)
        self.first_guilty = np.full(ground.mailboxes, end, np.int64)
        self.site_first = np.full(ground.sites, end, np.int64)
        self.host_sites = ground.host_sites
        self.mail_sites = ground.mail_sites

    def note(self, rows: Rows) -> None:
        n = len(self.events)
        self.events += np.bincount(rows.sender, minlength=n)
        self.fan_out += np.bincount(rows.sender, rows.to_count, minlength=n).astype(np.int64)
        _first(self.first, rows.sender, rows.ts)
        guilty = rows.campaign >= 0
        _first(self.first_guilty, rows.sender[guilty], rows.ts[guilty])
        _first(self.site_first, self.host_sites[rows.link], rows.ts[owners(rows.link_count)])
        sites = self.mail_sites[rows.sender]
        _first(self.site_first, sites[sites >= 0], rows.ts[sites >= 0])

    def sightings(self) -> Sightings:
        return Sightings(self.events, self.first, self.first_guilty, self.fan_out, self.site_first)


def _first(known: Longs, at: Ints, ts: Longs) -> None:
    """Lowers known[at] to ts; rows come in order of time, so the first entry of each is its earliest."""
    which, index = np.unique(at, return_index=True)
    known[which] = np.minimum(known[which], ts[index])


def _written(world: World, folder: Path, progress: Callable[[int], None]) -> WorldSummary:
    options, ground = world.options, world.ground
    start = int(options.start.timestamp()) * 1_000_000
    texts = Texts(ground.keys, ground.host_names, ground.prefixes, host_texts())
    clock, ledger = Clock(world), Ledger(ground, options.days * DAY)
    desk = _report_desk(world)
    rng = stream(options, "reports")
    done = 0
    with pq.ParquetWriter(folder / "events.parquet", EVENTS, compression=COMPRESSION) as writer:
        for days in chunks(options):
            rows = clock.rows(days)
            ledger.note(rows)
            desk.watch(rng, rows, done)
            writer.write_batch(event_batch(rows, texts, start, done))
            done += len(rows)
            progress(done)
    return _labels_written(world, folder, ledger, desk, done)


def _report_desk(world: World) -> ReportDesk:
    ground, rng = world.ground, stream(world.options, "report desk")
    roles = [ground.archetypes.index(name) for name in BULK]
    bulk = np.flatnonzero(np.isin(ground.roles, roles)).astype(np.int32)
    return open_report_desk(world.options, world.people, bulk, ground.mailboxes, world.underworld.campaigns, rng)


def _labels_written(world: World, folder: Path, ledger: Ledger, desk: ReportDesk, events: int) -> WorldSummary:
    options, ground, campaigns = world.options, world.ground, world.underworld.campaigns
    end = options.days * DAY
    owner, site_owner = truth.sender_owners(campaigns, ground.mailboxes), truth.site_owners(campaigns, ground.sites)
    site_names = ground.site_names(np.arange(ground.sites))
    sightings = ledger.sightings()
    start = int(options.start.timestamp()) * 1_000_000
    reports = report_table(desk, event_ids, ground.keys, start)
    verdicts = verdict_table(
        options, campaigns, owner, sightings, ground.keys, site_names, start, stream(options, "verdicts")
    )
    senders = truth.sender_truth(ground, campaigns, owner, sightings, start)
    tables = {
        "reports": reports,
        "verdicts": verdicts,
        "truth/senders": senders,
        "truth/domains": truth.domain_truth(campaigns, sightings, site_names, site_owner, end),
        "truth/campaigns": truth.campaign_truth(campaigns, start),
        "truth/operators": truth.operator_truth(campaigns, sightings, site_owner, start, end),
        "truth/bombings": truth.bombing_truth(_bombings(world), ground.keys, start),
    }
    write_tables(folder, tables)
    summary = WorldSummary(
        out=folder,
        events=events,
        senders=len(senders),
        malicious_senders=pc.sum(senders["malicious"]).as_py() or 0,
        campaigns=len(campaigns),
        reports=len(reports),
        verdicts=len(verdicts),
        start=options.start,
        labels_end=options.start + timedelta(microseconds=labels_end(options)),
        as_of=options.start + timedelta(days=options.days),
    )
    describe(summary, "populations", options.seed, options.as_dict())
    return summary


def _bombings(world: World) -> Issues:
    sign_ups = world.populations["sign_ups"]
    assert isinstance(sign_ups, Mailings)
    return sign_ups.issues
