"""A plain graph's channels: against sums over Python lists, and the law that no label comes back to its node."""

import networkx as nx
import numpy as np
import pytest
from numpy.typing import NDArray

from gnn.features import Channels
from gnn.labels import Labels
from gnn.network import PLAIN_SCALE, Normaliser
from gnn.plain_graph import PlainGraph, graded, is_scaled, lent, means, positions, structure

Array = NDArray[np.float64]
KITE = np.array([[0, 1], [1, 2], [0, 2], [2, 3]])  # a triangle with a tail


def random_graph(seed: int, nodes: int = 30, chance: float = 0.15) -> PlainGraph:
    edges = np.array(list(nx.gnp_random_graph(nodes, chance, seed=seed).edges), dtype=np.int64)
    return PlainGraph.of(edges, np.random.default_rng(seed).random((nodes, 2)).astype(np.float32))


def neighbours(graph: PlainGraph, node: int) -> list[int]:
    return graph.adjacency[node].indices.tolist()


def column_of(found: Channels, name: str) -> Array:
    return found.values[:, found.names.index(name)].astype(np.float64)


def cliques(size: int = 8) -> PlainGraph:
    """Two cliques and one edge between them."""
    edges = list(nx.barbell_graph(size, 0).edges)
    return PlainGraph.of(np.array(edges), np.zeros((2 * size, 1), np.float32))


def test_an_edge_counts_once_in_either_direction_and_loops_not_at_all() -> None:
    graph = PlainGraph.of(np.array([[0, 1], [1, 0], [0, 1], [2, 2]]), np.zeros((3, 1), np.float32))
    assert graph.adjacency.toarray().tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 0]]


def test_an_edge_to_a_node_without_a_row_is_refused() -> None:
    with pytest.raises(ValueError, match="outside 0 to 2"):
        PlainGraph.of(np.array([[0, 3]]), np.zeros((3, 1), np.float32))


@pytest.mark.parametrize("seed", range(4))
def test_means_are_those_of_a_loop_over_neighbours(seed: int) -> None:
    graph = random_graph(seed)
    found = means(graph.pools()["even"], graph.own, "even", 3)
    signal = graph.own.values[:, 0].astype(np.float64)
    first, second, third = (column_of(found, f"even.hop{hop}.own.0") for hop in (1, 2, 3))
    for node in range(len(signal)):
        near = neighbours(graph, node)
        beyond = [[far for far in neighbours(graph, n) if far != node] for n in near]
        assert first[node] == pytest.approx(np.mean(signal[near]) if near else 0.0, abs=1e-6)
        parts = [np.mean(signal[far]) if far else 0.0 for far in beyond]
        assert second[node] == pytest.approx(np.mean(parts) if parts else 0.0, abs=1e-6)
        assert third[node] == pytest.approx(np.mean(second[near]) if near else 0.0, abs=1e-6)


@pytest.mark.parametrize("way", ["even", "rare", "close"])
def test_a_nodes_own_value_never_reaches_its_first_two_hops(way: str) -> None:
    graph = random_graph(5)
    before = means(graph.pools()[way], graph.own, way, 2).values
    values = graph.own.values.copy()
    values[7] += 100.0
    changed = Channels(values, graph.own.names, graph.own.blocks)
    after = means(graph.pools()[way], changed, way, 2).values
    assert np.allclose(after[7], before[7], atol=1e-4)
    assert not np.allclose(after, before, atol=1e-4)


def test_close_neighbours_weigh_by_the_share_of_common_ones() -> None:
    graph = PlainGraph.of(KITE, np.zeros((4, 1), np.float32))
    pool = graph.pools()["close"]
    weight = dict(zip(zip(pool.row.tolist(), pool.used.indices.tolist(), strict=True), pool.weight, strict=True))
    assert weight[0, 1] == pytest.approx(1 / 3)  # node 2, of 0, 1 and 2
    assert weight[0, 2] == weight[2, 0] == pytest.approx(1 / 4)
    assert weight[2, 3] == 0.0


@pytest.mark.parametrize("seed", range(3))
def test_structure_is_that_of_networkx(seed: int) -> None:
    graph = random_graph(seed)
    peer, found = nx.from_scipy_sparse_array(graph.adjacency), structure(graph)
    nodes = range(peer.number_of_nodes())
    degree, triangles = dict(peer.degree()), nx.triangles(peer)
    assert np.allclose(column_of(found, "structure.degree"), np.log1p([degree[n] for n in nodes]))
    assert np.allclose(column_of(found, "structure.triangles"), np.log1p([triangles[n] for n in nodes]))
    assert np.allclose(column_of(found, "structure.clustering"), [nx.clustering(peer, n) for n in nodes])
    largest = [max((np.log1p(degree[m]) for m in peer[n]), default=0.0) for n in nodes]
    smallest = [min((np.log1p(degree[m]) for m in peer[n]), default=0.0) for n in nodes]
    assert np.allclose(column_of(found, "structure.neighbours.largest"), largest)
    assert np.allclose(column_of(found, "structure.neighbours.smallest"), smallest)


def test_structure_of_a_graph_without_edges_is_nothing() -> None:
    assert not structure(PlainGraph.of(np.zeros((0, 2), np.int64), np.zeros((3, 1), np.float32))).values.any()


def test_positions_tell_two_cliques_apart_and_repeat() -> None:
    graph = cliques()
    found = positions(graph, 2).values
    assert set(np.sign(found[:8, 1])) != set(np.sign(found[8:, 1]))
    assert len(set(np.sign(found[:8, 1]))) == len(set(np.sign(found[8:, 1]))) == 1
    assert np.array_equal(found, positions(graph, 2).values)
    assert np.allclose(np.linalg.norm(found, axis=0), 4.0)  # √16


def test_more_positions_than_nodes_are_refused() -> None:
    with pytest.raises(ValueError, match="no 16 leading"):
        positions(cliques(), 16)


def test_graded_columns_rise_one_after_the_other_and_level_outside_their_piece() -> None:
    values = np.sort(np.random.default_rng(2).random((101, 1)), axis=0).astype(np.float32)
    found = graded(Channels(values, ("a",), ("own",)), 4)
    network_sees = Normaliser.fit(found.values, is_scaled(found.blocks))(found.values)
    assert found.blocks == ("own.graded",) * 4
    assert (np.diff(found.values, axis=0) >= 0).all()
    assert network_sees[0].tolist() == [-1] * 4
    assert network_sees[-1].tolist() == pytest.approx([1] * 4)
    assert network_sees[50].tolist() == pytest.approx([1, 1, -1, -1])
    assert abs(found.values).max() <= PLAIN_SCALE


def test_a_column_of_one_value_gives_no_graded_column() -> None:
    assert graded(Channels(np.ones((9, 1), np.float32), ("a",), ("own",)), 4).values.shape == (9, 0)


def test_a_neighbours_label_is_lent_and_a_nodes_own_is_not_over_one_hop() -> None:
    graph = PlainGraph.of(KITE, np.zeros((4, 1), np.float32))
    known = Labels(np.array([0.0, 0.0, 0.0, 1.0]), np.zeros(4))
    found = column_of(lent(graph, known), "cotargets.labels.mean")
    assert found[2] > found[0] == found[1] == found[3]
