"""What campaigns look like anywhere: a small network that ships, taught on simulated worlds only, never on real mail.

Its margin is one more channel of every sender. The home's own labels decide how far to trust it; where there are no
labels yet, it is all there is. How it is taught: `gnn.teach_prior`.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path

from gnn import registry
from gnn.features import Channels, channels
from gnn.model import ANCHOR_BLOCK, RiskModel
from gnn.network import Normaliser
from gnn.propagate import Propagated, propagate
from graph.errors import ModelError
from graph.evidence import Evidence
from graph.values import Window

SHIPPED = Path(__file__).parent / "prior"
MARGIN_SCALE = 2.0  # margins go up to ±15; the channel is of the size of the others


def propagate_informed(window: Window, evidence: Evidence) -> Propagated:
    """Everything about a window that needs no label, the prior's margin as a channel of its own among it."""
    propagated = propagate(window, evidence)
    return replace(propagated, structure=propagated.structure.beside(prior_channel(propagated.structure)))


def prior_channel(structure: Channels) -> Channels:
    """The prior's margin of every sender, divided by `MARGIN_SCALE`: the block that a home's network starts from."""
    return channels({"margin": prior_for(structure).margins(structure) / MARGIN_SCALE}, ANCHOR_BLOCK)


def prior_for(structure: Channels) -> RiskModel:
    """The shipped prior, normalised to a window. Raises ModelError where the window's channels are others."""
    model = shipped()
    own = Channels(structure.values[:, : len(model.names)], model.names, model.blocks)
    if structure.names[: len(model.names)] != model.names:
        raise ModelError(
            str(SHIPPED), "was taught on other channels", "Teach it again: python -m gnn.teach_prior gnn/prior"
        )
    return replace(model, normaliser=Normaliser.fit(own.values, model.normaliser.plain))


@cache
def shipped() -> RiskModel:
    """The prior that ships with this version."""
    return registry.read(SHIPPED)
