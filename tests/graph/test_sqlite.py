import sqlite3
import threading
from pathlib import Path

import pytest

from graph.errors import RingleaderError
from graph.sqlite import SharedFile

SCHEMA = "CREATE TABLE IF NOT EXISTS seen (place INTEGER PRIMARY KEY);"


def test_many_who_open_a_file_that_is_not_there_yet_all_find_its_tables(tmp_path: Path) -> None:
    """Each round is a fresh file. Two that set the mode of its log at once are refused: one opening in a thousand."""
    faults: list[Exception] = []

    def read(path: Path, together: threading.Barrier) -> None:
        together.wait()
        try:
            with SharedFile(path, SCHEMA).connection() as database:
                database.execute("SELECT count(*) FROM seen").fetchone()
        except RingleaderError as error:
            faults.append(error)

    for number in range(20):
        together = threading.Barrier(8)
        path = tmp_path / f"{number}" / "file.sqlite"
        threads = [threading.Thread(target=read, args=(path, together)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [entry.name for entry in path.parent.iterdir() if entry.suffix == ".tmp"] == []
    assert faults == []


def test_a_file_has_its_write_ahead_log_before_anybody_can_open_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[str] = []
    opened = sqlite3.connect

    def watched(path: Path, **options: object) -> sqlite3.Connection:
        database = opened(path, **options)  # type: ignore[call-overload]
        if str(path).endswith("/file.sqlite?mode=rw"):
            modes.append(database.execute("PRAGMA journal_mode").fetchone()[0])
        return database  # type: ignore[no-any-return]

    monkeypatch.setattr(sqlite3, "connect", watched)
    for _ in range(2):
        with SharedFile(tmp_path / "file.sqlite", SCHEMA).transaction() as database:
            database.execute("INSERT INTO seen DEFAULT VALUES")
    assert modes == ["wal", "wal"]


def test_an_error_inside_a_transaction_keeps_nothing_of_it(tmp_path: Path) -> None:
    path = tmp_path / "file.sqlite"

    def half() -> None:
        with SharedFile(path, SCHEMA).transaction() as database:
            database.execute("INSERT INTO seen DEFAULT VALUES")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        half()
    with SharedFile(path, SCHEMA).connection() as database:
        assert database.execute("SELECT count(*) FROM seen").fetchone()[0] == 0
