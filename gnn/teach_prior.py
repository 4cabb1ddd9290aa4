"""The lessons of the shipped prior: simulated worlds of every family, and what a few mailboxes show of them.

Knows no real mail. `python -m gnn.teach_prior OUT` teaches it again, byte for byte; with `--families` on some families
only, so that it can be judged on the others. A refresh never comes here.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gnn import registry
from gnn.calibrate import Calibration
from gnn.features import Channels
from gnn.fit import Examples, TrainOptions, fit
from gnn.labels import Labels, Rows, labels_of
from gnn.model import RiskModel, is_plain, new_network, weights_of
from gnn.network import NetworkShape, Normaliser
from gnn.propagate import Propagated, label_channels, propagate
from graph.engine import open_engine
from graph.evidence import gather_evidence
from graph.lake import Lake
from graph.schema import EVENTS, REPORTS, VERDICT_ROWS
from graph.simulate import load_preset, simulate
from graph.simulate.market import load_market, simulate_market
from graph.simulate.patterns import load_patterns, simulate_patterns
from graph.simulate.vary import varied
from graph.window import build_window

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

FAMILIES: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "populations": (load_preset, simulate),
    "market": (load_market, simulate_market),
    "patterns": (load_patterns, simulate_patterns),
}
PRESETS = ("ordinary", "hard", "adversarial")
VIEWED_EVENTS = 30_000  # a smaller world shows a mailbox next to nothing
LEAST_SENDERS = 30


@dataclass(frozen=True)
class PriorOptions:
    """The worlds and the network. Worlds go through families, presets and sizes in turn; every second is varied.

    `events` are their sizes. The larger ones are also seen through a few mailboxes alone, `mailboxes` in turn, incoming
    mail only: what a Maildir shows, where nobody is ever seen to answer.
    """

    families: tuple[str, ...] = tuple(FAMILIES)
    worlds: int = 132
    events: tuple[int, ...] = (100_000, 50_000, 30_000, 8_000)
    mailboxes: tuple[int, ...] = (400, 60, 12)
    spread: float = 0.35  # log-normal spread of a varied world's numbers
    first_seed: int = 1_000
    days: int = 30
    rows: int = 1_500  # of each class and world
    block_dropout: float = 0.3
    train: TrainOptions = field(default_factory=lambda: TrainOptions(steps=2_000, members=6, width=80, decay=0.1))


@dataclass(frozen=True)
class Seen:
    """A propagated window, the verdicts on it, and the truth of its senders: 1 or 0, the campaign's number or −1."""

    propagated: Propagated
    verdicts: Labels
    target: Array
    campaign: Ids


def teach_prior(options: PriorOptions, say: Callable[[str], None] = lambda line: None) -> RiskModel:
    """Fit the prior on freshly simulated worlds, each normalised by itself: its ranks travel, its counts do not.

    Every sender is shown three times: without any label known, with the verdicts of its world, and with labels drawn
    at random, some of them wrong; both are lent over the graph. The network learns how far to trust labels, too.
    """
    lessons: list[Lesson] = []
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for number, found in enumerate(pool.map(partial(_lessons, options), range(options.worlds))):
            lessons += found
            say(f"world {number + 1} of {options.worlds}: {sum(len(one.shown.target) for one in found)} rows")
    last = lessons[-1]
    sizes = {"members": options.train.members, "width": options.train.width}
    shape = NetworkShape(len(last.names), **sizes, block_dropout=options.block_dropout)
    network = new_network(shape, last.blocks, options.train.seed)
    fit(network, _together([lesson.shown for lesson in lessons]), options.train.steps, options.train)
    card = {"worlds": options.worlds, "families": list(options.families)}
    return RiskModel(shape, weights_of(network), last.normaliser, last.names, last.blocks, Calibration(), card)


@dataclass(frozen=True)
class Lesson:
    """What one view of one world shows: normalised examples, what their columns are, and how they were normalised."""

    shown: Examples
    names: tuple[str, ...]
    blocks: tuple[str, ...]
    normaliser: Normaliser


def _lessons(options: PriorOptions, number: int) -> list[Lesson]:
    """The lessons of a world, and of what a few mailboxes show of it."""
    found = []
    for at, seen in enumerate(_views(options, number)):
        rng = np.random.default_rng([options.first_seed, number, at])
        rows = _balanced(seen.target, seen.verdicts, options.rows, rng)
        structure = seen.propagated.structure
        own = structure.at(rows)
        known = (_nothing_known(seen), seen.verdicts, _some_known(seen, rows, rng))
        told = [_told(seen, labels, rows) for labels in known]
        shown = [own.beside(channels) for channels in told]
        normaliser = Normaliser.fit(structure.values, is_plain(shown[0].blocks))
        target, weight = seen.target[rows], _even(seen.target[rows])
        found += [
            Lesson(Examples(normaliser(part.values), target, weight), part.names, part.blocks, normaliser)
            for part in shown
        ]
    return found


def _told(seen: Seen, labels: Labels, rows: Rows) -> Channels:
    return label_channels(seen.propagated, labels.malicious, labels.benign).at(rows)


def _nothing_known(seen: Seen) -> Labels:
    return Labels(np.zeros_like(seen.target), np.zeros_like(seen.target))


def _some_known(seen: Seen, rows: Rows, rng: np.random.Generator) -> Labels:
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


def _together(lessons: list[Examples]) -> Examples:
    x, target, weight = (
        np.concatenate([getattr(lesson, part) for lesson in lessons]) for part in ("x", "target", "weight")
    )
    return Examples(x, target, weight)


def _views(options: PriorOptions, number: int) -> Iterator[Seen]:
    """A world, and, where it is large, what a few mailboxes show of it."""
    size = options.events[number // len(options.families) % len(options.events)]
    mailboxes = options.mailboxes[number % len(options.mailboxes)]
    with tempfile.TemporaryDirectory() as folder:
        world = Path(folder) / "world"
        _simulate(options, number, size, world)
        events = pq.read_table(world / "events.parquet").cast(EVENTS)
        parts = [events, _incoming(events, mailboxes, options.first_seed + number)]
        for at, part in enumerate(parts if size >= VIEWED_EVENTS else parts[:1]):
            seen = _seen(Path(folder) / f"home-{at}", world, part, options.days)
            if len(seen.target) >= LEAST_SENDERS:
                yield seen


def _simulate(options: PriorOptions, number: int, size: int, folder: Path) -> None:
    rng = np.random.default_rng(options.first_seed + number)
    load, run = FAMILIES[options.families[number % len(options.families)]]
    preset = PRESETS[int(rng.integers(len(PRESETS)))]
    hardness = float(rng.uniform(0, 1))
    world = load(preset, events=size, seed=options.first_seed + number, hardness=hardness)
    run(varied(world, options.spread, rng) if number % 4 >= 2 else world, folder, lambda rows: None)


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
    rows = pq.read_table(world / "truth" / "senders.parquet").select(["key", "malicious", "campaign"]).to_pylist()
    number = {name: at for at, name in enumerate(sorted({row["campaign"] for row in rows if row["campaign"]}))}
    truth = {row["key"]: (float(row["malicious"]), number.get(row["campaign"], -1)) for row in rows}
    found = [truth[key] for key in window.senders["key"].to_pylist()]
    target, campaign = np.array([pair[0] for pair in found]), np.array([pair[1] for pair in found], np.int64)
    given = pq.read_table(world / "verdicts.parquet").cast(VERDICT_ROWS)
    verdicts = labels_of("sender", window.senders["key"], given, window.as_of)
    return Seen(propagate(window, gather_evidence(window)), verdicts, target, campaign)


def _balanced(target: Array, verdicts: Labels, most: int, rng: np.random.Generator) -> Rows:
    """At most so many rows of each class, at random, among those without a verdict."""
    parts = [rng.permutation(np.flatnonzero((target == value) & ~verdicts.known))[:most] for value in (0.0, 1.0)]
    return np.sort(np.concatenate(parts))


def _even(target: Array) -> Array:
    """Weights that give both classes and all worlds the same say."""
    share = np.where(target > 0, target.mean(), 1 - target.mean())
    return np.asarray(1 / np.maximum(share * len(target), 1))


def main() -> None:
    """`python -m gnn.teach_prior OUT [--families NAME…]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder to write the prior into, as in gnn/prior")
    parser.add_argument("--families", nargs="+", choices=list(FAMILIES), default=list(FAMILIES))
    given = parser.parse_args()
    registry.write(given.out, teach_prior(PriorOptions(families=tuple(given.families)), print))


if __name__ == "__main__":
    main()
