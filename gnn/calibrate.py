"""From margins to probabilities: Platt scaling that allows for wrong labels, and a correction for prevalence.

Platt 1999; labels flipped at an unknown rate as in Bootkrajang & Kabán 2012 (label-noise robust logistic regression),
by expectation maximisation; prevalence likewise: Saerens, Latinne, Decaestecker 2002, Neural Computation 14(1). Knows
margins, not features.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NEWTON_STEPS = 5  # in each round
ROUNDS = 30
RIDGE = (50.0, 20.0)  # pseudo-observations that hold the slope at 1 and the offset at 0, as the prior has them:
# verdicts are no fair sample, and what a few dozen say of the rest is wrong as often as right
SECOND, SECOND_RIDGE = 0.1, 5.0  # what a home's own network counts beside the prior until verdicts say otherwise
MOST_SECOND = 4.0  # beyond it the prior says next to nothing
LEAST_SLOPE = 0.5  # verdicts go to what was reported, not to a fair sample: they may flatten a margin by half at most
FLIPPED, KEPT = 2.0, 20.0  # pseudo-labels that were wrong and right: one verdict in eleven, until the home says
PRIOR_ROUNDS = 100
LEAST_PRIOR, MOST_PRIOR = 1e-4, 0.95
USUAL_PRIOR, CAUTION = 0.05, 0.02
LEAST_SPREAD = 4.0  # variance of margins that tell the guilty from the innocent; in worlds and mail it is 15 to 150


@dataclass(frozen=True)
class Calibration:
    """`probability = sigmoid(slope · margin + offset + log prior odds of the window − of the labels)`."""

    slope: float = 1.0
    offset: float = 0.0
    label_prior: float = 0.5

    def logits(self, margins: Array, prior: float) -> Array:
        """Calibrated log-odds under a prevalence `prior`."""
        shift = log_odds(prior) - log_odds(self.label_prior)
        return self.slope * np.asarray(margins, dtype=np.float64) + self.offset + shift

    def prior_of(self, margins: Array) -> float:
        """The prevalence that explains unlabelled margins best (EM of Saerens et al., equations 2.6–2.9).

        The flatter the margins, the less they tell of it: pseudo-nodes of the usual prevalence, as many as a share
        CAUTION / slope² of the nodes, keep it from running away where the model says next to nothing. There are more
        where all margins are alike: that may mean that nobody is guilty, but not that everybody is.
        """
        base = self.logits(margins, self.label_prior)
        spread = float(np.var(margins)) + min(float(np.mean(margins)), 0.0) ** 2 if len(base) else LEAST_SPREAD
        prior, caution = self.label_prior, CAUTION / self.slope**2 / float(np.clip(spread / LEAST_SPREAD, 1e-6, 1.0))
        for _ in range(PRIOR_ROUNDS if len(base) else 0):
            now = float(sigmoid(base + log_odds(prior) - log_odds(self.label_prior)).mean())
            now = (now + caution * USUAL_PRIOR) / (1 + caution)
            now = float(np.clip(now, LEAST_PRIOR, MOST_PRIOR))
            if abs(now - prior) < 1e-7:
                break
            prior = now
        return prior


def calibrate(margins: Array, target: Array, weight: Array) -> Calibration:
    """Slope and offset by penalised logistic regression on held-out margins, some labels wrong.

    A label that the margin flatly contradicts is taken for a mistake instead of flattening everybody's probability.
    """
    prior = float(np.clip(np.average(target, weights=weight), 0.001, 0.999)) if len(target) else 0.5
    if not _tells(target):
        return Calibration(label_prior=prior)
    slope, offset = _regressed(np.stack([margins, np.ones_like(margins)], axis=1), target, weight, (1.0, 0.0), RIDGE)
    return Calibration(float(max(slope, LEAST_SLOPE)), float(offset), prior)


def second_opinion(first: Array, second: Array, target: Array, weight: Array) -> float:
    """How much of a second held-out margin to add to a first one, shape (rows,) each.

    By the same regression on both: the second is held near SECOND of the first, but by little.
    """
    if not _tells(target):
        return 0.0
    design, towards = np.stack([first, second, np.ones_like(first)], axis=1), (1.0, SECOND, 0.0)
    of_first, of_second, _ = _regressed(design, target, weight, towards, (RIDGE[0], SECOND_RIDGE, RIDGE[1]))
    return float(np.clip(of_second / max(of_first, 1 / MOST_SECOND), 0.0, MOST_SECOND))


def _tells(target: Array) -> bool:
    return len(target) >= 10 and len(np.unique(target)) == 2


def _regressed(
    design: Array, target: Array, weight: Array, towards: tuple[float, ...], ridge: tuple[float, ...]
) -> Array:
    """Coefficients of a logistic regression, shape (columns,), some of whose labels were flipped.

    `ridge` pseudo-observations hold each coefficient at `towards`.
    """
    anchor, beta, flip = np.array(towards), np.array(towards), FLIPPED / (FLIPPED + KEPT)
    for _ in range(ROUNDS):
        p = sigmoid(design @ beta)
        said_if_bad, said_if_good = np.where(target > 0, 1 - flip, flip), np.where(target > 0, flip, 1 - flip)
        truly = p * said_if_bad / (p * said_if_bad + (1 - p) * said_if_good)
        now = beta
        for _ in range(NEWTON_STEPS):
            p = sigmoid(design @ now)
            gradient = design.T @ (weight * (p - truly)) + np.array(ridge) * (now - anchor)
            hessian = (design * (weight * p * (1 - p))[:, None]).T @ design + np.diag(ridge)
            now = now - np.clip(np.linalg.solve(hessian, gradient), -1, 1)
        flip = float((FLIPPED + weight @ np.abs(target - truly)) / (FLIPPED + KEPT + weight.sum()))
        moved, beta = float(np.abs(now - beta).max()), now
        if moved < 1e-9:
            break
    return beta


def sigmoid(x: Array) -> Array:
    """The logistic function, safe for large inputs."""
    return np.asarray(0.5 * (1 + np.tanh(np.asarray(x, dtype=np.float64) / 2)))


def log_odds(p: float) -> float:
    """log(p / (1 − p))."""
    return float(np.log(p) - np.log1p(-p))


def expected_calibration_error(probability: Array, target: Array, bins: int = 15) -> float:
    """Mean |confidence − frequency| over equally filled bins, weighted by size (Naeini et al. 2015)."""
    if not len(probability):
        return 0.0
    order = np.argsort(probability, kind="stable")
    parts = np.array_split(order, min(bins, len(order)))
    gaps = [len(part) * abs(probability[part].mean() - target[part].mean()) for part in parts]
    return float(sum(gaps) / len(order))
