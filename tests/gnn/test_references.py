"""Reference detectors: each learns from the same labels, none sees a label it must not, each is timed."""

from dataclasses import replace

import numpy as np
import pytest
import small_mail

from gnn.labels import Labels
from gnn.metrics import Ranking, average_precision
from gnn.prior import propagate_informed
from gnn.references import ComponentReports, GraphNetwork, GraphTrees, ReportsPerSender, clusters, references, run
from gnn.references.clusters import campaigns_of, co_sharing, communities, components
from gnn.references.sage import undirected
from gnn.references.trees import neighbour_means
from gnn.scene import OWN_BLOCKS, Scene, without
from gnn.train import cross_fitted

DETECTORS = [GraphNetwork, *(type(detector) for detector in references("all"))]


@pytest.fixture(scope="module")
def scene(lesson: small_mail.Lesson) -> Scene:
    """Half of the labels are known; the other half is the question."""
    rows = np.flatnonzero(lesson.labels.known)
    known = lesson.labels.hiding(rows[::2])
    informed = propagate_informed(lesson.window, lesson.evidence)
    return Scene(lesson.window, lesson.evidence, informed, known, lesson.no_domain_labels)


@pytest.mark.parametrize("kind", DETECTORS, ids=lambda kind: kind.name)
def test_a_detector_scores_every_sender_the_same_way_twice(scene, kind):
    one, again = (run(kind(), scene, scene, small_mail.QUICK).timed for _ in range(2))
    assert one.scores.margins.shape == (scene.window.senders.num_rows,)
    assert np.isfinite(one.scores.margins).all()
    assert np.array_equal(one.scores.margins, again.scores.margins)
    assert one.cpu_seconds >= 0


@pytest.mark.parametrize("kind", DETECTORS, ids=lambda kind: kind.name)
def test_a_detector_copes_with_no_label_at_all(scene, kind):
    size = scene.window.senders.num_rows
    cold = replace(scene, senders=Labels(np.zeros(size), np.zeros(size)))
    assert np.isfinite(run(kind(), cold, cold, small_mail.QUICK).timed.scores.margins).all()


def test_the_graph_helps_on_gangs_that_share_links(scene, lesson):
    hidden = ~scene.senders.known
    found = {}
    for kind in DETECTORS:
        margins = run(kind(), scene, scene, small_mail.QUICK).timed.scores.margins[hidden]
        found[kind.name] = average_precision(*Ranking(margins, lesson.guilty[hidden].astype(float)).curve())
    assert found["Ringleader"] > found["reports per sender"]
    for graph in ("graph trees", "two-hop trees", "hetero SAGE (PyG)"):
        assert found[graph] > found["reports per sender"]
        assert found[graph] > found["no-graph trees"] - 0.05


def test_no_graph_detectors_see_no_channel_of_the_graph(scene):
    assert set(scene.own().blocks) <= OWN_BLOCKS
    assert not any(name.startswith(("linked_to", "sent_from", "wrote_to", "carried")) for name in scene.own().names)


def test_an_own_label_reaches_no_cross_fitted_channel_of_its_row(scene):
    rows = np.flatnonzero(scene.senders.known)
    before = cross_fitted(scene.lend, scene.senders, rows, small_mail.QUICK).values
    for at in (0, len(rows) // 2):
        malicious, benign = scene.senders.malicious.copy(), scene.senders.benign.copy()
        malicious[rows[at]], benign[rows[at]] = benign[rows[at]], malicious[rows[at]]
        after = cross_fitted(scene.lend, Labels(malicious, benign), rows, small_mail.QUICK).values
        assert np.array_equal(before[at], after[at])
    assert not np.array_equal(before, after)


def test_the_graph_trees_are_shown_an_own_label_nowhere_else(scene, monkeypatch):
    """A row's label may move its own training target, not what the trees read of it."""
    import gnn.references.trees as module

    shown = []
    monkeypatch.setattr(module, "boosted", lambda x, target, *rest: shown.append((x, target)) or _nothing(scene))
    rows = np.flatnonzero(scene.senders.known)
    flipped = Labels(scene.senders.malicious.copy(), scene.senders.benign.copy())
    flipped.malicious[rows[0]], flipped.benign[rows[0]] = (
        scene.senders.benign[rows[0]],
        scene.senders.malicious[rows[0]],
    )
    for labels in (scene.senders, flipped):
        there = replace(scene, senders=labels)
        GraphTrees().fit_predict(there, there, small_mail.QUICK)
    (x, target), (x_flipped, target_flipped) = shown
    assert target[0] != target_flipped[0]
    assert np.array_equal(x[[0, len(rows)]], x_flipped[[0, len(rows)]])


def _nothing(scene):
    return np.zeros(scene.window.senders.num_rows)


def test_an_emptied_relation_tells_nothing_any_more(scene):
    blind = without(scene, {"linked_to", "wrote_to"})
    assert blind.evidence.relation("linked_to").counts.nnz == 0
    assert blind.evidence.cotargets.nnz == 0
    at = [i for i, b in enumerate(blind.propagated.structure.blocks) if b.split(".")[0] in ("linked_to", "wrote_to")]
    assert at
    assert not blind.propagated.structure.values[:, at].std(axis=0).any()
    assert scene.evidence.relation("linked_to").counts.nnz > 0


def test_neighbours_means_are_those_of_the_others_counted_by_hand(scene):
    """Over a link: the mean over a sender's shared domains of the mean over the domain's other users; twice."""
    own = scene.own()
    found = neighbour_means(own, scene.evidence)
    used = scene.evidence.relation("linked_to").used.toarray()

    def hop(values):
        out = np.zeros_like(values)
        for sender in range(len(used)):
            means = []
            for domain in np.flatnonzero(used[sender]):
                others = np.flatnonzero(used[:, domain])
                others = others[others != sender]
                means += [values[others].mean(axis=0)] if len(others) else []
            out[sender] = np.mean(means, axis=0) if means else 0
        return out

    once = hop(own.values.astype(float))
    for block, expected in (("linked_to.hop1", once), ("linked_to.hop2", hop(once))):
        assert np.allclose(found.only({block}).values, expected, atol=1e-4)
    assert np.array_equal(found.only(set(own.blocks)).values, own.values)


def test_a_cluster_is_a_gang_that_shares_and_a_hub_ties_nobody(scene, lesson):
    keys = scene.window.senders["key"].to_pylist()
    gang = np.array([int(key[1]) if key.startswith("x") else -1 for key in keys])
    for group in (components(scene.evidence), communities(scene.evidence, seed=3)):
        for number in range(small_mail.GANGS):
            assert len(set(group[gang == number])) == 1
        assert len({group[gang == number][0] for number in range(small_mail.GANGS)}) == small_mail.GANGS


def test_a_hub_ties_nobody(scene, monkeypatch):
    people = np.array([key.startswith("h") for key in scene.window.senders["key"].to_pylist()])
    assert len(set(components(scene.evidence)[people])) == 1  # one address domain
    monkeypatch.setattr(clusters, "HUB_SENDERS", 5)
    assert len(set(components(scene.evidence))) == len(people)
    assert co_sharing(scene.evidence).nnz == 0
    assert len(set(communities(scene.evidence, seed=3))) == len(people)


def test_a_crowd_of_any_size_weighs_as_much_as_its_clique():
    for size in (2, 3, 4, 41, 150):
        i, j, weight = clusters._ring(np.arange(size), senders=10_000)
        assert weight.sum() == pytest.approx(np.log(10_000 / size) * size * (size - 1) / 2)
        assert not (i == j).any()
        assert len(i) <= size * clusters.RING


def test_the_reports_of_a_cluster_are_everybodys_own_included(scene):
    reported = ReportsPerSender().fit_predict(scene, scene, small_mail.QUICK).margins
    pooled = ComponentReports().fit_predict(scene, scene, small_mail.QUICK).margins
    group = components(scene.evidence)
    assert all(len(set(pooled[group == one])) == 1 for one in set(group.tolist()))
    assert np.array_equal(pooled > 0, np.isin(group, group[reported > 0]))


def test_messages_pass_both_ways_between_senders_and_what_they_share(scene):
    both = undirected(scene.propagated.data)
    for source, name, target in scene.propagated.data.edge_types:
        there = both[source, name, target].edge_index
        if source != target:
            back = both[target, f"rev_{name}", source].edge_index
            assert np.array_equal(there.numpy()[::-1], back.numpy())


def test_only_the_thorough_set_passes_messages_end_to_end():
    quick, every = ({d.name for d in references(which)} for which in ("quick", "all"))
    assert every - quick == {"hetero SAGE (PyG)"}


@pytest.mark.parametrize("method", ["components", "Leiden"])
def test_clusters_of_the_suspects_are_the_gangs_and_nobody_else_is_in_one(lesson, method):
    suspects = np.flatnonzero(lesson.guilty)
    group = campaigns_of(lesson.evidence, suspects, seed=1)[method]
    assert (group[~lesson.guilty] == -1).all()
    gangs = [set(group[small_mail.rows_of_gang(lesson, gang)].tolist()) for gang in range(small_mail.GANGS)]
    assert all(len(found) == 1 and found != {-1} for found in gangs)
    assert len(set.union(*gangs)) == small_mail.GANGS


def test_without_suspects_and_below_three_members_there_is_no_cluster(lesson):
    for suspects in (np.zeros(0, np.int64), np.flatnonzero(lesson.guilty)[:2]):
        found = campaigns_of(lesson.evidence, suspects, seed=1)
        assert all((group == -1).all() for group in found.values())
