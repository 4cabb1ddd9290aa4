"""What cannot be read is kept as one JSON line each, short, in a file that exists only when there is need."""

import json
from pathlib import Path

import pytest

from graph.errors import InputError, RingleaderError
from graph.read import Earlier, Quarantine
from graph.read import quarantine as module


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


def test_what_is_passed_over_is_counted_apart_from_rows_and_named_in_the_file(tmp_path: Path) -> None:
    with Quarantine(tmp_path / "q.jsonl") as quarantine:
        quarantine.count_found(1)
        quarantine.add("a.csv", 1, "bad")
        quarantine.pass_over("b.bin", "its format is not known")
    assert (quarantine.found, quarantine.count, quarantine.passed_over) == (2, 1, 1)
    assert quarantine.examples == [("b.bin", "its format is not known")]
    line = json.loads((tmp_path / "q.jsonl").read_text().splitlines()[1])
    assert (line["file"], line["row"], line["reason"]) == ("b.bin", None, "passed over: its format is not known")


def test_an_error_of_a_file_is_raised_or_noted_as_asked(tmp_path: Path) -> None:
    error = InputError("a.csv", "damaged", "Write it again")
    with pytest.raises(InputError, match="damaged"):
        Quarantine(tmp_path / "q").refuse(error)
    with Quarantine(tmp_path / "q", keep_going=True) as quarantine:
        quarantine.refuse(error)
        quarantine.refuse(InputError("b.csv", "no such file", "Check the path"), is_file=False)
    assert (len(quarantine.errors), quarantine.passed_over, quarantine.found) == (2, 1, 1)


def test_several_quarantines_share_a_file_line_by_line(tmp_path: Path) -> None:
    with Quarantine(tmp_path / "q") as first, Quarantine(tmp_path / "q") as second:
        for number in range(500):
            (first, second)[number % 2].add("a.csv", number, "bad", "x" * 100)
        lines = (tmp_path / "q").read_text().splitlines()
    assert [json.loads(line)["row"] for line in lines] == list(range(500))


def test_lines_of_earlier_ingests_are_remembered_the_newest_first_and_within_a_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_EARLIER", 2)
    for day in ("1", "2"):
        with Quarantine(tmp_path / f"2024010{day}.jsonl") as quarantine:
            quarantine.add(f"{day}.csv", 1, "bad")
            quarantine.add(f"{day}.csv", 2, "bad")
    with Quarantine(tmp_path / "20240103.jsonl", Earlier(tmp_path)) as quarantine:
        for day in ("1", "2"):
            quarantine.add(f"{day}.csv", 1, "bad")
    assert (quarantine.count, quarantine.before) == (2, 1)
    assert json.loads((tmp_path / "20240103.jsonl").read_text())["file"] == "1.csv"


def test_what_another_ingest_wrote_by_halves_harms_nothing(tmp_path: Path) -> None:
    (tmp_path / "20240101.jsonl").write_bytes(b'{"file": "a\xff\n\n\x00')
    with Quarantine(tmp_path / "20240102.jsonl", Earlier(tmp_path)) as quarantine:
        quarantine.add("a.csv", 1, "bad")
    assert quarantine.before == 0
