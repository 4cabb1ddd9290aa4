"""Boosted trees: on a sender alone, on its neighbours' means, on the network's own channels."""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

from gnn.calibrate import log_odds
from gnn.features import Channels
from gnn.fit import TrainOptions
from gnn.metrics import Scores
from gnn.references.detector import OWN, PROPAGATION
from gnn.scene import Scene
from gnn.train import cross_fitted
from graph.evidence import Evidence, Relation

Array = NDArray[np.float64]
Floats = NDArray[np.float32]

TREE_THREADS = 1  # on a busy machine OpenMP threads spin while they wait for each other: ten times the CPU seconds
TREES, TREE_RATE, TREE_LEAVES, TREE_LEAST, TREE_RIDGE = 200, 0.06, 15, 5, 1.0
HOPS = 2


class OwnTrees:
    """Boosted trees on what each sender shows by itself."""

    name, needs = "no-graph trees", OWN

    def fit_predict(self, taught: Scene, asked: Scene, options: TrainOptions) -> Scores:
        """Log-odds of the trees."""
        return _on_labelled(taught, taught.own(), asked.own(), options)


class TwoHopTrees:
    """Boosted trees on own channels and their means over one and two hops, a relation at a time.

    XGBGraph of GADBench (Tang et al. 2023, arXiv:2306.12251), the benchmark's best detector, with a hop from sender
    over a shared artefact to the other senders that use it.
    """

    name, needs = "two-hop trees", OWN

    def fit_predict(self, taught: Scene, asked: Scene, options: TrainOptions) -> Scores:
        """Log-odds of the trees."""
        lesson = neighbour_means(taught.own(), taught.evidence)
        question = lesson if asked is taught else neighbour_means(asked.own(), asked.evidence)
        return _on_labelled(taught, lesson, question, options)


class GraphTrees:
    """Boosted trees on the very channels that the network gets, labels lent over the graph included."""

    name, needs = "graph trees", PROPAGATION

    def fit_predict(self, taught: Scene, asked: Scene, options: TrainOptions) -> Scores:
        """Log-odds of the trees; labelled rows are shown cross-fitted and blanked, as to the network."""
        lesson = taught.senders
        rows = np.flatnonzero(lesson.known)
        structure = taught.propagated.structure.values[rows]
        crossed = cross_fitted(taught.lend, lesson, rows, options).values
        blank = taught.lend(lesson.hiding(rows)).values[rows]
        x = np.concatenate([np.hstack([structure, crossed]), np.hstack([structure, blank])])
        target, weight = np.tile(lesson.target[rows], 2), np.tile(lesson.weight[rows] / 2, 2)
        question = asked.propagated.structure.beside(asked.lend(asked.senders)).values
        return boosted(x, target, weight, question, options)


def neighbour_means(own: Channels, evidence: Evidence) -> Channels:
    """Own channels, and over each relation the means of those one and two hops away; a hop never returns at once."""
    found = own
    for relation in evidence.relations:
        values = own.values
        for hop in range(1, HOPS + 1):
            values = _others_mean(relation, values)
            block = f"{relation.name}.hop{hop}"
            found = found.beside(Channels(values, tuple(f"{block}.{n}" for n in own.names), (block,) * len(own.names)))
    return found


def _others_mean(relation: Relation, values: Floats) -> Floats:
    """For each sender the mean over its shared artefacts of the mean over the artefact's other users; 0 without any."""
    used = relation.used
    others = relation.degree[used.indices] - 1
    share = np.where(others > 0, 1.0 / np.maximum(others, 1), 0.0)
    shared = np.bincount(np.repeat(np.arange(used.shape[0]), np.diff(used.indptr)), others > 0, used.shape[0])
    weight = sp.csr_matrix((share, used.indices, used.indptr), shape=used.shape)
    own = np.asarray(weight.sum(axis=1)).ravel()
    total = weight @ (used.T @ values) - own[:, None] * values
    return np.asarray(total / np.maximum(shared, 1)[:, None], dtype=np.float32)


def _on_labelled(taught: Scene, lesson: Channels, question: Channels, options: TrainOptions) -> Scores:
    labels = taught.senders
    rows = np.flatnonzero(labels.known)
    return boosted(lesson.values[rows], labels.target[rows], labels.weight[rows], question.values, options)


def boosted(x: Floats, target: Array, weight: Array, question: Floats, options: TrainOptions) -> Scores:
    """Log-odds of gradient-boosted trees for the rows of `question`; even odds where only one class is known."""
    if len(np.unique(target)) < 2:
        return Scores(np.full(len(question), log_odds(0.5)), calibrated=True)
    trees = HistGradientBoostingClassifier(
        max_iter=TREES,
        learning_rate=TREE_RATE,
        max_leaf_nodes=TREE_LEAVES,
        min_samples_leaf=TREE_LEAST,
        l2_regularization=TREE_RIDGE,
        early_stopping=False,
        random_state=options.seed,
    )
    with threadpool_limits(TREE_THREADS, user_api="openmp"):
        trees.fit(x, target, sample_weight=weight)
        return Scores(np.asarray(trees.decision_function(question), dtype=np.float64), calibrated=True)
