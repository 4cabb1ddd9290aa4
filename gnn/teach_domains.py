"""The network of domains, fitted on simulated worlds whose senders the prior of senders has scored. Knows no real mail.

The worlds are others than those that the prior was taught on: on those it is surer of senders than it will be anywhere
else. `python -m gnn.teach_prior` runs this last.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from gnn.calibrate import Calibration, calibrate
from gnn.features import Channels
from gnn.fit import Examples, TrainOptions, fit
from gnn.labels import Labels
from gnn.lessons import Seen, Worlds, even, nothing_known, some_known, together, views
from gnn.model import RiskModel, is_plain, new_network, weights_of
from gnn.network import NetworkShape, Normaliser, RiskNetwork
from gnn.prior import fitted_to
from gnn.risk import from_verdicts, inherited, sender_logits
from gnn.settle import with_student
from gnn.usage import domain_channels
from graph.campaigns.find import FindOptions, find_groups

Array = NDArray[np.float64]

LEAST_OF_A_CLASS = 3  # domains; fewer of one class in a view teach nothing
HELD_OUT = 4  # every fourth world calibrates
MAILBOXES_SAY = 0.25  # of a whole world's: what a few mailboxes show is so little that it would drown the rest


@dataclass(frozen=True)
class DomainOptions(Worlds):
    """The worlds and the network."""

    worlds: int = 72
    events: tuple[int, ...] = (60_000, 60_000, 30_000, 8_000)
    first_seed: int = 5_000
    block_dropout: float = 0.15
    train: TrainOptions = field(default_factory=lambda: TrainOptions(steps=1_200, members=4, width=48, decay=0.1))


def teach_domains(
    options: DomainOptions, prior: RiskModel, say: Callable[[str], None] = lambda line: None
) -> RiskModel:
    """Fit on freshly simulated worlds, each normalised by itself; `prior` scores the senders.

    It is calibrated on held-out worlds by a network that was fitted on the others, then fitted on all.
    """
    lessons: list[DomainLesson] = []
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for number, found in enumerate(pool.map(partial(_lessons, options, prior), range(options.worlds))):
            lessons += found
            say(f"world {number + 1} of {options.worlds}: {sum(len(one.shown.target) for one in found)} domains")
    last = lessons[-1]
    calibration = _calibrated(options, lessons)
    network = _fitted(options, lessons)
    card = {"worlds": options.worlds, "families": list(options.families)}
    weights = weights_of(network)
    return RiskModel(network.shape, weights, last.normaliser, last.names, last.blocks, calibration, card)


@dataclass(frozen=True)
class DomainLesson:
    """What one view of a world shows of domains, with one set of verdicts on senders known."""

    world: int
    shown: Examples
    names: tuple[str, ...]
    blocks: tuple[str, ...]
    normaliser: Normaliser


def _lessons(options: DomainOptions, prior: RiskModel, number: int) -> list[DomainLesson]:
    """The lessons of a world, and of what a few mailboxes show of it."""
    found: list[DomainLesson] = []
    for at, seen in enumerate(views(options, number)):
        rng = np.random.default_rng([options.first_seed, number, at])
        for labels in (nothing_known(seen), some_known(seen, np.zeros(0, np.int64), rng)):
            say = MAILBOXES_SAY if at else 1.0
            found += _lesson(number, seen, _channels(seen, prior, labels), say)
    return found


def _lesson(number: int, seen: Seen, channels: Channels, say: float) -> Iterator[DomainLesson]:
    rows = np.flatnonzero(np.isfinite(seen.sites))
    target = seen.sites[rows]
    if min(target.sum(), (1 - target).sum()) < LEAST_OF_A_CLASS:
        return
    normaliser = Normaliser.fit(channels.values, is_plain(channels.blocks))
    shown = Examples(normaliser(channels.at(rows).values), target, say * even(target))
    yield DomainLesson(number, shown, channels.names, channels.blocks, normaliser)


def _channels(seen: Seen, prior: RiskModel, labels: Labels) -> Channels:
    """Channels of the domains when senders are scored by the prior, these verdicts known, as in a refresh."""
    model = fitted_to(seen.propagated.structure, prior)
    alone, share = sender_logits(seen.propagated, labels, model)
    logits, _ = with_student(alone, seen.propagated, labels, TrainOptions())
    said = from_verdicts(labels, logits)
    groups = find_groups(seen.propagated.burst, logits + said, FindOptions())
    senders = logits + said + inherited(logits + said, said, groups)
    return domain_channels(seen.propagated.usage, seen.evidence, senders, share)


def _fitted(options: DomainOptions, lessons: list[DomainLesson]) -> RiskNetwork:
    last, sizes = lessons[-1], {"members": options.train.members, "width": options.train.width}
    shape = NetworkShape(len(last.names), **sizes, block_dropout=options.block_dropout)
    network = new_network(shape, last.blocks, options.train.seed)
    fit(network, together([lesson.shown for lesson in lessons]), options.train.steps, options.train)
    return network


def _calibrated(options: DomainOptions, lessons: list[DomainLesson]) -> Calibration:
    """Both classes have the same say, and all held-out worlds, as in fitting."""
    held = [lesson.shown for lesson in lessons if lesson.world % HELD_OUT == HELD_OUT - 1]
    rest = [lesson for lesson in lessons if lesson.world % HELD_OUT != HELD_OUT - 1]
    if not held or not rest:
        return Calibration()
    all_held = together(held)
    margins = _fitted(options, rest).margins(all_held.x).astype(np.float64)
    weight = all_held.weight / all_held.weight.mean()
    return replace(calibrate(margins, all_held.target, weight), label_prior=0.5)
