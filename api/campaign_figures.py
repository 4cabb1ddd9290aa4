"""Judging campaigns as a refresh makes them: members, ids from day to day, risk. Holds the protocol, no formula."""

import hashlib
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.metrics import v_measure_score

from api import stages as work
from api.progress import StageRecorder
from api.scenes import Shot, known_at, shoot
from api.stages import Champion
from gnn.agreement import alone, b_cubed, main_group, pair_scores
from gnn.domains import OURS
from gnn.evaluate import Truth, Verdict, confront
from gnn.metrics import calibration_error
from gnn.references.clusters import campaigns_of
from gnn.report import Families, Identity, Persistence
from gnn.risk import Risk
from gnn.scene import without
from gnn.settle import score_settled
from graph.campaigns import Known, Partition, find_groups
from graph.campaigns.held import campaign_names
from graph.home import Home
from graph.values import Campaigns

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

ROTATED = 0.3  # of a campaign's senders are others a day later


@dataclass(frozen=True)
class Refreshed:
    """Groups, their tables, and the id of each group."""

    shot: Shot
    groups: Partition
    campaigns: Campaigns
    names: dict[int, str]

    def remembered(self) -> Known:
        """What the next refresh knows of this one."""
        tables = {name: getattr(self.campaigns, name) for name in work.REMEMBERED}
        return Known(**tables, as_of=self.shot.piece.as_of)

    def at(self, senders: pa.Table) -> Ids:
        """The group of each of these senders, −1 where this refresh has none."""
        group = dict(zip(self.shot.scene.window.senders["key"].to_pylist(), self.groups.group.tolist(), strict=True))
        return np.array([group.get(key, -1) for key in senders["key"].to_pylist()], dtype=np.int64)


def refreshed(
    home: Home, shot: Shot, verdict: Verdict, true: Ids | None, stages: StageRecorder, moment: datetime | None = None
) -> tuple[Refreshed, Identity]:
    """Campaigns at the moment, after refreshes two days and one day before by one model, and what ids went through.

    Anchored at the true campaigns, whose main group is looked for at both ends of each trial; where there are none, at
    the later groups. `moment`: labels given after it stay hidden.
    """
    first, second = (_before(home, shot, days, moment, stages) for days in (2, 1))
    with stages.stage("campaigns") as stage:
        logits = [_risk(each, verdict) for each in (first, second, shot)]
        oldest = _refreshed(first, verdict, logits[0], None)
        past = _refreshed(second, verdict, logits[1], oldest.remembered())

        def again(known: Known) -> Refreshed:
            return _refreshed(shot, verdict, logits[2], known)

        now = again(past.remembered())
        anchors = now.groups.group if true is None else true
        skipped, rotated = again(oldest.remembered()), again(_rotated(past.remembered()))
        repeated = again(past.remembered())
        same = all(
            getattr(repeated.campaigns, f.name).equals(getattr(now.campaigns, f.name)) for f in fields(Campaigns)
        )
        trials = (
            _persistence("the window slides by a day", past, now, anchors),
            _persistence("a refresh is left out", oldest, skipped, anchors),
            _persistence(f"{ROTATED:.0%} of the members are others", past, rotated, anchors),
            replace(_persistence("the refresh is repeated", now, repeated, anchors), same_bytes=same),
        )
        stage.rows = now.groups.count
    slides = trials[0]
    return now, Identity(slides.compared, slides.kept, second.piece.as_of, shot.piece.as_of, trials)


def _before(home: Home, shot: Shot, days: int, moment: datetime | None, stages: StageRecorder) -> Shot:
    """What a refresh so many days earlier would have seen."""
    words = " a day before" if days == 1 else f" {days} days before"
    found = shoot(home, replace(shot.options, as_of=shot.piece.as_of - timedelta(days=days)), stages, words)
    return replace(found, scene=known_at(home, found, moment)) if moment else found


def _risk(shot: Shot, verdict: Verdict) -> Risk:
    scene, options = shot.scene, shot.options.train
    return score_settled(scene.propagated, scene.evidence, scene.senders, scene.domains, verdict.model, options)


def _refreshed(shot: Shot, verdict: Verdict, risk: Risk, known: Known | None) -> Refreshed:
    """The end of the refresh's line at one moment."""
    scene = shot.scene
    decided = replace(shot.decided, senders=scene.senders, domains=scene.domains, known=known)
    held = work.groups_of(scene.window, scene.propagated.burst, risk, decided, shot.options)
    refresh = work.identify(shot.piece, Champion("evaluation", verdict.model), decided)
    campaigns = work.campaigns_of(scene.window, scene.evidence, held, risk, decided, refresh, shot.options)
    names = campaign_names(scene.window, held.partition, campaigns.members)
    return Refreshed(shot, held.partition, campaigns, names)


def _persistence(name: str, then: Refreshed, now: Refreshed, anchors: Ids) -> Persistence:
    """How many of the anchors' main groups bear one id at both refreshes."""
    senders = now.shot.scene.window.senders
    before, after = main_group(then.at(senders), anchors), main_group(now.groups.group, anchors)
    both = sorted(set(before) & set(after))
    return Persistence(name, len(both), sum(then.names[before[one]] == now.names[after[one]] for one in both))


def _rotated(known: Known) -> Known:
    """The same campaigns as if a share of each one's senders had been others, drawn by their keys."""
    rows = known.members.to_pandas()
    senders = rows[rows["role"] == "sender"]
    order = senders["key"].map(lambda key: hashlib.blake2b(key.encode(), digest_size=8).hexdigest())
    place = order.groupby(senders["campaign_id"]).rank(method="first")
    size = senders.groupby("campaign_id")["key"].transform("size")
    gone = place.index[place <= ROTATED * size]
    rows.loc[gone, "key"] = "gone:" + rows.loc[gone, "key"]
    table = pa.Table.from_pandas(rows, schema=known.members.schema, preserve_index=False)
    return replace(known, members=table.replace_schema_metadata(None))


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


def clusters(shot: Shot, risk: Risk, stages: StageRecorder) -> dict[str, Ids]:
    """Groups of the references among those whom the product suspects, by name."""
    with stages.stage("campaigns of references") as stage:
        found = campaigns_of(shot.scene.propagated.burst, np.flatnonzero(risk.senders > 0), shot.options.train.seed)
        stage.rows = len(found)
    return found


def families(shot: Shot, truth: Truth, stages: StageRecorder) -> dict[str, Families]:
    """Campaigns found without fingerprints against groups of near-equal mail, the product's and then references'."""
    with stages.stage("campaigns without fingerprints"):
        scene = without(shot.scene, {"carried"})
        verdict = confront(scene, scene, shot.options.train, (), apart=False)
        groups = find_groups(scene.propagated.burst, verdict.risk.senders, shot.options.find).group
    every = {OURS: groups, **clusters(replace(shot, scene=scene), verdict.risk, stages)}
    return {name: _families(group, truth) for name, group in every.items()}


def _families(group: Ids, truth: Truth) -> Families:
    inside = truth.campaign >= 0
    found, true = alone(group[inside]), truth.campaign[inside]
    pairs = pair_scores(found, true)
    return Families(
        groups=len(np.unique(true)),
        senders=int(inside.sum()),
        clustered=float((group[inside] >= 0).mean()) if inside.any() else float("nan"),
        precision=pairs.precision,
        recall=pairs.recall,
        f1=pairs.f1,
        b_cubed_f1=b_cubed(found, true),
        v_measure=float(v_measure_score(true, found)) if inside.any() else float("nan"),
    )
