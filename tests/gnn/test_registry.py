"""Models on disk: whole or not there, the same bytes back, and nothing executed on reading."""

import errno
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_mail import Lesson

from gnn import registry
from gnn.model import RiskModel
from graph.errors import ModelError
from graph.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").ensure()


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_model_comes_back_as_it_was_saved(home: Home, lesson: Lesson, model: RiskModel) -> None:
    back = registry.load(home, registry.save(home, model))
    assert (back.shape, back.names, back.blocks, back.calibration) == (
        model.shape,
        model.names,
        model.blocks,
        model.calibration,
    )
    channels = lesson.propagated.structure.beside(lesson.lend(lesson.labels))
    assert np.array_equal(back.margins(channels), model.margins(channels))
    assert back.card == json.loads(json.dumps(model.card))


def test_what_was_read_is_written_with_the_same_bytes_under_the_same_id(
    home: Home, tmp_path: Path, model: RiskModel
) -> None:
    name = registry.save(home, model)
    other = Home(tmp_path / "other").ensure()
    assert registry.save(other, registry.load(home, name)) == name
    assert content(other.models / name) == content(home.models / name)


def test_saving_again_changes_nothing(home: Home, model: RiskModel) -> None:
    name = registry.save(home, model)
    before = {path: path.stat().st_mtime_ns for path in (home.models / name).iterdir()}
    assert registry.save(home, model) == name
    assert {path: path.stat().st_mtime_ns for path in (home.models / name).iterdir()} == before


def test_another_model_has_another_id(home: Home, model: RiskModel) -> None:
    assert registry.save(home, replace(model, card={"other": 1})) != registry.save(home, model)


def test_no_champion_until_one_is_promoted(home: Home, model: RiskModel) -> None:
    assert registry.champion(home) is None
    name = registry.save(home, model)
    assert registry.champion(home) is None
    registry.promote(home, name)
    assert registry.champion(home) == name


def test_a_model_of_another_format_is_refused_with_the_mend(home: Home, model: RiskModel) -> None:
    name = registry.save(home, model)
    card = home.models / name / registry.CARD
    card.write_text(json.dumps(json.loads(card.read_text()) | {"format": 99}))
    with pytest.raises(ModelError, match=r"format 99 is of a newer version") as caught:
        registry.load(home, name)
    assert "ringleader train" in caught.value.mend


def test_a_model_of_an_older_format_is_refused_with_the_mend(home: Home, model: RiskModel) -> None:
    name = registry.save(home, model)
    card = home.models / name / registry.CARD
    card.write_text(json.dumps(json.loads(card.read_text()) | {"format": registry.FORMAT - 1}))
    with pytest.raises(ModelError, match="an older version") as caught:
        registry.load(home, name)
    assert "ringleader train" in caught.value.mend


def test_a_card_with_facts_that_this_version_does_not_know_loads(home: Home, model: RiskModel) -> None:
    name = registry.save(home, replace(model, card={**model.card, "weather": "fine"}))
    assert registry.load(home, name).card["weather"] == "fine"


@pytest.mark.parametrize("damage", ["missing", "cut weights", "cut card", "card without shape", "pickled weights"])
def test_a_damaged_model_is_an_error_that_names_it(home: Home, model: RiskModel, damage: str) -> None:
    name = registry.save(home, model)
    weights, card = (home.models / name / part for part in (registry.WEIGHTS, registry.CARD))
    if damage == "missing":
        name = "m-never-saved"
    elif damage == "cut weights":
        weights.write_bytes(weights.read_bytes()[:200])
    elif damage == "cut card":
        card.write_bytes(card.read_bytes()[:50])
    elif damage == "card without shape":
        card.write_text(
            json.dumps({key: value for key, value in json.loads(card.read_text()).items() if key != "shape"})
        )
    else:
        np.savez(weights, grid=np.array([object()], dtype=object))
    with pytest.raises(ModelError) as caught:
        registry.load(home, name)
    assert name in caught.value.thing


def test_a_full_disk_leaves_the_champion_and_no_half_model(
    home: Home, model: RiskModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = registry.save(home, model)
    registry.promote(home, name)

    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(registry, "write_bytes", full)
    with pytest.raises(ModelError, match="No space left"):
        registry.save(home, replace(model, card={"second": True}))
    monkeypatch.undo()
    assert registry.champion(home) == name
    assert registry.load(home, name).names == model.names
    second = registry.save(home, replace(model, card={"second": True}))
    assert registry.load(home, second).card == {"second": True}


def test_reading_a_card_of_the_wrong_shape_is_an_error(home: Home, model: RiskModel) -> None:
    name = registry.save(home, model)
    card: dict[str, Any] = json.loads((home.models / name / registry.CARD).read_text())
    card["calibration"] = {"slope": 1.0, "tilt": 2.0}
    (home.models / name / registry.CARD).write_text(json.dumps(card))
    with pytest.raises(ModelError):
        registry.load(home, name)
