"""End-to-end message passing over the typed graph, as PyG offers it: what precomputed propagation must not lose to.

GraphSAGE (Hamilton, Ying, Leskovec 2017, arXiv:1706.02216) with weights of its own for each edge type (R-GCN,
Schlichtkrull et al. 2018), two layers, full batch. Sees structure and reports, no label of a neighbour.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch_geometric.data import HeteroData
from torch_geometric.nn import HeteroConv, SAGEConv
from torch_geometric.transforms import ToUndirected

from gnn.calibrate import log_odds
from gnn.fit import TrainOptions
from gnn.metrics import Scores
from gnn.references.detector import OWN
from gnn.scene import Scene
from gnn.teach import first_seen
from gnn.train import learnable

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
Scales = dict[str, tuple[Tensor, Tensor]]

WIDTH, DROPOUT, RATE, DECAY = 64, 0.3, 5e-3, 1e-3
EPOCHS, CHECK_EVERY, PATIENCE = 200, 5, 6  # checks without gain until it stops
LATE_SHARE = 0.25  # of the labelled rows of each class, by first sight, choose the epoch


class HeteroSage:
    """Two layers of typed SAGE convolutions on `gnn.propagate.carrier`'s graph, 64 wide, stopped early."""

    name, needs = "hetero SAGE (PyG)", OWN

    def fit_predict(self, taught: Scene, asked: Scene, options: TrainOptions) -> Scores:
        """Log-odds of the epoch that does best on the labelled senders that came last."""
        if not learnable(taught.senders):
            return Scores(np.full(asked.window.senders.num_rows, log_odds(0.5)), calibrated=True)
        with _seeded(options.seed):
            lesson = undirected(taught.propagated.data)
            scales = {kind: _scale(lesson[kind].x) for kind in lesson.node_types}
            network = SageNetwork(lesson)
            _fit(network, _scaled(lesson, scales), taught)
            question = lesson if asked is taught else undirected(asked.propagated.data)
            return Scores(_margins(network, _scaled(question, scales)), calibrated=True)


class SageNetwork(nn.Module):
    """Typed graph in, one logit a sender out, shape (senders,)."""

    def __init__(self, data: HeteroData) -> None:
        super().__init__()
        sizes = {kind: int(data[kind].x.shape[1]) for kind in data.node_types}
        self.first = _layer(data, sizes)
        self.second = _layer(data, dict.fromkeys(data.node_types, WIDTH))
        self.drop = nn.Dropout(DROPOUT)
        self.out = nn.Linear(WIDTH, 1)

    def forward(self, data: HeteroData) -> Tensor:
        """Two rounds of messages, then a linear layer on the senders."""
        hidden = {kind: self.drop(x.relu()) for kind, x in self.first(data.x_dict, data.edge_index_dict).items()}
        senders = self.second(hidden, data.edge_index_dict)["sender"]
        logits: Tensor = self.out(self.drop(senders.relu())).squeeze(-1)
        return logits


def undirected(data: HeteroData) -> HeteroData:
    """The typed graph with an edge type back for each from sender to artefact, and no weights on edges."""
    plain = HeteroData()
    for kind in data.node_types:
        plain[kind].x = data[kind].x
    for edge in data.edge_types:
        plain[edge].edge_index = data[edge].edge_index
    both: HeteroData = ToUndirected()(plain)
    return both


def _layer(data: HeteroData, sizes: dict[str, int]) -> nn.Module:
    parts = {
        (source, name, target): SAGEConv((sizes[source], sizes[target]), WIDTH)
        for source, name, target in data.edge_types
    }
    layer: nn.Module = HeteroConv(parts, aggr="sum")
    return layer


def _fit(network: SageNetwork, data: HeteroData, taught: Scene) -> None:
    labels = taught.senders
    early, late = _by_time(np.flatnonzero(labels.known), taught)
    target, weight = torch.from_numpy(labels.target).float(), torch.from_numpy(labels.weight).float()
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    best, kept, waited = float("inf"), copy.deepcopy(network.state_dict()), 0
    for epoch in range(1, EPOCHS + 1):
        network.train()
        optimiser.zero_grad()
        torch.autograd.backward([_loss(network(data), target, weight, early)])
        optimiser.step()
        if epoch % CHECK_EVERY == 0:
            loss = _checked(network, data, target, weight, late)
            waited = 0 if loss < best else waited + 1
            best, kept = (loss, copy.deepcopy(network.state_dict())) if loss < best else (best, kept)
            if waited >= PATIENCE:
                break
    network.load_state_dict(kept)


def _by_time(rows: Rows, taught: Scene) -> tuple[Tensor, Tensor]:
    """Labelled rows seen first early and late, both classes on both sides."""
    ordered = rows[np.argsort(first_seen(taught.window)[rows], kind="stable")]
    late = np.zeros(len(ordered), dtype=bool)
    for value in (0.0, 1.0):
        of_class = np.flatnonzero(taught.senders.target[ordered] == value)
        late[of_class[int(len(of_class) * (1 - LATE_SHARE)) :]] = True
    return torch.from_numpy(ordered[~late]), torch.from_numpy(ordered[late])


def _loss(logits: Tensor, target: Tensor, weight: Tensor, rows: Tensor) -> Tensor:
    return nn.functional.binary_cross_entropy_with_logits(logits[rows], target[rows], weight=weight[rows])


@torch.no_grad()
def _checked(network: SageNetwork, data: HeteroData, target: Tensor, weight: Tensor, rows: Tensor) -> float:
    network.eval()
    return float(_loss(network(data), target, weight, rows))


@torch.no_grad()
def _margins(network: SageNetwork, data: HeteroData) -> Array:
    network.eval()
    return np.asarray(network(data).numpy(), dtype=np.float64)


def _scale(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and deviation of each column; a kind without any node is left as it is."""
    if not len(x):
        return torch.zeros(x.shape[1]), torch.ones(x.shape[1])
    return x.mean(dim=0), x.std(dim=0, correction=0).clamp(min=1e-3)


def _scaled(data: HeteroData, scales: Scales) -> HeteroData:
    out = copy.copy(data)
    for kind, (mean, deviation) in scales.items():
        out[kind].x = ((data[kind].x - mean) / deviation).clamp(-5, 5)
    return out


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """One thread and one seed, so that the sums come out the same everywhere; the caller's are put back."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)
