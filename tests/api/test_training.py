"""`train`: a challenger replaces the champion only where it is better on verdicts that neither has seen."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime

import labelled_world
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from api import training
from api.cli import main
from api.progress import StageRecorder
from api.scenes import first_decided
from api.stages import RefreshOptions
from api.training import CHALLENGER, CHAMPION, run_training
from gnn import registry, segments
from gnn.calibrate import sigmoid
from gnn.metrics import Figure, Scores
from gnn.segments import SegmentGain
from graph.errors import LakeError
from graph.home import Home
from graph.lake import Lake
from graph.schema import VERDICT_ROWS
from graph.verdicts import Decision, VerdictLedger


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.getbasetemp() / "labelled"


@pytest.fixture
def labelled(folder, tmp_path):
    """A home of its own with the labelled world in it, no model yet; and options that end in the world's middle."""
    world, shared, shot = labelled_world.shot_of(folder)
    home = Home(shutil.copytree(shared.path, tmp_path / "home"))
    times = first_decided(shot)
    times = np.sort(times[~np.isnat(times)])
    middle = times[len(times) // 2].item().replace(tzinfo=UTC)
    return home, replace(labelled_world.quick(world), as_of=middle)


def train(home, options, force=False):
    return run_training(home, options, force, StageRecorder())


def knowing_nothing(home, name):
    """The id of a new champion: this model with noise for weights, and nothing left of the prior."""
    taught = registry.load(home, name)
    rng = np.random.default_rng(0)
    noise = {name: rng.normal(size=w.shape).astype(w.dtype) for name, w in taught.weights.items()}
    unheld = replace(taught.shape, anchor_scale=0.0, reach=50.0)
    blank = registry.save(home, replace(taught, weights=noise, shape=unheld))
    registry.promote(home, blank)
    return blank


def gain(value: float) -> Figure:
    return Figure(value, value - 0.01, value + 0.01)


def test_the_first_model_is_promoted(labelled):
    home, options = labelled
    done = train(home, options)
    assert done.promoted
    assert done.champion_before is None
    assert registry.champion(home) == done.champion
    assert registry.load(home, done.champion).card["as_of"] == options.as_of.isoformat()


def test_the_same_model_again_is_no_better_beyond_noise(labelled):
    home, options = labelled
    first = train(home, options)
    again = train(home, options)
    assert not again.promoted
    assert registry.champion(home) == first.champion
    assert again.comparison is not None
    assert again.comparison.since >= options.as_of
    assert again.comparison.auprc_gain == Figure(0, 0, 0)
    assert "not better beyond noise" in again.reason


def test_force_promotes_all_the_same_and_says_so(labelled):
    home, options = labelled
    train(home, options)
    done = train(home, options, force=True)
    assert done.promoted
    assert "not better beyond noise; promoted because of --force" in done.reason
    assert registry.load(home, done.champion).card["comparison"]["auprc_gain"]["value"] == 0


def test_a_champion_that_knows_nothing_is_beaten_and_the_card_says_by_how_much(labelled):
    home, options = labelled
    knowing_nothing(home, train(home, options).champion)
    done = train(home, options)
    assert done.promoted
    assert done.comparison is not None
    assert done.comparison.auprc_gain.low > 0 or done.comparison.log_loss_gain.low > 0
    card = registry.load(home, done.champion).card
    assert card["comparison"]["auprc"] == done.comparison.challenger["auprc"].value


def test_verdicts_that_the_champion_learnt_from_do_not_judge(labelled):
    """A champion fitted at the end has seen every verdict, so nothing is left to compare on, and it stays."""
    home, options = labelled
    train(home, replace(options, as_of=None))
    done = train(home, options)
    assert done.comparison is None
    assert not done.promoted
    assert "cannot be compared" in done.reason


def judged_now(home, senders):
    """Verdicts of this very moment, by file for the first sender and by the ledger for the others."""
    first, *others = senders
    rows = [{"kind": "sender", "key": first[0], "verdict": first[1], "ts": datetime.now(UTC), "source": "desk"}]
    Lake(home.path).ingest(verdicts=pa.Table.from_pylist(rows, VERDICT_ROWS).to_batches())
    for key, verdict in others:
        VerdictLedger(home).add(Decision("sender", key, verdict, "desk"))


def test_one_verdict_of_today_does_not_stop_the_training_on_older_mail(labelled, folder):
    home, options = labelled
    before = train(home, replace(options, as_of=None))
    key = labelled_world.shot_of(folder)[2].scene.window.senders["key"][0].as_py()
    judged_now(home, [(key, "benign")])
    done = train(home, replace(options, as_of=None))
    assert done.champion == before.champion
    assert "cannot be compared" in done.reason


def test_verdicts_of_today_judge_models_that_learnt_from_older_mail(labelled, folder):
    home, options = labelled
    train(home, replace(options, as_of=None))
    scene = labelled_world.shot_of(folder)[2].scene
    keys = np.array(scene.window.senders["key"].to_pylist())[~scene.senders.known]
    judged_now(home, [(key, ("benign", "malicious")[place % 2]) for place, key in enumerate(keys[:14])])
    done = train(home, replace(options, as_of=None))
    assert done.comparison is not None
    assert (done.comparison.senders, done.comparison.malicious) == (14, 7)
    assert (datetime.now(UTC) - done.comparison.until).total_seconds() < 600


@pytest.mark.parametrize(
    ("auprc", "log_loss", "better"),
    [(0.02, -0.5, True), (0.0, 0.02, True), (0.0, 0.0, False), (-0.02, 0.5, False), (0.005, 0.0, False)],
)
def test_the_rule_of_promotion(labelled, auprc, log_loss, better):
    moment = labelled[1].as_of
    rule = training.Comparison(moment, moment, 9, 4, {}, {}, gain(auprc), gain(log_loss))
    assert rule.better is better


def test_better_over_all_is_not_enough_where_one_kind_of_sender_loses(labelled):
    moment = labelled[1].as_of
    lost = SegmentGain("without links", 40, 9, gain(-0.1))
    kept = SegmentGain("with links", 40, 9, gain(0.1))
    rule = training.Comparison(moment, moment, 9, 4, {}, {}, gain(0.02), gain(0.02), (kept, lost))
    assert rule.ahead
    assert not rule.better
    assert rule.worse_on == ("without links",)
    assert "worse on senders: without links" in rule.words
    assert replace(rule, segments=(kept,)).better


def test_a_challenger_that_loses_on_one_segment_is_not_promoted_and_the_segment_is_named(labelled, monkeypatch):
    home, options = labelled
    guessing = knowing_nothing(home, train(home, options).champion)
    planted = SegmentGain("without links", 40, 9, gain(-0.1))
    monkeypatch.setattr(training, "segment_gains", lambda *_: (planted,))
    done = train(home, options)
    assert done.comparison.ahead
    assert not done.promoted
    assert "without links" in done.reason
    assert registry.champion(home) == guessing
    assert train(home, options, force=True).promoted


def test_segments_are_compared_on_the_very_senders_that_judge(labelled, monkeypatch):
    home, options = labelled
    knowing_nothing(home, train(home, options).champion)
    monkeypatch.setattr(segments, "LEAST_SENDERS", 1)
    monkeypatch.setattr(segments, "LEAST_BUNCHES", 1)
    comparison = train(home, options).comparison
    linked, bare = (named(comparison, name) for name in ("with links", "without links"))
    assert linked.senders + bare.senders == comparison.senders
    assert linked.malicious + bare.malicious == comparison.malicious
    both = linked.senders * linked.gain.value + bare.senders * bare.gain.value
    assert both / comparison.senders == pytest.approx(comparison.log_loss_gain.value)


def named(comparison, name):
    return next(segment for segment in comparison.segments if segment.name == name)


def test_the_share_of_malicious_senders_in_the_exam_decides_nothing():
    target = np.array([1.0, 1.0, 0.0, 1.0])
    margins = np.array([2.0, 1.0, -1.0, 0.5])
    one, other = (training.levelled(Scores(margins + shift, True), target).margins for shift in (0.0, -7.0))
    assert one == pytest.approx(other)
    assert sigmoid(one).mean() == pytest.approx(0.75)


def test_labels_of_the_future_change_nothing_that_is_learnt(labelled, folder, tmp_path):
    """Every verdict after the cut turned round: the model fitted at the cut is the same to the last byte."""
    home, options = labelled
    other = Home(tmp_path / "other")
    world, _, _ = labelled_world.shot_of(folder)
    turned = tmp_path / "verdicts.parquet"
    rows = pq.read_table(world.paths["verdicts"][0]).cast(VERDICT_ROWS).to_pylist()
    swap = {"malicious": "benign", "benign": "malicious"}
    rows = [row | {"verdict": swap[row["verdict"]]} if row["ts"] > options.as_of else row for row in rows]
    pq.write_table(pa.Table.from_pylist(rows, VERDICT_ROWS), turned)
    labelled_world.ingest(replace(world, paths=world.paths | {"verdicts": [turned]}), other.path)
    same, different = train(home, options), train(other, options)
    one, two = registry.load(home, same.champion), registry.load(other, different.champion)
    assert all(np.array_equal(one.weights[name], two.weights[name]) for name in one.weights)
    assert one.calibration == two.calibration


def test_a_kill_before_the_last_step_leaves_the_champion(labelled, monkeypatch):
    home, options = labelled
    first = train(home, options)

    def killed(home: Home, name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(registry, "promote", killed)
    with pytest.raises(KeyboardInterrupt):
        train(home, replace(options, train=replace(options.train, seed=9)), force=True)
    assert registry.champion(home) == first.champion
    registry.load(home, first.champion)


def test_a_damaged_champion_is_replaced(labelled):
    home, options = labelled
    first = train(home, options)
    (home.models / first.champion / "card.json").write_text("{")
    done = train(home, replace(options, train=replace(options.train, seed=10)))
    assert done.promoted
    assert "cannot be used" in done.reason
    assert registry.champion(home) == done.champion != first.champion


def test_an_empty_home_says_what_to_do(tmp_path):
    with pytest.raises(LakeError, match="ingest"):
        train(Home(tmp_path), RefreshOptions.of(labelled_world.SETTINGS, None))


def test_the_command_prints_both_figures_and_the_decision(labelled, capsys):
    home, options = labelled
    first = ["--home", str(home.path), "train", "--as-of", options.as_of.isoformat(), "--window-days", "35"]
    assert main(first) == 0
    assert "there was no champion" in capsys.readouterr().out
    assert main(first) == 0
    told = capsys.readouterr().out
    assert CHAMPION in told
    assert CHALLENGER in told
    assert "decision: the challenger is not better beyond noise" in told
    assert main([*first, "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["promoted"] is False
    assert summary["comparison"]["champion"]["auprc"]["value"] > 0
    assert summary["as_of"].startswith(options.as_of.date().isoformat())
