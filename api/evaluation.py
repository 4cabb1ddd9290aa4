"""`ringleader evaluate`: from a labelled world or this home's own verdicts to figures. Holds the protocol, no formula.

Three questions, one protocol: what was known at a moment is learnt from, senders whose label came later are judged by
what their evidence said before a verdict of their own.
"""

import json
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray
from sklearn.metrics import v_measure_score

from api import stages as work
from api.ingest import run_ingest
from api.progress import StageRecorder
from api.scenes import Shot, after, cut_of, first_decided, known_at, last_decided, shoot, too_few
from api.settings import Settings
from api.stages import Champion, RefreshOptions
from api.worlds import Answers, World, open_world
from gnn.agreement import Agreement, agreement, alone, main_group, pair_scores
from gnn.evaluate import Scope, Truth, Verdict, confront, scope
from gnn.plots import plot
from gnn.references import GraphTrees, OwnTrees, references
from gnn.report import Evaluation, Families, Identity, as_json, text
from gnn.risk import score
from gnn.scene import Scene, without
from graph.atomic import make_folder, write_bytes
from graph.campaigns import Known, Partition, find_groups
from graph.home import Home
from graph.values import Campaigns

Array = NDArray[np.float64]
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

WORLD_PROTOCOL = (
    "Labels and reports known at that moment are learnt from; judged are senders without a verdict, by their risk "
    "before any verdict of their own."
)
HOME_PROTOCOL = (
    "Learnt from what was known at {cut:%Y-%m-%d %H:%M} UTC; judged are senders whose first verdict came after it, by "
    "their events up to {end:%Y-%m-%d %H:%M} UTC and the labels known at the cut."
)
CONFOUNDED = {"wrote_to", "sent_from"}  # in the sample both tell the collection apart, not the spam (data/README.md)


def evaluate(home: Home, settings: Settings, world: Path | None, stages: StageRecorder) -> tuple[Evaluation, Path]:
    """Evaluate on a world's folder, or on this home's own data; returns the figures and the folder they lie in.

    Raises InputError where `world` is none, RingleaderError where the home's verdicts are too few to judge by.
    """
    if world is None:
        found = evaluate_home(home, settings, stages)
    else:
        found = evaluate_world(open_world(world), settings, stages)
    return found, write(home, found)


def evaluate_world(world: World, settings: Settings, stages: StageRecorder) -> Evaluation:
    """Ingest a world into a temporary home and judge every sender that has no label."""
    settings = replace(
        settings,
        lake=replace(settings.lake, retention_days=0),
        refresh=replace(settings.refresh, window_days=world.window_days),
    )
    with tempfile.TemporaryDirectory(prefix="ringleader-evaluate-") as folder:
        home = Home(Path(folder)).ensure()
        run_ingest(home, settings, world.paths, stages)
        shot = shoot(home, RefreshOptions.of(settings, world.as_of), stages)
        answers = world.answers(shot.scene.window)
        verdict = _confront(shot.scene, shot.scene, shot.options, stages)
        scopes = _scopes(shot.scene, answers, verdict, settings.model.seed, stages)
        scopes += _without_confounds(shot, answers, stages) if answers.families else ()
        groups, identity = _campaigns(home, shot, verdict, answers.truth.campaign, stages)
        families = _families(shot, answers.truth, stages) if answers.families else None
    agreed = None if answers.families else _agreement(shot.scene, answers, groups)
    found = _Found(verdict, scopes, groups, identity, agreed, families)
    protocol = f"{WORLD_PROTOCOL} {world.caveat}".strip()
    return found.evaluation(f"world {world.folder.name}", protocol, shot, answers.truth, stages)


def evaluate_home(home: Home, settings: Settings, stages: StageRecorder) -> Evaluation:
    """Cut this home's verdicts at a moment: learn from what was known then, judge senders decided on later."""
    options = RefreshOptions.of(settings, None)
    full = shoot(home, replace(options, as_of=last_decided(home, options)), stages)
    decided_at = first_decided(full)
    cut = cut_of(full.scene.senders, decided_at)
    if cut is None:
        raise too_few(full.scene.senders)
    asked = replace(full, scene=known_at(home, full, cut))
    taught = shoot(home, replace(options, as_of=cut), stages, " at the cut")
    later = after(decided_at, cut)
    target = np.where(later & full.scene.senders.known, full.scene.senders.target, np.nan)
    loose = np.full(len(target), -1, np.int64)
    truth = Truth(target, loose, np.arange(len(target)))
    answers = Answers(truth, {f"senders decided on after {cut:%Y-%m-%d}": later}, loose)
    verdict = _confront(taught.scene, asked.scene, options, stages)
    scopes = _scopes(asked.scene, answers, verdict, settings.model.seed, stages)
    groups, identity = _campaigns(home, asked, verdict, None, stages, cut)
    found = _Found(verdict, scopes, groups, identity, None, None)
    protocol = HOME_PROTOCOL.format(cut=cut, end=full.piece.as_of)
    return found.evaluation("this home", protocol, asked, truth, stages)


def write(home: Home, evaluation: Evaluation) -> Path:
    """evaluation.json, evaluation.md and a plot a question into home/evaluations/<time>; returns that folder."""
    folder = home.path / "evaluations" / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    make_folder(folder)
    plots = [(f"plot-{at}.svg", one) for at, one in enumerate(evaluation.scopes, 1)]
    for name, one in plots:
        write_bytes(folder / name, plot(one.name, one.curves, one.reliability).encode())
    pictures = "\n".join(f"![{one.name}]({name})\n" for name, one in plots)
    write_bytes(folder / "evaluation.md", f"{text(evaluation)}\n{pictures}".encode())
    write_bytes(folder / "evaluation.json", json.dumps(as_json(evaluation), indent=1, ensure_ascii=False).encode())
    return folder


@dataclass(frozen=True)
class _Found:
    """What the parts of an evaluation found."""

    verdict: Verdict
    scopes: tuple[Scope, ...]
    groups: Partition
    identity: Identity
    agreed: Agreement | None
    families: Families | None

    def evaluation(self, source: str, protocol: str, shot: Shot, truth: Truth, stages: StageRecorder) -> Evaluation:
        members = (self.groups.group >= 0) & np.isfinite(truth.target)
        return Evaluation(
            source=source,
            protocol=protocol,
            as_of=shot.piece.as_of,
            window_days=shot.options.window_days,
            seed=shot.options.train.seed,
            senders=len(truth.target),
            labels=int(shot.scene.senders.known.sum()),
            scopes=self.scopes,
            agreement=self.agreed,
            families=self.families,
            members=int(members.sum()),
            innocents=int((members & (truth.target == 0)).sum()),
            identity=self.identity,
            stages=stages.rows(),
        )


def _confront(taught: Scene, asked: Scene, options: RefreshOptions, stages: StageRecorder) -> Verdict:
    with stages.stage("network and references") as stage:
        return confront(taught, asked, options.train, references(), lambda *at: stage.progress(*at))


def _scopes(scene: Scene, answers: Answers, verdict: Verdict, seed: int, stages: StageRecorder) -> tuple[Scope, ...]:
    """Every question on senders without a label, and those of new and of known campaigns where there are campaigns."""
    free = ~scene.senders.known
    truth = answers.truth
    asked = {name: rows & free for name, rows in answers.scopes.items()}
    if not answers.families and (truth.campaign >= 0).any():
        new = free & ~np.isin(truth.campaign, _labelled_campaigns(scene, answers))
        innocent = truth.target == 0
        asked["new campaigns (no member labelled)"] = new
        asked["known campaigns (some member labelled)"] = free & (innocent | ~new)
    with stages.stage("bootstrap") as stage:
        stage.rows = len(asked)
        return tuple(scope(name, rows, scene, truth, verdict, seed) for name, rows in asked.items())


def _without_confounds(shot: Shot, answers: Answers, stages: StageRecorder) -> tuple[Scope, ...]:
    """The same questions with recipients and networks kept out of everything."""
    with stages.stage("without recipients and networks"):
        scene = without(shot.scene, CONFOUNDED)
        verdict = confront(scene, scene, shot.options.train, (OwnTrees(), GraphTrees()))
    found = _scopes(scene, answers, verdict, shot.options.train.seed, stages)
    return tuple(replace(one, name=f"{one.name}, recipients and networks kept out") for one in found)


def _labelled_campaigns(scene: Scene, answers: Answers) -> Ids:
    """True campaigns of which a sender or a domain has a label."""
    by_sender = answers.truth.campaign[scene.senders.known]
    found = np.union1d(by_sender, answers.domain_campaign[scene.domains.known])
    return found[found >= 0]


def _agreement(scene: Scene, answers: Answers, groups: Partition) -> Agreement:
    known = _labelled_campaigns(scene, answers)
    return agreement(groups.group, answers.truth.campaign, np.isin(answers.truth.campaign, known))


def _campaigns(
    home: Home, shot: Shot, verdict: Verdict, true: Ids | None, stages: StageRecorder, moment: datetime | None = None
) -> tuple[Partition, Identity]:
    """Campaigns at the moment and a day before, by one model; what became of the ids in between.

    Anchored at the true campaigns, whose main group is looked for at both; where there are none, at the later groups.
    `moment`: labels given after it stay hidden.
    """
    before = shoot(home, replace(shot.options, as_of=shot.piece.as_of - timedelta(days=1)), stages, " a day before")
    before = replace(before, scene=known_at(home, before, moment)) if moment else before
    with stages.stage("campaigns") as stage:
        past = _at_work(before, verdict, None)
        now = _at_work(shot, verdict, Known(past.campaigns.campaigns, past.campaigns.members, past.campaigns.lineage))
        stage.rows = now.groups.count
    anchors = now.groups.group if true is None else true
    position = {key: at for at, key in enumerate(before.scene.window.senders["key"].to_pylist())}
    at = [position.get(key, -1) for key in shot.scene.window.senders["key"].to_pylist()]
    earlier = np.array([past.groups.group[i] if i >= 0 else -1 for i in at], dtype=np.int64)
    then, today = main_group(earlier, anchors), main_group(now.groups.group, anchors)
    both = sorted(set(then) & set(today))
    kept = sum(past.names[then[anchor]] == now.names[today[anchor]] for anchor in both)
    return now.groups, Identity(len(both), kept, before.piece.as_of, shot.piece.as_of)


@dataclass(frozen=True)
class _Refreshed:
    """Groups, their tables, and the id of each group."""

    groups: Partition
    campaigns: Campaigns
    names: dict[int, str]


def _at_work(shot: Shot, verdict: Verdict, known: Known | None) -> _Refreshed:
    """The end of the refresh's line at one moment."""
    scene = shot.scene
    risk = score(scene.propagated, scene.evidence, scene.senders, scene.domains, verdict.model)
    groups = find_groups(scene.evidence, risk.senders, shot.options.find)
    decided = replace(shot.decided, senders=scene.senders, domains=scene.domains, known=known)
    refresh = work.identify(shot.piece, Champion("evaluation", verdict.model), decided)
    campaigns = work.campaigns_of(scene.window, scene.evidence, groups, risk, decided, refresh)
    members = campaigns.members.filter(pc.equal(campaigns.members["role"], "sender"))
    owner = dict(zip(members["key"].to_pylist(), members["campaign_id"].to_pylist(), strict=True))
    keys = scene.window.senders["key"].to_pylist()
    names = {int(g): owner[keys[at]] for at, g in enumerate(groups.group.tolist()) if g >= 0 and keys[at] in owner}
    return _Refreshed(groups, campaigns, names)


def _families(shot: Shot, truth: Truth, stages: StageRecorder) -> Families:
    """Campaigns found without fingerprints, against groups of near-equal mail."""
    with stages.stage("campaigns without fingerprints"):
        scene = without(shot.scene, {"carried"})
        verdict = confront(scene, scene, shot.options.train, ())
        groups = find_groups(scene.evidence, verdict.risk.senders, shot.options.find)
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
