"""What cannot be read is kept as one JSON line each, short, in a file that exists only when there is need."""

import json
from pathlib import Path

import pytest

from graph.errors import RingleaderError
from graph.read import Quarantine


def test_no_file_is_made_where_nothing_is_wrong(tmp_path: Path) -> None:
    with Quarantine(tmp_path / "deep" / "q.jsonl") as quarantine:
        assert quarantine.count == 0
    assert not (tmp_path / "deep").exists()


def test_every_line_names_file_row_and_reason_and_long_excerpts_are_cut(tmp_path: Path) -> None:
    with Quarantine(tmp_path / "deep" / "q.jsonl") as quarantine:
        quarantine.add("a.csv", 7, "sender is missing", "x" * 10_000_000)
        quarantine.add(tmp_path / "b.eml", 1, "no From header", "\udcff\n")
        quarantine.add("a.csv", 9, "sender is missing")
    lines = [json.loads(line) for line in (tmp_path / "deep" / "q.jsonl").read_text().splitlines()]
    assert [(line["file"], line["row"]) for line in lines] == [("a.csv", 7), (str(tmp_path / "b.eml"), 1), ("a.csv", 9)]
    assert lines[0]["excerpt"] == "x" * 200 + "… (9,999,800 more characters)"
    assert (quarantine.count, quarantine.reasons) == (3, {"sender is missing": 2, "no From header": 1})


def test_a_later_run_adds_to_the_file(tmp_path: Path) -> None:
    for number in (1, 2):
        with Quarantine(tmp_path / "q.jsonl") as quarantine:
            quarantine.add("a.csv", number, "bad")
        assert quarantine.count == 1
    assert len((tmp_path / "q.jsonl").read_text().splitlines()) == 2


def test_a_folder_that_cannot_be_written_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    with Quarantine(tmp_path / "home" / "q.jsonl") as quarantine, pytest.raises(RingleaderError, match="set aside"):
        quarantine.add("a.csv", 1, "bad")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
def test_a_full_disk_is_an_error_that_says_so() -> None:
    quarantine = Quarantine(Path("/dev/full"))
    with pytest.raises(RingleaderError, match=r"/dev/full: .*no space left"):
        quarantine.add("a.csv", 1, "bad")
    with pytest.raises(RingleaderError, match=r"/dev/full: .*no space left"):
        quarantine.close()
