"""A home's model: fitted on what was known at one moment. Knows channels and labels, not where they came from.

Where a prior ships, a network of the home's own is fitted on its labels alone, and its opinion is added to the prior's
as far as it tells labels that have no evidence in common with those it learnt from.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from gnn.calibrate import Calibration, calibrate, expected_calibration_error, log_odds, second_opinion, sigmoid
from gnn.features import Channels
from gnn.fit import Check, Examples, TrainOptions, by_root_of_size, fit
from gnn.labels import Labels, Rows
from gnn.model import ANCHOR_BLOCK, ANCHOR_UNIT, RiskModel, is_plain, new_network, weights_of
from gnn.network import NetworkShape, Normaliser, RiskNetwork

Array = NDArray[np.float64]

LEAST_OF_A_CLASS = 5  # fewer labels of one class than this teach nothing
LEAST_FOR_VALIDATION = 40
PARTS, FEW_PARTS = 5, 2  # of the labels, held out in turn to weigh the home's own network beside the prior
MANY_LABELS = 1_000  # so many tell what a network is worth when it has learnt from half of them
UNTAUGHT_RISK = 0.01  # of everybody, own verdicts aside, where one class is unknown: there is nothing to tell apart


class LabelChannels(Protocol):
    """What given labels tell of some rows, all by default."""

    def __call__(self, labels: Labels, rows: Rows | None = None) -> Channels: ...


def learnable(labels: Labels) -> bool:
    """Whether both classes are known well enough to learn from."""
    target = labels.target[labels.known]
    return bool(min(target.sum(), len(target) - target.sum()) >= LEAST_OF_A_CLASS)


def provable(labels: Labels) -> bool:
    """Whether there are labels enough to learn from some and to tell by later ones that something was learnt."""
    return learnable(labels) and int(labels.known.sum()) >= LEAST_FOR_VALIDATION


@dataclass(frozen=True)
class Order:
    """What fitting must know of the nodes beside their channels, shape (nodes,) each.

    `started` grows with the time a node was first seen; nodes of one `bunch` share evidence, so that what was learnt of
    one is no proof on another.
    """

    started: Array
    bunch: Rows

    @staticmethod
    def apart(started: Array) -> "Order":
        """Nodes that are all taken to be unrelated."""
        return Order(started, np.arange(len(started)))


def train(structure: Channels, lend: LabelChannels, labels: Labels, order: Order, options: TrainOptions) -> RiskModel:
    """Fit on all labels that are known; how long, or how far to be heard, labels that were held out say.

    `structure` has a row for every node; `lend` makes the channels of given labels, all of plain blocks. Deterministic
    for a seed. Where labels show one class or none, every margin is 0.
    """
    course = _Course.of(structure, lend, labels, order, options)
    if not course.taught:
        untaught = Calibration(offset=log_odds(UNTAUGHT_RISK), label_prior=UNTAUGHT_RISK)
        network = new_network(NetworkShape(inputs=len(course.blocks)), course.blocks, options.seed)
        torch.nn.init.zeros_(network.out.weight)  # every margin 0: the prior alone speaks
        return course.model(network, 0, untaught, {})
    if ANCHOR_BLOCK in course.blocks:
        return _beside_prior(course)
    return _stopped_early(course)


def cross_fitted(lend: LabelChannels, labels: Labels, rows: Rows, options: TrainOptions) -> Channels:
    """Label channels of the labelled rows, each fold computed with that fold's labels hidden.

    So no row's own label reaches it, over any number of hops (METHODS of the lab: pools recomputed inside each fold).
    """
    folds = np.random.default_rng(options.seed).permutation(len(rows)) % options.folds
    values: NDArray[np.float32] | None = None
    for fold in range(options.folds):
        inside = folds == fold
        lent = lend(labels.hiding(rows[inside]), rows[inside])
        if values is None:
            values = np.zeros((len(rows), len(lent.names)), np.float32)
        values[inside] = lent.values
    assert values is not None
    return Channels(values, lent.names, lent.blocks)


@dataclass(frozen=True)
class _Course:
    """The labelled rows, their channels normalised with and without their neighbours' labels.

    Unlabelled rows teach nothing: among them are the malicious senders still to be found.
    """

    structure: Channels
    lend: LabelChannels
    labels: Labels
    order: Order
    rows: Rows
    names: tuple[str, ...]
    blocks: tuple[str, ...]
    normaliser: Normaliser
    known: NDArray[np.float32]
    blank: NDArray[np.float32]
    options: TrainOptions

    @classmethod
    def of(
        cls,
        structure: Channels,
        lend: LabelChannels,
        labels: Labels,
        order: Order,
        options: TrainOptions,
        normaliser: Normaliser | None = None,
    ) -> "_Course":
        rows = np.flatnonzero(labels.known)
        own, blank = structure.at(rows), lend(labels.hiding(rows), rows)
        known = own.beside(cross_fitted(lend, labels, rows, options))
        normaliser = normaliser or Normaliser.fit(structure.values, is_plain(known.blocks))
        return cls(
            structure=structure,
            lend=lend,
            labels=labels,
            order=order,
            rows=rows,
            names=known.names,
            blocks=known.blocks,
            normaliser=normaliser,
            known=normaliser(known.values),
            blank=normaliser(own.beside(blank).values),
            options=options,
        )

    def hiding(self, at: Rows) -> "_Course":
        """The course without the labels of some of its rows, which nobody sees then."""
        hidden = self.labels.hiding(self.rows[at])
        return _Course.of(self.structure, self.lend, hidden, self.order, self.options, self.normaliser)

    @property
    def target(self) -> Array:
        return self.labels.target[self.rows]

    @property
    def weight(self) -> Array:
        return self.labels.weight[self.rows]

    @property
    def bunch(self) -> Rows:
        return self.order.bunch[self.rows]

    @property
    def taught(self) -> bool:
        """Whether both classes are there."""
        return len(np.unique(self.target)) == 2

    def fitted(self, at: Rows, steps: int, check: Check | None = None) -> RiskNetwork:
        """A network fitted on some rows; half of a row's weight is its copy without its neighbours' labels.

        It is deaf to the prior. Within a class a bunch has a say by the root of its size.
        """
        noise, deaf = self.options.label_noise, [name == ANCHOR_BLOCK for name in self.blocks]
        x = np.concatenate([self.known[at], self.blank[at]])
        x[:, deaf] = 0.0
        target = np.tile(self.target[at] * (1 - 2 * noise) + noise, 2)
        shape = NetworkShape(inputs=len(self.names), members=self.options.members, width=self.options.width)
        network = new_network(shape, self.blocks, self.options.seed)
        with torch.no_grad():
            network.first.weight[:, deaf] = 0.0
        fit(network, Examples(x, target, np.tile(self._say(at) / 2, 2)), steps, self.options, check)
        return network

    def _say(self, at: Rows) -> Array:
        """Weights of some rows: as their labels count, shared out within a class among its bunches."""
        target, weight = self.target[at], self.weight[at]
        say = weight * by_root_of_size(target, self.bunch[at])
        for value in np.unique(target):
            of_class = target == value
            say[of_class] *= weight[of_class].sum() / say[of_class].sum()
        return say

    def without_labels_of(self, at: Rows) -> NDArray[np.float32]:
        """Normalised channels of some rows when nobody sees any of their labels."""
        rows = self.rows[at]
        held = self.structure.at(rows).beside(self.lend(self.labels.hiding(rows), rows))
        return self.normaliser(held.values)

    def model(self, network: RiskNetwork, steps: int, calibration: Calibration, metrics: dict[str, float]) -> RiskModel:
        """The network with all that it needs to score."""
        malicious = int(self.target.sum())
        return RiskModel(
            shape=network.shape,
            weights=weights_of(network),
            normaliser=self.normaliser,
            names=self.names,
            blocks=self.blocks,
            calibration=calibration,
            card={"steps": steps, "labels": len(self.rows), "malicious": malicious, "validation": metrics},
        )


def _beside_prior(course: _Course) -> RiskModel:
    """The prior's opinion, and that of a network of the home's own as far as held-out labels bear it out."""
    target, weight, anchor = course.target, course.weight, course.blocks.index(ANCHOR_BLOCK)
    before, own = _held_out(course, anchor)
    gain = second_opinion(before, own, target, weight)
    margins = before + gain * own
    calibration = calibrate(margins, target, weight)
    metrics = {**_validation(margins, calibration, target, weight), "heard": gain}
    network = course.fitted(np.arange(len(course.rows)), course.options.steps)
    heard = replace(network.shape, anchor=anchor, anchor_scale=ANCHOR_UNIT, gain=gain)
    return replace(course.model(network, course.options.steps, calibration, metrics), shape=heard)


def _held_out(course: _Course, anchor: int) -> tuple[Array, Array]:
    """Margins of the prior and of networks of the home's own, shape (labelled rows,) each.

    Rows of a bunch are held out together, so that whoever tells a row's label has seen none that shares its evidence.
    """
    part = _parts(course.bunch, course.options.seed)
    before, own = np.zeros(len(part)), np.zeros(len(part))
    for held in np.unique(part):
        at = np.flatnonzero(part == held)
        others = course.hiding(at)
        channels = course.without_labels_of(at)
        before[at] = ANCHOR_UNIT * channels[:, anchor]
        if others.taught:
            network = others.fitted(np.arange(len(others.rows)), course.options.steps)
            own[at] = network.shape.bounded(torch.from_numpy(network.margins(channels))).numpy()
    return before, own


def _parts(bunch: Rows, seed: int) -> Rows:
    """The part of each row, shape (rows,): rows of a bunch are in the same; fewer parts where there are many rows."""
    bunches, number = np.unique(bunch, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(bunches))
    return np.asarray(order[number] % (PARTS if len(bunch) < MANY_LABELS else FEW_PARTS), dtype=np.int64)


def _stopped_early(course: _Course) -> RiskModel:
    """A network by itself, for as many steps as are best for the rows that started last, which also calibrate it.

    With too few labels to hold any out, half of the steps.
    """
    everything, target, weight = np.arange(len(course.rows)), course.target, course.weight
    early, late = _by_time(course.order.started[course.rows], target, course.options)
    if len(course.rows) < LEAST_FOR_VALIDATION or len(np.unique(target[early])) < 2:
        calibration = Calibration(label_prior=float(np.average(target, weights=weight)))
        steps = course.options.steps // 2
        return course.model(course.fitted(everything, steps), steps, calibration, {})
    held = course.without_labels_of(late)
    seen: list[tuple[int, Array]] = []

    def check(step: int, network: RiskNetwork) -> None:
        seen.append((step, network.margins(held).astype(np.float64)))

    course.fitted(early, course.options.steps, check)
    told = [(margins, calibrate(margins, target[late], weight[late])) for _, margins in seen]
    tried = [_validation(margins, calibration, target[late], weight[late]) for margins, calibration in told]
    best = int(np.argmin([metrics["log_loss"] for metrics in tried]))
    steps, calibration, metrics = seen[best][0], told[best][1], tried[best]
    return course.model(course.fitted(everything, steps), steps, calibration, metrics)


def _by_time(started: Array, target: Array, options: TrainOptions) -> tuple[Rows, Rows]:
    """Labelled rows before and after a moment, both classes on both sides; the later side validates."""
    order = np.argsort(started, kind="stable")
    late = np.zeros(len(order), dtype=bool)
    for value in (0.0, 1.0):
        of_class = order[target[order] == value]
        late[of_class[int(len(of_class) * (1 - options.validation_share)) :]] = True
    return np.flatnonzero(~late), np.flatnonzero(late)


def _validation(margins: Array, calibration: Calibration, target: Array, weight: Array) -> dict[str, float]:
    """What held-out labels say of the calibrated margins: log loss, expected calibration error, how many they are."""
    logits = calibration.logits(margins, calibration.label_prior)
    loss = float(np.average(np.logaddexp(0, logits) - target * logits, weights=weight))
    return {"log_loss": loss, "rows": float(len(target)), "ece": expected_calibration_error(sigmoid(logits), target)}
