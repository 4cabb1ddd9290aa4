"""The embedded store alone: old or new and never half, whatever kills it, and errors in words."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
from small_world import Place, contents, verdicts, window

from graph.errors import BusyError, StoreError
from graph.home import write_lock
from graph.store import open_store
from graph.store.ladybug import LadybugStore

SECOND = contents("refresh-2", window(["alice@example.com"]), said=verdicts())
HERE = Path(__file__).parent

DIE_HALF_WAY = """
import os, signal, sys
from pathlib import Path
from small_world import Home, contents, open_store

written = []
def die(rows):
    written.append(rows)
    if len(written) == 12:
        os.kill(os.getpid(), signal.SIGKILL)

open_store("ladybug:", Home(Path(sys.argv[1]))).write(contents("refresh-2"), die)
"""

FILL_THE_DISK = """
import resource, signal, sys
from pathlib import Path
from graph.errors import StoreError
from small_world import Home, contents, open_store

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    open_store("ladybug:", Home(Path(sys.argv[1]))).write(contents("refresh-2"))
except StoreError as error:
    sys.exit(f"StoreError {error}")
"""


def files(place: Place) -> list[str]:
    return sorted(path.name for path in place.home.store.iterdir())


def elsewhere(script: str, place: Place) -> "subprocess.CompletedProcess[str]":
    """Run a script in a process of its own."""
    command = [sys.executable, "-c", script, str(place.home.path)]
    return subprocess.run(command, env=os.environ | {"PYTHONPATH": str(HERE)}, capture_output=True, text=True)


def test_a_reader_keeps_its_graph_while_the_pointer_moves(embedded: Place) -> None:
    with embedded.open() as writer, embedded.open() as reader, embedded.open() as latecomer:
        writer.write(contents())
        before = reader.counts()
        writer.write(SECOND)
        assert (reader.refresh(), reader.counts()) == ("refresh-1", before)
        assert latecomer.refresh() == "refresh-2"
        assert latecomer.counts()["Sender"] == 1


def test_a_reader_keeps_its_graph_even_when_its_file_is_pruned(embedded: Place) -> None:
    with LadybugStore(embedded.home, keep=1) as writer, embedded.open() as reader:
        writer.write(contents())
        before = reader.counts()
        writer.write(SECOND)
        assert files(embedded) == ["CURRENT", "refresh-2-1.lbug"]
        assert reader.counts() == before


def test_the_last_two_databases_stay(embedded: Place) -> None:
    with embedded.open() as store:
        for number in (1, 2, 3):
            store.write(contents(f"refresh-{number}"))
    assert files(embedded) == ["CURRENT", "refresh-2-1.lbug", "refresh-3-1.lbug"]


def test_the_same_refresh_again_does_not_touch_the_file_being_read(embedded: Place) -> None:
    with embedded.open() as store:
        store.write(contents())
        store.write(contents())
        assert store.refresh() == "refresh-1"
    assert files(embedded) == ["CURRENT", "refresh-1-1.lbug", "refresh-1-2.lbug"]


def test_a_refresh_may_be_called_anything(embedded: Place) -> None:
    name = "2025-03-31T00:00:00+00:00/../é%-7"
    with embedded.open() as store:
        store.write(contents(name))
        assert store.refresh() == name


def test_a_kill_in_mid_build_leaves_the_old_graph_and_the_next_write_sweeps(embedded: Place) -> None:
    with embedded.open() as store:
        store.write(contents())
    assert elsewhere(DIE_HALF_WAY, embedded).returncode == -signal.SIGKILL
    assert any(name.startswith(".building-") for name in files(embedded))
    with embedded.open() as store:
        assert (store.refresh(), store.counts()["WROTE_TO"]) == ("refresh-1", 6)
        store.write(SECOND)
    assert files(embedded) == ["CURRENT", "refresh-1-1.lbug", "refresh-2-1.lbug"]


def test_a_full_disk_is_said_and_costs_nothing_stored(embedded: Place) -> None:
    with embedded.open() as store:
        store.write(contents())
    failed = elsewhere(FILL_THE_DISK, embedded)
    assert failed.stderr.startswith(f"StoreError {embedded.home.store}: the embedded graph store cannot be written")
    assert files(embedded) == ["CURRENT", "refresh-1-1.lbug"]
    with embedded.open() as store:
        assert store.counts()["WROTE_TO"] == 6


def test_a_disk_that_is_all_but_full_is_said_before_anything_is_built(
    embedded: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with embedded.open() as store:
        store.write(contents())
        monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=3 << 20))
        with pytest.raises(StoreError, match="only 3 MiB of disk are free"):
            store.write(SECOND)
        assert store.counts()["WROTE_TO"] == 6


def test_a_write_that_fails_half_way_costs_nothing_stored(embedded: Place) -> None:
    twice = window()
    doubled = replace(twice, recipients=pa.concat_tables([twice.recipients, twice.recipients]))
    with embedded.open() as store:
        store.write(contents())
        with pytest.raises(StoreError, match="cannot be written"):
            store.write(contents("refresh-2", doubled))
        assert store.refresh() == "refresh-1"
    assert files(embedded) == ["CURRENT", "refresh-1-1.lbug"]


def test_a_second_writer_is_told_who_is_writing(embedded: Place) -> None:
    other = "import sys, small_world as w; from pathlib import Path\n"
    other += "w.open_store('ladybug:', w.Home(Path(sys.argv[1]))).write(w.contents())"
    with write_lock(embedded.home):
        refused = elsewhere(other, embedded)
        embedded.open().write(contents())  # whoever holds the lock may write
    assert BusyError.__name__ in refused.stderr
    assert f"process {os.getpid()}" in refused.stderr


@pytest.mark.parametrize("damage", [b"", b"not a database" * 1000])
def test_a_damaged_database_is_an_error_that_names_the_store(embedded: Place, damage: bytes) -> None:
    with embedded.open() as store:
        store.write(contents())
    (embedded.home.store / "refresh-1-1.lbug").write_bytes(damage)
    with embedded.open() as store, pytest.raises(StoreError, match=r"cannot be read.*ringleader refresh"):
        store.counts()


def test_a_pointer_to_nothing_is_an_error_that_names_the_store(embedded: Place) -> None:
    with embedded.open() as store:
        store.write(contents())
    (embedded.home.store / "refresh-1-1.lbug").unlink()
    with embedded.open() as store, pytest.raises(StoreError, match="cannot be read"):
        store.ping()


def test_a_pointer_that_is_no_text_is_an_error_that_names_the_store(embedded: Place) -> None:
    with embedded.open() as reader:
        reader.write(contents())
        (embedded.home.store / "CURRENT").write_bytes(b"\xff\xfe")
        with pytest.raises(StoreError, match="cannot be read"):
            reader.outdated()
    with embedded.open() as reader, pytest.raises(StoreError, match="cannot be read"):
        reader.refresh()


def test_graphs_without_their_pointer_are_no_empty_store_and_the_next_write_mends_it(embedded: Place) -> None:
    with embedded.open() as store:
        store.write(contents())
    (embedded.home.store / "CURRENT").unlink()
    with embedded.open() as store:
        with pytest.raises(StoreError, match="CURRENT"):
            store.refresh()
        store.write(SECOND)
        assert store.refresh() == "refresh-2"


def test_a_reader_is_outdated_once_the_pointer_has_moved_and_a_new_one_is_not(embedded: Place) -> None:
    with embedded.open() as writer, embedded.open() as reader:
        writer.write(contents())
        assert not reader.outdated()
        assert (reader.refresh(), reader.outdated()) == ("refresh-1", False)
        writer.write(SECOND)
        assert (reader.refresh(), reader.outdated()) == ("refresh-1", True)
        with embedded.open() as newer:
            assert (newer.refresh(), newer.outdated()) == ("refresh-2", False)


def test_many_readers_fit_into_one_process(embedded: Place) -> None:
    with embedded.open() as store:
        store.write(contents())
    readers = [open_store("ladybug:", embedded.home) for _ in range(24)]
    assert {reader.refresh() for reader in readers} == {"refresh-1"}
    for reader in readers:
        reader.close()


def test_a_reader_needs_no_write_permission(embedded: Place) -> None:
    with embedded.open() as store:
        store.write(contents())
    before = {path: path.stat().st_mtime_ns for path in embedded.home.store.rglob("*")}
    with embedded.open() as reader:
        reader.counts()
    assert {path: path.stat().st_mtime_ns for path in embedded.home.store.rglob("*")} == before
