"""Training: a challenger is fitted on what was known at one moment and must beat the champion on what came after.

Knows the order and the rule of promotion; fitting is `gnn.teach`, judging `gnn.metrics`, the stages `api.stages`.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from api.progress import StageRecorder
from api.stages import RefreshOptions, graph_of, read_slice, verdicts_of
from gnn import registry
from gnn.labels import labels_of
from gnn.metrics import Figure, Judged, Scores, judge
from gnn.propagate import Propagated, propagate
from gnn.risk import score
from gnn.teach import teach
from gnn.train import LEAST_OF_A_CLASS, RiskModel
from graph.errors import ModelError
from graph.evidence import Evidence, gather_evidence
from graph.home import Home, write_lock
from graph.values import Window

EXAM_SHARE = 0.3  # of the verdicts on senders, the latest, where no --as-of says when learning ends
CHALLENGER, CHAMPION = "challenger", "champion"
UNKNOWN = Figure(float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class View:
    """A window and what is computed from it without labels."""

    window: Window
    evidence: Evidence
    propagated: Propagated


@dataclass(frozen=True)
class Exam:
    """Senders that were judged only after the lesson: rows of the exam's window, and 1 malicious, 0 benign of each."""

    rows: NDArray[np.int64]
    target: NDArray[np.float64]

    @property
    def telling(self) -> bool:
        """Whether both classes are in it often enough to tell two models apart."""
        return bool(min(self.target.sum(), len(self.target) - self.target.sum()) >= LEAST_OF_A_CLASS)


@dataclass(frozen=True)
class TrainSummary:
    """What came of it. `exam` senders were judged, `malicious` of them; AUPRC is NaN where the exam cannot tell.

    `gain` is the challenger's AUPRC minus the champion's, `gain_low` and `gain_high` its 95 % bootstrap interval.
    """

    challenger: str
    champion: str | None
    promoted: bool
    because: str
    as_of: datetime
    exam: int
    malicious: int
    challenger_auprc: float
    champion_auprc: float
    gain: float
    gain_low: float
    gain_high: float

    def __str__(self) -> str:
        result = "is the champion now" if self.promoted else f"does not replace {self.champion}"
        return f"{self.challenger}, learnt from what was known at {self.as_of:%Y-%m-%d %H:%M}, {result}: {self.because}"


def run_training(home: Home, options: RefreshOptions, force: bool, stages: StageRecorder) -> TrainSummary:
    """Fits a challenger at `options.as_of` (None: before the latest three verdicts in ten), then examines both models.

    The exam is on senders whose first verdict came later than that. Promotes the challenger where its AUPRC there is
    higher, where there is no champion, and with `force`. Raises LakeError where there is no event to learn from.
    """
    with write_lock(home):
        verdicts = verdicts_of(home, read_slice(home, replace(options, as_of=None)))
        as_of, end = moments(verdicts, options.as_of)
        with stages.stage("lesson") as stage:
            taught = view_of(home, replace(options, as_of=as_of))
            stage.rows = taught.window.senders.num_rows
        with stages.stage("fit"):
            known = labels_of("sender", taught.window.senders["key"], verdicts, taught.window.as_of)
            model = teach(taught.window, taught.propagated, known, options.train)
        name, champion = registry.save(home, model), registry.champion(home)
        rival = rival_of(home, champion, model) if champion != name else None
        with stages.stage("exam") as stage:
            asked = view_of(home, replace(options, as_of=end))
            exam = exam_of(asked.window, verdicts, taught.window.as_of)
            judged = judge_both(asked, verdicts, taught.window.as_of, exam, model, rival)
            stage.rows = len(exam.rows)
        promoted, because = (True, no_rival(champion, name)) if rival is None else verdict_on(exam, judged, force)
        if promoted:
            registry.promote(home, name)
    return summarise(name, champion, promoted, because, taught.window.as_of, exam, judged)


def moments(verdicts: pa.Table, as_of: datetime | None) -> tuple[datetime | None, datetime | None]:
    """Where learning ends and where the exam ends: the last verdict on a sender. None: the newest event."""
    times = sorted(row["ts"] for row in verdicts.to_pylist() if row["kind"] == "sender")
    if not times:
        return as_of, None
    return as_of or times[int((len(times) - 1) * (1 - EXAM_SHARE))], times[-1]


def view_of(home: Home, options: RefreshOptions) -> View:
    """The window that ends at `options.as_of` and what the line makes of it before any model."""
    window = graph_of(read_slice(home, options), options)
    evidence = gather_evidence(window)
    return View(window, evidence, propagate(window, evidence))


def exam_of(window: Window, verdicts: pa.Table, as_of: datetime) -> Exam:
    """The window's senders that had no verdict at `as_of` and have one at its end."""
    before = labels_of("sender", window.senders["key"], verdicts, as_of)
    after = labels_of("sender", window.senders["key"], verdicts, window.as_of)
    rows = np.flatnonzero(after.known & ~before.known)
    return Exam(rows, after.target[rows])


def judge_both(
    asked: View, verdicts: pa.Table, as_of: datetime, exam: Exam, model: RiskModel, rival: RiskModel | None
) -> Judged | None:
    """Figures of the challenger and, where there is one, of the champion; None where the exam cannot tell.

    Both see the labels of `as_of`, no later one.
    """
    if not exam.telling:
        return None
    senders, domains = (
        labels_of(kind, nodes["key"], verdicts, as_of)
        for kind, nodes in (("sender", asked.window.senders), ("domain", asked.window.domains))
    )
    scores = {}
    for name, each in ((CHALLENGER, model), (CHAMPION, rival)):
        if each is not None:
            risk = score(asked.propagated, asked.evidence, senders, domains, each)
            scores[name] = Scores(risk.evidence_only[exam.rows], calibrated=True)
    return judge(scores, exam.target, np.arange(len(exam.rows)))


def rival_of(home: Home, champion: str | None, model: RiskModel) -> RiskModel | None:
    """The champion, where there is one that can be asked the same question as the challenger."""
    if champion is None:
        return None
    try:
        rival = registry.load(home, champion)
    except ModelError:  # damaged, or of another format: whatever can be read is better
        return None
    return rival if rival.names == model.names else None


def no_rival(champion: str | None, name: str) -> str:
    """Why the challenger needs to beat nobody."""
    if champion is None:
        return "there was no model before"
    return "it is the champion, fitted again" if champion == name else f"{champion} was made by another version"


def verdict_on(exam: Exam, judged: Judged | None, force: bool) -> tuple[bool, str]:
    """Whether the challenger is promoted over a champion, and why or why not."""
    if judged is None:
        better, why = False, f"{len(exam.rows)} senders were judged later, too few of both kinds to compare on"
    else:
        gain = judged.difference(CHALLENGER, CHAMPION)
        interval = f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
        better, why = gain.value > 0, f"AUPRC {interval} on {len(exam.rows)} senders judged later"
    return better or force, f"{why}; promoted as --force asks" if force and not better else why


def summarise(
    name: str, champion: str | None, promoted: bool, because: str, as_of: datetime, exam: Exam, judged: Judged | None
) -> TrainSummary:
    """The figures that a person wants at the end."""
    figures = judged.figures if judged else {}
    auprc = {who: figures[who]["auprc"].value if who in figures else float("nan") for who in (CHALLENGER, CHAMPION)}
    gain = judged.difference(CHALLENGER, CHAMPION) if judged and CHAMPION in figures else UNKNOWN
    return TrainSummary(
        challenger=name,
        champion=champion,
        promoted=promoted,
        because=because,
        as_of=as_of,
        exam=len(exam.rows),
        malicious=int(exam.target.sum()),
        challenger_auprc=auprc[CHALLENGER],
        champion_auprc=auprc[CHAMPION],
        gain=gain.value,
        gain_low=gain.low,
        gain_high=gain.high,
    )
