"""A plain graph, one kind of node and of edge, as channels for the risk network. Knows no mail and no benchmark.

Its one relation is node × node, and goes through the pools of `gnn.propagate` as any other: a neighbour takes the
artefact's place. Nothing here sees a label except `lent`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import networkx as nx
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import eigsh
from torch_geometric.data import HeteroData

from gnn.features import Channels, channels
from gnn.labels import Labels
from gnn.model import is_plain
from gnn.network import PLAIN_SCALE
from gnn.propagate import Pool, Propagated, label_channels
from gnn.usage import Usage
from graph.evidence import Evidence

Array = NDArray[np.float64]

RELATION = "adjacent"
DENSE_NODES = 500
GRADED = "graded"  # ends the name of a block that is scaled already


@dataclass(frozen=True)
class PlainGraph:
    """An undirected graph: `adjacency` is node × node, symmetric, ones, its diagonal empty; a row of `own` a node.

    `common[e]` counts the neighbours that the two ends of entry `e` of the matrix share.
    """

    adjacency: sp.csr_matrix
    own: Channels
    common: Array

    @staticmethod
    def of(edges: NDArray[np.int64], columns: NDArray[np.float32]) -> "PlainGraph":
        """From node pairs (edges × 2), in any direction, and columns (nodes × columns); loops and repeats count
        nothing. Raises ValueError where an edge names a node that has no row."""
        nodes = len(columns)
        if len(edges) and not 0 <= edges.min() <= edges.max() < nodes:
            raise ValueError(f"an edge names a node outside 0 to {nodes - 1}")
        apart = edges[edges[:, 0] != edges[:, 1]]
        both = np.concatenate([apart, apart[:, ::-1]])
        adjacency = sp.csr_matrix((np.ones(len(both)), (both[:, 0], both[:, 1])), shape=(nodes, nodes))
        adjacency.data[:] = 1.0
        adjacency.sort_indices()
        return PlainGraph(adjacency, _block(columns, "own"), _common(adjacency))

    def pools(self) -> dict[str, Pool]:
        """One relation, three ways to weigh a neighbour: `even`; `rare`, by log(n / degree); `close`, by the share of
        common neighbours (Jaccard), which is 0 for an edge in no triangle."""
        pool = Pool.of(RELATION, self.adjacency)
        return {
            "even": replace(pool, weight=np.ones(len(pool.row))),
            "rare": pool,
            "close": replace(pool, weight=self._jaccard(pool)),
        }

    def _jaccard(self, pool: Pool) -> Array:
        """Common neighbours over all neighbours of either end."""
        degree = np.diff(self.adjacency.indptr)
        return np.asarray(self.common / (degree[pool.row] + degree[self.adjacency.indices] - self.common))


def means(pool: Pool, signals: Channels, block: str, hops: int) -> Channels:
    """Weighted means of columns over neighbours, a block a hop.

    The second hop is the mean over a neighbour's other neighbours, never the node itself; each one after it is the
    neighbours' mean of the hop before.
    """
    found = Channels(np.zeros((len(signals.values), 0), np.float32), (), ())
    values = np.zeros(0)
    for hop in range(1, hops + 1):
        source = values if hop > 2 else signals.values.astype(np.float64)
        values = np.stack([_hop(pool, column, hop) for column in source.T], axis=1)
        found = found.beside(_block(values, f"{block}.hop{hop}", signals.names))
    return found


def structure(graph: PlainGraph) -> Channels:
    """What the shape of the graph around a node tells: degrees, triangles, cores, closeness to its neighbours."""
    pools = graph.pools()
    even, close = pools["even"], pools["close"].weight
    degree = np.diff(graph.adjacency.indptr).astype(np.float64)
    triangles = np.bincount(even.row, weights=graph.common, minlength=len(degree)) / 2
    core = _cores(graph.adjacency)
    log_degree, clustering = np.log1p(degree), 2 * triangles / np.maximum(degree * (degree - 1), 1)
    columns = {
        "degree": log_degree,
        "triangles": np.log1p(triangles),
        "clustering": clustering,
        "core": np.log1p(core),
        "core_share": core / np.maximum(degree, 1),
        "closest": even.most(close),
        "close": even.mean(close),
        "neighbours.largest": even.most(log_degree[even.used.indices]),
        "neighbours.smallest": -even.most(-log_degree[even.used.indices]),
    }
    for name, values in {"degree": log_degree, "clustering": clustering, "core": np.log1p(core)}.items():
        columns[f"neighbours.{name}"] = even.mean(values[even.used.indices])
    return channels(columns, "structure")


def positions(graph: PlainGraph, count: int) -> Channels:
    """Where in the graph a node is: the leading eigenvectors of D^-½ A D^-½, of length √nodes.

    Laplacian eigenmaps (Belkin and Niyogi 2003, Neural Computation 15(6)). The sign of each is set by its largest
    entry, so that a run repeats. Raises ValueError where the graph has no more than `count` nodes.
    """
    nodes = graph.adjacency.shape[0]
    if nodes <= count:
        raise ValueError(f"{nodes} nodes have no {count} leading eigenvectors")
    root = np.maximum(np.diff(graph.adjacency.indptr), 1) ** -0.5
    scaled = sp.csr_matrix(sp.diags(root) @ graph.adjacency @ sp.diags(root))
    if nodes <= DENSE_NODES:  # a small symmetric graph spans so few directions that Lanczos restarts at random
        values, vectors = np.linalg.eigh(scaled.toarray())
    else:
        values, vectors = eigsh(scaled, k=count, which="LA", v0=np.random.default_rng(nodes).normal(size=nodes))
    vectors = vectors[:, np.argsort(-values)[:count]]
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(count)])
    return _block(vectors * signs * nodes**0.5, "positions")


def graded(source: Channels, pieces: int) -> Channels:
    """Every column cut at its quantiles into pieces, each rising through its own piece and level outside.

    Piecewise-linear encoding (Gorishniy et al. 2022, arXiv:2203.05556, section 3.2), which lets a small network turn
    sharply where trees would split. Scaled so that the network sees −1 to 1; a column of one value gives nothing.
    """
    columns = {}
    for name, values in zip(source.names, source.values.T.astype(np.float64), strict=True):
        cuts = np.unique(np.quantile(values, np.linspace(0, 1, pieces + 1)))
        for at, (low, high) in enumerate(pairwise(cuts)):
            columns[name, at] = PLAIN_SCALE * (2 * np.clip((values - low) / (high - low), 0, 1) - 1)
    stacked = np.stack(list(columns.values()), axis=1) if columns else np.zeros((len(source.values), 0))
    block_of = dict(zip(source.names, source.blocks, strict=True))
    names = tuple(f"{name}.{GRADED}{at}" for name, at in columns)
    return Channels(stacked.astype(np.float32), names, tuple(f"{block_of[name]}.{GRADED}" for name, _ in columns))


def lent(graph: PlainGraph, labels: Labels) -> Channels:
    """Known labels lent by neighbours, as `gnn.propagate.label_channels` lends senders'. Over several hops a
    node's own label can come back, so callers hide it fold by fold (`gnn.train.cross_fitted`)."""
    idle = np.zeros((len(graph.own.values), 1), np.float32)
    burst = Evidence((), graph.adjacency, idle, idle)
    whole = Propagated(HeteroData(), (graph.pools()["rare"],), graph.adjacency, graph.own, burst, Usage.none())
    return label_channels(whole, labels.malicious, labels.benign)


def is_scaled(blocks: Sequence[str]) -> NDArray[np.bool_]:
    """Which columns the network must take as they are instead of ranked, shape (columns,)."""
    return np.asarray(is_plain(tuple(blocks)) | np.array([block.endswith(GRADED) for block in blocks], dtype=bool))


def _block(values: NDArray[np.generic], block: str, of: Sequence[str] = ()) -> Channels:
    """Columns as one block, named after the columns that they were made of, or numbered."""
    endings = of or [str(at) for at in range(values.shape[1])]
    return Channels(
        values.astype(np.float32), tuple(f"{block}.{ending}" for ending in endings), (block,) * len(endings)
    )


def _hop(pool: Pool, signal: Array, hop: int) -> Array:
    if hop == 2:
        return pool.mean(pool.others_sum(signal) / np.maximum(pool.others, 1))
    return pool.mean(signal[pool.used.indices])


def _common(adjacency: sp.csr_matrix) -> Array:
    """Common neighbours of each entry's ends, in the order of the matrix."""
    both = sp.csr_matrix((adjacency @ adjacency).multiply(adjacency) + adjacency)  # + 1 keeps every entry stored
    both.sort_indices()
    return np.asarray(both.data - 1, dtype=np.float64)


def _cores(adjacency: sp.csr_matrix) -> Array:
    """Core number of every node (Batagelj and Zaversnik 2003, arXiv:cs/0310049)."""
    cores = nx.core_number(nx.from_scipy_sparse_array(adjacency))
    return np.array([cores[at] for at in range(adjacency.shape[0])], dtype=np.float64)
