"""Nothing that goes into an ingest is unaccounted for, and what is not clean is told in words, JSON and exit code."""

import json
import os
import random
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from api.cli import main

CASES = Path(__file__).parents[1] / "cases"
KINDS = ("events", "reports", "verdicts")
NOT_EVENTS = {"reports.csv": "reports", "18-verdict-spelling": "verdicts"}
HEADER = "event_id,ts,channel,sender,recipients,domains,ip\n"
ROW = "{0},2024-05-01T10:00:00Z,mail,{0}@send.example,b@home.example,l.example,\n"
MESSAGE = b"From: a@x.example\nTo: b@y.example\nDate: Thu, 2 May 2024 10:00:00 +0000\n\nhello\n"

Ingest = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def ingest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Ingest:
    """One `ingest --json` into one home: its exit code and summary, which always balances."""

    def run(*options: str | Path) -> tuple[int, dict[str, Any]]:
        code = main(["--home", str(tmp_path / "home"), "ingest", "--json", *map(str, options)])
        summary = json.loads(capsys.readouterr().out)
        check_balance(summary)
        return code, summary

    return run


def check_balance(summary: dict[str, Any]) -> None:
    """events + duplicates + quarantined + passed over = found, for each kind of input and in all."""
    ends = ("new", "known", "expired", "quarantined", "passed_over")
    sums = {kind: sum(summary.get(f"{kind}_{end}", 0) for end in ends) for kind in KINDS}
    assert sums == {kind: summary[f"{kind}_found"] for kind in KINDS}
    assert summary["found"] == sum(sums.values())
    assert summary["quarantined"]["rows"] == sum(summary[f"{kind}_quarantined"] for kind in KINDS)
    assert summary["passed_over"] == sum(summary[f"{kind}_passed_over"] for kind in KINDS)
    assert sum(summary["quarantined"]["reasons"].values()) == summary["quarantined"]["rows"]
    assert sum(summary["passed_over_reasons"].values()) == summary["passed_over"]


def csv_of(path: Path, *ids: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEADER + "".join(map(ROW.format, ids)))
    return path


def kind_of(case: Path, path: Path) -> str:
    return NOT_EVENTS.get(path.name) or NOT_EVENTS.get(case.name) or "events"


FOLDERS = sorted(folder for folder in CASES.iterdir() if folder.is_dir())


@pytest.mark.parametrize("case", FOLDERS, ids=lambda folder: folder.name)
def test_every_case_is_accounted_for_file_by_file_and_as_a_folder(case: Path, ingest: Ingest) -> None:
    ingest(f"--{kind_of(case, case)}", case)
    for path in sorted(path for path in case.rglob("*") if path.is_file() and path.name != "README"):
        ingest(f"--{kind_of(case, path)}", path)


def test_a_second_ingest_finds_as_much_and_all_of_it_is_known(tmp_path: Path, ingest: Ingest) -> None:
    csv_of(tmp_path / "in" / "e.csv", "a", "b", "b")
    _, first = ingest("--events", tmp_path / "in")
    _, second = ingest("--events", tmp_path / "in")
    assert (first["events_found"], first["events_new"], first["events_known"]) == (3, 2, 1)
    assert (second["events_found"], second["events_new"], second["events_known"]) == (3, 0, 3)


def test_a_message_counts_with_each_of_its_invitations(ingest: Ingest) -> None:
    code, summary = ingest("--events", CASES / "27-calendar-email-param" / "apple.eml")
    assert (code, summary["events_found"], summary["events_new"]) == (0, 2, 2)


def test_files_that_are_not_read_are_named_with_their_reasons(tmp_path: Path, ingest: Ingest) -> None:
    folder = csv_of(tmp_path / "in" / "e.csv", "a").parent
    (folder / "notes.bin").write_bytes(b"\x00\x01")
    (folder / "_SUCCESS").touch()
    code, summary = ingest("--events", folder)
    assert (code, summary["events_new"], summary["events_passed_over"], summary["events_found"]) == (0, 1, 2, 3)
    assert {Path(each["file"]).name for each in summary["passed_over_first"]} == {"notes.bin", "_SUCCESS"}
    lines = [json.loads(line) for line in Path(summary["quarantined"]["file"]).read_text().splitlines()]
    assert {(Path(line["file"]).name, line["row"]) for line in lines} == {("notes.bin", None), ("_SUCCESS", None)}


def test_people_read_the_account_of_every_kind_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = csv_of(tmp_path / "in" / "e.csv", "a", "b", "").parent
    (folder / "notes.bin").write_bytes(b"\x00\x01")
    main(["--home", str(tmp_path / "home"), "ingest", "--events", str(folder)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "events:   2 new, 0 known, 1 set aside, 1 passed over = 4 found",
        "reports:  0 new, 0 known = 0 found",
        "verdicts: 0 new, 0 known = 0 found",
    ]
    assert f"  {folder / 'notes.bin'}: its format is not known" in lines


@pytest.mark.parametrize("as_json", [True, False])
def test_where_every_row_of_a_kind_was_set_aside_the_ingest_fails_with_its_summary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    good, bad = csv_of(tmp_path / "good.csv", "a"), tmp_path / "bad.csv"
    bad.write_text("event_id,reporter,ts,kind\na,r@home.example,2024-05-01T11:00:00Z,spam\n")
    flags = ["--json"] if as_json else []
    code = main(["--home", str(tmp_path / "home"), "ingest", *flags, "--events", str(good), "--reports", str(bad)])
    out = capsys.readouterr().out
    assert code == 1
    assert (json.loads(out)["reports_quarantined"] == 1) if as_json else ("1 set aside = 1 found" in out)


def test_a_row_set_aside_before_is_counted_and_not_written_again(tmp_path: Path, ingest: Ingest) -> None:
    path = csv_of(tmp_path / "e.csv", "a", "")
    _, first = ingest("--events", path)
    _, again = ingest("--events", path)
    written = [line for file in (tmp_path / "home" / "quarantine").iterdir() for line in file.read_text().splitlines()]
    assert len(written) == 1
    assert (first["quarantined"]["rows"], first["quarantined"]["before"]) == (1, 0)
    assert (again["quarantined"]["rows"], again["quarantined"]["before"]) == (1, 1)
    path.write_text(path.read_text() + ROW.format("") + ROW.format("c"))
    _, more = ingest("--events", path)
    assert (more["quarantined"]["rows"], more["quarantined"]["before"], more["events_new"]) == (2, 1, 1)


def test_a_file_that_cannot_be_read_stops_no_other_and_is_named_at_the_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], ingest: Ingest
) -> None:
    first, last = csv_of(tmp_path / "a.csv", "a"), csv_of(tmp_path / "c.csv", "c")
    (tmp_path / "b.parquet").write_bytes(b"PAR1 and no more")
    paths = (first, tmp_path / "b.parquet", tmp_path / "absent.csv", last)
    code, summary = ingest("--events", *paths)
    assert (code, summary["events_new"], summary["events_passed_over"], summary["events_found"]) == (1, 2, 1, 3)
    assert [Path(error["thing"]).name for error in summary["errors"]] == ["b.parquet", "absent.csv"]
    assert summary["error"] == summary["errors"][0]
    main(["--home", str(tmp_path / "home"), "ingest", "--events", *map(str, paths)])
    told = capsys.readouterr()
    assert "b.parquet: damaged or cut short" in told.err
    assert "2 paths could not be read; the rest is stored" in told.out


def special_files(folder: Path) -> list[str]:
    """What is no regular file: each would make a reader wait, fail, or leave the folder."""
    os.mkfifo(folder / "fifo")
    (folder / "dangling").symlink_to(folder / "nowhere")
    (folder / "outside").symlink_to(Path(__file__))
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "up").symlink_to(folder.parent)
    return ["dangling", "fifo", "loop", "outside", "up"]


def test_rows_older_than_the_retention_are_in_the_account(
    tmp_path: Path, ingest: Ingest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGLEADER_LAKE_RETENTION_DAYS", "5")
    path = csv_of(tmp_path / "e.csv", "a", "b")
    path.write_text(path.read_text() + ROW.format("c").replace("2024-05-01", "2024-04-01"))
    _, summary = ingest("--events", path)
    assert (summary["events_new"], summary["events_expired"], summary["events_found"]) == (2, 1, 3)


def test_a_home_inside_a_folder_is_not_fed_with_itself(tmp_path: Path, ingest: Ingest) -> None:
    csv_of(tmp_path / "e.csv", "a", "")
    for _ in range(3):
        _, summary = ingest("--events", tmp_path)
        assert (summary["events_found"], summary["events_quarantined"], summary["events_passed_over"]) == (3, 1, 1)


@pytest.mark.parametrize("place", ["in", "in/cur", "in/new"])
def test_what_is_no_regular_file_is_passed_over_by_name_and_never_waited_for(
    tmp_path: Path, ingest: Ingest, place: str
) -> None:
    for name in ("cur", "new", "tmp"):
        (tmp_path / "in" / name).mkdir(parents=True)
    (tmp_path / "in" / "cur" / "1.M1P1.host:2,S").write_bytes(MESSAGE)
    names = special_files(tmp_path / place)
    code, summary = ingest("--events", tmp_path / "in")
    assert (code, summary["events_new"]) == (0, 1)
    assert sorted(Path(each["file"]).name for each in summary["passed_over_first"]) == names


def test_a_socket_in_a_folder_is_passed_over_by_name(tmp_path: Path, ingest: Ingest) -> None:
    folder = csv_of(tmp_path / "in" / "e.csv", "a").parent
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(folder / "s"))  # a socket's path is short by rule
        code, summary = ingest("--events", folder)
    assert code == 0
    assert summary["passed_over_reasons"] == {"it is a socket, not a regular file": 1}


@pytest.mark.parametrize("name", ["fifo", "fifo.csv", "fifo.parquet", "fifo.eml"])
def test_a_fifo_asked_for_by_name_is_an_error_that_names_it(tmp_path: Path, ingest: Ingest, name: str) -> None:
    os.mkfifo(tmp_path / name)
    code, summary = ingest("--events", tmp_path / name)
    assert code == 1
    assert summary["error"]["thing"] == str(tmp_path / name)
    assert summary["error"]["reason"] == "it is a FIFO, not a regular file"


ENTRIES: dict[str, Callable[[Path], object]] = {
    "table.csv": lambda path: csv_of(path, f"{path.parent.name}-{path.name}", ""),
    "message.eml": lambda path: path.write_bytes(MESSAGE + str(path).encode()),
    "message": lambda path: path.write_bytes(MESSAGE + str(path).encode()),
    "junk.bin": lambda path: path.write_bytes(b"\x00\xff"),
    "empty.bin": lambda path: path.touch(),
    "damaged.parquet": lambda path: path.write_bytes(b"PAR1"),
    "_note.csv": lambda path: path.write_text("x"),
    "fifo.eml": os.mkfifo,
    "dangling.csv": lambda path: path.symlink_to("nowhere"),
    "loop": lambda path: path.symlink_to(path.name),
    "up": lambda path: path.symlink_to(".."),
    "out.eml": lambda path: path.symlink_to(__file__),
    os.fsdecode(b"\xff\x1b[31m\n.bin"): lambda path: path.touch(),
}
READ = {"table.csv": 2, "message.eml": 1, "message": 1}  # rows or messages in it


def grow(folder: Path, chance: random.Random, depth: int = 0) -> tuple[int, int]:
    """A folder of whatever lies in folders, and how many rows of it are to be read and entries to be passed over."""
    folder.mkdir()
    names = chance.sample(sorted(ENTRIES), chance.randrange(len(ENTRIES)))
    for name in names:
        ENTRIES[name](folder / name)
    rows = sum(READ.get(name, 0) for name in names)
    others = sum(name not in READ for name in names)
    for name in chance.sample(["a", "b", ".Sent"], 2) if depth < 2 else []:
        more = grow(folder / name, chance, depth + 1)
        rows, others = rows + more[0], others + more[1]
    return rows, others


@pytest.mark.parametrize("seed", range(20))
def test_every_entry_of_a_hostile_folder_is_read_or_named(tmp_path: Path, ingest: Ingest, seed: int) -> None:
    rows, others = grow(tmp_path / "in", random.Random(seed))
    _, summary = ingest("--events", tmp_path / "in")
    assert (summary["found"] - summary["passed_over"], summary["passed_over"]) == (rows, others)


def test_a_name_of_hostile_bytes_is_told_without_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = csv_of(tmp_path / "in" / "e.csv", "a").parent
    (folder / os.fsdecode(b"\xff\x1b[31m\n.bin")).write_bytes(b"\x00")
    for flags in ([], ["--json"]):
        assert main(["--home", str(tmp_path / f"home{len(flags)}"), "ingest", *flags, "--events", str(folder)]) == 0
        out = capsys.readouterr().out
        assert "\x1b" not in out
        assert "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}[31m" in out


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_names_that_standard_output_cannot_carry_are_escaped(tmp_path: Path, encoding: str, flags: list[str]) -> None:
    (tmp_path / "in").mkdir()
    for name in (b"\xff.bin", b"two\nlines.bin", b"\x1b[31mred.bin", b"\xfe\n.parquet"):
        (tmp_path / "in" / os.fsdecode(name)).write_bytes(b"\x00\x01")
    command = [sys.executable, "-m", "api.cli", "--home", str(tmp_path / "home"), "ingest", *flags]
    ended = subprocess.run(
        [*command, "--events", str(tmp_path / "in"), str(csv_of(tmp_path / "e.csv", "a", ""))],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": f"{encoding}:strict"},
    )
    assert ended.returncode == 1  # the Parquet file is none
    assert b"Traceback" not in ended.stderr
    assert b"\x1b" not in ended.stdout + ended.stderr
    if flags:
        assert json.loads(ended.stdout)["passed_over"] == 4
