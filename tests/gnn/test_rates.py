"""Report rates over the window's own."""

import numpy as np
import pytest

from gnn.rates import overall_rate, report_rate


def rate(junk: float, messages: float, overall: float, not_junk: float = 0.0) -> float:
    return float(report_rate(np.array([junk]), np.array([not_junk]), np.array([messages]), overall)[0])


@pytest.mark.parametrize("overall", [1e-5, 1e-3, 0.1])
def test_what_sent_nothing_or_is_reported_as_usual_is_at_zero(overall: float) -> None:
    assert rate(0, 0, overall) == pytest.approx(0.0)
    assert rate(1, 1 / overall, overall) == pytest.approx(0.0)


@pytest.mark.parametrize("messages", [1, 30, 100])
def test_one_report_says_no_more_than_its_prior_lets_it_however_rare_reports_are(messages: int) -> None:
    rare, never = rate(1, messages, 1e-4), rate(1, messages, 1e-7)
    assert 0 < rare <= never < 2.1
    assert rate(20, messages, 1e-4) > rare + 2


def test_messages_that_nobody_reports_speak_for_a_sender_and_so_do_those_who_clear_it() -> None:
    assert rate(0, 10_000, 0.001) < rate(0, 100, 0.001) < 0
    assert rate(3, 100, 0.001, not_junk=2) == pytest.approx(rate(1, 100, 0.001))
    assert rate(1, 100, 0.001, not_junk=5) == pytest.approx(rate(0, 100, 0.001))


def test_a_window_without_reports_or_messages_has_a_rate_too() -> None:
    assert 0 < overall_rate({"junk": np.zeros(0), "messages": np.zeros(0)}) <= 0.01
