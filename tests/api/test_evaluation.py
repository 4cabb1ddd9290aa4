"""`evaluate`: on a world, on the sample's layout, on a home's own verdicts; and what it says where it cannot."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import labelled_world
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from api import campaign_figures, evaluation
from api.cli import main
from api.evaluation import EvaluateOptions
from api.progress import StageRecorder
from api.scenes import after, cut_of, first_decided, known_at
from api.worlds import KINDS, open_world
from gnn.evaluate import Verdict, confront
from gnn.evaluation_json import as_json
from gnn.references import ReportsPerSender
from graph.errors import InputError, RingleaderError
from graph.schema import VERDICT_ROWS

USUAL = EvaluateOptions()


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.getbasetemp() / "labelled"


@pytest.fixture(scope="module", autouse=True)
def quickly():
    """One reference and a small network: what is tested here is who is asked about, not how well it is answered."""

    def little(taught, asked, options, others, tell=None, apart=False) -> Verdict:
        return confront(taught, asked, labelled_world.QUICK, (ReportsPerSender(),), apart=False)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "confront", little)
        patch.setattr(campaign_figures, "confront", little)
        yield


@pytest.fixture(scope="module")
def honest(folder):
    return figures(folder)


def figures(folder: Path, options: EvaluateOptions = USUAL, **changes):
    world = replace(labelled_world.shot_of(folder)[0], **changes)
    return evaluation.evaluate_world(world, labelled_world.SETTINGS, options, StageRecorder())


def test_a_world_is_judged_on_unlabelled_senders_by_new_and_known_campaigns(folder, honest):
    _, _, shot = labelled_world.shot_of(folder)
    found = honest
    everybody, later, new, known, few = found.scopes
    assert everybody.senders == shot.scene.window.senders.num_rows - shot.scene.senders.known.sum()
    assert new.malicious + known.malicious == everybody.malicious
    assert min(new.malicious, known.malicious) > 0
    assert 0 < later.senders < everybody.senders
    assert 0 < few.malicious < new.malicious
    assert few.senders - few.malicious < new.senders - new.malicious
    assert {part.name for part in few.events if part.senders} == {"1 event", "2–3 events"}
    assert found.domains is not None
    assert 0 < found.domains.malicious < found.domains.domains
    assert found.agreement is not None
    assert found.agreement.merged is not None
    assert set(found.agreement_of) == {"components", "Leiden"}
    assert found.agreement.pairs.f1 > max(other.pairs.f1 for other in found.agreement_of.values())
    assert found.agreement.new_true < found.agreement.campaigns_true
    assert found.identity is not None
    assert 0 <= found.identity.kept <= found.identity.compared


def test_ids_of_a_world_go_through_every_trial(honest):
    trials = {trial.name: trial for trial in honest.identity.trials}
    assert len(trials) == 4
    assert all(trial.kept >= 0.98 * trial.compared > 0 for trial in trials.values())
    repeated = trials["the refresh is repeated"]
    assert repeated.kept == repeated.compared
    assert [trial.same_bytes for trial in trials.values()] == [None, None, None, True]


def test_a_world_set_in_the_future_is_judged_like_any_other(folder, honest, tmp_path):
    ahead = timedelta(days=5 * 365)
    later = shutil.copytree(folder / "world", tmp_path / "later")
    for kind in KINDS:
        rows = pq.read_table(later / f"{kind}.parquet")
        ts = pc.add(rows["ts"], pa.scalar(ahead, pa.duration("us")))
        pq.write_table(rows.set_column(rows.schema.get_field_index("ts"), "ts", ts), later / f"{kind}.parquet")
    facts = json.loads((later / "world.json").read_text())
    for name in ("start", "as_of", "labels_end"):
        facts[name] = (datetime.fromisoformat(facts[name]) + ahead).isoformat()
    (later / "world.json").write_text(json.dumps(facts))
    world = open_world(later)
    assert world.as_of > datetime.now(UTC) + timedelta(days=365)
    found = evaluation.evaluate_world(world, labelled_world.SETTINGS, USUAL, StageRecorder())
    assert (found.senders, found.labels) == (honest.senders, honest.labels)


def test_an_evaluation_comes_out_the_same_twice(folder, honest):
    one, again = (as_json(found) for found in (honest, figures(folder)))
    for timed in (*one["scopes"], *again["scopes"]):
        timed.pop("cpu_seconds")
    for part in ("scopes", "agreement", "identity", "in_words"):
        assert one[part] == again[part]


def test_the_truth_reaches_nothing_that_is_scored(folder, honest):
    """Turning the truth round turns the figures round and leaves every score and campaign as it was."""
    world, _, shot = labelled_world.shot_of(folder)

    def turned(window):
        answers = world.answers(window)
        return replace(answers, truth=replace(answers.truth, target=1 - answers.truth.target))

    lied_to = figures(folder, answers=turned)
    assert lied_to.agreement == honest.agreement
    assert lied_to.scopes[0].malicious == honest.scopes[0].senders - honest.scopes[0].malicious
    assert lied_to.labels == honest.labels == shot.scene.senders.known.sum()


def test_a_home_is_judged_on_senders_decided_on_after_the_cut_alone(folder):
    _, home, shot = labelled_world.shot_of(folder)
    found = evaluation.evaluate_home(home, labelled_world.SETTINGS, USUAL, StageRecorder())
    decided_at = first_decided(shot)
    cut = cut_of(shot.scene.senders, decided_at)
    assert cut is not None
    (scope,) = found.scopes
    assert scope.senders == (after(decided_at, cut) & shot.scene.senders.known).sum()
    assert 0 < scope.malicious < scope.senders
    assert found.agreement is None


def test_a_scene_of_an_earlier_moment_holds_no_later_label(folder):
    _, home, shot = labelled_world.shot_of(folder)
    decided_at = first_decided(shot)
    cut = cut_of(shot.scene.senders, decided_at)
    assert cut is not None
    past = known_at(home, shot, cut)
    late = after(decided_at, cut)
    assert late.any()
    assert not past.senders.known[late].any()
    assert np.array_equal(past.senders.target[~late], shot.scene.senders.target[~late])


def test_too_few_verdicts_are_an_error_that_counts_them(folder, tmp_path):
    world, _, _ = labelled_world.shot_of(folder)
    few = tmp_path / "verdicts.parquet"
    pq.write_table(pq.read_table(world.paths["verdicts"][0]).cast(VERDICT_ROWS).slice(0, 3), few)
    home = labelled_world.ingest(replace(world, paths=world.paths | {"verdicts": [few]}), tmp_path / "home")
    with pytest.raises(RingleaderError, match="too few to learn from") as error:
        evaluation.evaluate_home(home, labelled_world.SETTINGS, USUAL, StageRecorder())
    assert "--world" in error.value.mend
    assert not (home.path / "evaluations").exists()


@pytest.mark.slow
def test_the_sample_layout_is_judged_on_later_senders_with_and_without_its_confounds():
    world = open_world(Path(__file__).parents[2] / "data")
    found = evaluation.evaluate_world(world, labelled_world.SETTINGS, USUAL, StageRecorder())
    names = [scope.name for scope in found.scopes]
    assert names[:2] == ["later senders never seen before", "all later senders"]
    assert [name.endswith("recipients and networks kept out") for name in names] == [False, False, True, True]
    assert found.scopes[0].senders < found.scopes[1].senders
    assert found.families is not None
    assert found.families.groups >= 30
    assert found.window_days == 106


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda folder: None, "is no labelled world"),
        (lambda folder: (folder / "world.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "world.json").write_text('{"start": "2025-01-01"}'), "cannot be read"),
        (
            lambda folder: (folder / "world.json").write_text(
                '{"start": "2025-01-01T00:00:00+00:00", "labels_end": "2025-01-20T00:00:00+00:00", '
                '"as_of": "2025-02-01T00:00:00+00:00"}'
            ),
            "has no events.parquet",
        ),
    ],
)
def test_a_folder_that_is_no_world_is_named(tmp_path, made, words):
    made(tmp_path)
    with pytest.raises(InputError, match=words) as error:
        open_world(tmp_path)
    assert error.value.thing == str(tmp_path)


def test_a_damaged_truth_file_is_named(folder, tmp_path):
    world, _, shot = labelled_world.shot_of(folder)
    (tmp_path / "truth").mkdir()
    for name in ("world.json", "events.parquet", "reports.parquet", "verdicts.parquet"):
        (tmp_path / name).write_bytes((world.folder / name).read_bytes())
    (tmp_path / "truth" / "senders.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match=r"senders\.parquet"):
        open_world(tmp_path).answers(shot.scene.window)


def test_the_command_writes_figures_report_and_plots_beside_each_other(folder, tmp_path, capsys):
    world, _, _ = labelled_world.shot_of(folder)
    call = ["--home", str(tmp_path / "home"), "evaluate", "--no-learning-curve", "--world", str(world.folder), "--json"]
    assert main(call) == 0
    told = json.loads(capsys.readouterr().out)
    written = Path(told["folder"])
    assert json.loads((written / "evaluation.json").read_text())["scopes"] == told["scopes"]
    report = (written / "evaluation.md").read_text()
    assert "## In words" in report
    for number in (1, 2, 3, 4):
        for name in (f"plot-{number}.png", f"sizes-{number}.png"):
            assert f"({name})" in report
            assert (written / name).read_bytes().startswith(b"\x89PNG")
    assert written.parent == tmp_path / "home" / "evaluations"


@pytest.mark.parametrize(("flags", "asked"), [([], False), (["--references", "all"], True)])
def test_end_to_end_message_passing_takes_part_where_it_is_asked_for(folder, tmp_path, monkeypatch, flags, asked):
    world, _, _ = labelled_world.shot_of(folder)
    little, names = evaluation.confront, []

    def listening(taught, asked, options, others, *more):
        names.extend(detector.name for detector in others)
        return little(taught, asked, options, others)

    monkeypatch.setattr(evaluation, "confront", listening)
    assert main(["--home", str(tmp_path), "evaluate", "--no-learning-curve", "--world", str(world.folder), *flags]) == 0
    assert ("hetero SAGE (PyG)" in names) == asked
    assert {"two-hop trees", "components × reports", "Leiden × reports", "reports per sender"} <= set(names)


def test_several_worlds_get_a_folder_each_and_a_table_of_means_and_worst(folder, tmp_path, capsys):
    world, _, _ = labelled_world.shot_of(folder)
    twice = ["--world", str(world.folder), "--world", str(world.folder)]
    assert main(["--home", str(tmp_path / "home"), "evaluate", "--no-learning-curve", *twice, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    written = Path(told["folder"])
    for place in told["worlds"]:
        one = json.loads((written / place["folder"] / "evaluation.json").read_text())
        assert one["source"] == place["source"]
    auprc = next(row for row in told["table"] if row["measure"] == "auprc" and row["detector"] == "Ringleader")
    ours = next(iter(one["scopes"][0]["figures"].values()))["auprc"]["value"]
    assert auprc["values"] == [ours, ours]
    assert auprc["mean"] == auprc["worst"] == pytest.approx(ours)
    assert "2 worlds" in (written / "evaluation.md").read_text()


def test_without_reports_the_same_senders_are_asked_about_and_nobody_was_reported(folder, honest):
    found = figures(folder, EvaluateOptions(without_reports=True))
    usual, bare = found.scopes[:5], found.scopes[5:]
    assert [one.name for one in bare] == [f"{one.name}, reports kept out" for one in usual]
    assert [(one.senders, one.malicious) for one in bare] == [(one.senders, one.malicious) for one in usual]
    reports = ReportsPerSender.name
    for one in bare:
        assert one.figures[reports]["auprc"].value == pytest.approx(one.chance)  # all alike: no report is left
    assert usual[0].figures[reports]["auprc"].value > usual[0].chance
    assert [one.against for one in usual] == [one.against for one in honest.scopes]


def test_verdicts_turned_round_are_listed_to_be_looked_at_again(folder, tmp_path):
    """Eight verdicts are turned round; the sender, who said so and when are told."""
    world, _, shot = labelled_world.shot_of(folder)
    rows = pq.read_table(world.paths["verdicts"][0]).cast(VERDICT_ROWS).to_pylist()
    of_senders = [
        row for row in rows if row["kind"] == "sender" and row["key"] in shot.scene.window.senders["key"].to_pylist()
    ]
    for value, other in (("malicious", "benign"), ("benign", "malicious")):
        for row in [row for row in of_senders if row["verdict"] == value and "turned" not in row["source"]][:4]:
            row["verdict"], row["source"] = other, "turned by ann"
    paths = world.paths | {"verdicts": [tmp_path / "verdicts.parquet"]}
    pq.write_table(pa.Table.from_pylist(rows, VERDICT_ROWS), paths["verdicts"][0])
    review = figures(folder, paths=paths).review
    turned = [one for one in review.listed if one.sources == ("turned by ann",)]
    assert review.verdicts == shot.scene.senders.known.sum()
    assert review.wrong is not None
    assert review.wrong_doubted is not None
    assert len(turned) >= 6
    assert review.wrong >= review.wrong_doubted >= len(turned)
    assert all((one.risk > 0.5) == (one.verdict == "benign") for one in turned)
    assert all(one.given is not None for one in turned)


def test_a_learning_curve_ends_where_all_verdicts_are_known(folder, honest):
    found = figures(folder, EvaluateOptions(learning_curve=True)).learning
    assert [curve.question for curve in found] == [honest.scopes[0].name, honest.scopes[2].name]
    for curve, asked in zip(found, (honest.scopes[0], honest.scopes[2]), strict=True):
        counts = [point.labels for point in curve.points]
        assert counts == [0, 10, 50, honest.labels]
        last, ours = curve.points[-1].figures["Ringleader"], asked.figures["Ringleader"]
        assert last["auprc"] == ours["auprc"]
        assert last["recall_strict"] == ours["recall_strict"]


def test_the_command_says_where_there_is_nothing_to_evaluate(tmp_path, capsys):
    assert main(["--home", str(tmp_path), "evaluate"]) == 1
    assert "holds no events yet" in capsys.readouterr().err
    assert main(["--home", str(tmp_path), "evaluate", "--world", str(tmp_path / "nowhere")]) == 1
    assert "ringleader simulate" in capsys.readouterr().err
