"""The model that ships: whole, readable, and clear about files that it cannot use."""

import json
from pathlib import Path

import numpy as np
import pytest

from graph.campaigns.likeness import FIGURES
from graph.campaigns.same_campaign import SHIPPED, SIZES, SameCampaign, shares_of_sizes, shipped
from graph.errors import RingleaderError


def test_the_shipped_model_has_every_figure_and_is_written_back_as_it_was(tmp_path: Path) -> None:
    model = shipped()
    assert model.weights.shape == (len(SIZES), len(FIGURES))
    model.write(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == SHIPPED.read_bytes()


def test_the_parts_sum_to_the_log_odds() -> None:
    figures = np.abs(np.random.default_rng(1).normal(size=(5, len(FIGURES))))
    model = shipped()
    average = shares_of_sizes(figures) @ model.start
    assert np.allclose(model.parts(figures).sum(axis=1) + average, model.log_odds(figures))


def test_a_pair_of_senders_a_pair_of_handfuls_and_a_pair_of_crowds_have_weights_of_their_own() -> None:
    model = shipped()
    pair = np.tile(model.mean, (2, 1))
    at = FIGURES.index("linked_to.best")
    sizes = zip((*SIZES.values(), 5_000), (*model.weights, model.weights[-1]), strict=True)
    for size, weights in sizes:
        pair[:, FIGURES.index("size.low")] = np.log(size)
        pair[1, at] = model.mean[at] + model.spread[at]
        gain = np.diff(model.log_odds(pair))[0]
        assert gain == pytest.approx(weights[at])


def test_between_two_sizes_weights_pass_from_one_to_the_other() -> None:
    figures = np.zeros((3, len(FIGURES)))
    figures[:, FIGURES.index("size.low")] = np.log([1, np.sqrt(8), 1_000])
    assert np.allclose(shares_of_sizes(figures), [[1, 0, 0], [0.5, 0.5, 0], [0, 0, 1]])


def test_a_wild_figure_says_no_more_than_a_far_one() -> None:
    model = shipped()
    pair = np.tile(model.mean, (2, 1))
    at = FIGURES.index("sent_from.best")
    pair[:, at] += np.array([10, 1_000]) * model.spread[at]
    assert np.diff(model.log_odds(pair))[0] == 0


@pytest.mark.parametrize("broken", ["", "{}", '{"intercept": 1, "figures": {"other": {}}}'])
def test_a_broken_file_is_named_with_the_mend(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "same.json"
    path.write_text(broken)
    with pytest.raises(RingleaderError, match=r"same\.json") as told:
        SameCampaign.read(path)
    assert "gnn.teach_campaigns" in str(told.value)


def test_figures_of_another_version_are_refused(tmp_path: Path) -> None:
    told = json.loads(SHIPPED.read_text())
    told["figures"] = dict(list(told["figures"].items())[1:])
    path = tmp_path / "old.json"
    path.write_text(json.dumps(told))
    with pytest.raises(RingleaderError, match="other figures"):
        SameCampaign.read(path)
