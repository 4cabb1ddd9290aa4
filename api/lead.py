"""How early this home's refreshes would have found the true campaigns of a world. Holds the protocol, no formula.

A refresh a day, each with a model taught by the labels known then and nothing later. A campaign is found at the first
refresh where a found group and those of its senders that had written by then overlap by a Jaccard similarity of half.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from api import stages as work
from api.progress import StageRecorder
from api.scenes import Shot, plain, shoot
from api.stages import Champion
from gnn.agreement import HALF, LEAST_SENDERS, best_jaccard
from gnn.lead import LeadTimes, first_times, lead_times, milestones
from gnn.teach import teach
from graph.home import Home

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]
Times = NDArray[np.datetime64]


def lead(home: Home, shot: Shot, campaign: Ids, days: int, stages: StageRecorder) -> LeadTimes:
    """Lead times over so many days before the shot. `campaign[s]`: the true campaign of its senders, −1 for none."""
    of = dict(zip(shot.scene.window.senders["key"].to_pylist(), campaign.tolist(), strict=True))
    count = int(campaign.max(initial=-1)) + 1
    detected = np.full(count, np.datetime64("NaT", "us"))
    first = shot.piece.as_of - timedelta(days=days)
    for day in range(days + 1):
        moment = first + timedelta(days=day)
        found = _found(home, shot, moment, of, count, stages)
        detected[np.isnat(detected) & found] = plain(moment)
    events = _rows(shot.piece.events, ["event_id", "sender", "ts"])
    owner = np.array([of.get(sender, -1) for sender in events["sender"].to_pylist()], dtype=np.int64)
    times = events["ts"].to_numpy().astype("datetime64[us]")
    reported = _first_reports(shot, events["event_id"], owner, count)
    large = np.bincount(campaign[campaign >= 0], minlength=count) >= LEAST_SENDERS
    began, half = first_times(owner, times, count), milestones(owner, times, count, 0.5)
    return lead_times(began[large], detected[large], reported[large], half[large], plain(first))


def _found(home: Home, shot: Shot, moment: datetime, of: dict[str, int], count: int, stages: StageRecorder) -> Mask:
    """Which campaigns a refresh at the moment finds, shape (campaigns,)."""
    then = shoot(home, replace(shot.options, as_of=moment), stages, f" at {moment:%Y-%m-%d}")
    scene = then.scene
    with stages.stage(f"campaigns at {moment:%Y-%m-%d}") as stage:
        model = teach(scene.window, scene.propagated, scene.senders, then.options.train)
        champion = Champion("evaluation", model)
        risk = work.risk_of(scene.evidence, scene.propagated, then.decided, champion)
        risk = work.settled_of(risk, scene.propagated, scene.evidence, then.decided, champion, then.options)
        groups = work.groups_of(scene.window, scene.propagated.burst, risk, then.decided, then.options).partition
        stage.rows = groups.count
    true = np.array([of.get(key, -1) for key in scene.window.senders["key"].to_pylist()], dtype=np.int64)
    best, sizes = best_jaccard(groups.group, true)
    seen = np.zeros(count, dtype=bool)
    seen[: len(best)] = (best >= HALF) & (sizes >= LEAST_SENDERS)
    return seen


def _first_reports(shot: Shot, event_id: pa.ChunkedArray, owner: Ids, count: int) -> Times:
    """When a message of each campaign was first reported as junk or phish."""
    reports = _rows(shot.piece.reports, ["event_id", "ts", "kind"]) if shot.piece.reports else None
    if reports is None:
        return np.full(count, np.datetime64("NaT", "us"))
    reports = reports.filter(pc.not_equal(reports["kind"], "not_junk"))
    at = pc.index_in(reports["event_id"], event_id.combine_chunks())
    place = pc.fill_null(at, -1).to_numpy().astype(np.int64)
    about = np.where(place >= 0, owner[np.maximum(place, 0)], -1) if len(owner) else np.full(len(place), -1)
    return first_times(about, reports["ts"].to_numpy().astype("datetime64[us]"), count)


def _rows(files: tuple[Path, ...], columns: list[str]) -> pa.Table:
    return pa.concat_tables([pq.read_table(file, columns=columns) for file in files])
