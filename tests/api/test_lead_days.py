"""Lead times over a small world: a campaign is found when the search first has it."""

import labelled_world
import numpy as np
import pytest

from api import lead as module
from api.lead import lead
from api.progress import StageRecorder
from graph.campaigns import Partition


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.getbasetemp() / "labelled"


def test_a_search_that_knows_the_truth_is_ahead_and_one_that_finds_nothing_is_not(folder, monkeypatch) -> None:
    world, home, shot = labelled_world.shot_of(folder)
    campaign = world.answers(shot.scene.window).truth.campaign
    of = dict(zip(shot.scene.window.senders["key"].to_pylist(), campaign.tolist(), strict=True))

    def searched(knows: bool):
        def groups(window, burst, risk, decided, options):
            true = np.array([of.get(key, -1) for key in window.senders["key"].to_pylist()], dtype=np.int64)
            kept = np.unique(true[true >= 0])
            group = np.where(true >= 0, np.searchsorted(kept, true), -1) if knows else np.full(len(true), -1)
            partition = Partition(group, (group >= 0) * 1.0)
            return type("Held", (), {"partition": partition})

        monkeypatch.setattr(module.work, "groups_of", groups)
        return lead(home, shot, campaign, 3, StageRecorder())

    for place, name in ((module, "teach"), (module.work, "risk_of"), (module.work, "settled_of")):  # not listened to
        monkeypatch.setattr(place, name, lambda *_: None)

    everything, nothing = searched(True), searched(False)
    assert everything.campaigns == nothing.campaigns >= 1
    assert everything.found == everything.campaigns
    assert 0 < everything.hours_from_start < 3 * 24
    assert nothing.found == 0
    assert nothing.ahead_of_half == 0
    assert np.isnan(nothing.hours_to_half)
    assert everything.reported == nothing.reported <= everything.campaigns
