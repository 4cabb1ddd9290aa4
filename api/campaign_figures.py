"""Judging campaigns as a refresh makes them: members, ids from day to day, risk. Holds the protocol, no formula."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray
from sklearn.metrics import v_measure_score

from api import stages as work
from api.progress import StageRecorder
from api.scenes import Shot, known_at, shoot
from api.stages import Champion
from gnn.agreement import alone, main_group, pair_scores
from gnn.evaluate import Truth, Verdict, confront
from gnn.metrics import calibration_error
from gnn.report import Families, Identity
from gnn.risk import score
from gnn.scene import without
from graph.campaigns import Known, Partition, find_groups
from graph.home import Home
from graph.values import Campaigns

Array = NDArray[np.float64]
Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Refreshed:
    """Groups, their tables, and the id of each group."""

    groups: Partition
    campaigns: Campaigns
    names: dict[int, str]


def refreshed_twice(
    home: Home, shot: Shot, verdict: Verdict, true: Ids | None, stages: StageRecorder, moment: datetime | None = None
) -> tuple[Refreshed, Identity]:
    """Campaigns at the moment and a day before, by one model; what became of the ids in between.

    Anchored at the true campaigns, whose main group is looked for at both; where there are none, at the later groups.
    `moment`: labels given after it stay hidden.
    """
    before = shoot(home, replace(shot.options, as_of=shot.piece.as_of - timedelta(days=1)), stages, " a day before")
    before = replace(before, scene=known_at(home, before, moment)) if moment else before
    with stages.stage("campaigns") as stage:
        past = _refreshed(before, verdict, None)
        now = _refreshed(shot, verdict, Known(past.campaigns.campaigns, past.campaigns.members, past.campaigns.lineage))
        stage.rows = now.groups.count
    anchors = now.groups.group if true is None else true
    position = {key: at for at, key in enumerate(before.scene.window.senders["key"].to_pylist())}
    at = [position.get(key, -1) for key in shot.scene.window.senders["key"].to_pylist()]
    earlier = np.array([past.groups.group[i] if i >= 0 else -1 for i in at], dtype=np.int64)
    then, today = main_group(earlier, anchors), main_group(now.groups.group, anchors)
    both = sorted(set(then) & set(today))
    kept = sum(past.names[then[anchor]] == now.names[today[anchor]] for anchor in both)
    return now, Identity(len(both), kept, before.piece.as_of, shot.piece.as_of)


def _refreshed(shot: Shot, verdict: Verdict, known: Known | None) -> Refreshed:
    """The end of the refresh's line at one moment."""
    scene = shot.scene
    risk = score(scene.propagated, scene.evidence, scene.senders, scene.domains, verdict.model)
    groups = find_groups(scene.propagated.burst, risk.senders, shot.options.find)
    decided = replace(shot.decided, senders=scene.senders, domains=scene.domains, known=known)
    refresh = work.identify(shot.piece, Champion("evaluation", verdict.model), decided)
    campaigns = work.campaigns_of(scene.window, scene.evidence, groups, risk, decided, refresh)
    members = campaigns.members.filter(pc.equal(campaigns.members["role"], "sender"))
    owner = dict(zip(members["key"].to_pylist(), members["campaign_id"].to_pylist(), strict=True))
    keys = scene.window.senders["key"].to_pylist()
    names = {int(g): owner[keys[at]] for at, g in enumerate(groups.group.tolist()) if g >= 0 and keys[at] in owner}
    return Refreshed(groups, campaigns, names)


def risk_error(found: Refreshed, target: Array) -> float:
    """Calibration error of the risk of campaigns; one is malicious where half of its members of known truth are."""
    table = found.campaigns.campaigns
    risk = dict(zip(table["campaign_id"].to_pylist(), table["risk"].to_pylist(), strict=True))
    said, true = [], []
    for group, name in sorted(found.names.items()):
        inside = target[(found.groups.group == group) & np.isfinite(target)]
        if len(inside) and name in risk:
            said.append(risk[name])
            true.append(float(inside.mean() >= 0.5))
    return calibration_error(np.array(said, dtype=np.float64), np.array(true, dtype=np.float64))


def families(shot: Shot, truth: Truth, stages: StageRecorder) -> Families:
    """Campaigns found without fingerprints, against groups of near-equal mail."""
    with stages.stage("campaigns without fingerprints"):
        scene = without(shot.scene, {"carried"})
        verdict = confront(scene, scene, shot.options.train, (), apart=False)
        groups = find_groups(scene.propagated.burst, verdict.risk.senders, shot.options.find)
    inside = truth.campaign >= 0
    found, true = alone(groups.group[inside]), truth.campaign[inside]
    pairs = pair_scores(found, true)
    return Families(
        groups=len(np.unique(true)),
        senders=int(inside.sum()),
        clustered=float((groups.group[inside] >= 0).mean()) if inside.any() else float("nan"),
        precision=pairs.precision,
        recall=pairs.recall,
        f1=pairs.f1,
        v_measure=float(v_measure_score(true, found)) if inside.any() else float("nan"),
    )
