"""Reference detectors that the risk network is measured against. Each knows a scene and its labels, never the truth.

One interface: a name, and `fit_predict` from the scene a detector learns on and the scene it is asked about to a score
for every sender asked about. The product's own network is one of them, so that all are run and timed alike.
"""

from gnn.references.clusters import ComponentReports, LeidenReports, ReportsPerSender
from gnn.references.detector import Detector, Finished, Timed, run
from gnn.references.label_free import LabelFree
from gnn.references.product import GraphNetwork, OwnNetwork, PriorAlone
from gnn.references.sage import HeteroSage
from gnn.references.trees import GraphTrees, OwnTrees, TwoHopTrees

__all__ = [
    "ComponentReports",
    "Detector",
    "Finished",
    "GraphNetwork",
    "GraphTrees",
    "HeteroSage",
    "LabelFree",
    "LeidenReports",
    "OwnNetwork",
    "OwnTrees",
    "PriorAlone",
    "ReportsPerSender",
    "Timed",
    "TwoHopTrees",
    "references",
    "run",
]

SETS = ("quick", "all")


def references(which: str = "quick") -> tuple[Detector, ...]:
    """The detectors that the product is measured against: `quick`, or `all` with end-to-end message passing too."""
    quick: tuple[Detector, ...] = (
        ReportsPerSender(),
        OwnTrees(),
        OwnNetwork(),
        GraphTrees(),
        TwoHopTrees(),
        ComponentReports(),
        LeidenReports(),
        PriorAlone(),
        LabelFree(),
    )
    return (*quick, HeteroSage()) if which == "all" else quick
