"""`ringleader train`: a challenger against the champion on verdict days that neither has seen. Knows no network.

Senders decided on after `as_of` judge both. Where there are too few of them, the challenger is first fitted on what
was known somewhat earlier and the verdicts in between judge; only a winner is fitted again on all that was known at
`as_of`. The champion's pointer is swapped last, so a kill at any moment leaves the champion as it was.
"""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from api.preparation import sweep
from api.progress import StageRecorder
from api.scenes import (
    LEAST_TO_JUDGE,
    Shot,
    after,
    cut_of,
    enough,
    first_decided,
    first_event,
    known_at,
    last_decided,
    shoot,
    shoot_decided,
)
from api.stages import RefreshOptions, fit_champion
from gnn import registry
from gnn.calibrate import sigmoid
from gnn.metrics import Figure, Judged, Scores, judge, log_losses
from gnn.model import RiskModel
from gnn.risk import score
from gnn.scene import Scene
from gnn.segments import SegmentGain, segment_gains, segments
from gnn.teach import bunches, is_cold, teach
from graph.errors import ModelError
from graph.home import Home, write_lock

Array = NDArray[np.float64]

CHAMPION, CHALLENGER = "champion", "challenger"
MOST_SHIFT, SHIFT_STEPS = 30.0, 60  # log-odds, halvings: to the last digit
ROUNDS = 1_000  # the decision hangs on one end of an interval, so that end must stand still


@dataclass(frozen=True)
class Comparison:
    """Champion and challenger on the senders first decided on in (`since`, `until`]."""

    since: datetime
    until: datetime
    senders: int
    malicious: int
    champion: dict[str, Figure]
    challenger: dict[str, Figure]
    auprc_gain: Figure  # challenger minus champion, paired
    log_loss_gain: Figure  # champion minus challenger, paired: above zero the challenger is better
    segments: tuple[SegmentGain, ...] = ()  # log loss again, among kinds of senders

    @property
    def ahead(self) -> bool:
        """Better beyond noise in ranking, or in probability and no worse in ranking."""
        return self.auprc_gain.above(0) or (self.log_loss_gain.above(0) and not self.auprc_gain.below(0))

    @property
    def worse_on(self) -> tuple[str, ...]:
        """Segments on which the challenger is worse beyond noise."""
        return tuple(segment.name for segment in self.segments if segment.worse)

    @property
    def better(self) -> bool:
        """Ahead of the champion over all, and not behind it on any segment."""
        return self.ahead and not self.worse_on

    @property
    def words(self) -> str:
        """Why it is to be promoted or not."""
        if self.ahead and self.worse_on:
            return f"the challenger is better beyond noise over all, but worse on senders: {'; '.join(self.worse_on)}"
        return "the challenger is better beyond noise" if self.better else "the challenger is not better beyond noise"


@dataclass(frozen=True)
class Training:
    """What `train` did: the champion before and after, what both could do, and why it was decided so."""

    champion_before: str | None
    champion: str
    promoted: bool
    reason: str
    as_of: datetime
    labels: int
    malicious: int
    comparison: Comparison | None

    def summary(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


@dataclass(frozen=True)
class Exam:
    """Both models are asked about `full`, knowing the labels of `cut`; its senders decided on after that judge them.

    The challenger has learnt up to `learnt`, which is no later; the last of the verdicts that judge came at `until`.
    """

    full: Shot
    learnt: datetime
    cut: datetime
    until: datetime


def run_training(home: Home, options: RefreshOptions, force: bool, stages: StageRecorder) -> Training:
    """Fit, compare, decide, under the home's write lock. Raises RingleaderError where the lake or window is empty."""
    home.ensure()
    with write_lock(home):
        sweep(home)
        shot = shoot(home, options, stages)
        before = registry.champion(home)
        comparison, needed, reason = _tried(home, shot, before, stages)
        promoted = force or needed
        if force and not needed:
            reason += "; promoted because of --force"
        name = _promote(home, shot, comparison, stages) if promoted or before is None else before
    known = shot.scene.senders.known
    malicious = int(shot.scene.senders.target[known].sum())
    return Training(before, name, promoted, reason, shot.piece.as_of, int(known.sum()), malicious, comparison)


def _tried(home: Home, shot: Shot, before: str | None, stages: StageRecorder) -> tuple[Comparison | None, bool, str]:
    """The comparison as far as there is anything to compare, whether to promote, and why."""
    if before is None:
        if lost := registry.lost_champion(home):
            return None, True, f"{lost.thing} {lost.reason}; a new model is promoted"
        return None, True, "there was no champion, so the first model is promoted"
    try:
        champion = registry.load(home, before)
    except ModelError as error:
        return None, True, f"the champion cannot be used ({error.reason}), so the new model replaces it"
    if not set(champion.names) <= _names(shot.scene):
        return None, True, "the champion was made by another version and cannot be used, so the new model replaces it"
    exam = exam_of(home, shot, _learnt_until(champion), stages)
    if exam is None:
        reason = (
            f"fewer than {LEAST_TO_JUDGE} malicious and {LEAST_TO_JUDGE} benign senders were decided on that the "
            "champion has not learnt from, so the two cannot be compared"
        )
        return None, False, reason
    comparison = compare(home, shot, champion, exam, stages)
    return comparison, comparison.better, comparison.words


def exam_of(home: Home, shot: Shot, champion_learnt: datetime | None, stages: StageRecorder) -> Exam | None:
    """Verdicts after `shot` where they are enough, else the newest before it; none that the champion learnt from."""
    as_of = shot.piece.as_of
    cut = max(as_of, champion_learnt) if champion_learnt else as_of
    end = last_decided(home, shot.options)
    if end is not None and end > cut:
        full = shoot_decided(home, shot.options, end, stages, " of later days")
        if enough(full.scene.senders, after(first_decided(full), cut)):
            return Exam(full, as_of, cut, end)
    bounds = [moment for moment in (champion_learnt, first_event(home, shot.options)) if moment]
    inside = cut_of(shot.scene.senders, first_decided(shot), max(bounds, default=None))
    return Exam(shot, inside, inside, as_of) if inside else None


def compare(home: Home, shot: Shot, champion: RiskModel, exam: Exam, stages: StageRecorder) -> Comparison:
    """Champion as stored and challenger as of `exam.learnt`, asked about the same senders."""
    in_time = exam.learnt == shot.piece.as_of
    taught = shot if in_time else shoot(home, replace(shot.options, as_of=exam.learnt), stages, " at the cut")
    asked, answers = known_at(home, exam.full, exam.cut), exam.full.scene.senders
    rows = after(first_decided(exam.full), exam.cut) & answers.known & ~asked.senders.known
    target = answers.target[rows]
    with stages.stage("challenger") as stage:
        challenger = teach(taught.scene.window, taught.scene.propagated, taught.scene.senders, shot.options.train)
        stage.rows = int(taught.scene.senders.known.sum())
    with stages.stage("comparison") as stage:
        stage.rows = len(target)
        models = {CHAMPION: champion, CHALLENGER: challenger}
        said = {name: levelled(_said(asked, model).of(rows), target) for name, model in models.items()}
        bunch, seed = bunches(asked.propagated, rows)[rows], shot.options.train.seed
        judged = judge(said, target, bunch, ROUNDS, seed)
        inside = {name: mask[rows] for name, mask in segments(asked.window).items()}
        losses = {name: log_losses(scores.margins, target) for name, scores in said.items()}
        gains = segment_gains(inside, losses[CHAMPION], losses[CHALLENGER], target, bunch, seed)
    return _comparison(judged, gains, exam, target)


def _comparison(judged: Judged, gains: tuple[SegmentGain, ...], exam: Exam, target: Array) -> Comparison:
    return Comparison(
        since=exam.cut,
        until=exam.until,
        senders=len(target),
        malicious=int(target.sum()),
        champion=judged.figures[CHAMPION],
        challenger=judged.figures[CHALLENGER],
        auprc_gain=judged.difference(CHALLENGER, CHAMPION),
        log_loss_gain=judged.difference(CHAMPION, CHALLENGER, "log_loss"),
        segments=gains,
    )


def _promote(home: Home, shot: Shot, comparison: Comparison | None, stages: StageRecorder) -> str:
    """Fit on everything known, save whole, then swap the pointer."""
    scene = shot.scene
    with stages.stage("model") as stage:
        model = fit_champion(scene.window, scene.propagated, scene.senders, shot.options)
        stage.rows = int(scene.senders.known.sum())
    if comparison is not None:
        model.card["comparison"] = _card(comparison)
    name = registry.save(home, model)
    registry.promote(home, name)
    return name


def _card(comparison: Comparison) -> dict[str, Any]:
    """What the model's card keeps of the comparison that it won."""
    return {
        "since": comparison.since.isoformat(),
        "until": comparison.until.isoformat(),
        "senders": comparison.senders,
        "malicious": comparison.malicious,
        "auprc": comparison.challenger["auprc"].value,
        "auprc_of_champion": comparison.champion["auprc"].value,
        "auprc_gain": asdict(comparison.auprc_gain),
        "log_loss_gain": asdict(comparison.log_loss_gain),
        "segments": [asdict(segment) for segment in comparison.segments],
    }


def _said(asked: Scene, model: RiskModel) -> Scores:
    risk = score(asked.propagated, asked.evidence, asked.senders, asked.domains, model)
    return Scores(risk.evidence_only, calibrated=True)


def levelled(scores: Scores, target: Array) -> Scores:
    """Log-odds shifted so that their mean probability is the share of malicious senders in the exam.

    That share is the choice of those who decide what to look at, not a property of the mail: a model that is right
    about the window's share must not lose for it.
    """
    low, high = -MOST_SHIFT, MOST_SHIFT
    for _ in range(SHIFT_STEPS):
        middle = (low + high) / 2
        too_low = sigmoid(scores.margins + middle).mean() < target.mean()
        low, high = (middle, high) if too_low else (low, middle)
    return Scores(scores.margins + (low + high) / 2, scores.calibrated)


def _names(scene: Scene) -> set[str]:
    return {*scene.propagated.structure.names, *scene.lend(scene.senders).names}


def _learnt_until(champion: RiskModel) -> datetime | None:
    """Up to when the champion has seen verdicts; None where it has seen none."""
    if is_cold(champion) or "as_of" not in champion.card:
        return None
    return datetime.fromisoformat(str(champion.card["as_of"]))
