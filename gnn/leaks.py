"""Guards against an evaluation that knows its answers. Each raises LeakError; none computes a figure.

What may leak, and how it is caught: the future (two scenes of one moment must be equal whatever came later, and no
label may be younger than its moment), a sender's own label (turned round, it must not move what the sender is shown),
and campaigns on both sides of training and test.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gnn.fit import TrainOptions
from gnn.labels import Labels
from gnn.propagate import label_channels
from gnn.scene import Scene
from gnn.train import cross_fitted
from graph.errors import RingleaderError

Array = NDArray[np.float64]
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]
Times = NDArray[np.datetime64]

PROBES = 2  # labelled senders whose label is turned round: a pool that counts oneself does so for all who share much


class LeakError(RingleaderError):
    """The evaluation would judge by what it has learnt from: its figures would be worthless."""

    def __init__(self, leak: str, reason: str) -> None:
        super().__init__(leak, reason, "This is a fault of Ringleader, not of your data: report it")

    def __reduce__(self) -> tuple[type["LeakError"], tuple[str, str]]:
        return LeakError, (self.thing, self.reason)


@dataclass(frozen=True)
class Checked:
    """A guard that found nothing, and over how many rows it looked."""

    guard: str
    rows: int


def no_late_label(labels: Labels, decided_at: Times, moment: np.datetime64) -> Checked:
    """No sender is labelled whose first verdict came after the moment. `decided_at`: NaT where there is none."""
    late = labels.known & ~np.isnat(decided_at) & (decided_at > moment)
    if late.any():
        raise LeakError("future", f"{late.sum()} senders are labelled by verdicts given after {moment}")
    return Checked("no label from the future", int(labels.known.sum()))


def same_past(one: Scene, other: Scene) -> Checked:
    """Two scenes of one moment, whose events differ only after it, are equal to the last bit."""
    for name in one.window.__dataclass_fields__:
        if isinstance(table := getattr(one.window, name), pa.Table) and not table.equals(getattr(other.window, name)):
            raise LeakError("future", f"what comes later changes {name} of the window")
    for name, here, there in (
        ("channels", one.propagated.structure.values, other.propagated.structure.values),
        ("labels", _label_values(one), _label_values(other)),
        ("label channels", one.lend(one.senders).values, other.lend(other.senders).values),
    ):
        if not np.array_equal(here, there):
            raise LeakError("future", f"what comes later changes {name}")
    return Checked("nothing depends on the future", one.window.senders.num_rows)


def no_own_label(scene: Scene, options: TrainOptions) -> Checked:
    """Turning a sender's label round changes nothing that is shown of it, neither in training nor when it is scored.

    Tried on the labelled senders that share most. A neighbour may see the label; the row itself must not: over one hop
    wherever it is scored, over any number in training.
    """
    rows = np.flatnonzero(scene.senders.known)
    ties = np.sum([pool.ties() for pool in scene.propagated.pools], axis=0)
    probes = np.argsort(-ties[rows], kind="stable")[:PROBES]
    if len(rows):
        _no_direct_label(scene, rows[probes])
        shown = cross_fitted(scene.lend, scene.senders, rows, options).values
    for probe in probes.tolist():
        turned = _turned(scene.senders, int(rows[probe]))
        if not np.array_equal(shown[probe], cross_fitted(scene.lend, turned, rows, options).values[probe]):
            raise LeakError("own label", "the label of a sender reaches the channels that it is learnt from")
    return Checked("no own label", len(probes))


def _no_direct_label(scene: Scene, rows: Ids) -> None:
    """Scored rows: channels of one hop do not move with the row's own label; over two hops it may come back."""
    before = _one_hop(scene, scene.senders)
    for row in rows.tolist():
        if not np.array_equal(before[row], _one_hop(scene, _turned(scene.senders, row))[row]):
            raise LeakError("own label", "the label of a sender reaches the channels that it is scored by")


def _one_hop(scene: Scene, labels: Labels) -> Array:
    found = label_channels(scene.propagated, labels.malicious, labels.benign)
    near = [at for at, name in enumerate(found.names) if "two_hops" not in name]
    return found.values[:, near].astype(np.float64)


def no_common_campaign(campaign: Ids, learnt_from: Mask, asked: Mask, of_domains: Ids) -> Checked:
    """No true campaign has one sender or domain among what was learnt from and a sender among those asked as new.

    `campaign` is that of each sender, `of_domains` those of the labelled domains, −1 for none.
    """
    common = np.intersect1d(np.union1d(campaign[learnt_from], of_domains), campaign[asked])
    common = common[common >= 0]
    if len(common):
        raise LeakError("campaign overlap", f"{len(common)} campaigns called new have members that were learnt from")
    return Checked("no campaign on both sides", int(asked.sum()))


def no_asked_label(labels: Labels, asked: Mask) -> Checked:
    """Nobody who is judged has a label that was learnt from."""
    both = labels.known & asked
    if both.any():
        raise LeakError("own label", f"{both.sum()} senders are judged whose own label is known")
    return Checked("nobody judged is labelled", int(asked.sum()))


def _label_values(scene: Scene) -> Array:
    sides = (scene.senders.malicious, scene.senders.benign, scene.domains.malicious, scene.domains.benign)
    return np.concatenate(sides)


def _turned(labels: Labels, row: int) -> Labels:
    malicious, benign = labels.malicious.copy(), labels.benign.copy()
    malicious[row], benign[row] = labels.benign[row], labels.malicious[row]
    return Labels(malicious, benign)
