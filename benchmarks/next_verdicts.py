"""Claim: over several worlds, twenty verdicts chosen by the queue leave fewer wrong calls than twenty at random.

On labelled worlds, simulated for the occasion unless `--world` names some. Each is scored in memory with the verdicts
that it comes with; then twenty more are given, true ones, and it is trained and scored again: the head of the queue,
its head of senders alone, and as peers twenty suspects at random and twenty senders at random (means over `--draws`).
Over all senders that had no verdict before: wrong calls at a risk of one half and log-loss, each as a ratio to the same
without further verdicts. Over those whom no arm told anything about: AUPRC. Of the true campaigns: the share found.

    python benchmarks/next_verdicts.py --events 60000 --draws 2
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

from api.ingest import run_ingest
from api.progress import StageRecorder
from api.scenes import shoot
from api.settings import Settings
from api.stages import RefreshOptions
from api.worlds import open_world
from gnn.agreement import agreement
from gnn.calibrate import sigmoid
from gnn.evaluate import Truth
from gnn.labels import CAMPAIGN_WEIGHT, Labels
from gnn.queue import CAMPAIGN, SENDER, doubts_of, questions
from gnn.risk import Risk, judge
from gnn.scene import Scene
from gnn.settle import score_settled
from gnn.teach import teach
from graph.campaigns import FindOptions, Partition, find_groups
from graph.campaigns.risk import group_logits
from graph.home import Home

FAMILIES = ("populations", "market", "patterns")
VERDICTS = 20

Pick = tuple[str, int]


@dataclass(frozen=True)
class Outcome:
    """One arm: labels given, the risk and groups of the refresh after, and how many senders it told about."""

    name: str
    labels: Labels
    risk: Risk
    groups: Partition


def scored(scene: Scene, labels: Labels, options: RefreshOptions, name: str) -> Outcome:
    """The refresh's stages from training to judgement."""
    model = teach(scene.window, scene.propagated, labels, options.train)
    risk = score_settled(scene.propagated, scene.evidence, labels, scene.domains, model, options.train)
    groups = find_groups(scene.propagated.burst, risk.senders, options.find)
    return Outcome(name, labels, judge(risk, groups, scene.evidence, scene.domains), groups)


def told(labels: Labels, groups: Partition, target: NDArray[np.float64], picks: list[Pick]) -> Labels:
    """The labels with true verdicts on what was picked; one on a campaign is what most of its members are."""
    bad, good = labels.malicious.copy(), labels.benign.copy()
    for kind, at in sorted(picks):  # campaigns first: a sender's own verdict stands above
        rows = np.flatnonzero(groups.group == at) if kind == CAMPAIGN else np.array([at])
        guilty = np.nanmean(target[rows]) >= 0.5
        weight = CAMPAIGN_WEIGHT * groups.weight[rows] if kind == CAMPAIGN else np.ones(1)
        rows, weight = (rows[~labels.known[rows]], weight[~labels.known[rows]]) if kind == CAMPAIGN else (rows, weight)
        bad[rows], good[rows] = (weight, 0.0) if guilty else (0.0, weight)
    return Labels(bad, good)


def arms(scene: Scene, before: Outcome, truth: Truth, draws: int) -> Iterator[tuple[str, list[Pick]]]:
    """What each arm asks about."""
    groups, known = before.groups, scene.senders.known
    logits = group_logits(groups.group, before.risk.senders, groups.count)
    campaigns = sigmoid(logits), np.zeros(groups.count, bool)
    doubts = doubts_of(scene.propagated.burst, before.risk.sender_risk, known, (groups.group, groups.weight), campaigns)
    queue = [(one.kind, one.at) for one in questions(doubts, 10 * VERDICTS)]
    judgeable = [pick for pick in queue if pick[0] == CAMPAIGN or np.isfinite(truth.target[pick[1]])]
    yield "queue", judgeable[:VERDICTS]
    yield "queue, senders alone", [pick for pick in judgeable if pick[0] == SENDER][:VERDICTS]
    free = np.flatnonzero(~known & np.isfinite(truth.target))
    for name, pool in (
        ("random suspects", free[before.risk.senders[free] > FindOptions.seed_margin]),
        ("random senders", free),
    ):
        for draw in range(draws):
            chosen = np.random.default_rng(draw).choice(pool, min(VERDICTS, len(pool)), replace=False)
            yield name, [(SENDER, int(at)) for at in chosen]


def measured(folder: Path, draws: int) -> dict[str, dict[str, float]]:
    """Figures of one world by arm, ratios to no further verdict where that is said."""
    world = open_world(folder)
    settings = Settings()
    settings = replace(settings, refresh=replace(settings.refresh, window_days=world.window_days))
    stages = StageRecorder()
    with tempfile.TemporaryDirectory() as place:
        home = Home(Path(place)).ensure()
        run_ingest(home, settings, world.paths, stages)
        options = RefreshOptions.of(settings, world.as_of)
        scene = shoot(home, options, stages).scene
        truth = world.answers(scene.window).truth
    before = scored(scene, scene.senders, options, "none")
    done = [before] + [
        scored(scene, told(scene.senders, before.groups, truth.target, picks), options, name)
        for name, picks in arms(scene, before, truth, draws)
    ]
    untold = ~np.any([one.labels.known for one in done], axis=0) & np.isfinite(truth.target)
    asked = ~scene.senders.known & np.isfinite(truth.target)
    figures: dict[str, list[dict[str, float]]] = {}
    for one in done:
        figures.setdefault(one.name, []).append(_figures(one, truth, asked, untold))
    means = {
        name: {key: float(np.mean([row[key] for row in rows])) for key in rows[0]} for name, rows in figures.items()
    }
    base = means["none"]
    for row in means.values():
        row["wrong ratio"] = row["wrong"] / max(base["wrong"], 1.0)
        row["loss ratio"] = row["loss"] / base["loss"]
    return means


def _figures(one: Outcome, truth: Truth, asked: NDArray[np.bool_], untold: NDArray[np.bool_]) -> dict[str, float]:
    y, p = truth.target[asked], np.clip(sigmoid(one.risk.senders[asked]), 1e-6, 1 - 1e-6)
    found = agreement(one.groups.group, truth.campaign, ~untold)
    return {
        "wrong": float(((p >= 0.5) != (y > 0)).sum()),
        "loss": float(-np.mean(np.where(y > 0, np.log2(p), np.log2(1 - p)))),
        "auprc": float(average_precision_score(truth.target[untold], one.risk.senders[untold])),
        "found": found.found,
    }


def simulated(events: int, seed: int, place: Path) -> Iterator[Path]:
    """A hard world of every family."""
    for family in FAMILIES:
        out = place / family
        words = ["simulate", "--family", family, "--preset", "hard", "--out", str(out), "--events", str(events)]
        call = [sys.executable, "-m", "api.cli", *words, "--seed", str(seed), "--json"]
        subprocess.run(call, check=True, stdout=subprocess.DEVNULL)
        yield out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", type=Path, action="append", default=[])
    parser.add_argument("--events", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folders = options.world or list(simulated(options.events, options.seed, Path(place)))
        found = {folder.name: measured(folder, options.draws) for folder in folders}
    if options.json:
        print(json.dumps(found))
        return
    for name, rows in found.items():
        print(f"{name}\n{'':<24}{'wrong':>8}{'ratio':>8}{'loss':>8}{'ratio':>8}{'AUPRC':>8}{'found':>8}")
        for arm, row in rows.items():
            print(
                f"{arm:<24}{row['wrong']:>8.0f}{row['wrong ratio']:>8.2f}{row['loss']:>8.4f}{row['loss ratio']:>8.2f}"
                f"{row['auprc']:>8.3f}{row['found']:>8.2f}"
            )


if __name__ == "__main__":
    main()
