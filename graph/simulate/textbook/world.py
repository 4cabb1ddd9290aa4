"""One textbook world from conventions to files: people, crowds, campaigns, what is learnt and what is true."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from graph.simulate.facts import NEVER
from graph.simulate.paper import WorldSummary, first_microsecond, write_world
from graph.simulate.rows import MAIL, Bools, Ints, Rows, concat, owners, without_repeats
from graph.simulate.textbook.attack import Crimes, run_campaigns
from graph.simulate.textbook.clock import Clock
from graph.simulate.textbook.conventions import draw_conventions
from graph.simulate.textbook.crimes import Campaign, plan_campaigns
from graph.simulate.textbook.crowds import INNOCENT, crowd_mail
from graph.simulate.textbook.labels import file_reports, give_verdicts
from graph.simulate.textbook.options import TextbookOptions
from graph.simulate.textbook.private import personal
from graph.simulate.textbook.registry import Registry
from graph.simulate.textbook.stage import Stage
from graph.simulate.textbook.town import found_town
from graph.simulate.textbook.truth import bombing_table, crowd_code, find_truth, truth_tables

SURPLUS = 1.12  # personal letters written for each that the world is planned to have


@dataclass(frozen=True)
class World:
    """A whole world in numbers, its rows by time; column `campaign` of an innocent row tells its kind (crowd_code)."""

    stage: Stage
    plans: list[Campaign]
    crimes: Crimes
    rows: Rows


def make_world(options: TextbookOptions) -> World:
    """Draws a world and lets it happen, in memory."""
    customs = draw_conventions(options)
    registry = Registry(options.stream("registry"), customs)
    town = found_town(options.stream("town"), customs, registry)
    clock = Clock(customs.span, options.start.weekday(), customs.hours, customs.weekend)
    stage = Stage(options.stream("crowds"), customs, clock, registry, town)
    innocent = (1 - customs.guilty) * options.events
    crowds = crowd_mail(stage, round(innocent * (1 - customs.personal)))
    parts = [
        _tidy(stage, replace(rows, campaign=np.full_like(rows.campaign, crowd_code(kind)))) for kind, rows in crowds
    ]
    letters = personal(stage, round(SURPLUS * innocent * customs.personal))
    senders = len(np.unique(np.concatenate([part.sender for part in (*parts, letters)])))
    plans = plan_campaigns(options, customs, senders)
    crimes = run_campaigns(replace(stage, rng=options.stream("crimes")), plans, options.hardness, letters)
    parts += [_tidy(stage, rows) for rows in (*crimes.guilty, *crimes.innocent)]
    missing = options.events - sum(map(len, parts))
    letters = _tidy(stage, concat([letters, personal(stage, max(0, missing - len(letters)))]))
    rows = concat([*parts, letters.take(np.arange(min(len(letters), max(0, missing))))])
    rows = rows.take(np.argsort(rows.ts, kind="stable"))
    return World(stage, plans, crimes, _through_forwarders(stage, rows))


def _tidy(stage: Stage, rows: Rows) -> Rows:
    """Rows with every recipient named once, without those to oneself, and to outsiders only if the provider sees it."""
    row = owners(rows.to_count)
    seen = (rows.to != rows.sender[row]) & (stage.customs.outgoing | ~_outside(stage, rows.to))
    counts = np.bincount(row[seen], minlength=len(rows)).astype(np.int32)
    fewer = replace(rows, to_count=counts, to=rows.to[seen])
    return without_repeats(fewer.take(np.flatnonzero(counts)))


def _outside(stage: Stage, who: Ints) -> Bools:
    outside: Bools = (who >= stage.town.people) & (who < stage.town.persons)
    return outside


def _through_forwarders(stage: Stage, rows: Rows) -> Rows:
    """Mail to people who have it forwarded comes from the forwarder's network."""
    first = rows.to[np.cumsum(rows.to_count) - rows.to_count]
    forwarder = stage.town.forwarder[np.minimum(first, stage.town.people - 1)]
    through = (forwarder >= 0) & (first < stage.town.people) & (rows.channel == MAIL) & (rows.network >= 0)
    return replace(rows, network=np.where(through, forwarder, rows.network))


def simulate_textbook(
    options: TextbookOptions, out: Path, progress: Callable[[int], None] = lambda events: None
) -> WorldSummary:
    """Writes the world into `out`: events, reports, verdicts, `truth/` and `world.json`, and says what it wrote.

    `progress` is called with the number of events written so far. The same options give the same bytes.
    """
    world = make_world(options)
    rows, registry, start = world.rows, world.stage.registry, first_microsecond(options.start)
    truth = find_truth(rows, registry, len(world.plans), world.crimes)
    texts, names = registry.words(options.seed)
    reports = file_reports(replace(world.stage, rng=options.stream("reports")), rows)
    told = np.full(len(registry.book()), NEVER)
    np.minimum.at(told, rows.sender[reports.row], reports.ts)
    verdicts = give_verdicts(
        options.stream("verdicts"), world.stage.customs, truth, told, world.crimes.burnt, options.labels_until
    )
    bombs = rows.take(np.flatnonzero(rows.campaign == crowd_code(INNOCENT.index("subscription_bomb"))))
    tables = truth_tables(truth, world.plans, bombing_table(bombs, texts.keys, start), texts.keys, names, start)
    said = {"reports": reports.table(texts.keys, start), "verdicts": verdicts.table(texts.keys, names, start)}
    return write_world(out, options, rows, texts, said, tables, progress)
