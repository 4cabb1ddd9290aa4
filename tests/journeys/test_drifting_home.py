"""Drift over whole refreshes: halves of one world do not alarm, mail of another kind does, and everybody is told."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import labelled_world
import pytest

from api import stages as work
from api.cli import main
from api.progress import StageRecorder
from api.scenes import Shot, shoot
from api.worlds import open_world
from gnn.drift import LINE, Drift
from graph.home import Home
from graph.simulate.patterns import load_patterns, simulate_patterns
from graph.snapshot import open_current

HALF = 17  # days


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose champion was taught on the first half of a world."""
    folder = tmp_path_factory.mktemp("halves")
    world = labelled_world.make_world(folder / "world")
    home = labelled_world.ingest(world, folder / "home")
    options = replace(labelled_world.quick(world), window_days=HALF, as_of=world.as_of - timedelta(days=HALF))
    first = shoot(home, options, StageRecorder())
    work.champion_or_first(home, first.scene.window, first.scene.propagated, first.decided, options)
    return home


def drift_of(home: Home, shot: Shot) -> Drift:
    """As a refresh of this home would tell it."""
    scene, decided = shot.scene, shot.decided
    champion = work.champion_or_first(home, scene.window, scene.propagated, decided, shot.options)
    risk = work.risk_of(scene.evidence, scene.propagated, decided, champion)
    return work.drift_of(scene.propagated, risk, champion)


def test_the_second_half_of_the_world_is_no_alarm_and_the_figures_are_published(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--home", str(home.path), "refresh", "--window-days", str(HALF), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["drift"]
    assert told["alarm"] is False
    assert 0 < told["scores"] < told["line"]
    assert told["line"] > LINE
    assert told["inputs"] > 200
    assert open_current(home).manifest.drift == told


def test_mail_of_another_kind_sets_off_the_alarm(home: Home, tmp_path: Path) -> None:
    simulate_patterns(load_patterns("ordinary", events=6_000, seed=5), tmp_path / "world")
    world = open_world(tmp_path / "world")
    other = labelled_world.ingest(world, tmp_path / "home")
    shot = shoot(other, replace(labelled_world.quick(world), window_days=HALF), StageRecorder())
    assert drift_of(home, shot).alarm
