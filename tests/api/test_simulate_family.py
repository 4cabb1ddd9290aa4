"""`ringleader simulate --family`: every family from one command, into files that the rest of the line reads."""

import json
from pathlib import Path

import pytest

from api import cli
from api.commands.simulate import FAMILIES, PRESETS
from api.worlds import open_world
from graph.simulate.families import FAMILIES as TABLE


@pytest.mark.parametrize("family", FAMILIES)
def test_a_world_of_every_family_says_so_and_can_be_opened(
    family: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = tmp_path / "world"
    flags = ["--out", str(world), "--events", "4000", "--seed", "3", "--family", family, "--preset", "hard", "--json"]
    assert cli.main(["--home", str(tmp_path / "home"), "simulate", *flags]) == 0
    made = json.loads(capsys.readouterr().out)
    told = json.loads((world / "world.json").read_text())
    assert (told["family"], told["options"]["preset"]) == (family, "hard")
    assert made["events"] == told["events"] == pytest.approx(4_000, rel=0.1)
    assert open_world(world).folder == world


@pytest.mark.parametrize("preset", PRESETS)
def test_every_family_knows_every_preset(preset: str) -> None:
    assert {load(preset).preset for load, _ in TABLE.values()} == {preset}


def test_the_command_offers_every_family() -> None:
    assert tuple(TABLE) == FAMILIES
