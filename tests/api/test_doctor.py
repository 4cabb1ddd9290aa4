"""Doctor looks and touches nothing: ledgers, lock, permissions, leftovers."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import factories
import pytest

from api import cli
from api.doctor import CHECKS, Finding
from api.holdings import Holdings
from api.settings import Settings
from graph import leftovers, scratch
from graph.home import Home, write_lock, writer
from graph.snapshot import publish
from graph.verdicts import Decision, VerdictLedger


@pytest.fixture(autouse=True)
def temporary_place(tmp_path, monkeypatch):
    """Scratch folders of this test alone."""
    place = tmp_path / "system"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.setenv("TMPDIR", str(place))
    return place


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "home").ensure()
    Holdings.of(home, "keys").hold()
    VerdictLedger(home).add(Decision("sender", "a@x.example", "benign", "desk"))
    return home


def found(check: str, home: Home) -> list[Finding]:
    return list(CHECKS[check](home, Settings()))


def state_of(check: str, home: Home) -> str:
    (finding,) = found(check, home)
    return finding.state


# ---- Ledgers ------------------------------------------------------------------------------------------------


def test_whole_ledgers_are_well_and_stay_as_they_are(home):
    before = {path.name: path.read_bytes() for path in home.state.glob("*.sqlite")}
    assert len(before) == 4
    assert state_of("ledgers", home) == "ok"
    assert {path.name: path.read_bytes() for path in home.state.glob("*.sqlite")} == before


def test_a_home_without_ledgers_gets_none(tmp_path):
    home = Home(tmp_path / "bare").ensure()
    assert found("ledgers", home) == []
    assert list(home.state.iterdir()) == []


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def overwritten(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:8192] = os.urandom(4096)
    path.write_bytes(content)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def no_database(path: Path) -> None:
    path.write_bytes(b"not a database at all" * 400)


def without_a_table(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        (name,) = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' LIMIT 1").fetchone()
        database.execute(f"ALTER TABLE {name} RENAME TO elsewhere")


@pytest.mark.parametrize("name", ["keys", "verdicts", "audit", "refreshes"])
@pytest.mark.parametrize("damage", [cut_short, overwritten, emptied, no_database, without_a_table])
def test_a_damaged_ledger_is_named(home, name, damage):
    path = home.state / f"{name}.sqlite"
    for log in home.state.glob(f"{name}.sqlite-*"):
        log.unlink()
    damage(path)
    failed = [finding for finding in found("ledgers", home) if finding.state == "fail"]
    assert [str(path) in finding.words for finding in failed] == [True]


def test_a_ledger_too_large_to_read_in_time_is_told_as_that(home):
    with closing(sqlite3.connect(home.state / "keys.sqlite")) as database, database:
        rows = ((str(number), os.urandom(32), "", "") for number in range(20_000))
        database.executemany("INSERT INTO keys VALUES (?, ?, ?, ?)", rows)
    file = Holdings.of(home, "keys").files()["keys"]
    assert file.damage() == ""
    with pytest.raises(TimeoutError, match=r"keys\.sqlite"):
        file.damage(seconds=-1)


def test_verdicts_that_cannot_be_read_are_told(home):
    assert found("verdicts", home) == []
    with closing(sqlite3.connect(home.state / "verdicts.sqlite")) as database:
        columns = "(id, kind, key, verdict, source, note, ts)"
        row = ("x", "sender", "k", "benign", "", "", -(2**62))
        database.execute(f"INSERT INTO verdicts {columns} VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        database.commit()
    assert "1 verdicts" in found("verdicts", home)[0].words


# ---- The lock -----------------------------------------------------------------------------------------------

HOLDER = "import sys, pathlib; from graph.home import Home, write_lock\n"
HOLDER += "with write_lock(Home(pathlib.Path(sys.argv[1]))): print('held', flush=True); sys.stdin.read()"


def holding(home: Home) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLDER, str(home.path)]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    return other


def test_doctor_names_the_writer_and_none_once_it_was_killed(home):
    with holding(home) as other:
        (finding,) = found("lock", home)
        assert finding.state == "warn"
        assert f"process {other.pid}" in finding.words
        other.send_signal(signal.SIGKILL)
    assert home.lock.read_bytes()  # a killed writer leaves its name
    assert writer(home) is None
    assert state_of("lock", home) == "ok"


def test_doctor_never_takes_the_lock(home, monkeypatch):
    monkeypatch.setattr("fcntl.flock", lambda *_: pytest.fail("a lock was taken"))
    assert cli.main(["--home", str(home.path), "doctor"]) in (0, 1)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"{}", b'{"pid": 1e400, "host": 1}'])
def test_a_lock_that_says_nothing_of_use_names_nobody(home, content):
    home.lock.write_bytes(content)
    assert writer(home) is None


# ---- Who may read -------------------------------------------------------------------------------------------


def modes(home: Home) -> set[int]:
    return {path.stat().st_mode & 0o077 for path in (home.path, *home.path.rglob("*"))}


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_nobody_else_can_read_a_home_whatever_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        home = Home(tmp_path / "private")
        events = tmp_path / "e.csv"
        events.write_text(
            "event_id,ts,channel,sender,recipients,domains,ip\n"
            "e1,2024-05-01T10:00:00Z,mail,a@x.example,b@y.example,,192.0.2.7\n"
            "e2,noon,mail,a@x.example,b@y.example,,192.0.2.7\n"
        )
        assert cli.main(["--home", str(home.path), "ingest", "--events", str(events)]) == 0
        assert cli.main(["--home", str(home.path), "keys", "create", "--name", "n", "--scope", "lookup"]) == 0
        VerdictLedger(home).add(Decision("sender", "a@x.example", "benign", "desk"))
        publish(home, factories.publication(), keep=1)
        assert modes(home) == {0}
        assert state_of("privacy", home) == "ok"
    finally:
        os.umask(before)


def test_a_home_of_an_older_version_is_told_and_closed_by_the_next_writer(home):
    home.path.chmod(0o755)
    home.state.chmod(0o755)
    (home.state / "verdicts.sqlite").chmod(0o644)
    home.lock.write_text("")
    home.lock.chmod(0o644)
    (finding,) = found("privacy", home)
    assert finding.state == "warn"
    assert "3 more" in finding.words
    with write_lock(home):
        pass
    assert modes(home) == {0}


def test_a_folder_that_holds_other_things_too_stays_open_and_its_files_untouched(tmp_path):
    project = tmp_path / "project"
    project.mkdir()
    project.chmod(0o755)
    script = project / "run.sh"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    home = Home(project).ensure()
    with write_lock(home):
        pass
    assert (project.stat().st_mode & 0o777, script.stat().st_mode & 0o777) == (0o755, 0o755)
    assert home.lake.stat().st_mode & 0o077 == home.lock.stat().st_mode & 0o077 == 0
    assert "a folder of its own" in found("privacy", home)[0].mend


def test_a_link_out_of_the_home_is_not_followed(home, tmp_path):
    outside = tmp_path / "outside.txt"
    outside.write_text("mine")
    outside.chmod(0o644)
    (home.lake / "link").symlink_to(outside)
    home.close_to_others()
    assert outside.stat().st_mode & 0o777 == 0o644


def test_an_export_has_the_permissions_that_its_reader_chose(home, tmp_path):
    publish(home, factories.publication(), keep=1)
    before = os.umask(0o022)
    try:
        assert cli.main(["--home", str(home.path), "export", "scores", "--out", str(tmp_path / "s.csv")]) == 0
    finally:
        os.umask(before)
    assert (tmp_path / "s.csv").stat().st_mode & 0o777 == 0o644


# ---- Leftovers ----------------------------------------------------------------------------------------------

KILLED = "import os, signal; from graph.engine import open_engine\n"
KILLED += "engine = open_engine(); print(engine.scratch.path, flush=True); os.kill(os.getpid(), signal.SIGKILL)"


def test_the_scratch_of_a_killed_engine_is_told_and_swept_and_that_of_a_living_one_stays(home):
    ended = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, check=False)
    (left,) = ended.stdout.split()
    with scratch.scratch_folder() as living:
        (finding,) = found("leftovers", home)
        assert finding.state == "warn"
        assert left in finding.words
        assert scratch.leftovers() == [Path(left)]
        assert scratch.sweep() == 1
        assert living.is_dir()
        assert not Path(left).exists()
    assert state_of("leftovers", home) == "ok"


@pytest.mark.parametrize(
    "name",
    [
        "models/m-1.tmp/card.json", "models/.CHAMPION.7.tmp", "snapshots/.building.7.tmp/scores.parquet",
        "store/.building-x/a.lbug", "lake/.staging/run", "lake/events/day=2024-05-01/.events.parquet.7.tmp",
    ],
)  # fmt: skip
def test_what_a_killed_writer_left_in_the_home_is_told_and_swept(home, name):
    path = home.path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half")
    assert state_of("leftovers", home) == "warn"
    with write_lock(home):
        assert state_of("leftovers", home) == "ok"  # somebody writes, so it may be in use
        assert leftovers.sweep(home) == 1
    assert not path.exists()
    assert state_of("leftovers", home) == "ok"


def test_a_refresh_sweeps_first(home):
    (home.models / "m-1.tmp").mkdir()
    assert cli.main(["--home", str(home.path), "refresh"]) == 1  # the lake is empty
    assert leftovers.leftovers(home) == []


def test_the_report_of_a_well_home_is_json(home, capsys):
    cli.main(["--home", str(home.path), "--json", "doctor"])
    names = {finding["name"] for finding in json.loads(capsys.readouterr().out)["findings"]}
    assert {"lock", "privacy", "leftovers", "ledgers"} <= names
