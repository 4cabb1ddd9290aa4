"""Pools over the others: against sums over Python lists, and the law that nobody ever sees itself."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from small_mail import Lesson
from windows import Report, id_of, letter, window

from gnn.features import Channels
from gnn.propagate import Pool, label_channels, pools, propagate
from graph.evidence import RELATION_TABLE, gather_evidence
from graph.values import Reported

Array = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
LAWS = settings(max_examples=40, deadline=None)
INCIDENCE = arrays(np.bool_, st.tuples(st.integers(1, 7), st.integers(1, 6)))


def pool_of(incidence: Array) -> Pool:
    return Pool.of("linked_to", sp.csr_matrix(incidence.astype(np.float64)))


@LAWS
@given(INCIDENCE, st.integers(0, 2**16))
def test_pooled_means_are_those_of_a_loop_over_the_others(incidence: Array, seed: int) -> None:
    signal = np.random.default_rng(seed).random(len(incidence))
    pool = pool_of(incidence)
    mean = pool.mean(pool.others_sum(signal) / np.maximum(pool.others, 1))
    most = pool.most(pool.others_sum(signal))
    for s, row in enumerate(incidence):
        sums, weights, means = [], [], []
        for a in np.flatnonzero(row):
            others = [o for o in np.flatnonzero(incidence[:, a]) if o != s]
            if others:
                weights.append(max(np.log(max(len(incidence), 2) / (len(others) + 1)), 0.05))
                sums.append(sum(signal[o] for o in others))
                means.append(sums[-1] / len(others))
        assert mean[s] == pytest.approx(np.average(means, weights=weights) if weights else 0.0)
        assert most[s] == pytest.approx(max(sums, default=0.0))


@LAWS
@given(INCIDENCE, st.integers(0, 2**16))
def test_a_senders_own_signal_never_reaches_its_pools(incidence: Array, seed: int) -> None:
    rng = np.random.default_rng(seed)
    pool, before = pool_of(incidence), rng.random(len(incidence))
    row = int(rng.integers(len(incidence)))
    after = before.copy()
    after[row] += 100.0
    for reduce in (pool.mean, pool.most):
        assert reduce(pool.others_sum(before))[row] == pytest.approx(reduce(pool.others_sum(after))[row], abs=1e-9)


@pytest.mark.parametrize("row", [0, 7, 20, 60, 100])
def test_changing_a_rows_own_label_leaves_its_one_hop_channels_as_they_were(lesson: Lesson, row: int) -> None:
    rng = np.random.default_rng(row)
    malicious = rng.integers(0, 2, len(lesson.guilty)).astype(np.float64)
    found = []
    for own in (0.0, 1.0):
        malicious[row] = own
        found.append(near(label_channels(lesson.propagated, malicious, 1 - malicious)))
    assert found[0].names
    assert np.array_equal(found[0].values[row], found[1].values[row])
    assert not np.array_equal(found[0].values, found[1].values)  # others do see it


@pytest.mark.parametrize("known", [0, 3, 60])
def test_labels_lent_to_some_senders_are_those_lent_to_all(lesson: Lesson, known: int) -> None:
    rng = np.random.default_rng(known)
    malicious, benign = np.zeros(len(lesson.guilty)), np.zeros(len(lesson.guilty))
    chosen = rng.permutation(len(malicious))[:known]
    malicious[chosen[::2]], benign[chosen[1::2]] = 1.0, 0.5
    rows = rng.permutation(len(malicious))[:25]
    some, everybody = (label_channels(lesson.propagated, malicious, benign, part) for part in (rows, None))
    assert np.array_equal(some.values, everybody.values[rows])
    assert some.names == everybody.names


def near(lent: Channels) -> Channels:
    """The one-hop columns of label channels."""
    keep = [at for at, name in enumerate(lent.names) if "two_hops" not in name]
    return Channels(lent.values[:, keep], tuple(lent.names[at] for at in keep), tuple(lent.blocks[at] for at in keep))


def test_a_label_travels_one_hop_over_a_link_and_two_over_a_chain() -> None:
    seen = window(
        [
            letter("a@a.example", "v@v.example", sites=("one.example",)),
            letter("b@b.example", "w@w.example", sites=("one.example", "two.example")),
            letter("c@c.example", "y@y.example", sites=("two.example",)),
            letter("d@d.example", "z@z.example"),
        ]
    )
    propagated = propagate(seen, gather_evidence(seen))
    a, b, c, d = (id_of(seen, "senders", f"{name}@{name}.example") for name in "abcd")
    malicious = np.zeros(4)
    malicious[a] = 1.0
    lent = label_channels(propagated, malicious, np.zeros(4))
    one, two = (lent.values[:, lent.names.index(f"linked_to.labels.{name}")] for name in ("malicious", "two_hops_most"))
    assert one[b] == pytest.approx(np.log(2))
    assert (one[a], one[c], one[d]) == (0, 0, 0)
    assert two[c] > two[d]


def test_without_labels_the_lent_channels_say_nothing(lesson: Lesson) -> None:
    nothing = np.zeros(len(lesson.guilty))
    lent = label_channels(lesson.propagated, nothing, nothing)
    assert np.allclose(lent.values, 0, atol=1e-6)


def test_known_neighbours_set_the_gangs_apart(lesson: Lesson) -> None:
    lent = lesson.lend(lesson.labels)
    column = lent.values[:, lent.names.index("linked_to.labels.malicious")]
    assert column[lesson.labels.malicious > 0].min() > column[~lesson.guilty].max()


def test_the_carrier_is_a_typed_graph_with_every_relation(lesson: Lesson) -> None:
    data = lesson.propagated.data
    data.validate(raise_on_error=True)
    assert {name for _, name, _ in data.edge_types} == {entry[0] for entry in RELATION_TABLE} | {"cotargets"}
    for relation in lesson.evidence.relations:
        assert data["sender", relation.name, relation.nodes].edge_index.shape[1] == relation.counts.nnz
    assert data["sender"].x.shape[0] == lesson.window.senders.num_rows


def test_a_pool_for_every_relation_but_shared_targets(lesson: Lesson) -> None:
    assert {pool.name for pool in pools(lesson.propagated.data)} == {entry[0] for entry in RELATION_TABLE}


def test_structure_has_a_finite_row_for_every_sender_and_a_block_for_every_column(lesson: Lesson) -> None:
    structure = lesson.propagated.structure
    assert structure.values.shape == (lesson.window.senders.num_rows, len(structure.names))
    assert np.isfinite(structure.values).all()
    assert len(set(structure.names)) == len(structure.names) == len(structure.blocks)


def test_the_same_window_propagates_to_the_same_bytes(lesson: Lesson) -> None:
    again = propagate(lesson.window, lesson.evidence)
    assert again.structure.values.tobytes() == lesson.propagated.structure.values.tobytes()


def test_a_sender_that_shares_nothing_has_empty_pools(lesson: Lesson) -> None:
    seen = window([letter("a@a.example", "v@v.example"), letter("b@b.example", "w@w.example")])
    found = propagate(seen, gather_evidence(seen)).structure
    ties = [at for at, name in enumerate(found.names) if name.endswith((".ties", ".crowd", ".peers"))]
    assert ties
    assert (found.values[:, ties] == 0).all()


def test_reports_of_proven_liars_count_less_on_senders_that_nobody_judged() -> None:
    """Eve reported three honest senders, Fay three guilty ones; then each reports one more."""
    names = [f"s{at}@s{at}.example" for at in range(8)]
    letters = [letter(name, "eve@home.example", "fay@home.example") for name in names]
    reports = [Report(at, "eve@home.example" if at < 4 else "fay@home.example") for at in range(8)]
    seen = window(letters, reports)
    propagated = propagate(seen, gather_evidence(seen))
    honest, guilty = np.isin(np.arange(8), (0, 1, 2)), np.isin(np.arange(8), (4, 5, 6))
    told = label_channels(propagated, guilty * 1.0, honest * 1.0)
    by_eve, by_fay = told.values[[3, 7], told.names.index("reports.labels.two_hops_junk")]
    assert by_eve < -0.05 < 0 <= by_fay


def test_without_names_of_reporters_nothing_is_said_of_them() -> None:
    seen = replace(window([letter("a@a.example", "b@b.example")]), reported=Reported())
    told = label_channels(propagate(seen, gather_evidence(seen)), np.ones(1), np.zeros(1))
    assert not told.only({"reports.labels"}).values.any()
