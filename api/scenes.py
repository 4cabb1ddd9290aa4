"""Scenes of a home: what a refresh at some moment would learn from and score, and who was decided on when.

Shared by training and evaluation. Fits nothing, judges nothing.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from api import stages as work
from api.progress import StageRecorder
from api.stages import RefreshOptions
from gnn.labels import Labels
from gnn.prior import propagate_informed
from gnn.scene import Scene
from graph.errors import RingleaderError
from graph.evidence import gather_evidence
from graph.home import Home
from graph.lake import Lake
from graph.values import Slice

Times = NDArray[np.datetime64]
Mask = NDArray[np.bool_]

CUTS = (0.7, 0.6, 0.5, 0.4)  # shares of the verdicts to learn from: the first that leaves enough to judge by
LEAST_TO_JUDGE = 5  # senders of each class, on both sides of the cut


@dataclass(frozen=True)
class Shot:
    """A scene of a home with what the campaign search needs beside it."""

    piece: Slice
    scene: Scene
    decided: work.Decisions
    options: RefreshOptions


def shoot(home: Home, options: RefreshOptions, stages: StageRecorder, suffix: str = "", reports: bool = True) -> Shot:
    """The refresh's own stages up to the decisions: what a refresh at that moment would learn from and score.

    Without `reports` as if nobody had ever reported anything.
    """
    piece = work.read_slice(home, options)
    return _shot_of(home, piece if reports else replace(piece, reports=()), options, piece.as_of, stages, suffix)


def shoot_decided(
    home: Home,
    options: RefreshOptions,
    moment: datetime,
    stages: StageRecorder,
    suffix: str = "",
    reports: bool = True,
) -> Shot:
    """What is known at a moment that a verdict gave, which may be long after the newest mail.

    Where it is, the window ends at the newest mail, as a refresh's would, and holds the verdicts that came since.
    Raises LakeError where the lake holds no events.
    """
    span = _span(home, options)
    end = min(moment, span[1]) if span else moment
    piece = work.read_slice(home, replace(options, as_of=end))
    if end < moment:
        piece = replace(piece, verdicts=_whole(home, options, moment).verdicts)
    piece = piece if reports else replace(piece, reports=())
    return _shot_of(home, piece, replace(options, as_of=end), moment, stages, suffix)


def _shot_of(
    home: Home, piece: Slice, options: RefreshOptions, decided_until: datetime, stages: StageRecorder, suffix: str
) -> Shot:
    with stages.stage(f"window graph{suffix}") as stage:
        window = work.graph_of(piece, options)
        stage.rows = work.rows_of(window)
    with stages.stage(f"evidence and propagation{suffix}") as stage:
        evidence = gather_evidence(window)
        propagated = propagate_informed(window, evidence)
        stage.rows = work.rows_of(evidence)
    decided = work.decisions_at(home, piece, window, options, decided_until)
    return Shot(piece, Scene(window, evidence, propagated, decided.senders, decided.domains), decided, options)


def last_decided(home: Home, options: RefreshOptions) -> datetime | None:
    """When the newest verdict on a sender was given, which may be later than the newest event; None where none was."""
    span = _span(home, options)
    if span is None:
        return None
    now = max(datetime.now(UTC), span[1])
    verdicts = work.verdicts_of(home, _whole(home, options, now), now)
    return max((row["ts"] for row in verdicts.to_pylist() if row["kind"] == "sender"), default=None)


def first_event(home: Home, options: RefreshOptions) -> datetime | None:
    """When the lake begins, None where it is empty. Verdicts outlive the retention, no window ends before it."""
    span = _span(home, options)
    return span[0] if span else None


def _span(home: Home, options: RefreshOptions) -> tuple[datetime, datetime] | None:
    return Lake(home.path, options.retention_days).span()


def _whole(home: Home, options: RefreshOptions, until: datetime) -> Slice:
    """The slice of all that the lake holds up to a moment that is no earlier than its first event."""
    span = _span(home, options)
    days = (until - span[0]).days + 1 if span else 1
    return work.read_slice(home, replace(options, as_of=until, window_days=days))


def known_at(home: Home, shot: Shot, moment: datetime) -> Scene:
    """The scene with only the labels known at an earlier moment."""
    known = work.campaigns_before(home, moment)
    members = known.members if known else None
    senders, domains = work.labels_at(shot.scene.window, shot.decided.verdicts, moment, members, shot.options)
    return replace(shot.scene, senders=senders, domains=domains)


def after(decided_at: Times, moment: datetime) -> Mask:
    """Senders whose first verdict came after a moment."""
    return np.asarray(decided_at > plain(moment))


def plain(moment: datetime) -> np.datetime64:
    """A moment as arrays of times have it: UTC, microseconds."""
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")


def enough(labels: Labels, decided: Mask) -> bool:
    """Whether senders of both classes are among these often enough to judge by."""
    target = labels.target[decided & labels.known]
    return bool(min(target.sum(), len(target) - target.sum()) >= LEAST_TO_JUDGE)


def cut_of(labels: Labels, decided_at: Times, not_before: datetime | None = None) -> datetime | None:
    """A moment between verdicts that leaves enough senders of both classes before and after it; None where none does.

    `not_before`: the cut is no earlier than this.
    """
    known = ~np.isnat(decided_at) & labels.known
    times = np.sort(decided_at[known].astype(np.int64))
    for share in CUTS if len(times) else ():
        moment = datetime.fromtimestamp(int(times[int(share * (len(times) - 1))]) / 1e6, UTC)
        moment = max(moment, not_before) if not_before else moment
        later = after(decided_at, moment)
        if enough(labels, later) and enough(labels, known & ~later):
            return moment
    return None


def too_few(labels: Labels) -> RingleaderError:
    """The error where no cut leaves enough."""
    target = labels.target[labels.known]
    bad, good = int(target.sum()), int(len(target) - target.sum())
    return RingleaderError(
        "this home's verdicts",
        f"{bad} malicious and {good} benign senders of the window are decided on, too few to learn from some and judge "
        f"by others (at least {LEAST_TO_JUDGE} of each on both sides of a moment)",
        "Ingest more verdicts, widen refresh.window_days, or evaluate on a world: ringleader evaluate --world DIR",
    )


def first_decided(shot: Shot) -> NDArray[np.datetime64]:
    """When the first verdict on each sender of the window was given, NaT where there is none."""
    rows = shot.decided.verdicts.filter(pc.equal(shot.decided.verdicts["kind"], "sender"))
    first: dict[str, int] = {}
    times = rows["ts"].cast(pa.int64()).to_pylist()
    for key, ts in zip(rows["key"].to_pylist(), times, strict=True):
        first[key] = min(ts, first.get(key, ts))
    never = np.iinfo(np.int64).min
    stamps = [first.get(key, never) for key in shot.scene.window.senders["key"].to_pylist()]
    return np.array(stamps, dtype=np.int64).astype("datetime64[us]")
