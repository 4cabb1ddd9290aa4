"""The shipped prior, fitted on simulated worlds of every family and on what a few mailboxes show of them.

Knows no real mail. `python -m gnn.teach_prior OUT` teaches it again, byte for byte, and after it the network of domains
(gnn.teach_domains), which listens to it; with `--families` on some families only, so that they can be judged on the
others. A refresh never comes here.

Where channels have changed, teach in this order: `gnn.teach_prior OUT`, `gnn.teach_campaigns`, which takes its suspects
from the prior, and `gnn.teach_prior OUT --domains-only`, since domains listen to campaigns.
"""

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gnn import registry
from gnn.calibrate import Calibration
from gnn.domain_risk import DOMAINS
from gnn.features import Channels
from gnn.fit import Examples, TrainOptions, fit
from gnn.labels import Labels, Rows
from gnn.lessons import TAUGHT, Seen, Worlds, even_within, nothing_known, some_known, together, views
from gnn.model import RiskModel, is_plain, new_network, weights_of
from gnn.network import NetworkShape, Normaliser
from gnn.propagate import label_channels
from gnn.teach_domains import DomainOptions, teach_domains
from graph.simulate.families import FAMILIES

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PriorOptions(Worlds):
    """The worlds and the network."""

    rows: int = 1_500  # of each class and world
    block_dropout: float = 0.3
    train: TrainOptions = field(
        default_factory=lambda: TrainOptions(steps=2_000, members=6, width=80, decay=0.1, exchange=0.15)
    )


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
    fit(network, together([lesson.shown for lesson in lessons]), options.train.steps, options.train)
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
    for at, seen in enumerate(views(options, number)):
        rng = np.random.default_rng([options.first_seed, number, at])
        rows = _balanced(seen.target, seen.verdicts, options.rows, rng)
        structure = seen.propagated.structure
        own = structure.at(rows)
        known = (nothing_known(seen), seen.verdicts, some_known(seen, rows, rng))
        told = [_told(seen, labels, rows) for labels in known]
        shown = [own.beside(channels) for channels in told]
        normaliser = Normaliser.fit(structure.values, is_plain(shown[0].blocks))
        target, group = seen.target[rows], np.where(seen.target > 0, seen.campaign, seen.kind)[rows]
        weight = even_within(target, group)
        found += [
            Lesson(Examples(normaliser(part.values), target, weight), part.names, part.blocks, normaliser)
            for part in shown
        ]
    return found


def _told(seen: Seen, labels: Labels, rows: Rows) -> Channels:
    return label_channels(seen.propagated, labels.malicious, labels.benign, rows)


def _balanced(target: Array, verdicts: Labels, most: int, rng: np.random.Generator) -> Rows:
    """At most so many rows of each class, at random, among those without a verdict."""
    parts = [rng.permutation(np.flatnonzero((target == value) & ~verdicts.known))[:most] for value in (0.0, 1.0)]
    return np.sort(np.concatenate(parts))


def main() -> None:
    """`python -m gnn.teach_prior OUT [--families NAME…] [--domains-only]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder to write the prior into, as in gnn/prior")
    parser.add_argument("--families", nargs="+", choices=list(FAMILIES), default=list(TAUGHT))
    parser.add_argument("--domains-only", action="store_true", help="keep the prior of senders that OUT has")
    given = parser.parse_args()
    families = tuple(given.families)
    if not given.domains_only:
        registry.write(given.out, teach_prior(PriorOptions(families=families), print))
    prior = registry.read(given.out)
    registry.write(given.out / DOMAINS, teach_domains(DomainOptions(families=families), prior, print))


if __name__ == "__main__":
    main()
