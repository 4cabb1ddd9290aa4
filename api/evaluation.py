"""`ringleader evaluate`: from labelled worlds or this home's own verdicts to figures. Holds the protocol, no formula.

Three questions, one protocol: what was known at a moment is learnt from, senders whose label came later are judged by
what their evidence said before a verdict of their own. The guards of `gnn.leaks` look on and end what is not time-safe.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api import campaign_figures
from api.campaign_figures import Refreshed, refreshed, risk_error
from api.ingest import run_ingest
from api.lead import lead
from api.progress import StageRecorder
from api.scenes import (
    Shot,
    after,
    cut_of,
    first_decided,
    first_event,
    known_at,
    last_decided,
    shoot,
    shoot_decided,
    too_few,
)
from api.settings import Settings
from api.stages import RefreshOptions
from api.worlds import Answers, World, no_domains, open_world
from gnn.agreement import Agreement, agreement
from gnn.domains import OURS, DomainScope, domain_scope
from gnn.evaluate import Scope, Truth, Verdict, bunches, confront, scope
from gnn.lead import LeadTimes
from gnn.leaks import Checked, no_asked_label, no_common_campaign, no_late_label, no_own_label
from gnn.learning_curve import LearningCurve, Lesson, learning_curves
from gnn.references import GraphTrees, OwnTrees, references
from gnn.report import MOST_LISTED, Doubted, Evaluation, Families, Identity, Review
from gnn.review import Doubts, doubts
from gnn.scene import Scene, without
from graph.evidence import column
from graph.home import Home
from graph.schema import BENIGN, MALICIOUS
from graph.scratch import scratch_folder

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
NEW, KNOWN = "new campaigns (no member labelled)", "known campaigns (some member labelled)"
FEW_EVENTS = 3
NEW_FEW = f"new campaigns, senders of at most {FEW_EVENTS} events"
Checks = tuple[Checked, ...]


@dataclass(frozen=True)
class EvaluateOptions:
    """What is looked at: `references` is "quick" or "all"; without reports and with fewer verdicts only if asked.

    `lead_days`: a world is refreshed on each of so many last days, to tell how early its campaigns are found.
    """

    references: str = "quick"
    without_reports: bool = False
    learning_curve: bool = False
    lead_days: int = 0


def evaluate(
    home: Home, settings: Settings, worlds: Sequence[Path], options: EvaluateOptions, stages: StageRecorder
) -> list[Evaluation]:
    """Evaluate on the folders of worlds one after another, or on this home's own data where there is none.

    Raises InputError where a folder is no world, RingleaderError where the home's verdicts are too few to judge by,
    LeakError where something learnt knows its answers.
    """
    opened = [open_world(folder) for folder in worlds]  # a wrong name is told before the first world takes its minutes
    if not opened:
        return [evaluate_home(home, settings, options, stages)]
    return [evaluate_world(world, settings, options, stages) for world in opened]


def evaluate_world(world: World, settings: Settings, options: EvaluateOptions, stages: StageRecorder) -> Evaluation:
    """Ingest a world into a temporary home and judge every sender that has no label."""
    before = len(stages.rows())
    settings = replace(
        settings,
        read=replace(settings.read, future_tolerance_hours=_ahead(world, settings)),
        lake=replace(settings.lake, retention_days=0),
        refresh=replace(settings.refresh, window_days=world.window_days),
    )
    with scratch_folder() as folder:
        home = Home(folder).ensure()
        run_ingest(home, settings, world.paths, stages)
        shot = shoot(home, RefreshOptions.of(settings, world.as_of), stages)
        trial = Trial(home, shot, world.answers(shot.scene.window), options, stages)
        verdict = trial.confronted(shot.scene)
        checks = trial.checks(shot, shot.piece.as_of)
        scopes = trial.scopes(shot.scene, verdict)
        scopes += trial.without_confounds() if trial.answers.families else ()
        scopes += trial.without_reports() if options.without_reports else ()
        found, identity = refreshed(home, shot, verdict, trial.answers.truth.campaign, stages)
        known_families = campaign_figures.families(shot, trial.truth, stages) if trial.answers.families else {}
        learning = trial.learning(shot.scene, verdict) if options.learning_curve else ()
        early = trial.lead() if options.lead_days else None
    return trial.evaluation(
        source=f"world {world.folder.name}",
        protocol=f"{WORLD_PROTOCOL} {world.caveat}".strip(),
        verdict=verdict,
        scopes=scopes,
        checks=checks,
        found=found,
        identity=identity,
        families=known_families,
        learning=learning,
        review=trial.review(shot),
        before=before,
        lead=early,
    )


def _ahead(world: World, settings: Settings) -> float:
    """Hours ahead of the clock that rows may be: as far as the world goes, which may be set in the future."""
    return max((world.as_of - datetime.now(UTC)) / timedelta(hours=1), settings.read.future_tolerance_hours)


def evaluate_home(home: Home, settings: Settings, options: EvaluateOptions, stages: StageRecorder) -> Evaluation:
    """Cut this home's verdicts at a moment: learn from what was known then, judge senders decided on later."""
    window = RefreshOptions.of(settings, None)
    end = last_decided(home, window)
    full = shoot_decided(home, window, end, stages, "") if end else shoot(home, window, stages)
    decided_at = first_decided(full)
    cut = cut_of(full.scene.senders, decided_at, first_event(home, window))
    if cut is None:
        raise too_few(full.scene.senders)
    asked = replace(full, scene=known_at(home, full, cut))
    taught = shoot_decided(home, window, cut, stages, " at the cut")
    later = after(decided_at, cut)
    target = np.where(later & full.scene.senders.known, full.scene.senders.target, np.nan)
    loose = np.full(len(target), -1, np.int64)
    truth = Truth(target, loose, bunches(full.scene.window, loose))
    scopes = {f"senders decided on after {cut:%Y-%m-%d}": later}
    trial = Trial(home, asked, Answers(truth, scopes, no_domains(full.scene.window)), options, stages)
    verdict = trial.confronted(taught.scene)
    checks = trial.checks(taught, cut)
    judged = trial.scopes(asked.scene, verdict)
    if options.without_reports:
        judged += trial.without_reports(cut)
    found, identity = refreshed(home, asked, verdict, None, stages, cut)
    return trial.evaluation(
        source="this home",
        protocol=HOME_PROTOCOL.format(cut=cut, end=end or full.piece.as_of),
        verdict=verdict,
        scopes=judged,
        checks=checks,
        found=found,
        identity=identity,
        families={},
        learning=trial.learning(taught.scene, verdict) if options.learning_curve else (),
        review=trial.review(full),
        before=0,
    )


@dataclass(frozen=True)
class Trial:
    """One scene asked about, with the truth and everything that the questions need."""

    home: Home
    shot: Shot
    answers: Answers
    options: EvaluateOptions
    stages: StageRecorder

    @property
    def truth(self) -> Truth:
        return self.answers.truth

    def confronted(self, taught: Scene, name: str = "network and references") -> Verdict:
        """The product and the references asked for, learnt from `taught`."""
        with self.stages.stage(name) as stage:
            others = references(self.options.references)
            return confront(taught, self.shot.scene, self.shot.options.train, others, lambda *at: stage.progress(*at))

    def checks(self, taught: Shot, moment: datetime) -> Checks:
        """The guards that look at every evaluation. `moment`: up to which verdicts may have been learnt from."""
        naive = np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")
        scene, campaign = self.shot.scene, self.truth.campaign
        with self.stages.stage("leak guards") as stage:
            asked = self._asked(scene)
            judged = np.logical_or.reduce([*asked.values()]) & np.isfinite(self.truth.target)
            found = [
                no_late_label(taught.scene.senders, first_decided(taught), naive),
                no_late_label(scene.senders, first_decided(self.shot), naive),
                no_asked_label(scene.senders, judged),
                no_own_label(taught.scene, self.shot.options.train),
            ]
            if NEW in asked:
                of_domains = self.answers.domains.campaign[scene.domains.known]
                found.append(no_common_campaign(campaign, scene.senders.known, asked[NEW], of_domains))
            stage.rows = len(found)
        return tuple(found)

    def scopes(self, scene: Scene, verdict: Verdict, suffix: str = "") -> tuple[Scope, ...]:
        """Every question on senders without a label, those of new and of known campaigns where there are campaigns."""
        asked = self._asked(scene)
        seed = self.shot.options.train.seed
        with self.stages.stage(f"bootstrap{suffix}") as stage:
            stage.rows = len(asked)
            return tuple(
                scope(f"{name}{suffix}", rows, scene, self.truth, verdict, seed) for name, rows in asked.items()
            )

    def _asked(self, scene: Scene) -> dict[str, Mask]:
        free = ~scene.senders.known
        asked = {name: rows & free for name, rows in self.answers.scopes.items()}
        campaign, innocent = self.truth.campaign, self.truth.target == 0
        if not self.answers.families and (campaign >= 0).any():
            labelled = labelled_campaigns(scene, self.answers)
            new = free & ~np.isin(campaign, labelled)
            few = column(scene.window.senders, "events") <= FEW_EVENTS
            asked[NEW], asked[KNOWN], asked[NEW_FEW] = new, free & (innocent | ~new), new & few
        return asked

    def without_confounds(self) -> tuple[Scope, ...]:
        """The same questions with recipients and networks kept out of everything."""
        suffix = ", recipients and networks kept out"
        with self.stages.stage("without recipients and networks"):
            scene = without(self.shot.scene, CONFOUNDED)
            verdict = confront(scene, scene, self.shot.options.train, (OwnTrees(), GraphTrees()))
        return self.scopes(scene, verdict, suffix)

    def without_reports(self, cut: datetime | None = None) -> tuple[Scope, ...]:
        """The same questions in a world where nobody ever reported anything. `cut`: of a home, where it has one."""
        suffix = ", reports kept out"
        end, options = self.shot.piece.as_of, self.shot.options
        if cut is None:
            bare = shoot(self.home, replace(options, as_of=end), self.stages, suffix, False)
            taught = bare.scene
        else:
            bare = shoot_decided(self.home, options, max(cut, end), self.stages, suffix, False)
            bare = replace(bare, scene=known_at(self.home, bare, cut))
            taught = shoot_decided(self.home, options, cut, self.stages, f" at the cut{suffix}", False).scene
        silent = replace(self, shot=bare)
        return silent.scopes(bare.scene, silent.confronted(taught, f"network and references{suffix}"), suffix)

    def learning(self, taught: Scene, verdict: Verdict) -> tuple[LearningCurve, ...]:
        """The first question, and that of new campaigns, asked again after fewer verdicts, drawn at random."""
        asked = self._asked(self.shot.scene)
        first = next(iter(asked))
        questions = {name: rows for name, rows in asked.items() if name in (first, NEW)}
        lesson = Lesson(taught, self.shot.scene, self.truth, questions, self.shot.options.train)
        with self.stages.stage("learning curve") as stage:
            found = learning_curves(lesson, verdict.detectors, stage.progress)
            stage.rows = sum(len(curve.points) for curve in found)
        return found

    def review(self, shot: Shot) -> Review:
        """The verdicts of `shot` that the evidence contradicts; on a world also how many of them are wrong."""
        labels = shot.scene.senders
        with self.stages.stage("verdicts to look at again") as stage:
            found = doubts(shot.scene, labels, shot.options.train)
            stage.rows = len(found.rows)
        wrong = labels.known & (labels.target != self.truth.target) & np.isfinite(self.truth.target)
        of_world = shot.scene is self.shot.scene
        return Review(
            verdicts=int(labels.known.sum()),
            doubted=len(found.rows),
            listed=_listed(shot, found),
            wrong=int(wrong.sum()) if of_world else None,
            wrong_doubted=int(wrong[found.rows].sum()) if of_world else None,
        )

    def domains(self, verdict: Verdict) -> DomainScope | None:
        """Domain risk, where anything is known of domains."""
        if not np.isfinite(self.answers.domains.target).any():
            return None
        return domain_scope(self.shot.scene, self.answers.domains, verdict.risk, self.shot.options.train.seed)

    def agreement(self, found: Refreshed, verdict: Verdict) -> dict[str, Agreement]:
        """Found campaigns against true ones, where the true ones are known; the product's first, then references'."""
        if self.answers.families or not (self.truth.campaign >= 0).any():
            return {}
        known = np.isin(self.truth.campaign, labelled_campaigns(self.shot.scene, self.answers))
        every = {OURS: found.groups.group, **campaign_figures.clusters(self.shot, verdict.risk, self.stages)}
        return {
            name: agreement(groups, self.truth.campaign, known, self.truth.operator) for name, groups in every.items()
        }

    def lead(self) -> LeadTimes | None:
        """How early the true campaigns are found, where they are known."""
        if self.answers.families or not (self.truth.campaign >= 0).any():
            return None
        return lead(self.home, self.shot, self.truth.campaign, self.options.lead_days, self.stages)

    def evaluation(
        self,
        *,
        source: str,
        protocol: str,
        verdict: Verdict,
        scopes: tuple[Scope, ...],
        checks: Checks,
        found: Refreshed,
        identity: Identity,
        families: dict[str, Families],
        learning: tuple[LearningCurve, ...],
        review: Review,
        before: int,
        lead: LeadTimes | None = None,
    ) -> Evaluation:
        """Everything found, the stages from number `before` on."""
        members = (found.groups.group >= 0) & np.isfinite(self.truth.target)
        agreed = self.agreement(found, verdict)
        return Evaluation(
            source=source,
            protocol=protocol,
            as_of=self.shot.piece.as_of,
            window_days=self.shot.options.window_days,
            seed=self.shot.options.train.seed,
            senders=len(self.truth.target),
            labels=int(self.shot.scene.senders.known.sum()),
            scopes=scopes,
            domains=self.domains(verdict),
            agreement=agreed.pop(OURS, None),
            agreement_of=agreed,
            families=families.get(OURS),
            families_of={name: each for name, each in families.items() if name != OURS},
            members=int(members.sum()),
            innocents=int((members & (self.truth.target == 0)).sum()),
            campaign_risk_ece=risk_error(found, self.truth.target),
            identity=identity,
            learning=learning,
            review=review,
            checks=checks,
            stages=self.stages.rows()[before:],
            lead=lead,
        )


def _listed(shot: Shot, found: Doubts) -> tuple[Doubted, ...]:
    """The most contradicted verdicts with who gave them and when; a campaign's verdict alone names nobody."""
    labels, rows = shot.scene.senders, found.rows[:MOST_LISTED]
    keys = shot.scene.window.senders["key"].take(rows).to_pylist()
    about: dict[str, list[dict[str, Any]]] = {key: [] for key in keys}
    for row in shot.decided.verdicts.to_pylist():
        if row["kind"] == "sender" and row["key"] in about:
            about[row["key"]].append(row)
    return tuple(
        Doubted(
            key=key,
            verdict=MALICIOUS if labels.target[at] > 0 else BENIGN,
            risk=float(risk),
            sources=tuple(sorted({row["source"] for row in about[key]})),
            given=max((row["ts"] for row in about[key]), default=None),
        )
        for key, at, risk in zip(keys, rows, found.risk, strict=False)
    )


def labelled_campaigns(scene: Scene, answers: Answers) -> Ids:
    """True campaigns of which a sender or a domain has a label."""
    by_sender = answers.truth.campaign[scene.senders.known]
    found = np.union1d(by_sender, answers.domains.campaign[scene.domains.known])
    return found[found >= 0]
