"""The command line: exit codes, answers on standard output, all else on standard error, errors that can be mended."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from api import cli
from api.commands import Outcome
from api.commands.export import TABLES
from api.commands.ingest import AHEAD
from api.commands.keys import SCOPES
from api.commands.simulate import PRESETS
from graph.home import Home
from graph.lake import Lake
from graph.snapshot import publish
from tests import factories

GOOD = {
    "event_id": "e1",
    "ts": "2024-05-01T10:00:00Z",
    "channel": "mail",
    "sender": "a@x.example",
    "recipients": "b@y.example;c@y.example",
    "domains": "",
    "ip": "192.0.2.7",
}
CONTRACT_COMMANDS = (
    "demo", "ingest", "refresh", "train", "evaluate", "simulate", "export", "serve", "keys", "doctor",
)  # fmt: skip


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in [name for name in os.environ if name.startswith("RINGLEADER_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


@pytest.fixture
def run(home, capsys):
    """Runs a command in this home; gives exit code, standard output and standard error."""

    def runner(*arguments, at: Path | None = None):
        code = cli.main(["--home", str(at or home.path), *map(str, arguments)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return runner


def events_csv(path: Path, *changes: dict) -> Path:
    """A CSV of the good event with each set of changes applied."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, GOOD)
        writer.writeheader()
        writer.writerows({**GOOD, **change} for change in changes)
    return path


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)


# ---- The shell around the commands --------------------------------------------------------------------------


def test_the_commands_are_the_contracts():
    assert tuple(cli.COMMANDS) == CONTRACT_COMMANDS


@pytest.mark.parametrize("command", CONTRACT_COMMANDS)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main([command, "--help"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: ringleader {command}")


BEYOND = [
    [command, "--as-of", time]
    for command in ("refresh", "train")
    for time in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31")
]


@pytest.mark.parametrize(
    "arguments", [[], ["no-such"], ["export", "nothing", "--out", "x.csv"], ["refresh", "--as-of", "noon"], *BEYOND]
)
def test_what_makes_no_sense_is_a_usage_error(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert "usage: ringleader" in capsys.readouterr().err


def test_a_setting_out_of_bounds_on_the_command_line_is_a_usage_error(run):
    code, _, told = run("refresh", "--window-days", "0")
    assert code == 2
    assert "window_days" in told


def test_the_home_comes_from_the_environment_where_no_flag_says_otherwise(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RINGLEADER_HOME", str(tmp_path / "from-environment"))
    assert cli.main(["keys", "list"]) == 0
    assert (tmp_path / "from-environment" / "state").is_dir()


def test_common_options_may_stand_before_or_after_the_command(tmp_path, capsys):
    home = str(tmp_path)
    for arguments in (["--home", home, "--json", "keys", "list"], ["keys", "list", "--json", "--home", home]):
        assert cli.main(arguments) == 0
        assert json.loads(capsys.readouterr().out) == {"keys": []}


def test_an_error_names_the_thing_the_reason_and_the_mend(run):
    code, out, told = run("export", "scores", "--out", "scores.csv")
    assert (code, out) == (1, "")
    assert "snapshots: nothing has been published yet" in told
    assert "Run `ringleader refresh` first." in told


def test_with_json_an_error_is_told_to_machines_too(run):
    code, out, _ = run("export", "scores", "--out", "scores.csv", "--json")
    assert code == 1
    assert set(json.loads(out)["error"]) == {"thing", "reason", "mend"}


def test_with_json_one_object_is_all_there_is_on_standard_output_and_progress_is_silent(run, tmp_path):
    code, out, told = run("ingest", "--json", "--events", events_csv(tmp_path / "e.csv", {}))
    assert code == 0
    assert json.loads(out)["events_new"] == 1
    assert told == ""


def test_a_figure_that_is_not_defined_is_null_in_json(run, monkeypatch):
    outcome = Outcome({"figures": [float("nan"), 0.5], "at": factories.AS_OF, "file": Path("x")}, "")
    monkeypatch.setattr("api.commands.doctor.run", lambda call: outcome)
    told = json.loads(run("doctor", "--json")[1])
    assert told == {"figures": [None, 0.5], "at": "2024-05-20T12:00:00+00:00", "file": "x"}


def test_an_interrupted_command_ends_with_130_and_no_traceback(run, monkeypatch):
    def interrupted(call):
        raise KeyboardInterrupt

    monkeypatch.setattr("api.commands.doctor.run", interrupted)
    code, _, told = run("doctor")
    assert code == 130
    assert told.startswith("ringleader: interrupted")


def test_a_full_disk_that_no_room_foresaw_is_told_without_a_traceback(run, monkeypatch):
    def full(call):
        raise OSError(28, "No space left on device", "/home.example/lake")

    monkeypatch.setattr("api.commands.doctor.run", full)
    code, _, told = run("doctor")
    assert code == 1
    assert told.startswith("ringleader: /home.example/lake: No space left on device\n")


def test_what_follows_an_answer_starts_after_the_answer_was_printed(run, monkeypatch, capsys):
    seen = []
    outcome = Outcome({}, "the answer", then=lambda: seen.append(capsys.readouterr().out))
    monkeypatch.setattr("api.commands.doctor.run", lambda call: outcome)
    run("doctor")
    assert seen == ["the answer\n"]


def test_a_reader_that_goes_away_ends_the_command_quietly(home):
    command = [sys.executable, "-m", "api.cli", "--home", str(home.path), "keys", "list"]
    read, write = os.pipe()
    os.close(read)
    ended = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    os.close(write)
    assert (ended.returncode, ended.stderr) == (1, "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_home_is_an_error_that_names_it(run, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    code, _, told = run("keys", "list", at=closed / "home")
    assert code == 1
    assert "cannot be written" in told


def test_a_home_that_is_a_file_is_an_error_that_names_it(run, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    code, _, told = run("ingest", "--events", events_csv(tmp_path / "e.csv", {}), at=tmp_path / "file")
    assert code == 1
    assert "cannot be written" in told
    assert (tmp_path / "file").read_text() == "not a folder"


LIGHT = "import sys; from api import cli; code = cli.main(sys.argv[1:]); assert code == 0; "
HEAVY = "heavy = {'torch', 'sklearn', 'pandas', 'uvicorn', 'fastapi'} & set(sys.modules); assert not heavy, heavy"


def test_keys_and_exports_answer_without_loading_the_model_or_a_server(home, tmp_path):
    publish(home.ensure(), factories.publication(), keep=1)
    out = str(tmp_path / "scores.csv")
    for arguments in (["keys", "list"], ["export", "scores", "--out", out]):
        ended = python("-c", LIGHT + HEAVY, "--home", str(home.path), *arguments)
        assert ended.returncode == 0, ended.stderr


def test_help_loads_nothing_but_the_parser():
    check = "assert not {'torch', 'pyarrow', 'numpy', 'duckdb'} & set(sys.modules)"
    script = f"import sys\nfrom api import cli\ntry:\n    cli.main(['--help'])\nexcept SystemExit:\n    {check}"
    ended = python("-c", script)
    assert ended.returncode == 0, ended.stderr


# ---- ingest -------------------------------------------------------------------------------------------------


def test_ingest_takes_several_paths_after_one_option_and_the_option_again(run, home, tmp_path):
    first, second, third = (events_csv(tmp_path / f"{number}.csv", {"event_id": f"e{number}"}) for number in range(3))
    code, out, _ = run("ingest", "--events", first, second, "--events", third)
    assert code == 0
    assert "events:   3 new, 0 known" in out
    assert Lake(home.path).span() is not None


def test_ingest_again_changes_nothing(run, home, tmp_path):
    path = events_csv(tmp_path / "e.csv", {})
    run("ingest", "--events", path)
    before = {file: file.read_bytes() for file in home.lake.rglob("*.parquet")}
    code, out, _ = run("ingest", "--events", path)
    assert code == 0
    assert "events:   0 new, 1 known" in out
    assert {file: file.read_bytes() for file in home.lake.rglob("*.parquet")} == before


def test_ingest_without_anything_to_ingest_is_a_usage_error(run):
    code, _, told = run("ingest")
    assert code == 2
    assert "--events, --reports or --verdicts" in told


def test_ingest_takes_events_reports_and_verdicts_together(run, tmp_path):
    report, verdict = tmp_path / "r.csv", tmp_path / "v.jsonl"
    report.write_text("event_id,reporter,ts,kind\ne1,b@y.example,2024-05-01T11:00:00Z,junk\n")
    rows = {"kind": "sender", "key": "a@x.example", "verdict": "malicious", "ts": "2024-05-02T00:00:00Z", "source": "x"}
    verdict.write_text(json.dumps(rows) + "\n")
    _, out, _ = run(
        "ingest", "--json", "--events", events_csv(tmp_path / "e.csv", {}), "--reports", report, "--verdicts", verdict
    )
    summary = json.loads(out)
    assert [summary[f"{kind}_new"] for kind in ("events", "reports", "verdicts")] == [1, 1, 1]


def test_verdicts_and_reports_that_name_nobody_are_told(run, tmp_path):
    reports, verdicts = tmp_path / "r.csv", tmp_path / "v.csv"
    ts = "2024-05-01T11:00:00Z"
    reports.write_text(f"event_id,reporter,ts,kind\ne1,b@y.example,{ts},junk\ne9,b@y.example,{ts},junk\n")
    keys = ("A@X.example", "nobody@x.example", "https://www.link.example/")
    lines = "".join(f"{'domain' if '/' in key else 'sender'},{key},malicious,{ts},x\n" for key in keys)
    verdicts.write_text(f"kind,key,verdict,ts,source\n{lines}")
    asked = "--events", events_csv(tmp_path / "e.csv", {}), "--reports", reports, "--verdicts", verdicts
    code, out, _ = run("ingest", *asked)
    assert code == 0
    assert "2 verdict keys and 1 reported event id name nobody in the lake:" in out
    assert "  'nobody@x.example'" in out
    _, out, _ = run("ingest", "--json", *asked)
    unmatched = json.loads(out)["unmatched"]
    assert (unmatched["verdicts"], unmatched["reports"]) == (2, 1)
    assert set(unmatched["examples"]) == {"nobody@x.example", "https://www.link.example/", "e9"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"channel": "fax"}, "channel is none of mail, calendar, contacts"),
        ({"recipients": ""}, "recipients"),
        ({"ts": "2999-01-01T00:00:00Z"}, "ts is in the future"),
        ({"ts": "noon"}, "ts is no ISO 8601 time"),
        ({"sender": "a" * 10_000_000 + "@x.example"}, "sender"),
        ({"ip": "300.1.1.1"}, "ip is no IPv4 or IPv6 address"),
    ],
)
def test_a_bad_row_is_set_aside_with_its_reason_and_the_rest_goes_in(run, tmp_path, change, reason):
    code, out, _ = run("ingest", "--json", "--events", events_csv(tmp_path / "e.csv", {}, {"event_id": "e2", **change}))
    summary = json.loads(out)
    assert code == 0
    assert summary["events_new"] == 1
    assert summary["quarantined"]["rows"] == 1
    line = json.loads(Path(summary["quarantined"]["file"]).read_text())
    assert reason in line["reason"]
    assert (line["file"], line["row"]) == (str(tmp_path / "e.csv"), 2)


def test_people_are_told_how_many_rows_were_set_aside_where_and_why(run, tmp_path):
    _, out, _ = run("ingest", "--events", events_csv(tmp_path / "e.csv", {}, {"event_id": "e2", "channel": "fax"}))
    assert "1 row set aside in " in out
    assert "  1 × channel is none of mail, calendar, contacts" in out
    assert AHEAD not in out


def test_a_drop_of_most_of_the_lake_waits_for_a_flag(run, home, tmp_path, monkeypatch):
    monkeypatch.setenv("RINGLEADER_LAKE_RETENTION_DAYS", "10")
    days = ({"event_id": f"e{day}", "ts": f"2024-05-{day:02}T10:00:00Z"} for day in range(1, 11))
    run("ingest", "--events", events_csv(tmp_path / "e.csv", *days))
    new = events_csv(tmp_path / "new.csv", {"event_id": "new", "ts": "2024-09-01T10:00:00Z"})
    code, _, told = run("ingest", "--events", new)
    assert code == 1
    assert "`ringleader ingest --largest-drop 1" in told
    code, out, _ = run("ingest", "--json", "--largest-drop", "1", "--events", new)
    assert (code, json.loads(out)["days_dropped"]) == (0, 10)


def test_people_are_told_how_to_take_rows_ahead_of_the_clock(run, tmp_path, monkeypatch):
    events = events_csv(tmp_path / "e.csv", {}, {"event_id": "e2", "ts": "2031-01-01T00:00:00Z"})
    _, out, _ = run("ingest", "--events", events)
    assert AHEAD in out
    monkeypatch.setenv("RINGLEADER_READ_FUTURE_TOLERANCE_HOURS", "87600")
    _, out, _ = run("ingest", "--json", "--events", events)
    assert json.loads(out)["events_new"] == 1


def broken_parquet(path: Path) -> Path:
    pq.write_table(pa.Table.from_pylist([GOOD]), path)
    path.write_bytes(path.read_bytes()[:-20])
    return path


def without_recipients(path: Path) -> Path:
    path.write_text("event_id,ts,channel,sender,domains\ne9,2024-05-01T10:00:00Z,mail,a@x.example,\n")
    return path


@pytest.mark.parametrize(
    ("make", "name", "reason"),
    [
        (broken_parquet, "broken.parquet", "damaged or cut short"),
        (without_recipients, "short.csv", "no column 'recipients'"),
        (lambda path: path, "nowhere.csv", "no such file or folder"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_that_names_it_and_nothing_stored_is_lost(
    run, home, tmp_path, make, name, reason
):
    run("ingest", "--events", events_csv(tmp_path / "e.csv", {}))
    before = {file: file.read_bytes() for file in home.lake.rglob("*.parquet")}
    code, _, told = run("ingest", "--events", make(tmp_path / name))
    assert code == 1
    assert name in told
    assert reason in told
    assert {file: file.read_bytes() for file in home.lake.rglob("*.parquet")} == before


def test_a_second_writer_is_told_who_holds_the_home(run, home, tmp_path):
    holder = "import sys, pathlib; from graph.home import Home, write_lock\n"
    holder += "with write_lock(Home(pathlib.Path(sys.argv[1]))): print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", holder, str(home.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        code, _, told = run("ingest", "--events", events_csv(tmp_path / "e.csv", {}))
        other.communicate("")
    assert code == 1
    assert f"process {other.pid}" in told


# ---- refresh ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    ["bolt://x", "neo4j://x.example:7687", "bolt://u:secret@x.example", "redis://u@x.example", "ladybug:/tmp/x", "",
     "neo4j://u@x.example:99999", "neo4j://u@[::1", "bolt+x://u@x.example",
     "bolt://u@a..b", f"bolt://u@{'x' * 70}.example"],
)  # fmt: skip
def test_a_store_that_cannot_be_meant_is_a_usage_error_before_any_work(run, home, url, monkeypatch):
    """Case 43."""
    monkeypatch.setattr("api.stages.read_slice", lambda *_: pytest.fail("the lake was read"))
    code, _, told = run("refresh", "--store", url)
    assert code == 2
    assert "--store" in told
    assert "secret" not in told
    assert not home.path.exists()


@pytest.mark.parametrize("host", ["127.0.0.1:9", "no-such-host.invalid"])
def test_a_store_that_does_not_answer_is_told_before_any_work(run, home, host, monkeypatch):
    monkeypatch.setattr("api.stages.read_slice", lambda *_: pytest.fail("the lake was read"))
    monkeypatch.setenv("RINGLEADER_NEO4J_PASSWORD", "none")
    code, _, told = run("refresh", "--store", f"bolt://neo4j@{host}")
    assert code == 1
    assert "bolt://" in told
    assert not home.path.exists()


def test_a_store_without_its_password_is_told_before_any_work(run, monkeypatch):
    monkeypatch.setattr("api.stages.read_slice", lambda *_: pytest.fail("the lake was read"))
    code, _, told = run("refresh", "--store", "neo4j://neo4j@127.0.0.1:9")
    assert code == 1
    assert "RINGLEADER_NEO4J_PASSWORD" in told


# ---- export -------------------------------------------------------------------------------------------------


def test_export_writes_the_table_of_the_current_snapshot(run, home, tmp_path):
    snapshot = publish(home.ensure(), factories.publication(), keep=1)
    out = tmp_path / "members.parquet"
    code, told, _ = run("export", "members", "--out", out)
    assert code == 0
    assert f"{pq.read_metadata(out).num_rows} rows of snapshot {snapshot.id}" in told


def test_an_export_of_a_span_holds_what_was_seen_within_it(run, home, tmp_path):
    publish(home.ensure(), factories.publication(), keep=1)
    out = tmp_path / "campaigns.parquet"
    moments = ("--from", factories.seen(3).isoformat(), "--to", factories.seen(4).isoformat())
    assert run("export", "campaigns", "--out", out, *moments)[0] == 0
    assert pq.read_table(out)["campaign_id"].to_pylist() == ["c-links"]


def test_a_span_that_ends_before_it_begins_is_a_usage_error(run, tmp_path):
    code, _, told = run("export", "scores", "--out", tmp_path / "s.csv", "--from", "2024-05-02", "--to", "2024-05-01")
    assert code == 2
    assert "--from is later than --to" in told


def test_an_export_of_another_ending_is_refused_before_any_work(run, tmp_path):
    code, _, told = run("export", "scores", "--out", tmp_path / "scores.xlsx")
    assert code == 1
    assert ".parquet or .csv" in told


# ---- keys ---------------------------------------------------------------------------------------------------


def test_a_key_is_made_listed_without_its_secret_and_revoked(run):
    code, out, _ = run("keys", "create", "--name", "mta", "--scope", "lookup", "--scope", "investigate", "--json")
    made = json.loads(out)
    assert code == 0
    assert set(made) == {"name", "key", "scopes"}
    assert (made["name"], made["scopes"]) == ("mta", ["lookup", "investigate"])
    _, listed, _ = run("keys", "list")
    assert "mta\tlookup,investigate" in listed
    assert made["key"] not in listed
    assert run("keys", "revoke", "mta")[0] == 0
    assert json.loads(run("keys", "list", "--json")[1]) == {"keys": []}


def test_a_key_that_is_not_there_cannot_be_revoked(run):
    code, _, told = run("keys", "revoke", "nobody")
    assert code == 1
    assert "nobody" in told


# ---- choices that are repeated here so that --help stays light ----------------------------------------------


def test_the_choices_on_the_command_line_are_those_of_the_rooms_behind_it():
    from api import auth, exports
    from graph import simulate

    assert tuple(SCOPES) == auth.SCOPES
    assert tuple(exports.EXPORTS) == TABLES
    assert simulate.PRESETS == PRESETS


# ---- doctor -------------------------------------------------------------------------------------------------


def findings(out: str) -> dict[str, dict]:
    return {finding["name"]: finding for finding in json.loads(out)["findings"]}


def test_doctor_finds_an_empty_home_well_and_says_what_to_do_next(run):
    code, out, _ = run("doctor", "--json")
    found = findings(out)
    assert code == 0
    assert found["home"]["state"] == "warn"
    assert "ringleader ingest" in found["lake"]["mend"]
    assert "ringleader refresh" in found["snapshot"]["mend"]


def test_doctor_names_a_damaged_day_and_fails(run, home, tmp_path):
    run("ingest", "--events", events_csv(tmp_path / "e.csv", {}))
    (day,) = home.lake.rglob("events.parquet")
    day.write_bytes(day.read_bytes()[:-9])
    code, out, _ = run("doctor")
    assert code == 1
    assert f"fail  lake: {day} is damaged" in out


def test_doctor_sees_a_byte_flipped_inside_a_day(run, home, tmp_path):
    run("ingest", "--events", events_csv(tmp_path / "e.csv", {}))
    (day,) = home.lake.rglob("events.parquet")
    content = bytearray(day.read_bytes())
    content[60] ^= 0xFF
    day.write_bytes(content)
    assert findings(run("doctor", "--json")[1])["lake"]["state"] == "fail"


def test_doctor_names_a_damaged_snapshot_and_fails(run, home):
    snapshot = publish(home.ensure(), factories.publication(), keep=1)
    (snapshot.folder / "scores.parquet").write_bytes(b"no")
    code, out, _ = run("doctor", "--json")
    assert code == 1
    assert "checksum is wrong" in findings(out)["snapshot"]["words"]


def test_doctor_says_that_a_snapshot_is_stale(run, home, monkeypatch):
    publish(home.ensure(), factories.publication(), keep=1)
    assert findings(run("doctor", "--json")[1])["snapshot"]["state"] == "ok"
    monkeypatch.setenv("RINGLEADER_SERVE_STALE_AFTER_HOURS", "0")
    stale = findings(run("doctor", "--json")[1])["snapshot"]
    assert stale["state"] == "warn"
    assert stale["words"].startswith("stale: ")


def test_doctor_fails_where_neo4j_is_wanted_and_does_not_answer(run, monkeypatch):
    monkeypatch.setenv("RINGLEADER_REFRESH_STORE", "neo4j://neo4j@127.0.0.1:9")
    monkeypatch.setenv("RINGLEADER_NEO4J_PASSWORD", "none")
    code, out, _ = run("doctor", "--json")
    assert code == 1
    assert findings(out)["store"]["state"] == "fail"


def test_doctor_fails_where_spark_is_the_engine_and_java_is_missing(run, monkeypatch):
    monkeypatch.setenv("RINGLEADER_REFRESH_ENGINE", "spark")
    monkeypatch.setattr("shutil.which", lambda name: None)
    code, out, _ = run("doctor", "--json")
    assert code == 1
    assert findings(out)["java"]["mend"] == "Install Java 17"


# ---- simulate -----------------------------------------------------------------------------------------------


def test_a_simulated_world_can_be_ingested_as_it_is(run, tmp_path):
    world = tmp_path / "world"
    code, out, _ = run("simulate", "--out", world, "--events", "4000", "--seed", "3", "--json")
    made = json.loads(out)
    assert code == 0
    paths = [(f"--{kind}", world / f"{kind}.parquet") for kind in ("events", "reports", "verdicts")]
    code, out, _ = run("ingest", "--json", *(part for pair in paths for part in pair))
    taken = json.loads(out)
    assert code == 0
    assert taken["events_new"] == made["events"] == pq.read_metadata(world / "events.parquet").num_rows
    assert taken["quarantined"]["rows"] == 0


def test_a_world_too_small_to_be_one_is_an_error(run, tmp_path):
    code, _, told = run("simulate", "--out", tmp_path / "world", "--events", "10")
    assert code == 1
    assert "at least" in told


def test_progress_goes_to_standard_error_only(run, tmp_path):
    _, out, told = run("ingest", "--events", events_csv(tmp_path / "e.csv", {}))
    assert "ingest: done, 1 rows" in told
    assert "done" not in out
