"""The ledger of verdicts keeps what people decided, once, for good."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from graph.errors import RingleaderError
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
    assert [verdict.key[:2] for verdict in ledger.list(10, kind="sender", key="s3@example.com")] == ["s3"]


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
    ],
)
def test_a_verdict_of_another_shape_is_refused(ledger: VerdictLedger, bad: Decision) -> None:
    with pytest.raises(VerdictError):
        ledger.add(bad)
    assert ledger.as_table().num_rows == 0


def test_a_file_that_is_no_ledger_is_an_error_that_names_it(ledger: VerdictLedger) -> None:
    ledger.path.write_bytes(b"not a database, by a long way" * 100)
    with pytest.raises(RingleaderError, match=r"verdicts\.sqlite"):
        ledger.add(decision())
