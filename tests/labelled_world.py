"""A small simulated world with many verdicts, made once a run, and scenes of it: for tests of learning and judging."""

from dataclasses import replace
from functools import cache
from pathlib import Path

from api.ingest import run_ingest
from api.progress import StageRecorder
from api.scenes import Shot, shoot
from api.settings import Settings
from api.stages import RefreshOptions
from api.worlds import World, open_world
from gnn.fit import TrainOptions
from graph.home import Home
from graph.simulate import load_preset, simulate
from graph.simulate.options import Dial

QUICK = TrainOptions(steps=40, check_every=20, members=2, width=16)
SETTINGS = replace(Settings(), refresh=replace(Settings().refresh, window_days=35))


def make_world(folder: Path, seed: int = 5) -> World:
    """Some six thousand events; one innocent in ten has a verdict, so that both classes can be learnt and judged."""
    options = load_preset("ordinary", events=6_000, seed=seed)
    options = replace(options, labels=replace(options.labels, innocents_judged=0.1, senders_judged=Dial(0.5, 0.5)))
    if not (folder / "world.json").exists():
        simulate(options, folder)
    return open_world(folder)


def ingest(world: World, folder: Path) -> Home:
    """A home that holds the world."""
    home = Home(folder).ensure()
    run_ingest(home, SETTINGS, world.paths, StageRecorder())
    return home


def quick(world: World) -> RefreshOptions:
    """Options of a refresh at the world's end with a network that is fitted in a second."""
    return replace(RefreshOptions.of(SETTINGS, world.as_of), train=QUICK)


@cache
def shot_of(folder: Path) -> tuple[World, Home, Shot]:
    """The world under `folder`, the home that holds it, and its scene at the end; made once."""
    world = make_world(folder / "world")
    home = ingest(world, folder / "home")
    return world, home, shoot(home, quick(world), StageRecorder())
