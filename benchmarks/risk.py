"""Claims: a world of two million events is taught and scored, both rounds, in 60 s on two cores; a million senders are
scored in 20 s; heterogeneous GraphSAGE (PyG, full batch) needs twenty times the CPU for no better a ranking.

Simulates one world for the figures of speed and a smaller one for the comparison, whose AUPRC is over all senders
without a verdict. CPU seconds (all threads) stand beside wall seconds: on a shared machine only the first can be
compared. The million senders are the large world's, several times side by side.

    python benchmarks/risk.py --events 2000000 --sage-events 300000
"""

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import scipy.sparse as sp

from api.ingest import run_ingest
from api.progress import StageRecorder
from api.scenes import shoot
from api.settings import Settings
from api.stages import RefreshOptions
from api.worlds import open_world
from gnn.features import Channels, sender_channels
from gnn.fit import TrainOptions
from gnn.labels import Labels
from gnn.metrics import Ranking, average_precision
from gnn.model import RiskModel
from gnn.prior import lent, propagate_informed
from gnn.propagate import Pool, Propagated
from gnn.references import GraphNetwork, HeteroSage
from gnn.reporters import Reports
from gnn.risk import judge, score
from gnn.scene import Scene
from gnn.settle import settle
from gnn.teach import teach
from graph.campaigns.find import FindOptions, find_groups
from graph.evidence import gather_evidence
from graph.home import Home
from graph.simulate import load_preset, simulate
from graph.values import Reported

T = TypeVar("T")
GIB = 1 << 20  # ru_maxrss is in KiB
MILLION = 1_000_000


class Clock:
    """Wall and CPU seconds of named steps, in order."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = {}
        self.cpu: dict[str, float] = {}

    def __call__(self, name: str, function: Callable[..., T], *arguments: object) -> T:
        wall, cpu = time.perf_counter(), time.process_time()
        value = function(*arguments)
        self.wall[name], self.cpu[name] = time.perf_counter() - wall, time.process_time() - cpu
        return value

    def line(self, name: str) -> str:
        return f"{name:<34}{self.wall[name]:>9.1f} s{self.cpu[name]:>9.1f} CPU s"

    def total(self, names: list[str]) -> str:
        wall, cpu = (sum(spent[name] for name in names) for spent in (self.wall, self.cpu))
        return f"{'total':<34}{wall:>9.1f} s{cpu:>9.1f} CPU s"


@contextmanager
def scene_of(events: int, preset: str, seed: int) -> Iterator[tuple[Scene, np.ndarray]]:
    """The scene at the end of a fresh world, and who is malicious (NaN where that is not known)."""
    with tempfile.TemporaryDirectory() as folder:
        simulate(load_preset(preset, events=events, seed=seed), Path(folder) / "world")
        world = open_world(Path(folder) / "world")
        settings = replace(Settings(), refresh=replace(Settings().refresh, window_days=world.window_days))
        home, quiet = Home(Path(folder) / "home").ensure(), StageRecorder()
        run_ingest(home, settings, world.paths, quiet)
        scene = shoot(home, RefreshOptions.of(settings, world.as_of), quiet).scene
        yield scene, world.answers(scene.window).truth.target


def both_rounds(scene: Scene, clock: Clock) -> tuple[Propagated, RiskModel]:
    """Everything from the window graph to judged risk."""
    evidence = clock("evidence", gather_evidence, scene.window)
    propagated = clock("propagation", propagate_informed, scene.window, evidence)
    model = clock("training", teach, scene.window, propagated, scene.senders, TrainOptions())
    said = clock("scoring", score, propagated, evidence, scene.senders, scene.domains, model)
    risk = clock("settling", settle, said, propagated, evidence, scene.senders, scene.domains, TrainOptions())
    groups = clock("groups", find_groups, propagated.burst, risk.senders, FindOptions())
    clock("judgement", judge, risk, groups, evidence, scene.domains)
    return propagated, model


def side_by_side(propagated: Propagated, labels: Labels, times: int) -> tuple[Propagated, Labels]:
    """The window several times over, as if as many providers' mail met in one."""
    pools = tuple(Pool.of(pool.name, _blocks(pool.used, times)) for pool in propagated.pools)
    whole = propagated.structure
    structure = Channels(np.tile(whole.values, (times, 1)), whole.names, whole.blocks)
    cotargets, reports = (
        _blocks(propagated.cotargets, times),
        propagated.reports and _reports(propagated.reports, times),
    )
    many = replace(propagated, pools=pools, cotargets=cotargets, structure=structure, reports=reports)
    return many, Labels(np.tile(labels.malicious, times), np.tile(labels.benign, times))


def _reports(reports: Reports, times: int) -> Reports:
    said, turn = reports.said, np.repeat(np.arange(times), len(reports.said.sender))
    reporters, senders = said.reporter.max(initial=-1) + 1, len(reports.cap)
    more = Reported(
        reporter=np.tile(said.reporter, times) + turn * reporters,
        sender=np.tile(said.sender, times) + turn * senders,
        bad=np.tile(said.bad, times),
    )
    return Reports(more, np.tile(reports.cap, times), np.tile(reports.messages, times))


def _blocks(matrix: sp.csr_matrix, times: int) -> sp.csr_matrix:
    return sp.csr_matrix(sp.block_diag([matrix] * times, format="csr"))


def score_senders(propagated: Propagated, labels: Labels, model: RiskModel) -> np.ndarray:
    """Calibrated log-odds of every sender, as `gnn.risk.score` has them before verdicts are counted."""
    margins = model.margins(propagated.structure, lent(propagated, labels))
    return model.calibration.logits(margins, model.calibration.prior_of(margins[~labels.known]))


def against_sage(scene: Scene, target: np.ndarray, clock: Clock) -> dict[str, float]:
    """AUPRC and CPU seconds of both, each with what it needs before it can be fitted."""
    propagated = clock("ours: propagation", propagate_informed, scene.window, scene.evidence)
    ours = clock("ours: training and scoring", _fitted, GraphNetwork(), replace(scene, propagated=propagated))
    clock("SAGE: own channels", sender_channels, scene.window, scene.evidence)
    theirs = clock("SAGE: training and scoring", _fitted, HeteroSage(), scene)
    free = ~scene.senders.known & np.isfinite(target)
    found = {name: _auprc(margins[free], target[free]) for name, margins in (("ours", ours), ("sage", theirs))}
    spent = {who: sum(s for name, s in clock.cpu.items() if name.startswith(who)) for who in ("ours", "SAGE")}
    alone = clock.cpu["SAGE: training and scoring"] / clock.cpu["ours: training and scoring"]
    facts = {"auprc": found["ours"], "auprc_of_sage": found["sage"], "cpu_ratio": spent["SAGE"] / spent["ours"]}
    return {**facts, "cpu_ratio_without_preparation": alone}


def _fitted(detector: GraphNetwork | HeteroSage, scene: Scene) -> np.ndarray:
    return detector.fit_predict(scene, scene, TrainOptions()).margins


def _auprc(margins: np.ndarray, target: np.ndarray) -> float:
    return average_precision(*Ranking(margins, target).curve())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=2 * MILLION, help="of the world for speed")
    parser.add_argument("--sage-events", type=int, default=300_000, help="of the world for the comparison, 0 for none")
    parser.add_argument("--senders", type=int, default=MILLION, help="to score at once, 0 for none")
    parser.add_argument("--preset", default="hard")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    clock, compared = Clock(), Clock()
    facts: dict[str, object] = {"cores": os.cpu_count(), "load": os.getloadavg()[0]}
    with scene_of(options.events, options.preset, options.seed) as (scene, _):
        facts |= {"events": options.events, "senders": len(scene.senders.known)}
        propagated, model = both_rounds(scene, clock)
        rounds = list(clock.cpu)
        if options.senders:
            times = -(-options.senders // len(scene.senders.known))
            many, labels = side_by_side(propagated, scene.senders, times)
            clock(f"scoring {len(labels.known):,} senders", score_senders, many, labels, model)
            del many
    if options.sage_events:
        with scene_of(options.sage_events, options.preset, options.seed) as (scene, target):
            facts |= against_sage(scene, target, compared)
    facts |= {"wall": clock.wall | compared.wall, "cpu": clock.cpu | compared.cpu}
    facts |= {"peak_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / GIB, 2)}
    if options.json:
        print(json.dumps(facts))
        return
    print(f"{facts['events']:,} events, {facts['senders']:,} senders; {facts['cores']} cores, load {facts['load']:.1f}")
    print("\n".join([*map(clock.line, rounds), clock.total(rounds), *map(clock.line, list(clock.cpu)[len(rounds) :])]))
    if options.sage_events:
        print("\n".join(map(compared.line, compared.cpu)))
        print(
            f"AUPRC {facts['auprc']:.3f} against SAGE's {facts['auprc_of_sage']:.3f} for "
            f"{facts['cpu_ratio']:.1f} times less CPU, {facts['cpu_ratio_without_preparation']:.1f} without preparation"
        )
    print(f"peak {facts['peak_gib']} GiB, simulation and ingest included")


if __name__ == "__main__":
    main()
