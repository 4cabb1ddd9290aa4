"""Engines: what opens, what is refused with a clear error, what is left behind."""

import importlib.util
from pathlib import Path

import pytest

from graph.engine import open_engine
from graph.errors import RingleaderError
from graph.schema import REPORTS


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


def test_no_files_read_as_no_rows() -> None:
    with open_engine() as engine:
        rows = engine.fetch(engine.read((), REPORTS))
    assert rows.num_rows == 0
    assert rows.column_names == REPORTS.names


def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    damaged = tmp_path / "events.parquet"
    damaged.write_bytes(b"PAR1 cut short")
    with open_engine() as engine, pytest.raises(RingleaderError, match=r"events\.parquet.*`ringleader doctor`"):
        engine.read((damaged,), REPORTS)


def test_a_missing_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    with open_engine() as engine, pytest.raises(RingleaderError, match=r"gone\.parquet"):
        engine.read((tmp_path / "gone.parquet",), REPORTS)


def test_closing_leaves_no_scratch_behind() -> None:
    with open_engine() as engine:
        assert engine.scratch.is_dir()
    assert not engine.scratch.exists()
