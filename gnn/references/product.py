"""The product's own detector, and what is left of it without the graph or without labels."""

import numpy as np

from gnn.features import Channels
from gnn.fit import TrainOptions
from gnn.labels import Labels, Rows
from gnn.metrics import Scores
from gnn.model import ANCHOR_BLOCK, RiskModel
from gnn.references.detector import OWN, PROPAGATION
from gnn.risk import Risk, judge
from gnn.scene import Scene
from gnn.settle import score_settled
from gnn.teach import first_seen, teach
from gnn.train import Order, learnable, train
from graph.campaigns.find import FindOptions, find_groups


class GraphNetwork:
    """The product's own detector; keeps the model of the last fit for the campaign search, and the risk it gave."""

    name, needs = "Ringleader", PROPAGATION

    def __init__(self) -> None:
        self.model: RiskModel | None = None
        self.risk: Risk | None = None

    def fit_predict(self, taught: Scene, asked: Scene, options: TrainOptions) -> Scores:
        """Log-odds before a sender's own verdict is counted, its campaign's risk included as in a refresh."""
        self.model = teach(taught.window, taught.propagated, taught.senders, options)
        risk = score_settled(asked.propagated, asked.evidence, asked.senders, asked.domains, self.model, options)
        groups = find_groups(asked.propagated.burst, risk.senders, FindOptions(seed=options.seed))
        self.risk = judge(risk, groups, asked.evidence, asked.domains)
        return Scores(self.risk.evidence_only, calibrated=True)


class OwnNetwork:
    """The product's network on what each sender shows by itself: what is left of it without the graph."""

    name, needs = "no-graph network", OWN

    def fit_predict(self, taught: Scene, asked: Scene, options: TrainOptions) -> Scores:
        """Log-odds, calibrated and corrected for prevalence as the product's."""
        if not learnable(taught.senders):
            return Scores(np.zeros(asked.window.senders.num_rows), calibrated=True)
        own = taught.own()
        model = train(own, nothing, taught.senders, Order.apart(first_seen(taught.window)), options)
        margins = model.margins(asked.own())
        free = margins[~asked.senders.known]
        prior = model.calibration.prior_of(free if len(free) else margins)
        return Scores(model.calibration.logits(margins, prior), calibrated=True)


class PriorAlone:
    """The network that ships, before a single label of this home: what the labels add is what the product adds."""

    name, needs = "shipped prior alone", PROPAGATION

    def fit_predict(self, taught: Scene, asked: Scene, options: TrainOptions) -> Scores:
        """A ranking: the prior is not calibrated to any home."""
        unknown = asked.senders.hiding(np.flatnonzero(asked.senders.known))
        prior = asked.lend(unknown).only({ANCHOR_BLOCK})
        return Scores(prior.values[:, 0].astype(np.float64), calibrated=False)


def nothing(labels: Labels, rows: Rows | None = None) -> Channels:
    """No channel at all, for these rows or all: what labels tell where nothing is lent."""
    return Channels(np.zeros((len(labels.malicious if rows is None else rows), 0), np.float32), (), ())
