"""Files, folders and globs are found, told apart and expanded within bounds; what cannot be opened is named."""

import errno
import gzip
import json
from pathlib import Path

import pytest
import zstandard

from graph.errors import InputError
from graph.read import Quarantine, ReadOptions, read_events, read_reports
from graph.read.sources import MAIL, TABLES, find_sources, format_of

OPTIONS = ReadOptions()
MESSAGE = b"From: a@x.example\nTo: b@y.example\nDate: Thu, 2 May 2024 10:00:00 +0000\n\nhello\n"
EVENT = {
    "event_id": "1",
    "ts": "2024-05-01",
    "channel": "mail",
    "sender": "a",
    "recipients": ["b"],
    "domains": [],
}


def found(*paths: Path | str, formats: frozenset[str] = TABLES | MAIL) -> list[tuple[str, str]]:
    with Quarantine(Path("/dev/null")) as quarantine:
        return [(source.path.name, source.format) for source in find_sources(paths, formats, OPTIONS, quarantine)]


def put(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_a_folder_gives_what_can_be_read_in_a_fixed_order(tmp_path: Path) -> None:
    put(tmp_path / "b" / "part.jsonl.gz", gzip.compress(b"{}"))
    put(tmp_path / "a.csv")
    put(tmp_path / "z.EML", MESSAGE)
    put(tmp_path / "inbox", b"From a@x.example Thu May  2 10:00:00 2024\n")
    put(tmp_path / "_SUCCESS")
    put(tmp_path / ".hidden.csv")
    put(tmp_path / "picture.png", b"\x89PNG")
    expected = [("a.csv", "csv"), ("inbox", "mbox"), ("z.EML", "eml"), ("part.jsonl.gz", "jsonl")]
    assert found(tmp_path) == expected
    assert found(tmp_path, tmp_path / "a.csv") == expected


def test_a_maildir_is_walked_but_for_unfinished_deliveries(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / ".Sent", tmp_path / "nested" / "deep"):
        for name in ("cur", "new", "tmp"):
            put(folder / name / f"{name}.1:2,S", MESSAGE)
    assert sorted(found(tmp_path)) == [("cur.1:2,S", "eml")] * 3 + [("new.1:2,S", "eml")] * 3


def test_a_glob_gives_its_matches(tmp_path: Path) -> None:
    for name in ("day=1/e.parquet", "day=2/e.parquet", "day=2/r.csv"):
        put(tmp_path / name)
    assert found(f"{tmp_path}/day=*/*.parquet") == [("e.parquet", "parquet")] * 2


@pytest.mark.parametrize(
    ("path", "reason"),
    [("absent.csv", "no such file"), ("*.csv", "no file matches"), ("empty", "no file in it"), ("odd", "not known")],
)
def test_what_is_not_there_is_an_error_naming_it(tmp_path: Path, path: str, reason: str) -> None:
    (tmp_path / "empty").mkdir()
    put(tmp_path / "odd", b"\x00\x01")
    with pytest.raises(InputError, match=reason) as error:
        found(tmp_path / path)
    assert error.value.thing == str(tmp_path / path)


def test_raw_mail_is_refused_where_reports_are_read(tmp_path: Path) -> None:
    path = put(tmp_path / "a.eml", MESSAGE)
    with Quarantine(tmp_path / "q") as quarantine, pytest.raises(InputError, match=r"a\.eml: eml is not what is read"):
        list(read_reports([path], OPTIONS, quarantine))


def test_a_folder_without_permission_is_an_error_naming_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(path: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("os.scandir", closed)
    with pytest.raises(InputError, match=r"cannot be opened \(permission denied\)") as error:
        found(tmp_path)
    assert error.value.thing == str(tmp_path)


def test_a_file_without_permission_is_an_error_naming_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    path = put(tmp_path / "e.csv")
    monkeypatch.setattr("os.open", closed)
    with Quarantine(tmp_path / "q") as quarantine, pytest.raises(InputError, match=r"e\.csv: cannot be opened"):
        list(read_events([path], OPTIONS, quarantine))


@pytest.mark.parametrize(
    ("name", "head", "format_"),
    [
        ("x", b"PAR1....", "parquet"),
        ("x", b"From a@x.example Thu May  2 10:00:00 2024\n", "mbox"),
        ("x", b' {"a": 1}', "jsonl"),
        ("x", b"Received: from a", "eml"),
        ("x", b"what is this", None),
        ("x.gz", gzip.compress(b"Subject: a", mtime=0), "eml"),
        ("x.csv.zst", b"", "csv"),
    ],
)
def test_the_format_is_told_by_the_ending_or_the_first_bytes(
    tmp_path: Path, name: str, head: bytes, format_: str | None
) -> None:
    assert format_of(put(tmp_path / name, head), OPTIONS) == format_


BOMB = b'{"event_id": "' + b"a" * 3_000_000 + b'"}\n'


@pytest.mark.parametrize("squeeze", [gzip.compress, zstandard.ZstdCompressor().compress])
@pytest.mark.parametrize(
    ("bounds", "reason"),
    [
        (ReadOptions(bomb_grace_bytes=1_000_000, max_expansion_ratio=100), "-fold, like a bomb.*max_expansion_ratio"),
        (ReadOptions(max_expanded_bytes=2_000_000), "more than 2,000,000 bytes.*max_expanded_bytes"),
    ],
)
def test_a_decompression_bomb_is_an_error_that_names_the_bound(
    tmp_path: Path, squeeze: type, bounds: ReadOptions, reason: str
) -> None:
    path = put(tmp_path / "bomb.jsonl.gz", squeeze(BOMB))
    with Quarantine(tmp_path / "q") as quarantine, pytest.raises(InputError, match=rf"bomb\.jsonl\.gz: .*{reason}"):
        list(read_events([path], bounds, quarantine))


def test_a_bomb_in_a_csv_is_the_same_error(tmp_path: Path) -> None:
    path = put(
        tmp_path / "bomb.csv", gzip.compress(b"event_id,ts,channel,sender,recipients,domains\n" + b"1,,,,,\n" * 500_000)
    )
    options = ReadOptions(max_expanded_bytes=2_000_000)
    with Quarantine(tmp_path / "q") as quarantine, pytest.raises(InputError, match="more than 2,000,000 bytes"):
        list(read_events([path], options, quarantine))


@pytest.mark.parametrize("squeeze", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_a_compressed_file_cut_short_is_an_error_naming_it(tmp_path: Path, squeeze: type) -> None:
    lines = "".join(json.dumps({**EVENT, "event_id": str(number**9)}) + "\n" for number in range(3000))
    path = put(tmp_path / "e.jsonl.gz", squeeze(lines.encode())[:-5000])
    with Quarantine(tmp_path / "q") as quarantine, pytest.raises(InputError, match=r"e\.jsonl\.gz: damaged or cut"):
        list(read_events([path], OPTIONS, quarantine))


def test_zstd_frames_one_after_another_are_one_file(tmp_path: Path) -> None:
    frames = [zstandard.compress(json.dumps({**EVENT, "event_id": str(number)}).encode() + b"\n") for number in (1, 2)]
    path = put(tmp_path / "e.jsonl.zst", b"".join(frames))
    with Quarantine(tmp_path / "q") as quarantine:
        (batch,) = read_events([path], OPTIONS, quarantine)
    assert batch["event_id"].to_pylist() == ["1", "2"]


def test_a_bomb_among_the_messages_of_a_folder_is_set_aside_and_stops_no_other(tmp_path: Path) -> None:
    put(tmp_path / "mail" / "a.eml", MESSAGE)
    put(tmp_path / "mail" / "b.eml", gzip.compress(b"a" * 3_000_000))
    put(tmp_path / "mail" / "c.eml.gz", gzip.compress(MESSAGE.replace(b"a@", b"c@")))
    with Quarantine(tmp_path / "q") as quarantine:
        batches = list(read_events([tmp_path / "mail"], ReadOptions(max_expanded_bytes=2_000_000), quarantine))
    assert [sender for batch in batches for sender in batch["sender"].to_pylist()] == ["a@x.example", "c@x.example"]
    assert list(quarantine.reasons) == ["it expands to more than 2,000,000 bytes"]
