"""Simulated worlds as lessons: worlds of some families, what a few mailboxes show of them, and labels to lend in them.

Knows no real mail and no network. Who is taught what by them: gnn.teach_prior, gnn.teach_domains.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gnn.fit import Examples, by_root_of_size
from gnn.labels import Labels, Rows, labels_of
from gnn.propagate import Propagated, propagate
from graph.engine import open_engine
from graph.evidence import Evidence, gather_evidence
from graph.lake import Lake
from graph.schema import EVENTS, REPORTS, VERDICT_ROWS
from graph.scratch import scratch_folder
from graph.simulate.families import FAMILIES
from graph.simulate.vary import varied
from graph.window import build_window

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

TAUGHT = ("populations", "market", "patterns")  # families that the shipped prior is taught on
PRESETS = ("ordinary", "hard", "adversarial")
VIEWED_EVENTS = 30_000  # a smaller world shows a mailbox next to nothing
LEAST_SENDERS = 30
LEAST_SAY = 1e-9


@dataclass(frozen=True)
class Worlds:
    """Which worlds. They go through families, presets and sizes in turn; every second is varied.

    `events` are their sizes. The larger ones are also seen through a few mailboxes alone, `mailboxes` in turn, incoming
    mail only: what a Maildir shows, where nobody is ever seen to answer. Hardness is drawn at random, or, where a world
    is not varied and `as_preset` asks for it, the preset's.
    """

    families: tuple[str, ...] = TAUGHT
    worlds: int = 132
    events: tuple[int, ...] = (100_000, 50_000, 30_000, 8_000)
    mailboxes: tuple[int, ...] = (400, 60, 12)
    spread: float = 0.35  # log-normal spread of a varied world's numbers
    first_seed: int = 1_000
    days: int = 30
    as_preset: bool = False


@dataclass(frozen=True)
class Seen:
    """A propagated window, the verdicts on it, and the truth of its senders: 1 or 0, the campaign's number or −1.

    `kind` is the number of what a sender is by the names of its world, `sites` the truth of its domains: 1, 0, or NaN
    where it is not known.
    """

    evidence: Evidence
    propagated: Propagated
    verdicts: Labels
    target: Array
    campaign: Ids
    kind: Ids
    sites: Array


def views(options: Worlds, number: int) -> Iterator[Seen]:
    """A world, and, where it is large, what a few mailboxes show of it."""
    size = options.events[number // len(options.families) % len(options.events)]
    mailboxes = options.mailboxes[number % len(options.mailboxes)]
    with scratch_folder() as folder:
        world = folder / "world"
        _simulate(options, number, size, world)
        events = pq.read_table(world / "events.parquet").cast(EVENTS)
        parts = [events, _incoming(events, mailboxes, options.first_seed + number)]
        for at, part in enumerate(parts if size >= VIEWED_EVENTS else parts[:1]):
            seen = _seen(folder / f"home-{at}", world, part, options.days)
            if len(seen.target) >= LEAST_SENDERS:
                yield seen


def _simulate(options: Worlds, number: int, size: int, folder: Path) -> None:
    rng = np.random.default_rng(options.first_seed + number)
    load, run = FAMILIES[options.families[number % len(options.families)]]
    preset = PRESETS[int(rng.integers(len(PRESETS)))]
    hardness, vary = float(rng.uniform(0, 1)), number % 4 >= 2
    drawn = hardness if vary or not options.as_preset else None
    world = load(preset, events=size, seed=options.first_seed + number, hardness=drawn)
    run(varied(world, options.spread, rng) if vary else world, folder, lambda rows: None)


def _incoming(events: pa.Table, mailboxes: int, seed: int) -> pa.Table:
    """The events that some mailboxes received, with these as the only recipients."""
    rows = events.to_pylist()
    people = sorted({recipient for row in rows for recipient in row["recipients"]})
    chosen = set(np.random.default_rng(seed).choice(people, min(mailboxes, len(people)), replace=False).tolist())
    kept = [
        {**row, "recipients": mine}
        for row in rows
        if row["sender"] not in chosen and (mine := [one for one in row["recipients"] if one in chosen])
    ]
    return pa.Table.from_pylist(kept, EVENTS)


def _seen(home: Path, world: Path, events: pa.Table, days: int) -> Seen:
    lake = Lake(home)
    reports = pq.read_table(world / "reports.parquet").cast(REPORTS)
    lake.ingest(events=events.to_batches(), reports=reports.to_batches())
    with open_engine("duckdb") as engine:
        window = build_window(lake.slice(None, days), engine)
    columns = ["key", "malicious", "campaign", "archetype"]
    rows = pq.read_table(world / "truth" / "senders.parquet").select(columns).to_pylist()
    truth = {row["key"]: row for row in rows}
    found = [truth[key] for key in window.senders["key"].to_pylist()]
    target = np.array([float(row["malicious"]) for row in found])
    campaign, kind = (_numbered([row[name] for row in found]) for name in ("campaign", "archetype"))
    given = pq.read_table(world / "verdicts.parquet").cast(VERDICT_ROWS)
    verdicts = labels_of("sender", window.senders["key"], given, window.as_of)
    sites = pq.read_table(world / "truth" / "domains.parquet").select(["key", "malicious"]).to_pylist()
    guilty = {row["key"]: float(row["malicious"]) for row in sites}
    domains = np.array([guilty.get(key, np.nan) for key in window.domains["key"].to_pylist()])
    evidence = gather_evidence(window)
    return Seen(evidence, propagate(window, evidence), verdicts, target, campaign, kind, domains)


def _numbered(names: list[str | None]) -> Ids:
    """Each name's place among all in order, −1 for none."""
    number = {name: at for at, name in enumerate(sorted({name for name in names if name}))}
    return np.array([number.get(name, -1) if name else -1 for name in names], np.int64)


def nothing_known(seen: Seen) -> Labels:
    """No verdict on any sender."""
    return Labels(np.zeros_like(seen.target), np.zeros_like(seen.target))


def some_known(seen: Seen, rows: Rows, rng: np.random.Generator) -> Labels:
    """Verdicts on some members of some campaigns and on some innocents, some of them wrong, none on `rows`."""
    met = np.unique(seen.campaign[seen.campaign >= 0])
    met = met[rng.random(len(met)) < rng.uniform(0.15, 0.8)]
    guilty = np.flatnonzero(np.isin(seen.campaign, met))
    guilty = guilty[rng.random(len(guilty)) < rng.choice([0.02, 0.05, 0.1, 0.3, 0.6])]
    innocent = rng.permutation(np.flatnonzero(seen.target == 0))
    innocent = innocent[: max(3, int(len(guilty) * rng.choice([0.5, 2.0, 8.0])))]
    wrong = rng.choice([0.0, 0.02, 0.06, 0.1])
    malicious = np.zeros_like(seen.target)
    malicious[guilty[rng.random(len(guilty)) >= wrong]] = 1.0
    malicious[innocent[rng.random(len(innocent)) < wrong / 4]] = 1.0
    benign = np.zeros_like(seen.target)
    benign[np.concatenate([guilty, innocent])] = 1.0
    return Labels(malicious, benign - malicious).hiding(rows)


def together(lessons: list[Examples]) -> Examples:
    """All rows of some lessons as one."""
    x, target, weight = (
        np.concatenate([getattr(lesson, part) for lesson in lessons]) for part in ("x", "target", "weight")
    )
    return Examples(x, target, weight)


def even(target: Array) -> Array:
    """Weights that give both classes and all worlds the same say."""
    share = np.where(target > 0, target.mean(), 1 - target.mean())
    return np.asarray(1 / np.maximum(share * len(target), 1))


def even_within(target: Array, group: Ids) -> Array:
    """The same, and within a class a group has a say by the root of its size."""
    say = by_root_of_size(target, group)
    of_class = np.where(target > 0, say[target > 0].sum(), say[target == 0].sum())
    return np.asarray(say / np.maximum(of_class, LEAST_SAY))
