"""What campaigns look like anywhere: a small network that ships, taught on simulated worlds only, never on real mail.

Its margin is one more channel of every sender. The home's own labels decide how far to trust it; where there are no
labels yet, it is all there is. How it is taught: `gnn.teach_prior`.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path

from gnn import registry
from gnn.features import Channels, channels
from gnn.labels import Labels, Rows
from gnn.model import ANCHOR_BLOCK, MARGIN_SCALE, RiskModel
from gnn.network import Normaliser
from gnn.propagate import Propagated, label_channels, propagate
from graph.errors import ModelError
from graph.evidence import Evidence
from graph.values import Window

SHIPPED = Path(__file__).parent / "prior"


def propagate_informed(window: Window, evidence: Evidence) -> Propagated:
    """Everything about a window that needs no label, with the shipped prior ready to be asked about it."""
    propagated = propagate(window, evidence)
    return replace(propagated, prior=prior_for(propagated.structure))


def lent(propagated: Propagated, labels: Labels, rows: Rows | None = None) -> Channels:
    """What known labels tell of some senders (all by default): lent over the relations, and the prior's opinion.

    The prior's margin, divided by `MARGIN_SCALE`, is the block that a home's network starts from. It is worked out
    from the structure and from these labels, so it too never sees a row's own label over one hop.
    """
    told = label_channels(propagated, labels.malicious, labels.benign, rows)
    if propagated.prior is None:
        return told
    structure = propagated.structure if rows is None else propagated.structure.at(rows)
    margin = propagated.prior.margins(structure, told)
    return told.beside(channels({"margin": margin / MARGIN_SCALE}, ANCHOR_BLOCK))


def prior_for(structure: Channels) -> RiskModel:
    """The shipped prior, normalised to a window. Raises ModelError where the window's channels are others."""
    return fitted_to(structure, shipped())


def fitted_to(structure: Channels, model: RiskModel) -> RiskModel:
    """A prior, normalised to a window. Raises ModelError where the window's channels are others."""
    if model.names[: len(structure.names)] != structure.names:
        raise ModelError(
            str(SHIPPED), "was taught on other channels", "Teach it again: python -m gnn.teach_prior gnn/prior"
        )
    return replace(model, normaliser=Normaliser.fit(structure.values, model.normaliser.plain))


@cache
def shipped() -> RiskModel:
    """The prior that ships with this version."""
    return registry.read(SHIPPED)
