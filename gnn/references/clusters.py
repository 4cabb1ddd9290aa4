"""Clusters of senders that share things, and report rates: of each sender, and of its cluster. Learns nothing."""

import graspologic_native
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from gnn.features import report_signals
from gnn.fit import TrainOptions
from gnn.metrics import Scores
from gnn.references.detector import NOTHING
from gnn.scene import Scene
from graph.evidence import Evidence

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

REPORT_MESSAGES = 20.0  # messages behind the prior of a report rate: one report of one message is no certainty
SHARING = ("linked_to", "sent_from", "carried", "address_at")  # recipients are shared by strangers all the time
HUB_SENDERS = 200  # an artefact of more senders ties nobody: with it everybody is one component
LEAST_MEMBERS = 3  # of what is called a campaign
RING = 20  # members that each member of a crowd is tied to on either side: a clique's edges without their number
ROUNDS = 2


class ReportsPerSender:
    """Smoothed rate of distinct reporters: what a service has that looks at senders alone and learns nothing."""

    name, needs = "reports per sender", NOTHING

    def fit_predict(self, taught: Scene, asked: Scene, options: TrainOptions) -> Scores:
        """A ranking, no probability."""
        return _pooled(asked, np.arange(asked.window.senders.num_rows))


class ComponentReports:
    """Report rate of the connected component of the co-sharing graph, the sender's own reports included."""

    name, needs = "components × reports", NOTHING

    def fit_predict(self, taught: Scene, asked: Scene, options: TrainOptions) -> Scores:
        """A ranking, no probability."""
        return _pooled(asked, components(asked.evidence))


class LeidenReports:
    """Report rate of the Leiden community (modularity) of the co-sharing graph, the sender's own reports included."""

    name, needs = "Leiden × reports", NOTHING

    def fit_predict(self, taught: Scene, asked: Scene, options: TrainOptions) -> Scores:
        """A ranking, no probability."""
        return _pooled(asked, communities(asked.evidence, options.seed))


def campaigns_of(evidence: Evidence, suspects: Ids, seed: int) -> dict[str, Ids]:
    """Campaigns as one would tell them without a model: clusters of the suspects alone, by method.

    Each is the number of every sender's cluster, shape (senders,), −1 where it is in none of three or more.
    """
    ties = sp.csr_matrix(co_sharing(evidence)[suspects][:, suspects])
    found = {"components": components(evidence, suspects), "Leiden": _leiden(ties, seed)}
    return {name: _grouped(clusters, suspects, evidence.days.shape[0]) for name, clusters in found.items()}


def _grouped(clusters: Ids, suspects: Ids, senders: int) -> Ids:
    _, number, size = np.unique(clusters, return_inverse=True, return_counts=True)
    group = np.full(senders, -1, np.int64)
    group[suspects] = np.where(size[number] >= LEAST_MEMBERS, number, -1)
    return group


def components(evidence: Evidence, among: Ids | None = None) -> Ids:
    """Connected component of some senders, all by default, over artefacts of at most `HUB_SENDERS` senders."""
    shared = sp.hstack(_artefacts(evidence), format="csr")
    shared = shared if among is None else shared[among]
    ties = sp.csr_matrix(sp.bmat([[None, shared], [shared.T, None]]))
    return np.asarray(connected_components(ties, directed=False)[1][: shared.shape[0]], dtype=np.int64)


def communities(evidence: Evidence, seed: int) -> Ids:
    """Leiden community of each sender (Traag, Waltman, van Eck 2019), one who shares nothing by itself."""
    return _leiden(co_sharing(evidence), seed)


def _leiden(weights: sp.csr_matrix, seed: int) -> Ids:
    ties = sp.triu(weights, k=1).tocoo()
    group = np.arange(ties.shape[0])
    if not ties.nnz:
        return group
    edges = [
        (str(i), str(j), w) for i, j, w in zip(ties.row.tolist(), ties.col.tolist(), ties.data.tolist(), strict=True)
    ]
    _, found = graspologic_native.leiden(edges, resolution=1.0, use_modularity=True, seed=seed, iterations=ROUNDS)
    for name, label in found.items():
        group[int(name)] = len(group) + label
    return group


def co_sharing(evidence: Evidence) -> sp.csr_matrix:
    """Symmetric rarity log(n / d) summed over the artefacts that two senders share; crowds are linked as rings."""
    senders = evidence.days.shape[0]
    parts = [
        _ring(shared.indices[shared.indptr[at] : shared.indptr[at + 1]].astype(np.int64), senders)
        for shared in (matrix.tocsc() for matrix in _artefacts(evidence))
        for at in np.flatnonzero(np.diff(shared.indptr) >= 2)
    ]
    if not parts:
        return sp.csr_matrix((senders, senders))
    i, j, weight = (np.concatenate(part) for part in zip(*parts, strict=True))
    one_way = sp.csr_matrix((weight, (i, j)), shape=(senders, senders))
    return sp.csr_matrix(one_way + one_way.T)


def _artefacts(evidence: Evidence) -> list[sp.csr_matrix]:
    """Sender × artefact, one matrix a relation, hubs left out."""
    relations = [evidence.relation(name) for name in SHARING]
    return [relation.used[:, relation.degree <= HUB_SENDERS] for relation in relations]


def _ring(members: Ids, senders: int) -> tuple[Ids, Ids, Array]:
    """Pairs of one artefact's users; each pair stands for the clique's pairs that are left out."""
    size = len(members)
    reach = min((size - 1) // 2, RING) or 1
    steps = np.arange(1, reach + 1)
    at = np.arange(size) if size > 2 else np.zeros(1, np.int64)
    i, j = np.repeat(members[at], reach), members[(at[:, None] + steps[None, :]) % size].ravel()
    weight = np.log(max(senders, 2) / size) * (size - 1) / 2 * size / len(i)
    return i, j, np.full(len(i), max(weight, 0.01))


def _pooled(scene: Scene, group: Ids) -> Scores:
    """Distinct reporters of each member against the messages of all, summed over the group; nobody is left out."""
    signals = report_signals(scene.window)
    net, messages = (np.bincount(group, weights=values) for values in (_net(signals), signals["messages"]))
    return Scores((net / (messages + REPORT_MESSAGES))[group], calibrated=False)


def _net(signals: dict[str, Array]) -> Array:
    return np.maximum(signals["junk"] - signals["not_junk"], 0.0)
