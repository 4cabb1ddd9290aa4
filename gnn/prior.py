"""What campaigns look like anywhere: a small network that ships, taught on simulated worlds only, never on real mail.

Its margin is one more channel of every sender. The home's own labels decide how far to trust it; where there are no
labels yet, it is all there is. `python -m gnn.prior OUT` teaches it again, byte for byte.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from gnn import registry
from gnn.calibrate import Calibration
from gnn.features import Channels, channels
from gnn.network import NetworkShape, Normaliser, RiskNetwork
from gnn.propagate import Propagated, propagate
from gnn.train import ANCHOR_BLOCK, RiskModel, TrainOptions, fit_network
from graph.engine import open_engine
from graph.errors import ModelError
from graph.evidence import Evidence, gather_evidence
from graph.lake import Lake
from graph.schema import EVENTS, REPORTS
from graph.simulate import load_preset, simulate
from graph.values import Window
from graph.window import build_window

Floats = NDArray[np.float32]
Array = NDArray[np.float64]

SHIPPED = Path(__file__).parent / "prior"
MARGIN_SCALE = 2.0  # margins go up to ±15; the channel is of the size of the others


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


@dataclass(frozen=True)
class Lesson:
    """One world's normalised channels and truth."""

    x: Floats
    target: Array
    weight: Array


def propagate_informed(window: Window, evidence: Evidence) -> Propagated:
    """Everything about a window that needs no label, the prior's margin as a channel of its own among it."""
    propagated = propagate(window, evidence)
    return replace(propagated, structure=propagated.structure.beside(prior_channel(propagated.structure)))


def prior_channel(structure: Channels) -> Channels:
    """The prior's margin of every sender, divided by `MARGIN_SCALE`: the block that a home's network starts from."""
    return channels({"margin": prior_for(structure).margins(structure) / MARGIN_SCALE}, ANCHOR_BLOCK)


def prior_for(structure: Channels) -> RiskModel:
    """The shipped prior, normalised to a window. Raises ModelError where the window's channels are others."""
    model = shipped()
    own = Channels(structure.values[:, : len(model.names)], model.names, model.blocks)
    if structure.names[: len(model.names)] != model.names:
        raise ModelError(str(SHIPPED), "was taught on other channels", "Teach it again: python -m gnn.prior gnn/prior")
    return replace(model, normaliser=Normaliser.fit(own.values, model.normaliser.plain))


@cache
def shipped() -> RiskModel:
    """The prior that ships with this version."""
    return registry.read(SHIPPED)


def teach_prior(options: PriorOptions, say: Callable[[str], None] = lambda line: None) -> RiskModel:
    """Fit the prior on freshly simulated worlds, each normalised by itself: its ranks travel, its counts do not."""
    lessons: list[Lesson] = []
    names: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    normaliser: Normaliser | None = None
    for number, (structure, target) in enumerate(_worlds(options)):
        plain = np.array([block.endswith("reports") for block in structure.blocks])
        normaliser = Normaliser.fit(structure.values, plain)
        rows = _balanced(target, options, number)
        lessons.append(Lesson(normaliser(structure.values[rows]), target[rows], _even(target[rows])))
        names, blocks = structure.names, structure.blocks
        say(f"lesson {number + 1}: {len(rows)} senders of {len(target)}, {target.sum():.0f} malicious")
    assert normaliser is not None
    shape = NetworkShape(inputs=len(names), members=options.train.members, width=options.train.width)
    x = np.concatenate([lesson.x for lesson in lessons])
    target, weight = (np.concatenate([getattr(lesson, part) for lesson in lessons]) for part in ("target", "weight"))
    network = fit_network(x, target, weight, shape, blocks, options.train.steps, options.train)
    return RiskModel(shape, _arrays(network), normaliser, names, blocks, Calibration(), {"worlds": options.worlds})


def _arrays(network: RiskNetwork) -> dict[str, Floats]:
    return {name: value.numpy().copy() for name, value in network.state_dict().items() if name != "block_of"}


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
    """`python -m gnn.prior OUT`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder to write the prior into, as in gnn/prior")
    out = parser.parse_args().out
    registry.write(out, teach_prior(PriorOptions(), print))


if __name__ == "__main__":
    main()
