"""The risk of a campaign: surer with riskier members, more of them, stronger ties; honest where too little is seen."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from windows import id_of, letter, window

from graph.campaigns.assess import Assessments, assess, independent_kinds, log_odds, prevalence_log_odds, strongest_tie
from graph.campaigns.find import Partition
from graph.campaigns.groups import Groups
from graph.campaigns.words import VERBS
from graph.evidence import gather_evidence

GANG = [f"x@bad{n}.example" for n in range(4)]


def assessed(size: int, tie: float, margin: float = 2.0) -> Assessments:
    seen = window([letter(key, "v@mail.test") for key in GANG])
    group = np.full(seen.senders.num_rows, -1, np.int64)
    group[[id_of(seen, "senders", key) for key in GANG[:size]]] = 0
    groups = Groups.count_in(seen, gather_evidence(seen), Partition(group, (group >= 0) * 1.0))
    return assess(groups, np.full(len(group), margin), np.array([tie]), np.array([1]))


@given(st.floats(-6, 6), st.integers(3, 10_000), st.floats(-400, 0))
def test_riskier_members_more_of_them_and_stronger_ties_make_it_surer(mean: float, size: int, tie: float) -> None:
    def one(mean: float, size: int, tie: float) -> float:
        return float(log_odds(np.array(mean), np.array(size), np.array(tie)))

    assert one(mean + 1, size, tie) > one(mean, size, tie)
    assert one(mean, size, tie - size) >= one(mean, size, tie)
    assert one(mean, 2 * size, 2 * tie) >= one(mean, size, tie)  # as strong a tie for each


def test_no_member_counts_for_more_than_six() -> None:
    assert assessed(4, -9.0, 50.0).log_odds == pytest.approx(assessed(4, -9.0, 6.0).log_odds)


def test_in_a_window_full_of_malicious_senders_a_campaign_is_no_surer_for_it() -> None:
    few, many = np.array([2.0] + [-4.0] * 99), np.array([2.0] * 60 + [-4.0] * 40)
    assert prevalence_log_odds(few) < prevalence_log_odds(many)
    assert prevalence_log_odds(np.zeros(0)) == prevalence_log_odds(np.full(9, -50.0))


def test_a_tie_within_chance_is_insufficient_data() -> None:
    (reason,) = assessed(4, -1.0).reason
    assert reason == "Nothing that its senders share is beyond what chance would give."
    assert assessed(4, -9.0).insufficient.tolist() == [False]


def test_two_senders_left_are_insufficient_data() -> None:
    found = assessed(2, -9.0)
    assert found.insufficient.tolist() == [True]
    assert found.reason == ("Only 2 of its senders are in this window.",)


def test_ties_are_summed_up_by_group_and_kinds_counted_once() -> None:
    rows = [
        (0, "linked_to", -8.0),
        (0, "cotargets", -3.0),
        (0, "wrote_to", -5.0),
        (0, "carried", -1.0),
        (2, "debut", 0.0),
    ]
    ties = pd.DataFrame(rows, columns=["group", "relation", "log10_p_corrected"])
    assert strongest_tie(ties, 3).tolist() == [-8.0, 0.0, 0.0]
    assert independent_kinds(ties, 3).tolist() == [2, 0, 0]


def test_every_relation_that_has_words_is_of_a_kind() -> None:
    ties = pd.DataFrame({"group": range(len(VERBS)), "relation": sorted(VERBS), "log10_p_corrected": -9.0})
    assert independent_kinds(ties, len(VERBS)).tolist() == [1] * len(VERBS)
