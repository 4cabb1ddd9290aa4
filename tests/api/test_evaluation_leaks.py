"""A shuffled future, own labels and shared campaigns, planted in whole evaluations: each is caught, none without."""

from dataclasses import replace
from datetime import datetime

import labelled_world
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from api import campaign_figures, evaluation
from api import stages as work
from api.evaluation import EvaluateOptions, evaluate_home, evaluate_world
from api.progress import StageRecorder
from api.scenes import cut_of, first_decided, shoot
from gnn.evaluate import confront
from gnn.leaks import LeakError, same_past
from gnn.propagate import Pool
from gnn.references import ReportsPerSender

KEPT = {"event_id", "ts"}


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.getbasetemp() / "labelled"


@pytest.fixture(scope="module", autouse=True)
def quickly():
    def little(taught, asked, options, others, tell=None, apart=False):
        return confront(taught, asked, labelled_world.QUICK, (ReportsPerSender(),), apart=False)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "confront", little)
        patch.setattr(campaign_figures, "confront", little)
        yield


@pytest.fixture(scope="module")
def moment(folder) -> datetime:
    """In the middle of the verdicts."""
    _, _, shot = labelled_world.shot_of(folder)
    cut = cut_of(shot.scene.senders, first_decided(shot))
    assert cut is not None
    return cut


@pytest.fixture(scope="module")
def shuffled_home(folder, moment, tmp_path_factory):
    """The same world, but of everything after the moment every column is dealt out anew, and verdicts are reversed."""
    world, _, _ = labelled_world.shot_of(folder)
    out = tmp_path_factory.mktemp("shuffled")
    paths = {}
    for number, kind in enumerate(world.paths):
        rows = pq.read_table(world.paths[kind][0])
        later = np.array([ts > moment for ts in rows["ts"].to_pylist()])
        assert 0 < later.sum() < len(later)
        paths[kind] = [out / f"{kind}.parquet"]
        pq.write_table(_dealt_anew(rows, later, number), paths[kind][0])
    return labelled_world.ingest(replace(world, paths=paths), out / "home")


def _dealt_anew(rows: pa.Table, later: np.ndarray, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    for name in rows.column_names:
        if name in KEPT:
            continue
        order = np.arange(len(later))
        order[later] = rng.permutation(order[later])
        dealt = rows[name].take(pa.array(order))
        if name == "verdict":
            turned = {"malicious": "benign", "benign": "malicious"}
            dealt = pa.array([turned[v] if late else v for v, late in zip(dealt.to_pylist(), later, strict=True)])
        rows = rows.set_column(rows.column_names.index(name), name, dealt.cast(rows.schema.field(name).type))
    return rows


def scenes_of(folder, shuffled_home, moment):
    world, home, _ = labelled_world.shot_of(folder)
    options = replace(labelled_world.quick(world), as_of=moment)
    return [shoot(one, options, StageRecorder()).scene for one in (home, shuffled_home)]


def test_a_shuffled_future_changes_nothing_that_is_learnt_from(folder, shuffled_home, moment):
    assert same_past(*scenes_of(folder, shuffled_home, moment)).rows > 100


def test_features_that_see_the_future_are_caught(folder, shuffled_home, moment, monkeypatch):
    honest = work.read_slice
    monkeypatch.setattr(work, "read_slice", lambda home, options: honest(home, replace(options, as_of=None)))
    with pytest.raises(LeakError, match="future: what comes later changes"):
        same_past(*scenes_of(folder, shuffled_home, moment))


def test_verdicts_from_the_future_are_caught(folder, shuffled_home, moment, monkeypatch):
    honest, labels_of = work.verdicts_of, work.labels_of
    world, _, _ = labelled_world.shot_of(folder)

    def all_verdicts(home, piece, known_at):
        return honest(home, work.read_slice(home, labelled_world.quick(world)), world.as_of)

    def all_labels(kind, keys, rows, known_at, *members):
        return labels_of(kind, keys, rows, world.as_of, *members)

    monkeypatch.setattr(work, "verdicts_of", all_verdicts)
    monkeypatch.setattr(work, "labels_of", all_labels)
    with pytest.raises(LeakError, match="future: what comes later changes labels"):
        same_past(*scenes_of(folder, shuffled_home, moment))


def test_an_evaluation_that_knows_later_verdicts_is_ended(folder, monkeypatch):
    _, home, _ = labelled_world.shot_of(folder)
    monkeypatch.setattr(evaluation, "known_at", lambda home, shot, moment: shot.scene)
    with pytest.raises(LeakError, match=r"future: .* labelled by verdicts given after"):
        evaluate_home(home, labelled_world.SETTINGS, EvaluateOptions(), StageRecorder())


def test_an_evaluation_whose_pools_count_oneself_is_ended(folder, monkeypatch):
    world, _, _ = labelled_world.shot_of(folder)
    monkeypatch.setattr(Pool, "others_sum", lambda pool, signal: np.asarray((pool.users.T @ signal)[pool.used.indices]))
    with pytest.raises(LeakError, match="own label"):
        evaluate_world(world, labelled_world.SETTINGS, EvaluateOptions(), StageRecorder())


def test_an_evaluation_that_takes_a_learnt_campaign_for_a_new_one_is_ended(folder, monkeypatch):
    world, _, _ = labelled_world.shot_of(folder)
    honest = evaluation.labelled_campaigns
    monkeypatch.setattr(evaluation, "labelled_campaigns", lambda scene, answers: honest(scene, answers)[1:])
    with pytest.raises(LeakError, match="campaign overlap: 1 campaigns"):
        evaluate_world(world, labelled_world.SETTINGS, EvaluateOptions(), StageRecorder())


def test_an_honest_evaluation_names_the_guards_that_looked_on(folder):
    world, home, _ = labelled_world.shot_of(folder)
    of_world = evaluate_world(world, labelled_world.SETTINGS, EvaluateOptions(), StageRecorder())
    of_home = evaluate_home(home, labelled_world.SETTINGS, EvaluateOptions(), StageRecorder())
    guards = [{check.guard for check in found.checks} for found in (of_world, of_home)]
    assert guards[1] == {"no label from the future", "nobody judged is labelled", "no own label"}
    assert guards[0] - guards[1] == {"no campaign on both sides"}
    assert all(check.rows > 0 for found in (of_world, of_home) for check in found.checks)
