"""Reference detectors that the risk network is measured against. Each knows a scene and its labels, never the truth.

One interface: a name, and `fit_predict` from the scene a detector learns on and the scene it is asked about to a score
for every sender asked about. The product's own network is one of them, so that all are run and timed alike.
"""

import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

from gnn.calibrate import log_odds
from gnn.features import Channels, report_signals
from gnn.fit import TrainOptions
from gnn.metrics import Scores
from gnn.model import ANCHOR_BLOCK, RiskModel
from gnn.risk import Risk, judge, score
from gnn.scene import Scene
from gnn.teach import first_seen, teach
from gnn.train import cross_fitted, learnable, train
from graph.campaigns.find import FindOptions, find_groups

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Ids = NDArray[np.int64]

TREE_THREADS = 1  # on a busy machine OpenMP threads spin while they wait for each other: ten times the CPU seconds
TREES, TREE_RATE, TREE_LEAVES, TREE_LEAST, TREE_RIDGE = 200, 0.06, 15, 5, 1.0
REPORT_MESSAGES = 20.0  # messages behind the prior of a report rate: one report of one message is no certainty


class Detector(Protocol):
    """A way to tell malicious senders."""

    @property
    def name(self) -> str: ...
    def fit_predict(self, taught: Scene, asked: Scene, options: TrainOptions) -> Scores: ...


@dataclass(frozen=True)
class Timed:
    """What a detector said, and the CPU seconds of fitting and scoring, all threads together."""

    name: str
    scores: Scores
    cpu_seconds: float


def run(detector: Detector, taught: Scene, asked: Scene, options: TrainOptions) -> Timed:
    """One detector, timed."""
    began = time.process_time()
    scores = detector.fit_predict(taught, asked, options)
    return Timed(detector.name, scores, time.process_time() - began)


class GraphNetwork:
    """The product's own detector; keeps the model and the risk of the last fit for the campaign search."""

    name = "Ringleader"

    def __init__(self) -> None:
        self.model: RiskModel | None = None
        self.risk: Risk | None = None

    def fit_predict(self, taught: Scene, asked: Scene, options: TrainOptions) -> Scores:
        """Log-odds before a sender's own verdict is counted, its campaign's risk included as in a refresh."""
        self.model = teach(taught.window, taught.propagated, taught.senders, options)
        self.risk = score(asked.propagated, asked.evidence, asked.senders, asked.domains, self.model)
        groups = find_groups(asked.evidence, self.risk.senders, FindOptions(seed=options.seed))
        judged = judge(self.risk, groups, asked.evidence, asked.domains)
        return Scores(judged.evidence_only, calibrated=True)


class ReportsPerSender:
    """Smoothed rate of distinct reporters: what a service has that looks at senders alone and learns nothing."""

    name = "reports per sender"

    def fit_predict(self, taught: Scene, asked: Scene, options: TrainOptions) -> Scores:
        """A ranking, no probability."""
        signals = report_signals(asked.window)
        net = np.maximum(signals["junk"] - signals["not_junk"], 0.0)
        return Scores(net / (signals["messages"] + REPORT_MESSAGES), calibrated=False)


class OwnTrees:
    """Boosted trees on what each sender shows by itself."""

    name = "no-graph trees"

    def fit_predict(self, taught: Scene, asked: Scene, options: TrainOptions) -> Scores:
        """Log-odds of the trees."""
        lesson = taught.senders
        rows = np.flatnonzero(lesson.known)
        return _trees(taught.own().values[rows], lesson.target[rows], lesson.weight[rows], asked.own().values, options)


class GraphTrees:
    """Boosted trees on the very channels that the network gets, labels lent over the graph included."""

    name = "graph trees"

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
        return _trees(x, target, weight, question, options)


class OwnNetwork:
    """The product's network on what each sender shows by itself: what is left of it without the graph."""

    name = "no-graph network"

    def fit_predict(self, taught: Scene, asked: Scene, options: TrainOptions) -> Scores:
        """Log-odds, calibrated and corrected for prevalence as the product's."""
        if not learnable(taught.senders):
            return Scores(np.zeros(asked.window.senders.num_rows), calibrated=True)
        own = taught.own()
        model = train(
            own, lambda labels: nothing(len(labels.malicious)), taught.senders, first_seen(taught.window), options
        )
        margins = model.margins(asked.own())
        free = margins[~asked.senders.known]
        prior = model.calibration.prior_of(free if len(free) else margins)
        return Scores(model.calibration.logits(margins, prior), calibrated=True)


class PriorAlone:
    """The network that ships, before a single label of this home: what the labels add is what the product adds."""

    name = "shipped prior alone"

    def fit_predict(self, taught: Scene, asked: Scene, options: TrainOptions) -> Scores:
        """A ranking: the prior is not calibrated to any home."""
        prior = asked.propagated.structure.only({ANCHOR_BLOCK})
        return Scores(prior.values[:, 0].astype(np.float64), calibrated=False)


def references() -> tuple[Detector, ...]:
    """The detectors that the product is measured against."""
    return (ReportsPerSender(), OwnTrees(), OwnNetwork(), GraphTrees(), PriorAlone())


def nothing(rows: int) -> Channels:
    """No channel at all."""
    return Channels(np.zeros((rows, 0), np.float32), (), ())


def _trees(x: Floats, target: Array, weight: Array, question: Floats, options: TrainOptions) -> Scores:
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
