"""Engines: what opens, what is refused with a clear error, what is left behind."""

import importlib.util
from pathlib import Path

import pyarrow as pa
import pytest

from graph.engine import open_engine
from graph.errors import RingleaderError

ROWS = pa.schema([("n", pa.int32()), ("items", pa.list_(pa.int32()))])


def test_an_unknown_engine_is_refused_with_the_names_of_the_known() -> None:
    with pytest.raises(
        RingleaderError, match=r"engine 'abacus': there is no such engine\. Choose one of duckdb, spark"
    ):
        open_engine("abacus")


def test_a_memory_setting_that_is_no_size_is_refused_with_an_example() -> None:
    with pytest.raises(RingleaderError, match='such as "4GB"'):
        open_engine("duckdb", memory="plenty")


def test_spark_without_pyspark_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RingleaderError, match=r"pyspark is not installed.*ringleader\[spark\]"):
        open_engine("spark")


def test_spark_without_java_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RingleaderError, match="Java was not found"):
        open_engine("spark")


def test_a_java_home_without_java_is_not_saved_by_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(RingleaderError, match="Java was not found"):
        open_engine("spark")


def test_rows_put_in_by_batches_come_back_lists_and_nulls_included() -> None:
    first = pa.table({"n": [1, None], "items": [[1, 2], []]}, schema=ROWS)
    second = pa.table({"n": [3], "items": [[None]]}, schema=ROWS)
    with open_engine() as engine:
        put = engine.put(iter([first, second]), ROWS)
        rows = engine.fetch(put.order_by(put.n.fill_null(2)))
    assert rows.to_pydict() == {"n": [1, None, 3], "items": [[1, 2], [], [None]]}


def test_no_batch_puts_in_no_row() -> None:
    with open_engine() as engine:
        rows = engine.fetch(engine.put((), ROWS))
    assert rows.num_rows == 0
    assert rows.column_names == ROWS.names


def test_more_rows_than_memory_and_disk_hold_are_an_error_that_says_what_to_do() -> None:
    batch = pa.table({"n": range(1_000_000), "items": [[]] * 1_000_000}, schema=ROWS)
    with open_engine(memory="20MB", threads=1) as engine:
        engine.backend.con.execute("SET max_temp_directory_size = '1MB'")
        with pytest.raises(RingleaderError, match=r"ran out of memory or scratch space.*free disk space"):
            engine.put([batch] * 5, ROWS)


def test_closing_leaves_no_scratch_behind() -> None:
    with open_engine() as engine:
        assert engine.scratch.path.is_dir()
    assert not engine.scratch.path.exists()
