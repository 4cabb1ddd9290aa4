"""Groups judged as a whole, and which of them have one operator."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.campaigns.risk import group_logits, operation_id, operations


def inside(*rows: list[int]) -> sp.csr_matrix:
    return sp.csr_matrix(np.array(rows, dtype=float))


def test_five_members_have_the_mean_of_their_margins() -> None:
    margins = np.array([1.0, 2.0, 3.0, 4.0, 5.0, -9.0])
    group = np.array([0, 0, 0, 0, 0, -1])
    assert group_logits(group, margins, 1).tolist() == [3.0]


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 200), st.floats(-5, 5))
def test_of_two_groups_with_equal_margins_the_larger_is_surer(size: int, margin: float) -> None:
    group = np.repeat([0, 1], [size, size + 1])
    small, large = group_logits(group, np.full(len(group), margin), 2)
    assert large > small


def test_two_kinds_of_shared_infrastructure_make_an_operation() -> None:
    sizes = np.array([4, 5, 3])
    links, networks = inside([4, 5, 0], [0, 0, 3]), inside([3, 2, 0], [0, 0, 3])
    users = [np.array([9, 3]), np.array([5, 3])]
    assert operations([links, networks], users, sizes) == [0, 0, -1]


def test_one_kind_alone_is_no_operation() -> None:
    sizes = np.array([4, 5])
    links, networks = inside([4, 5]), inside([4, 0], [0, 5])
    assert operations([links, networks], [np.array([9]), np.array([4, 5])], sizes) == [-1, -1]


def test_infrastructure_of_everybody_ties_no_operation() -> None:
    sizes = np.array([4, 5])
    shared, used_by_all = inside([4, 5]), np.array([500])
    assert operations([shared, shared], [used_by_all, used_by_all], sizes) == [-1, -1]


def test_an_artefact_of_one_member_in_ten_ties_no_operation() -> None:
    sizes = np.array([10, 10])
    barely = inside([1, 1])
    assert operations([barely, barely], [np.array([2]), np.array([2])], sizes) == [-1, -1]


def test_operators_are_transitive_and_named_by_their_first_group() -> None:
    sizes = np.array([3, 3, 3, 3])
    chain = inside([0, 3, 3, 0], [0, 0, 3, 3])
    users = np.array([6, 6])
    assert operations([chain, chain], [users, users], sizes) == [-1, 1, 1, 1]


def test_no_groups_have_no_operations() -> None:
    none = sp.csr_matrix((3, 0))
    assert operations([none, none], [np.zeros(3, np.int64)] * 2, np.zeros(0, np.int64)) == []


@pytest.mark.parametrize("campaign", ["c-1", "c-2"])
def test_an_operation_id_follows_its_campaign(campaign: str) -> None:
    assert operation_id(campaign) == operation_id(campaign)
    assert operation_id(campaign).startswith("o-")
    assert operation_id("c-1") != operation_id("c-2")
