"""The lessons of the shipped prior: simulated worlds, and what a few mailboxes show of them. Knows no real mail.

`python -m gnn.teach_prior OUT` teaches it again, byte for byte. A refresh never comes here.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gnn import registry
from gnn.calibrate import Calibration
from gnn.features import Channels
from gnn.fit import Examples, TrainOptions, fit
from gnn.model import RiskModel, is_plain, new_network, weights_of
from gnn.network import NetworkShape, Normaliser
from gnn.propagate import propagate
from graph.engine import open_engine
from graph.evidence import gather_evidence
from graph.lake import Lake
from graph.schema import EVENTS, REPORTS
from graph.simulate import load_preset, simulate
from graph.window import build_window

Array = NDArray[np.float64]

VIEWED_EVENTS = 30_000  # a smaller world shows a mailbox next to nothing


@dataclass(frozen=True)
class PriorOptions:
    """The worlds and the network. Worlds go through the presets in turn, each with a hardness and a seed of its own.

    `events` are their sizes, in turn. The larger ones are also seen through a few mailboxes alone, `mailboxes` in
    turn, incoming mail only: what a Maildir shows, where nobody is ever seen to answer.
    """

    worlds: int = 24
    events: tuple[int, ...] = (100_000, 100_000, 30_000, 6_000)
    mailboxes: tuple[int, ...] = (400, 60, 12)
    first_seed: int = 1_000
    days: int = 30
    rows: int = 3_000  # of each class and world
    train: TrainOptions = field(default_factory=lambda: TrainOptions(steps=500, members=6, decay=3e-2))


def teach_prior(options: PriorOptions, say: Callable[[str], None] = lambda line: None) -> RiskModel:
    """Fit the prior on freshly simulated worlds, each normalised by itself: its ranks travel, its counts do not."""
    lessons: list[Examples] = []
    for number, (structure, target) in enumerate(_worlds(options)):
        normaliser = Normaliser.fit(structure.values, is_plain(structure.blocks))
        rows = _balanced(target, options, number)
        lessons.append(Examples(normaliser(structure.values[rows]), target[rows], _even(target[rows])))
        say(f"lesson {number + 1}: {len(rows)} senders of {len(target)}, {target.sum():.0f} malicious")
    shape = NetworkShape(inputs=len(structure.names), members=options.train.members, width=options.train.width)
    network = new_network(shape, structure.blocks, options.train.seed)
    fit(network, _together(lessons), options.train.steps, options.train)
    card = {"worlds": options.worlds}
    weights = weights_of(network)
    return RiskModel(shape, weights, normaliser, structure.names, structure.blocks, Calibration(), card)


def _together(lessons: list[Examples]) -> Examples:
    x, target, weight = (
        np.concatenate([getattr(lesson, part) for lesson in lessons]) for part in ("x", "target", "weight")
    )
    return Examples(x, target, weight)


def _worlds(options: PriorOptions) -> Iterator[tuple[Channels, Array]]:
    presets = ("ordinary", "hard", "adversarial")
    for number in range(options.worlds):
        hardness = np.random.default_rng(options.first_seed + number).uniform(0, 1)
        size = options.events[number % len(options.events)]
        with tempfile.TemporaryDirectory() as folder:
            world = load_preset(
                presets[number % len(presets)],
                events=size,
                seed=options.first_seed + number,
                hardness=float(hardness),
            )
            simulate(world, Path(folder) / "world", lambda rows: None)
            events = pq.read_table(Path(folder) / "world" / "events.parquet").cast(EVENTS)
            yield _lesson(Path(folder), "home", events, options)
            if size >= VIEWED_EVENTS:
                seen = _incoming(
                    events, options.mailboxes[number % len(options.mailboxes)], options.first_seed + number
                )
                yield _lesson(Path(folder), "view", seen, options)


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


def _lesson(folder: Path, home: str, events: pa.Table, options: PriorOptions) -> tuple[Channels, Array]:
    world, lake = folder / "world", Lake(folder / home)
    lake.ingest(
        events=events.to_batches(),
        reports=pq.read_table(world / "reports.parquet").cast(REPORTS).to_batches(),
    )
    with open_engine("duckdb") as engine:
        window = build_window(lake.slice(None, options.days), engine)
    structure = propagate(window, gather_evidence(window)).structure
    truth = pq.read_table(world / "truth" / "senders.parquet").select(["key", "malicious"]).to_pydict()
    guilty = dict(zip(truth["key"], truth["malicious"], strict=True))
    return structure, np.array([float(guilty[key]) for key in window.senders["key"].to_pylist()])


def _balanced(target: Array, options: PriorOptions, number: int) -> NDArray[np.int64]:
    """At most so many rows of each class, at random."""
    rng = np.random.default_rng(options.first_seed + number)
    parts = [rng.permutation(np.flatnonzero(target == value))[: options.rows] for value in (0.0, 1.0)]
    return np.sort(np.concatenate(parts))


def _even(target: Array) -> Array:
    """Weights that give both classes and all worlds the same say."""
    share = np.where(target > 0, target.mean(), 1 - target.mean())
    return np.asarray(1 / np.maximum(share * len(target), 1))


def main() -> None:
    """`python -m gnn.teach_prior OUT`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder to write the prior into, as in gnn/prior")
    out = parser.parse_args().out
    registry.write(out, teach_prior(PriorOptions(), print))


if __name__ == "__main__":
    main()
