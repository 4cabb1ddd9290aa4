"""Laws of ragged rows, names and rhythm."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.simulate.names import Bijection, Namer
from graph.simulate.rhythm import DAY, HOUR, Days, moments
from graph.simulate.rows import concat, make_rows, spread, without_repeats

RAGGED = st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=4), min_size=1, max_size=12)
FEW = settings(max_examples=60, deadline=None)


def rows_of(recipients: list[list[int]]):
    counts = np.asarray([len(each) for each in recipients])
    flat = np.asarray([r for each in recipients for r in each])
    return make_rows(np.arange(len(recipients)), np.arange(len(recipients)), flat, to_count=counts)


def recipients_of(rows) -> list[list[int]]:
    return [part.tolist() for part in np.split(rows.to, np.cumsum(rows.to_count)[:-1])]


@FEW
@given(RAGGED, st.randoms(use_true_random=False))
def test_taking_rows_in_an_order_takes_their_recipients_along(recipients, random) -> None:
    order = list(range(len(recipients)))
    random.shuffle(order)
    taken = rows_of(recipients).take(np.asarray(order))
    assert recipients_of(taken) == [recipients[k] for k in order]
    assert taken.sender.tolist() == order


@FEW
@given(RAGGED, RAGGED)
def test_joined_rows_follow_one_another(first, second) -> None:
    assert recipients_of(concat([rows_of(first), rows_of(second)])) == first + second


@FEW
@given(RAGGED)
def test_without_repeats_every_recipient_stands_once_in_its_first_place(recipients) -> None:
    assert recipients_of(without_repeats(rows_of(recipients))) == [list(dict.fromkeys(each)) for each in recipients]


def test_spread_counts_on_from_each_start() -> None:
    assert spread(np.asarray([10, 3, 7]), np.asarray([2, 0, 3])).tolist() == [10, 11, 7, 8, 9]


@FEW
@given(st.integers(1, 400), st.integers(0, 10_000))
def test_a_bijection_gives_every_number_once(size: int, offset: int) -> None:
    assert sorted(Bijection(size, offset).next(size).tolist()) == list(range(size))


def test_names_that_run_out_are_an_error() -> None:
    with pytest.raises(ValueError, match="only 5 names, 6 asked"):
        Bijection(5, 0).next(6)


def test_names_are_given_once() -> None:
    namer = Namer(5_000, seed=4)
    for draw in (namer.locals, namer.sites, namer.tokens):
        assert len(set(draw(2_500).to_pylist()) | set(draw(2_500).to_pylist())) == 5_000


@pytest.mark.parametrize("habit", ["private", "office", "machine", "flat"])
def test_moments_lie_within_their_days(habit: str) -> None:
    days = Days(3, 10, weekday=0)
    ts = moments(np.random.default_rng(1), 2_000, days, habit, -8)
    assert days.start <= ts.min()
    assert ts.max() < days.end


def test_office_mail_keeps_office_hours_in_local_time() -> None:
    ts = moments(np.random.default_rng(1), 2_000, Days(0, 7, weekday=0), "office", 5)
    local = (ts // HOUR + 5) % 24
    assert np.mean((local >= 7) & (local < 19)) > 0.9
    assert np.mean(ts // DAY % 7 >= 5) < 0.1
