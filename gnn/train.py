"""Fitting the risk network on what was known at one moment. Knows channels and labels, not where they came from."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gnn.calibrate import Calibration, calibrate, expected_calibration_error, log_odds, sigmoid
from gnn.features import Channels
from gnn.labels import Labels
from gnn.network import NetworkShape, Normaliser, RiskNetwork
from graph.errors import ModelError

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
LabelChannels = Callable[[Labels], Channels]

RETRAIN = "Train a new one: ringleader train --force"
PLAIN_BLOCKS = ("labels", "reports", "prior")  # log-odds already: scaled, not ranked
ANCHOR_BLOCK = "prior"
LEAST_OF_A_CLASS = 5  # fewer labels of one class than this teach nothing
LEAST_FOR_VALIDATION = 40
UNTAUGHT_RISK = 0.01  # of everybody, own verdicts aside, where one class is unknown: there is nothing to tell apart


@dataclass(frozen=True)
class TrainOptions:
    """How the network is fitted. Rates as in AdamW with a one-cycle schedule."""

    seed: int = 7
    steps: int = 160
    rate: float = 3e-3
    decay: float = 1e-2
    folds: int = 5
    validation_share: float = 0.3
    check_every: int = 20
    batch_rows: int = 2_048
    members: int = 4
    width: int = 48
    label_noise: float = 0.02  # share of verdicts taken to be wrong: no single one may pull without bound


@dataclass(frozen=True)
class RiskModel:
    """A fitted network with all it needs to score: plain arrays, no code."""

    shape: NetworkShape
    weights: dict[str, NDArray[np.float32]]
    normaliser: Normaliser
    names: tuple[str, ...]
    blocks: tuple[str, ...]
    calibration: Calibration
    card: dict[str, Any]

    def margins(self, channels: Channels) -> Array:
        """Uncalibrated log-odds, shape (rows,)."""
        return self.margins_of(self.normalised(channels))

    def normalised(self, channels: Channels) -> NDArray[np.float32]:
        """The channels that the model knows, by name and in its order, as the network takes them.

        Raises ModelError where one is missing: the model was fitted by another version.
        """
        missing = set(self.names) - set(channels.names)
        if missing:
            raise ModelError("the risk model", f"needs channels that are gone: {sorted(missing)[:3]}", RETRAIN)
        place = {name: at for at, name in enumerate(channels.names)}
        return self.normaliser(channels.values[:, [place[name] for name in self.names]])

    def margins_of(self, normalised: NDArray[np.float32]) -> Array:
        """Uncalibrated log-odds of normalised channels, shape (rows,)."""
        network = RiskNetwork(self.shape, block_numbers(self.blocks))
        network.load_state_dict({name: torch.from_numpy(value) for name, value in self.weights.items()}, strict=False)
        return network.margins(normalised).astype(np.float64)


def block_numbers(blocks: tuple[str, ...]) -> torch.Tensor:
    """The number of each column's block, in order of first appearance."""
    order = {block: at for at, block in enumerate(dict.fromkeys(blocks))}
    return torch.tensor([order[block] for block in blocks], dtype=torch.int64)


def learnable(labels: Labels) -> bool:
    """Whether both classes are known well enough to learn from."""
    target = labels.target[labels.known]
    return bool(min(target.sum(), len(target) - target.sum()) >= LEAST_OF_A_CLASS)


def train(structure: Channels, lend: LabelChannels, labels: Labels, started: Array, options: TrainOptions) -> RiskModel:
    """Fit, stopping early on the labelled rows that started last, then refit on all.

    `structure` has a row for every node; `lend` makes the label channels for given labels; `started` is a number that
    grows with the time each node was first seen. Deterministic for a seed. Where labels show one class or none, every
    margin is 0.
    """
    rows = np.flatnonzero(labels.known)
    blank = lend(labels.hiding(rows))
    crossed = cross_fitted(lend, labels, rows, options)
    plain = np.array([block.endswith(PLAIN_BLOCKS) for block in structure.blocks + crossed.blocks])
    known = _take(structure, rows).beside(crossed)
    unknown = _take(structure, rows).beside(_take(blank, rows))
    whole = structure.beside(blank)
    normaliser = Normaliser.fit(whole.values, plain)
    lesson = _Lesson(
        normaliser(known.values),
        normaliser(unknown.values),
        labels.target[rows],
        labels.weight[rows],
    )
    early, late = _by_time(started[rows], lesson.target, options)
    shape = _anchored(known, lesson.some(early), options)
    taught = len(np.unique(lesson.target)) == 2
    steps, calibration, metrics = (
        _validate(structure, lend, labels, rows, early, late, lesson, normaliser, shape, known.blocks, options)
        if taught
        else (0, Calibration(offset=log_odds(UNTAUGHT_RISK), label_prior=UNTAUGHT_RISK), {})
    )
    network = _fit(lesson, shape, known.blocks, steps, options)
    if not taught:
        torch.nn.init.zeros_(network.out.weight)  # every margin 0: the prior alone speaks
    return RiskModel(
        shape=shape,
        weights={name: value.numpy().copy() for name, value in network.state_dict().items() if name != "block_of"},
        normaliser=normaliser,
        names=known.names,
        blocks=known.blocks,
        calibration=calibration,
        card={"steps": steps, "labels": len(rows), "malicious": int(lesson.target.sum()), "validation": metrics},
    )


def cross_fitted(lend: LabelChannels, labels: Labels, rows: Rows, options: TrainOptions) -> Channels:
    """Label channels of the labelled rows, each fold computed with that fold's labels hidden.

    So no row's own label reaches it, over any number of hops (METHODS of the lab: pools recomputed inside each fold).
    """
    folds = np.random.default_rng(options.seed).permutation(len(rows)) % options.folds
    values: NDArray[np.float32] | None = None
    for fold in range(options.folds):
        inside = folds == fold
        lent = lend(labels.hiding(rows[inside]))
        if values is None:
            values = np.zeros((len(rows), len(lent.names)), np.float32)
        values[inside] = lent.values[rows[inside]]
    assert values is not None
    return Channels(values, lent.names, lent.blocks)


@dataclass(frozen=True)
class _Lesson:
    """Normalised channels of labelled rows, with and without their neighbours' labels. Unlabelled rows teach nothing:
    among them are the malicious senders still to be found."""

    known: NDArray[np.float32]
    blank: NDArray[np.float32]
    target: Array
    weight: Array

    def some(self, at: Rows) -> "_Lesson":
        return replace(self, known=self.known[at], blank=self.blank[at], target=self.target[at], weight=self.weight[at])


def _take(channels: Channels, rows: Rows) -> Channels:
    return Channels(channels.values[rows], channels.names, channels.blocks)


def _by_time(started: Array, target: Array, options: TrainOptions) -> tuple[Rows, Rows]:
    """Labelled rows before and after a moment, both classes on both sides; the later side validates."""
    order = np.argsort(started, kind="stable")
    late = np.zeros(len(order), dtype=bool)
    for value in (0.0, 1.0):
        of_class = order[target[order] == value]
        late[of_class[int(len(of_class) * (1 - options.validation_share)) :]] = True
    return np.flatnonzero(~late), np.flatnonzero(late)


def _validate(
    structure: Channels,
    lend: LabelChannels,
    labels: Labels,
    rows: Rows,
    early: Rows,
    late: Rows,
    lesson: _Lesson,
    normaliser: Normaliser,
    shape: NetworkShape,
    blocks: tuple[str, ...],
    options: TrainOptions,
) -> tuple[int, Calibration, dict[str, float]]:
    """Steps with the least loss on the later slice, whose labels nobody saw; calibration on the same slice.

    With too few labels for a slice it is half of the steps, uncalibrated.
    """
    if len(rows) < LEAST_FOR_VALIDATION or len(np.unique(lesson.target[early])) < 2:
        prior = float(np.average(lesson.target, weights=lesson.weight))
        return options.steps // 2, Calibration(label_prior=prior), {}
    hidden = lend(labels.hiding(rows[late]))
    held = normaliser(_take(structure, rows[late]).beside(_take(hidden, rows[late])).values)
    target, weight = lesson.target[late], lesson.weight[late]
    seen: list[tuple[int, Array]] = []

    def check(step: int, network: RiskNetwork) -> None:
        seen.append((step, network.margins(held).astype(np.float64)))

    _fit(lesson.some(early), shape, blocks, options.steps, options, check)
    steps, margins, loss = _chosen(seen, target, weight)
    calibration = calibrate(margins, target, weight)
    probability = sigmoid(calibration.logits(margins, calibration.label_prior))
    metrics = {"log_loss": loss, "rows": float(len(late)), "ece": expected_calibration_error(probability, target)}
    return steps, calibration, metrics


def _anchored(known: Channels, lesson: _Lesson, options: TrainOptions) -> NetworkShape:
    """The network's shape, starting from the shipped prior where the channels hold it, scaled to the home's labels."""
    shape = NetworkShape(inputs=len(known.names), members=options.members, width=options.width)
    if ANCHOR_BLOCK not in known.blocks:
        return shape
    anchor = known.blocks.index(ANCHOR_BLOCK)
    fitted = calibrate(lesson.known[:, anchor].astype(np.float64), lesson.target, lesson.weight)
    return replace(shape, anchor=anchor, anchor_scale=fitted.slope, anchor_bias=fitted.offset)


def _chosen(seen: list[tuple[int, Array]], target: Array, weight: Array) -> tuple[int, Array, float]:
    """Steps, margins and loss of the best moment; the first moment, the prior, unless the best beats it beyond noise.

    Judged after calibration: what counts is who is above whom. Noise is one standard error of the paired difference.
    """
    losses = [_calibrated_losses(margins, target, weight) for _, margins in seen]
    mean = [float(np.average(loss, weights=weight)) for loss in losses]
    best = int(np.argmin(mean))
    gain = losses[0] - losses[best]
    error = float(np.std(gain)) / max(len(gain), 1) ** 0.5
    if float(np.average(gain, weights=weight)) <= error:
        best = 0
    return seen[best][0], seen[best][1], mean[best]


def _calibrated_losses(margins: Array, target: Array, weight: Array) -> Array:
    """Log loss of each row after Platt scaling."""
    fitted = calibrate(margins, target, weight)
    logits = fitted.logits(margins, fitted.label_prior)
    return np.asarray(np.logaddexp(0, logits) - target * logits)


def _fit(
    lesson: _Lesson,
    shape: NetworkShape,
    blocks: tuple[str, ...],
    steps: int,
    options: TrainOptions,
    check: Callable[[int, RiskNetwork], None] | None = None,
) -> RiskNetwork:
    """Half of a labelled row's weight is its copy with the neighbours' labels blanked."""
    x = np.concatenate([lesson.known, lesson.blank])
    noise = options.label_noise
    target, weight = np.tile(lesson.target * (1 - 2 * noise) + noise, 2), np.tile(lesson.weight / 2, 2)
    return fit_network(x, target, weight, shape, blocks, steps, options, check)


def fit_network(
    x: NDArray[np.float32],
    target: Array,
    weight: Array,
    shape: NetworkShape,
    blocks: tuple[str, ...],
    steps: int,
    options: TrainOptions,
    check: Callable[[int, RiskNetwork], None] | None = None,
) -> RiskNetwork:
    """AdamW on random batches of normalised channels `x` (rows × columns); `check` is called every few steps.

    One thread: these products are too small to share, and the sums come out the same on every machine.
    """
    with _one_thread():
        torch.manual_seed(options.seed)
        network = RiskNetwork(shape, block_numbers(blocks))
        rows, y, w = torch.from_numpy(x), torch.from_numpy(target).float(), torch.from_numpy(weight).float()
        optimiser = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=options.decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.rate, total_steps=options.steps)
        if check is not None:
            check(0, network)
        for step in range(1, steps + 1):
            network.train()
            optimiser.zero_grad()
            at = torch.randperm(len(rows))[: options.batch_rows]
            torch.autograd.backward([_loss(network(rows[at]), y[at], w[at])])
            optimiser.step()
            schedule.step()
            if check is not None and step % options.check_every == 0:
                check(step, network)
    return network


def _loss(logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Mean weighted cross-entropy over rows and members."""
    each = torch.nn.functional.binary_cross_entropy_with_logits(
        logits, target.expand_as(logits), weight=weight.expand_as(logits), reduction="sum"
    )
    return each / (weight.sum() * len(logits))


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
