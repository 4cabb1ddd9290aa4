"""Lead times, each counted by hand on a handful of campaigns."""

import numpy as np
import pytest

from gnn.lead import first_times, lead_times, milestones

NEVER = "NaT"


def hours(*values: float | str) -> np.ndarray:
    start = np.datetime64("2024-03-01", "us")
    return np.array(
        [np.datetime64(NEVER) if isinstance(v, str) else start + np.timedelta64(int(v * 60), "m") for v in values]
    ).astype("datetime64[us]")


def test_the_lead_is_counted_from_the_detection() -> None:
    found = lead_times(hours(10, 20), hours(30, 60), hours(40, 50), hours(36, 54), hours(0)[0])
    assert (found.campaigns, found.found, found.reported) == (2, 2, 2)
    assert found.ahead_of_report == 0.5
    assert found.ahead_of_half == 0.5
    assert found.hours_to_report == pytest.approx((10 - 10) / 2)
    assert found.hours_to_half == pytest.approx((6 - 6) / 2)
    assert found.hours_from_start == pytest.approx((20 + 40) / 2)


def test_what_was_never_found_is_behind_what_was_never_reported_is_ahead() -> None:
    found = lead_times(hours(1, 1, 1), hours(5, NEVER, NEVER), hours(NEVER, 9, NEVER), hours(9, 9, 9), hours(0)[0])
    assert found.ahead_of_report == 0.5  # of the two that anybody noticed
    assert found.ahead_of_half == pytest.approx(1 / 3)
    assert np.isnan(found.hours_to_report)


def test_a_campaign_older_than_the_first_refresh_is_not_judged() -> None:
    found = lead_times(hours(1, 30), hours(24, 48), hours(2, 60), hours(2, 50), hours(24)[0])
    assert (found.campaigns, found.hours_to_report) == (1, 12.0)


def test_no_campaign_has_no_figures() -> None:
    none = hours()
    found = lead_times(none, none, none, none, hours(0)[0])
    assert found.campaigns == 0
    assert np.isnan([found.ahead_of_report, found.ahead_of_half, found.hours_to_half]).all()


def test_half_is_reached_with_the_event_that_makes_it_whole() -> None:
    campaign = np.array([0, 0, 0, 1, -1, 1])
    ts = hours(5, 1, 3, 8, 0, 6)
    assert first_times(campaign, ts, 3).tolist()[:2] == hours(1, 6).tolist()
    assert milestones(campaign, ts, 3, 0.5).tolist()[:2] == hours(3, 6).tolist()
    assert np.isnat(milestones(campaign, ts, 3, 0.5)[2])
