import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from graph.errors import BusyError, RingleaderError
from graph.home import Home, write_lock

HOLD = """
import sys, pathlib
from graph.home import Home, write_lock
with write_lock(Home(pathlib.Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_writer(home: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, str(home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def take(home: Path) -> None:
    with write_lock(Home(home)):
        pass


def test_a_home_has_all_its_folders_after_ensure(tmp_path: Path) -> None:
    home = Home(tmp_path / "deep" / "home").ensure()
    folders = {home.lake, home.store, home.models, home.snapshots, home.quarantine, home.state}
    assert len(folders) == 6
    assert all(folder.is_dir() and folder.parent == home.path for folder in folders)


def test_a_home_that_cannot_be_made_is_named_with_reason_and_mend(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RingleaderError, match=r"file/home: the home cannot be written .*--home"):
        Home(tmp_path / "file" / "home").ensure()


def test_a_home_without_permission_is_named_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def refuse(path: str | Path, flags: int, *rest: int, **names: int) -> int:
        if flags & os.O_CREAT:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, flags, *rest, **names)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(RingleaderError, match="Permission denied"):
        take(tmp_path)


def test_a_second_writer_is_told_who_the_first_is(tmp_path: Path) -> None:
    with another_writer(tmp_path) as first, pytest.raises(BusyError) as refusal:
        take(tmp_path)
    assert f"process {first.pid} on " in str(refusal.value)
    assert "(-c " in str(refusal.value)
    assert " since 20" in str(refusal.value)


def test_the_lock_of_a_killed_writer_is_free(tmp_path: Path) -> None:
    with another_writer(tmp_path) as first:
        first.send_signal(signal.SIGKILL)
        first.wait()
        assert str(first.pid) in (tmp_path / "lock").read_text()
        take(tmp_path)


def test_a_writer_that_has_not_said_its_name_is_still_a_writer(tmp_path: Path) -> None:
    with another_writer(tmp_path):
        (tmp_path / "lock").write_text("{")
        with pytest.raises(BusyError, match="has not said its name"):
            take(tmp_path)


def test_the_holder_may_take_its_lock_again_and_keeps_it(tmp_path: Path) -> None:
    with write_lock(Home(tmp_path)):
        take(tmp_path)
        with ThreadPoolExecutor(1) as pool, pytest.raises(BusyError, match=str(os.getpid())):
            pool.submit(take, tmp_path).result()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(take, tmp_path).result()


def test_an_error_under_the_lock_frees_it(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), write_lock(Home(tmp_path)):
        raise RuntimeError
    take(tmp_path)
    assert (tmp_path / "lock").read_bytes() == b""
