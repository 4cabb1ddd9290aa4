"""Lessons of what makes one campaign: both answers in them, repeatable, and a model that has learnt something."""

from dataclasses import replace

import numpy as np

from gnn.lessons import views
from gnn.prior import shipped
from gnn.teach_campaigns import CampaignOptions, cut_in_two, met_on_the_way, teach_campaigns
from graph.campaigns.likeness import FIGURES, Suspects

SMALL = CampaignOptions(worlds=6, events=(6_000,), passes=2, rows=4_000)


def test_the_way_of_right_joins_shows_pairs_of_both_kinds() -> None:
    seen = next(iter(views(SMALL, 0)))
    rows = np.flatnonzero(seen.target > 0)
    met = met_on_the_way(seen, rows, None, SMALL, np.random.default_rng(1))
    assert met.figures.shape == (len(met.same), met.figures.shape[1])
    assert np.isfinite(met.figures).all()
    assert 0 < met.same.mean() < 1


def test_campaigns_cut_in_two_show_halves_of_one_and_crowds_of_two() -> None:
    seen = next(iter(views(SMALL, 0)))
    rows = np.flatnonzero(seen.propagated.burst.days.sum(axis=1) > 0)
    cut = cut_in_two(Suspects.of(seen.propagated.burst, rows), seen.campaign[rows], 5, np.random.default_rng(1))
    assert np.isfinite(cut.figures).all()
    assert 0 < cut.same.mean() < 1
    assert (cut.figures[:, FIGURES.index("size.low")] >= np.log(3) - 1e-6).all()


def test_it_is_taught_again_to_the_last_digit_and_tells_one_campaign_from_two() -> None:
    said: list[str] = []
    one = teach_campaigns(SMALL, shipped(), said.append)
    other = teach_campaigns(SMALL, shipped())
    assert np.array_equal(one.weights, other.weights)
    assert np.array_equal(one.start, other.start)
    assert len(said) == SMALL.worlds
    unseen = replace(SMALL, first_seed=77_000)
    seen = next(iter(views(unseen, 0)))
    met = met_on_the_way(seen, np.flatnonzero(seen.target > 0), None, unseen, np.random.default_rng(1))
    said_of = one.log_odds(met.figures.astype(np.float64))
    assert said_of[met.same].mean() > said_of[~met.same].mean() + 1
