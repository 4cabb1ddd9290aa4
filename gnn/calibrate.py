"""From margins to probabilities: Platt scaling and a correction for prevalence. Knows margins, not features.

Platt 1999; prior correction by expectation maximisation: Saerens, Latinne, Decaestecker 2002, Neural Computation 14(1).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

NEWTON_STEPS = 50
RIDGE = 1.0  # pseudo-observation that keeps slope near 1 where few labels say otherwise
PRIOR_ROUNDS = 100
LEAST_PRIOR, MOST_PRIOR = 1e-4, 0.95


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
        """The prevalence that explains unlabelled margins best (EM of Saerens et al., equations 2.6–2.9)."""
        base = self.logits(margins, self.label_prior)
        prior = self.label_prior
        for _ in range(PRIOR_ROUNDS):
            now = float(sigmoid(base + log_odds(prior) - log_odds(self.label_prior)).mean()) if len(base) else prior
            now = float(np.clip(now, LEAST_PRIOR, MOST_PRIOR))
            if abs(now - prior) < 1e-7:
                break
            prior = now
        return prior


def calibrate(margins: Array, target: Array, weight: Array) -> Calibration:
    """Slope and offset by penalised logistic regression on held-out margins (Newton steps); slope at least 0.05."""
    prior = float(np.clip(np.average(target, weights=weight), 0.001, 0.999)) if len(target) else 0.5
    if len(target) < 10 or len(np.unique(target)) < 2:
        return Calibration(label_prior=prior)
    design = np.stack([margins, np.ones_like(margins)], axis=1)
    beta, anchor = np.array([1.0, 0.0]), np.array([1.0, 0.0])
    for _ in range(NEWTON_STEPS):
        p = sigmoid(design @ beta)
        gradient = design.T @ (weight * (p - target)) + RIDGE * (beta - anchor)
        hessian = (design * (weight * p * (1 - p))[:, None]).T @ design + RIDGE * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        beta = beta - np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-9:
            break
    return Calibration(float(max(beta[0], 0.05)), float(beta[1]), prior)


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
