"""A scene: a window with all that can be known of it at one moment. Holds labels already given, never the truth."""

from dataclasses import dataclass, replace

from gnn.features import Channels
from gnn.labels import Labels, Rows
from gnn.prior import lent, propagate_informed
from gnn.propagate import Propagated
from graph.evidence import Evidence, Relation
from graph.values import NOBODY_REPORTED, Window

OWN_BLOCKS = {"behaviour", "style", "reports"}  # what a sender shows by itself, without any neighbour


@dataclass(frozen=True)
class Scene:
    """A window, what was computed from it without labels, and the labels known of its senders and domains."""

    window: Window
    evidence: Evidence
    propagated: Propagated
    senders: Labels
    domains: Labels

    def lend(self, labels: Labels, rows: Rows | None = None) -> Channels:
        """What labels tell of some senders, all by default."""
        return lent(self.propagated, labels, rows)

    def own(self) -> Channels:
        """Channels of the senders by themselves."""
        return self.propagated.structure.only(OWN_BLOCKS)


def without(scene: Scene, relations: set[str]) -> Scene:
    """The scene with some relations emptied, co-targeting among them where the recipients go: nothing else can tell.

    Their edges leave the window too, so that nothing worked out from it, as bursts, can tell either.
    """
    emptied = tuple(_emptied(r) if r.name in relations else r for r in scene.evidence.relations)
    cotargets = scene.evidence.cotargets
    if "wrote_to" in relations:
        cotargets = type(cotargets)(cotargets.shape, dtype=cotargets.dtype)
    evidence = replace(scene.evidence, relations=emptied, cotargets=cotargets)
    edges = {name: getattr(scene.window, name).slice(0, 0) for name in relations}
    days = {name: bits[:0] if name in relations else bits for name, bits in scene.window.edge_days.items()}
    who = NOBODY_REPORTED if "wrote_to" in relations else scene.window.reported  # reporters are recipients
    window = replace(scene.window, **edges, edge_days=days, reported=who)
    return replace(scene, evidence=evidence, propagated=propagate_informed(window, evidence))


def _emptied(relation: Relation) -> Relation:
    counts = relation.counts
    return replace(relation, counts=type(counts)(counts.shape, dtype=counts.dtype))
