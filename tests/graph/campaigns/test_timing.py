"""Timing: growth and synchrony counted by hand, periods planted and periods that are not there."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from graph.campaigns.timing import Timing, period_of, timing

START = datetime(2024, 3, 1, tzinfo=UTC)
DAYS = 30
AS_OF = START + timedelta(days=DAYS)
EVENLY = np.full(24, 1 / 24)


def planted(cycle: int, length: int, phase: int = 0) -> np.ndarray:
    return (np.arange(DAYS) - phase) % cycle < length


def told(days: np.ndarray, hours: np.ndarray = EVENLY) -> Timing:
    return timing(np.atleast_2d(days).astype(float), hours, EVENLY, START, AS_OF)


@pytest.mark.parametrize(("cycle", "length"), [(7, 1), (7, 2), (5, 2), (4, 1), (3, 1), (2, 1)])
def test_a_planted_period_is_found_at_every_phase(cycle: int, length: int) -> None:
    for phase in range(cycle):
        found = period_of(planted(cycle, length, phase))
        assert found is not None
        assert (found.days, found.length) == (cycle, length)


def test_days_at_random_keep_no_period() -> None:
    draw = np.random.default_rng(7)
    found = sum(period_of(draw.random(DAYS) < share) is not None for share in (0.1, 0.3, 0.5, 0.7) for _ in range(500))
    assert found <= 20  # of 2,000: one in a hundred by design


def test_days_that_come_in_runs_keep_no_period() -> None:
    draw, found = np.random.default_rng(7), 0
    for _ in range(2_000):
        active, days = bool(draw.random() < 0.5), []
        for _ in range(DAYS):
            active = active if draw.random() > 0.3 else not active
            days.append(active)
        found += period_of(np.array(days)) is not None
    assert found <= 20


@pytest.mark.parametrize("days", [np.zeros(DAYS), np.ones(DAYS), np.arange(DAYS) == 3, np.arange(DAYS) < 5])
def test_never_always_once_and_a_single_run_are_no_period(days: np.ndarray) -> None:
    assert period_of(days > 0) is None


def test_a_campaign_that_stayed_away_is_not_expected_back() -> None:
    days = planted(4, 1)
    days[14:] = False
    assert period_of(days) is None


def test_the_next_window_is_the_next_day_of_the_period_at_its_hours() -> None:
    hours = np.zeros(24)
    hours[[9, 10]] = 0.5
    one = told(np.tile(planted(7, 1, 3), (8, 1)), hours)
    assert one.period_days == 7
    assert (one.next_from, one.next_until) == (
        START + timedelta(days=31, hours=9),
        START + timedelta(days=31, hours=11),
    )
    assert one.sentence.endswith("It comes every 7 days; next from 2024-04-01 09:00 to 2024-04-01 11:00 UTC.")


def test_what_comes_every_day_at_its_hours_is_expected_tomorrow() -> None:
    hours = np.zeros(24)
    hours[4] = 1.0
    one = told(np.ones((8, DAYS)), hours)
    assert (one.period_days, one.next_from) == (1, AS_OF + timedelta(hours=4))
    assert told(np.ones((8, DAYS))).next_from is None  # at any hour: there is nothing to expect it by


def test_growth_is_the_last_week_over_the_week_before() -> None:
    days = np.zeros(DAYS)
    days[-7:], days[-14:-7] = 4, 1
    one = told(days)
    assert (one.events_last_week, one.events_week_before, one.growth) == (28, 7, 4.0)
    assert one.growth_log10_p == pytest.approx(np.log10(sum_of_tail(28, 35)))
    assert "28 events in the last seven days and 7 in the seven before: growing." in one.sentence
    days[-7:], days[-14:-7] = 1, 4
    assert "7 events in the last seven days and 28 in the seven before: fading." in told(days).sentence


def sum_of_tail(hits: int, trials: int) -> float:
    from math import comb

    return sum(comb(trials, at) for at in range(hits, trials + 1)) / 2**trials


def test_synchrony_is_the_share_with_most_events_in_two_days() -> None:
    days = np.zeros((4, DAYS))
    days[0, 5], days[1, 6], days[2, [5, 6]], days[3, 20] = 2, 1, 3, 9
    assert told(days).synchrony == pytest.approx(3 / 4)


def test_new_senders_are_those_first_seen_in_the_last_week() -> None:
    days = np.zeros((3, DAYS))
    days[0, [2, 29]], days[1, 25], days[2, 3] = 1, 1, 1
    assert told(days).new_senders_last_week == 1
