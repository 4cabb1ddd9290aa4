"""Suspicion without labels: crowds that act together stand out, and honest mail mixed in does not hide them."""

from dataclasses import replace

import numpy as np
import pytest
from windows import DAYS, Letter, id_of, letter, window

from gnn.label_free import crowding, daily, label_free, label_free_by_relation
from graph.values import Window

GANG = [f"g{at}@g{at}.example" for at in range(8)]
CLUB = [f"c{at}@c{at}.example" for at in range(8)]


def score(seen: Window, names: list[str]) -> np.ndarray:
    return label_free(seen)[[id_of(seen, "senders", name) for name in names]]


def crowds() -> list[Letter]:
    """A gang that links to one site on one day, and a club that links to another over the whole window."""
    gang = [letter(name, f"a{at}@home.example", day=4, sites=("gang.example",)) for at, name in enumerate(GANG)]
    club = [letter(name, f"b{at}@home.example", day=at % DAYS, sites=("club.example",)) for at, name in enumerate(CLUB)]
    return gang + club


def test_a_crowd_of_one_day_is_above_a_crowd_of_many_days():
    seen = window(crowds())
    assert score(seen, GANG).min() > score(seen, CLUB).max()


def test_who_shares_nothing_has_no_score():
    seen = window([*crowds(), letter("lone@lone.example", "x@home.example", sites=("own.example",))])
    assert score(seen, ["lone@lone.example"])[0] == 0


def test_honest_mail_mixed_in_lowers_nobody():
    """Each of the gang also writes to the club's site and friends, day after day."""
    mixed = [
        letter(name, f"b{at}@home.example", f"f{at}@home.example", day=day, sites=("club.example",))
        for at, name in enumerate(GANG)
        for day in (0, 2, 6, 8)
    ]
    before, after = score(window(crowds()), GANG), score(window([*crowds(), *mixed]), GANG)
    assert np.all(after >= before - 1e-12)


def test_strangers_who_meet_at_the_same_recipients_on_one_day_stand_out_from_those_who_meet_over_time():
    victims = [f"v{at}@home.example" for at in range(6)]
    together = [letter(name, *victims, day=3) for name in GANG]
    spread = [letter(name, *(f"w{at}@home.example" for at in range(6)), day=at) for at, name in enumerate(CLUB)]
    seen = window([*together, *spread])
    assert score(seen, GANG).min() > 0
    assert score(seen, CLUB).max() == 0


def test_who_is_answered_is_no_stranger():
    victims = [f"v{at}@home.example" for at in range(6)]
    together = [letter(name, *victims, day=3) for name in GANG]
    answers = [letter(victim, *GANG, day=4) for victim in victims]
    seen = window([*together, *answers])
    assert score(seen, GANG).max() == 0


def test_without_days_the_density_alone_counts():
    seen = replace(window(crowds()), edge_days={})
    assert np.allclose(score(seen, GANG), score(seen, CLUB))
    assert score(seen, GANG).min() > 0


def test_a_window_without_events_has_no_scores():
    assert label_free(window([])).shape == (0,)


@pytest.mark.parametrize(("by_day", "expected"), [([8, 0, 0, 0], 1.0), ([2, 2, 2, 2], 0.0), ([0, 0, 0, 0], 0.0)])
def test_crowding_goes_from_spread_evenly_to_all_at_once(by_day, expected):
    assert crowding(np.array([by_day], dtype=float))[0] == pytest.approx(expected)


def test_an_edge_of_several_days_is_spread_over_them():
    bits = np.array([[0b0011, 0], [0b1000, 0], [0, 0b1]])
    found = daily(np.array([0, 0, 1]), bits, 63)
    assert found[0, :4].tolist() == [0.5, 0.5, 0.0, 1.0]
    assert found[1, 62] == 1  # the first day of the second word


def test_each_relation_has_a_score_of_its_own_that_is_no_higher_than_that_of_all_together():
    by_relation = label_free_by_relation(window(crowds()))
    assert set(by_relation) == {"linked_to", "sent_from", "carried", "wrote_to"}
    gang = [id_of(window(crowds()), "senders", name) for name in GANG]
    assert by_relation["linked_to"][gang].min() > 0
    assert not by_relation["carried"].any()
    together = label_free(window(crowds()))
    assert all((alone <= together * 1.06 + 1e-9).all() for alone in by_relation.values())


def test_without_mail_every_relation_has_an_empty_score():
    assert all(score.shape == (0,) for score in label_free_by_relation(window([])).values())
