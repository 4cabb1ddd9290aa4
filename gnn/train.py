"""A home's model: fitted on what was known at one moment. Knows channels and labels, not where they came from."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from gnn.calibrate import Calibration, calibrate, expected_calibration_error, log_odds, sigmoid
from gnn.features import Channels
from gnn.fit import Check, Examples, TrainOptions, fit
from gnn.labels import Labels, Rows
from gnn.model import ANCHOR_BLOCK, ANCHOR_UNIT, RiskModel, is_plain, new_network, weights_of
from gnn.network import NetworkShape, Normaliser, RiskNetwork

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEAST_OF_A_CLASS = 5  # fewer labels of one class than this teach nothing
LEAST_FOR_VALIDATION = 40
PROVEN = 1.0  # standard errors by which later, unrelated labels must speak for leaving the prior
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
    """Fit, stopping early on the labelled rows that started last, then refit on all.

    `structure` has a row for every node; `lend` makes the channels of given labels, all of plain blocks. Deterministic
    for a seed. Where labels show one class or none, every margin is 0.
    """
    course = _Course.of(structure, lend, labels, options)
    if not course.taught:
        untaught = Calibration(offset=log_odds(UNTAUGHT_RISK), label_prior=UNTAUGHT_RISK)
        network = new_network(NetworkShape(inputs=len(course.blocks)), course.blocks, options.seed)
        torch.nn.init.zeros_(network.out.weight)  # every margin 0: the prior alone speaks
        return course.model(network, 0, untaught, {})
    early, late = _by_time(order.started[course.rows], course.target, options)
    shape = course.shape(early)
    steps, calibration, metrics = _validated(course, shape, early, late, order.bunch[course.rows])
    return course.model(course.fitted(shape, np.arange(len(course.rows)), steps), steps, calibration, metrics)


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
    rows: Rows
    names: tuple[str, ...]
    blocks: tuple[str, ...]
    normaliser: Normaliser
    known: NDArray[np.float32]
    blank: NDArray[np.float32]
    options: TrainOptions

    @classmethod
    def of(cls, structure: Channels, lend: LabelChannels, labels: Labels, options: TrainOptions) -> "_Course":
        rows = np.flatnonzero(labels.known)
        own, blank = structure.at(rows), lend(labels.hiding(rows), rows)
        known = own.beside(cross_fitted(lend, labels, rows, options))
        normaliser = Normaliser.fit(structure.values, is_plain(known.blocks))
        return cls(
            structure=structure,
            lend=lend,
            labels=labels,
            rows=rows,
            names=known.names,
            blocks=known.blocks,
            normaliser=normaliser,
            known=normaliser(known.values),
            blank=normaliser(own.beside(blank).values),
            options=options,
        )

    @property
    def target(self) -> Array:
        return self.labels.target[self.rows]

    @property
    def weight(self) -> Array:
        return self.labels.weight[self.rows]

    @property
    def taught(self) -> bool:
        """Whether both classes are there."""
        return len(np.unique(self.target)) == 2

    def shape(self, early: Rows) -> NetworkShape:
        """The network's shape; where there is a shipped prior it starts from it, scaled to the early labels."""
        shape = NetworkShape(inputs=len(self.names), members=self.options.members, width=self.options.width)
        if ANCHOR_BLOCK not in self.blocks:
            return shape
        anchor = self.blocks.index(ANCHOR_BLOCK)
        before = ANCHOR_UNIT * self.known[early, anchor].astype(np.float64)
        fitted = calibrate(before, self.target[early], self.weight[early])
        return replace(shape, anchor=anchor, anchor_scale=ANCHOR_UNIT * fitted.slope, anchor_bias=fitted.offset)

    def fitted(self, shape: NetworkShape, at: Rows, steps: int, check: Check | None = None) -> RiskNetwork:
        """A network fitted on some rows; half of a row's weight is its copy without its neighbours' labels."""
        noise = self.options.label_noise
        x = np.concatenate([self.known[at], self.blank[at]])
        target = np.tile(self.target[at] * (1 - 2 * noise) + noise, 2)
        network = new_network(shape, self.blocks, self.options.seed)
        fit(network, Examples(x, target, np.tile(self.weight[at] / 2, 2)), steps, self.options, check)
        return network

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


def _by_time(started: Array, target: Array, options: TrainOptions) -> tuple[Rows, Rows]:
    """Labelled rows before and after a moment, both classes on both sides; the later side validates."""
    order = np.argsort(started, kind="stable")
    late = np.zeros(len(order), dtype=bool)
    for value in (0.0, 1.0):
        of_class = order[target[order] == value]
        late[of_class[int(len(of_class) * (1 - options.validation_share)) :]] = True
    return np.flatnonzero(~late), np.flatnonzero(late)


def _validated(
    course: _Course, shape: NetworkShape, early: Rows, late: Rows, bunch: Rows
) -> tuple[int, Calibration, dict[str, float]]:
    """Steps with the least loss on the later slice, whose labels nobody saw; calibration on the same slice.

    With too few labels for a slice the network stays at the prior, or, without one, takes half of the steps.
    """
    unproven = 0 if shape.anchor >= 0 else course.options.steps // 2
    if len(course.rows) < LEAST_FOR_VALIDATION or len(np.unique(course.target[early])) < 2:
        prior = float(np.average(course.target, weights=course.weight))
        return unproven, Calibration(label_prior=prior), {}
    held = course.without_labels_of(late)
    target, weight = course.target[late], course.weight[late]
    seen: list[tuple[int, Array]] = []

    def check(step: int, network: RiskNetwork) -> None:
        seen.append((step, network.margins(held).astype(np.float64)))

    course.fitted(shape, early, course.options.steps, check)
    steps, margins, loss = _chosen(seen, target, weight, bunch[late], ~np.isin(bunch[late], bunch[early]))
    calibration = calibrate(margins, target, weight)
    probability = sigmoid(calibration.logits(margins, calibration.label_prior))
    metrics = {"log_loss": loss, "rows": float(len(late)), "ece": expected_calibration_error(probability, target)}
    return steps, calibration, metrics


def _chosen(
    seen: list[tuple[int, Array]], target: Array, weight: Array, bunch: Rows, unmet: Mask
) -> tuple[int, Array, float]:
    """Steps, margins and loss of the best moment; the first moment, the prior, unless the best beats it beyond noise.

    Judged by `unmet` rows, which share no evidence with those learnt from, and after calibration: what counts is who is
    above whom. Noise is PROVEN standard errors of the paired difference, rows of one bunch taken together.
    """
    losses = [_calibrated_losses(margins, target, weight) for _, margins in seen]
    best = int(np.argmin([float(np.average(loss, weights=weight)) for loss in losses]))
    gain = weight * (losses[0] - losses[best]) * unmet
    by_bunch = np.bincount(np.unique(bunch, return_inverse=True)[1], weights=gain)
    least = min(target[unmet].sum(), (1 - target[unmet]).sum())
    if least < LEAST_OF_A_CLASS or gain.sum() <= PROVEN * float(np.sqrt((by_bunch**2).sum())):
        best = 0
    return seen[best][0], seen[best][1], float(np.average(losses[best], weights=weight))


def _calibrated_losses(margins: Array, target: Array, weight: Array) -> Array:
    """Log loss of each row after Platt scaling."""
    fitted = calibrate(margins, target, weight)
    logits = fitted.logits(margins, fitted.label_prior)
    return np.asarray(np.logaddexp(0, logits) - target * logits)
