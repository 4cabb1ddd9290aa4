"""Lessons of what makes one campaign: both answers in them, repeatable, and a model that has learnt something."""

from dataclasses import replace

import numpy as np

from gnn.lessons import views
from gnn.prior import shipped
from gnn.teach_campaigns import CampaignOptions, met_on_the_way, teach_campaigns

SMALL = CampaignOptions(worlds=6, events=(6_000,), passes=2, rows=4_000)


def test_the_way_of_right_joins_shows_pairs_of_both_kinds() -> None:
    seen = next(iter(views(SMALL, 0)))
    rows = np.flatnonzero(seen.target > 0)
    met = met_on_the_way(seen, rows, None, SMALL, np.random.default_rng(1))
    assert met.figures.shape == (len(met.same), met.figures.shape[1])
    assert np.isfinite(met.figures).all()
    assert 0 < met.same.mean() < 1


def test_it_is_taught_again_to_the_last_digit_and_tells_one_campaign_from_two() -> None:
    said: list[str] = []
    one = teach_campaigns(SMALL, shipped(), said.append)
    other = teach_campaigns(SMALL, shipped())
    assert np.array_equal(one.single, other.single)
    assert np.array_equal(one.crowd, other.crowd)
    assert len(said) == SMALL.worlds
    unseen = replace(SMALL, first_seed=77_000)
    seen = next(iter(views(unseen, 0)))
    met = met_on_the_way(seen, np.flatnonzero(seen.target > 0), None, unseen, np.random.default_rng(1))
    said_of = one.log_odds(met.figures.astype(np.float64))
    assert said_of[met.same].mean() > said_of[~met.same].mean() + 1
