"""The table of states, every row of it."""

import pytest

from graph.campaigns.state import RULES, state_of
from graph.schema import CAMPAIGN_STATES


@pytest.mark.parametrize(
    ("verdict", "found", "known", "state"),
    [
        (None, True, False, "new"),
        (None, True, True, "active"),
        (None, False, True, "dormant"),
        ("malicious", True, False, "confirmed"),
        ("malicious", False, True, "confirmed"),
        ("benign", True, True, "dismissed"),
        ("benign", False, True, "dismissed"),
    ],
)
def test_a_campaign_has_one_state(verdict: str | None, found: bool, known: bool, state: str) -> None:
    judged = {"c-1": verdict} if verdict else {}
    assert state_of("c-1", judged, found=found, known=known) == state


def test_a_verdict_on_another_campaign_changes_nothing() -> None:
    assert state_of("c-1", {"c-2": "benign"}, found=True, known=True) == "active"


def test_the_rules_give_every_state_and_no_other() -> None:
    assert {rule.state for rule in RULES} == set(CAMPAIGN_STATES)
