"""What density, meetings and synchrony tell alone: a ranking before the first verdict and the first report."""

from gnn.fit import TrainOptions
from gnn.label_free import label_free
from gnn.metrics import Scores
from gnn.references.detector import NOTHING
from gnn.scene import Scene


class LabelFree:
    """The weighted core number of each sender (`gnn.label_free`)."""

    name, needs = "label-free", NOTHING

    def fit_predict(self, taught: Scene, asked: Scene, options: TrainOptions) -> Scores:
        """A ranking, no probability."""
        return Scores(label_free(asked.window), calibrated=False)
