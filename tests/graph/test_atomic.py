import errno
import os
from pathlib import Path

import pytest

from graph import atomic
from graph.atomic import create_with, is_temporary, make_folder, point_to, read_pointer, replace_with, write_bytes


def test_a_written_file_replaces_the_old_one_whole(tmp_path: Path) -> None:
    write_bytes(tmp_path / "file", b"a long old content")
    write_bytes(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    write_bytes(tmp_path / "file", b"old")

    def write_half() -> None:
        with replace_with(tmp_path / "file") as temporary:
            temporary.write_bytes(b"ne")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        write_half()
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_disk_that_fills_up_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_bytes(tmp_path / "file", b"old")

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_bytes(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_content_reaches_the_disk_before_the_name_and_the_name_before_the_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    rename = Path.replace
    monkeypatch.setattr(atomic, "sync_file", lambda path: calls.append("sync content"))
    monkeypatch.setattr(Path, "replace", lambda self, target: calls.append("rename") or rename(self, target))
    monkeypatch.setattr(atomic, "sync_folder", lambda path: calls.append("sync name"))
    write_bytes(tmp_path / "file", b"new")
    assert calls == ["sync content", "rename", "sync name"]


def test_removing_the_temporary_file_gives_up_the_replacement(tmp_path: Path) -> None:
    write_bytes(tmp_path / "file", b"old")
    with replace_with(tmp_path / "file") as temporary:
        temporary.write_bytes(b"new")
        temporary.unlink()
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_temporary_file_is_told_by_its_name(tmp_path: Path) -> None:
    with replace_with(tmp_path / "file") as temporary:
        assert is_temporary(temporary)
        assert temporary.parent == tmp_path
        temporary.touch()
    assert not is_temporary(tmp_path / "file")


def test_a_pointer_says_what_it_was_told_last(tmp_path: Path) -> None:
    pointer = tmp_path / "CURRENT"
    assert read_pointer(pointer) is None
    point_to(pointer, "first")
    point_to(pointer, "second")
    assert read_pointer(pointer) == "second"


def test_an_empty_pointer_points_nowhere(tmp_path: Path) -> None:
    (tmp_path / "CURRENT").write_bytes(b"")
    assert read_pointer(tmp_path / "CURRENT") is None


def test_folders_are_made_with_their_parents_once(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_of_two_who_create_a_file_the_first_one_stays_and_the_other_leaves_nothing(tmp_path: Path) -> None:
    with create_with(tmp_path / "file") as slow:
        slow.write_bytes(b"late")
        write_bytes(tmp_path / "file", b"first")
    assert (tmp_path / "file").read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_file_is_created_whole_or_not_at_all(tmp_path: Path) -> None:
    def create_half() -> None:
        with create_with(tmp_path / "file") as fresh:
            fresh.write_bytes(b"ha")
            assert is_temporary(fresh)
            assert not (tmp_path / "file").exists()
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        create_half()
    assert list(tmp_path.iterdir()) == []
