"""The ledger of verdicts keeps what people decided, once, for good."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from graph.errors import HomeMovedError, RingleaderError
from graph.home import Home
from graph.schema import VERDICT_ROWS
from graph.verdicts import Decision, IdempotencyError, VerdictError, VerdictLedger

THEN = datetime(2024, 5, 1, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> VerdictLedger:
    return VerdictLedger(Home(tmp_path).ensure())


def decision(key: str = "a@example.com", verdict: str = "malicious", **more: object) -> Decision:
    return Decision("sender", key, verdict, "ann", **more)  # type: ignore[arg-type]


def test_a_verdict_is_listed_as_it_was_given(ledger: VerdictLedger) -> None:
    kept, new = ledger.add(decision(ts=THEN, note="called them"))
    assert new
    assert ledger.list(10) == [kept]
    assert (kept.key, kept.ts, kept.source, kept.note) == ("a@example.com", THEN, "ann", "called them")


def test_a_verdict_survives_the_kill_of_its_process_right_after(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from pathlib import Path; from graph.home import Home\n"
        "from graph.verdicts import Decision, VerdictLedger\n"
        "VerdictLedger(Home(Path(sys.argv[1]))).add(Decision('sender', 'a@example.com', 'benign', 'ann'))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == -9
    assert [verdict.verdict for verdict in VerdictLedger(Home(tmp_path)).list(10)] == ["benign"]


def test_the_same_idempotency_key_keeps_one_verdict_and_gives_it_again(ledger: VerdictLedger) -> None:
    first, new = ledger.add(decision(), "k1")
    again, new_again = ledger.add(decision(), "k1")
    assert (first, new, new_again) == (again, True, False)
    assert len(ledger.list(10)) == 1


def test_the_same_idempotency_key_for_another_verdict_is_refused_and_keeps_nothing(ledger: VerdictLedger) -> None:
    ledger.add(decision(), "k1")
    with pytest.raises(IdempotencyError):
        ledger.add(decision(verdict="benign"), "k1")
    assert len(ledger.list(10)) == 1


def test_many_at_once_with_one_idempotency_key_keep_one(ledger: VerdictLedger) -> None:
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda _: ledger.add(decision(), "k1")[0].id, range(16)))
    assert len(set(kept)) == 1
    assert len(ledger.list(100)) == 1


def test_verdicts_are_never_changed_nor_removed(ledger: VerdictLedger) -> None:
    ledger.add(decision())
    database = sqlite3.connect(ledger.path)
    for statement in ("DELETE FROM verdicts", "UPDATE verdicts SET verdict = 'benign'"):
        with pytest.raises(sqlite3.IntegrityError):
            database.execute(statement)
    database.close()


def test_pages_go_back_in_time(ledger: VerdictLedger) -> None:
    for number in range(5):
        ledger.add(decision(f"s{number}@example.com"))
    first = ledger.list(2)
    rest = ledger.list(10, before=first[-1].place)
    assert [verdict.key[:2] for verdict in first + rest] == ["s4", "s3", "s2", "s1", "s0"]
    assert [verdict.key[:2] for verdict in ledger.list(10, kind="sender", keys=["s3@example.com"])] == ["s3"]


def test_the_table_has_the_contracts_columns_and_ends_at_as_of(ledger: VerdictLedger) -> None:
    assert ledger.as_table().equals(VERDICT_ROWS.empty_table())
    ledger.add(decision("late@example.com", ts=THEN + timedelta(seconds=1)))
    ledger.add(decision("early@example.com", ts=THEN))
    table = ledger.as_table(THEN)
    assert table.schema == VERDICT_ROWS
    assert table["key"].to_pylist() == ["early@example.com"]
    assert ledger.as_table()["key"].to_pylist() == ["early@example.com", "late@example.com"]


@pytest.mark.parametrize(
    "bad",
    [
        Decision("person", "x", "benign", "ann"),
        Decision("sender", "x", "odd", "ann"),
        Decision("sender", "  ", "benign", "ann"),
        Decision("sender", "x", "benign", "ann", ts=datetime(2999, 1, 1, tzinfo=UTC)),
        Decision("sender", "x", "benign", "ann", ts=datetime.fromisoformat("0001-01-01T00:00:00+14:00")),
        Decision("sender", "x", "benign", "ann", ts=datetime(1969, 12, 31, tzinfo=UTC)),
        Decision("sender", "x", "benign", "ann", ts=datetime(1, 1, 1)),
        Decision("sender", "\ud800", "benign", "ann"),
        Decision("sender", "x", "benign", "ann", note="\udfff"),
    ],
)
def test_a_verdict_of_another_shape_is_refused(ledger: VerdictLedger, bad: Decision) -> None:
    with pytest.raises(VerdictError):
        ledger.add(bad)
    assert ledger.as_table().num_rows == 0


UNREADABLE = {
    "a time in year 0": ("sender", "p@example.com", "malicious", -62_135_646_800_000_000),
    "a time after year 9999": ("sender", "p@example.com", "malicious", 2**62),
    "a time that is a text": ("sender", "p@example.com", "malicious", "yesterday"),
    "a time with a fraction": ("sender", "p@example.com", "malicious", 0.5),
    "a kind of another version": ("mailbox", "p@example.com", "malicious", 0),
    "a key that is no text": ("sender", b"\xff\x00", "malicious", 0),
    "a verdict of another version": ("sender", "p@example.com", "doubtful", 0),
}


def poison(ledger: VerdictLedger, row: tuple[object, ...]) -> None:
    """A row as an older or a newer version stored it; nothing can remove it any more."""
    with closing(sqlite3.connect(ledger.path)) as database, database:
        database.execute(
            "INSERT INTO verdicts (id, kind, key, verdict, ts, source, note) VALUES ('poison', ?, ?, ?, ?, 'ann', '')",
            row,
        )


@pytest.mark.parametrize("row", UNREADABLE.values(), ids=UNREADABLE)
def test_a_row_that_cannot_be_read_is_passed_over_and_told_and_the_others_count(
    ledger: VerdictLedger, row: tuple[object, ...], caplog: pytest.LogCaptureFixture
) -> None:
    ledger.add(decision("early@example.com", ts=THEN))
    poison(ledger, row)
    ledger.add(decision("late@example.com", ts=THEN))
    assert [verdict.key for verdict in ledger.list(10)] == ["late@example.com", "early@example.com"]
    assert [verdict.key for verdict in ledger.list(1, before=3)] == ["early@example.com"]
    assert ledger.list(10, keys=["p@example.com"]) == []
    assert ledger.as_table(THEN).num_rows == ledger.as_table().num_rows == 2
    assert ledger.unreadable() == 1
    assert "unreadable verdicts passed over: 1;" in caplog.text


def test_a_damaged_byte_in_a_text_stops_nothing(ledger: VerdictLedger) -> None:
    ledger.add(decision(ts=THEN))
    with closing(sqlite3.connect(ledger.path)) as database, database:
        database.execute(
            "INSERT INTO verdicts (id, kind, key, verdict, ts, source, note)"
            " VALUES ('damaged', 'sender', CAST(x'61ff62' AS TEXT), 'benign', 0, 'ann', '')"
        )
    assert [verdict.key for verdict in ledger.list(10)] == ["a\ufffdb", "a@example.com"]
    assert ledger.as_table().num_rows == 2


def test_a_ledger_in_which_all_can_be_read_says_nothing(
    ledger: VerdictLedger, caplog: pytest.LogCaptureFixture
) -> None:
    assert ledger.unreadable() == 0
    ledger.add(decision())
    assert ledger.as_table().num_rows == 1
    assert caplog.text == ""


def test_a_verdict_that_cannot_be_read_back_is_not_kept(ledger: VerdictLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(row: sqlite3.Row) -> None:
        raise OverflowError(row["ts"])

    with monkeypatch.context() as patched:
        patched.setattr("graph.verdicts._verdict", broken)
        with pytest.raises(OverflowError):
            ledger.add(decision(), "k1")
    assert ledger.list(10) == []
    assert ledger.add(decision(), "k1")[1]


def test_a_held_ledger_takes_nothing_once_it_was_moved_and_makes_no_other(ledger: VerdictLedger) -> None:
    ledger.file.hold()
    away = ledger.path.with_name("away.sqlite")
    ledger.path.rename(away)
    for ask in (lambda: ledger.add(decision()), lambda: ledger.list(1), ledger.as_table):
        with pytest.raises(HomeMovedError, match=r"verdicts\.sqlite"):
            ask()
    assert not ledger.path.exists()
    away.rename(ledger.path)
    assert ledger.add(decision())[1]


def test_a_held_ledger_notices_another_in_its_place_whatever_its_inode(ledger: VerdictLedger) -> None:
    """A file system likes to give the number of a removed file to the next; the one that is held stays taken."""
    ledger.file.hold()
    home = Home(ledger.path.parents[1])
    for left in home.state.iterdir():
        left.unlink()
    VerdictLedger(home).add(decision("elsewhere@example.com"))
    with pytest.raises(HomeMovedError, match="another file"):
        ledger.add(decision())
    assert [verdict.key for verdict in VerdictLedger(home).list(10)] == ["elsewhere@example.com"]


def test_a_ledger_that_moves_within_a_transaction_keeps_nothing_of_it(
    ledger: VerdictLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.file.hold()

    def moving(row: sqlite3.Row) -> None:
        ledger.path.rename(ledger.path.with_name("away.sqlite"))

    with monkeypatch.context() as patched:
        patched.setattr("graph.verdicts._verdict", moving)
        with pytest.raises(HomeMovedError):
            ledger.add(decision())
    ledger.path.with_name("away.sqlite").rename(ledger.path)
    assert ledger.list(10) == []


def test_a_ledger_is_for_its_owner_alone(ledger: VerdictLedger) -> None:
    ledger.add(decision())
    with closing(sqlite3.connect(ledger.path)) as database:
        database.execute("SELECT count(*) FROM verdicts").fetchone()
        modes = {path.name: path.stat().st_mode & 0o777 for path in ledger.path.parent.glob("verdicts.sqlite*")}
    assert set(modes.values()) == {0o600}


def test_a_file_that_is_no_ledger_is_an_error_that_names_it(ledger: VerdictLedger) -> None:
    ledger.path.write_bytes(b"not a database, by a long way" * 100)
    with pytest.raises(RingleaderError, match=r"verdicts\.sqlite"):
        ledger.add(decision())
