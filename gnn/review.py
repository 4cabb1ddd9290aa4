"""Verdicts that the evidence contradicts, for somebody to look at again. Changes no verdict and no risk.

Confident learning (Northcutt, Jiang, Chuang 2021, J. Artif. Intell. Res. 70, section 3.1): a label is doubted where the
probability of the other class is as high as it is on average among those labelled so. The probability is worked out
without the sender's own verdict and without those of its fold, by the shipped prior with all other verdicts lent.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gnn.calibrate import calibrate, sigmoid
from gnn.fit import TrainOptions
from gnn.labels import Labels
from gnn.model import ANCHOR_BLOCK, MARGIN_SCALE
from gnn.scene import Scene
from gnn.train import cross_fitted, learnable

Array = NDArray[np.float64]
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Doubts:
    """Senders whose verdict is doubted, the most contradicted first, and their risk as if they had none."""

    rows: Ids
    risk: Array


def doubts(scene: Scene, labels: Labels, options: TrainOptions) -> Doubts:
    """The verdicts among `labels` to look at again; none where one class is known too little to say what is usual."""
    if scene.propagated.prior is None or not learnable(labels):
        return Doubts(np.zeros(0, np.int64), np.zeros(0))
    rows = np.flatnonzero(labels.known)
    shown = cross_fitted(scene.lend, labels, rows, options).only({ANCHOR_BLOCK})
    margins = MARGIN_SCALE * shown.values[:, 0].astype(np.float64)
    target, weight = labels.target[rows], labels.weight[rows]
    fitted = calibrate(margins, target, weight)
    risk = sigmoid(fitted.logits(margins, fitted.label_prior))
    against = np.where(target > 0, 1 - risk, risk)
    picked = np.flatnonzero(contradicted(risk, target))
    picked = picked[np.argsort(-against[picked], kind="stable")]
    return Doubts(rows[picked], risk[picked])


def contradicted(risk: Array, target: Array) -> Mask:
    """Labels whose other class alone is as probable as it usually is where it is the label, shape (rows,).

    `risk` is the probability of being malicious, `target` 1 where a verdict says so, 0 where it says benign.
    """
    usually_bad, usually_good = risk[target > 0].mean(), (1 - risk[target == 0]).mean()
    bad, good = risk >= usually_bad, 1 - risk >= usually_good
    return np.asarray(np.where(target > 0, good & ~bad, bad & ~good))
