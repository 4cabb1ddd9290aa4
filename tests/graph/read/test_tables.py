"""Rows of Parquet, CSV and JSON Lines come in clean; what breaks the contract is set aside with place and reason."""

import csv
import gzip
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph import schema
from graph.errors import InputError
from graph.read import Quarantine, ReadOptions, read_events, read_reports, read_verdicts
from graph.read.lists import NOTHING

NOW = datetime(2024, 6, 1, tzinfo=UTC)
OPTIONS = ReadOptions(now=NOW)
EVENT: dict[str, Any] = {
    "event_id": "e1",
    "ts": "2024-05-01T10:00:00Z",
    "channel": "mail",
    "sender": "a@send.example",
    "recipients": ["b@home.example", "c@home.example"],
    "domains": ["www.link.example"],
    "ip": "192.0.2.1",
    "fingerprint": "00ff",
}
Rows = list[dict[str, Any]]


def write_jsonl(path: Path, rows: Rows) -> Path:
    path.write_text("".join(json.dumps(row, default=str) + "\n" for row in rows))
    return path


def write_csv(path: Path, rows: Rows) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        for row in rows:
            lists = {name: ";".join(value) for name, value in row.items() if isinstance(value, list)}
            writer.writerow({**row, **lists})
    return path


def write_parquet(path: Path, rows: Rows) -> Path:
    typed = [{**row, "ts": datetime.fromisoformat(str(row["ts"]))} for row in rows]
    pq.write_table(pa.Table.from_pylist(typed, schema=schema.EVENTS), path)
    return path


WRITERS: dict[str, Callable[[Path, Rows], Path]] = {"jsonl": write_jsonl, "csv": write_csv, "parquet": write_parquet}


class Read:
    """What a reader made of files: rows and quarantine lines."""

    def __init__(self, folder: Path, *paths: Path, reader: Any = read_events, options: ReadOptions = OPTIONS) -> None:
        log = folder / "set-aside" / "q.jsonl"
        self.told = 0
        with Quarantine(log) as quarantine:
            batches = list(reader(paths, options, quarantine, self._hear))
        self.rows = [row for batch in batches for row in batch.to_pylist()]
        self.schemas = {batch.schema for batch in batches}
        self.aside = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        self.reasons = [line["reason"] for line in self.aside]
        log.unlink(missing_ok=True)

    def _hear(self, rows: int) -> None:
        self.told += rows


EXPECTED = {**EVENT, "ts": datetime(2024, 5, 1, 10, tzinfo=UTC)}


@pytest.mark.parametrize("ending", WRITERS)
def test_every_format_gives_the_same_row(tmp_path: Path, ending: str) -> None:
    read = Read(tmp_path, WRITERS[ending](tmp_path / f"e.{ending}", [EVENT]))
    assert read.rows == [EXPECTED]
    assert read.schemas == {schema.EVENTS}
    assert read.aside == []
    assert read.told == 1


# No signs of list notations, and no text that stands for nothing: those are read, see the tests of lists.
SIGNS = ";\ufffd,@|<>\"'[]{}()`\\"
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters=SIGNS), min_size=1
).filter(lambda text: text not in NOTHING)
HOSTS = st.from_regex(r"[a-z0-9_-]{1,9}(\.[a-z0-9_-]{1,9}){0,2}", fullmatch=True).filter(lambda text: text != "nan")
TIMES = st.datetimes(datetime(1970, 1, 2), datetime(2024, 5, 31), timezones=st.just(UTC))
IPS = st.one_of(st.none(), st.ip_addresses().map(str))
GOOD_ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "event_id": TEXTS,
            "ts": TIMES.map(datetime.isoformat),
            "channel": st.sampled_from(schema.CHANNELS),
            "sender": TEXTS,
            "recipients": st.lists(TEXTS, min_size=1, max_size=3),
            "domains": st.lists(HOSTS, max_size=2),
            "ip": IPS,
            "fingerprint": st.none() | TEXTS,
        }
    ),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(GOOD_ROWS)
def test_rows_come_through_every_format_unchanged(tmp_path: Path, rows: Rows) -> None:
    expected = [{**row, "ts": datetime.fromisoformat(row["ts"])} for row in rows]
    for ending, write in WRITERS.items():
        read = Read(tmp_path, write(tmp_path / f"e.{ending}", rows))
        assert read.rows == expected, ending
        assert read.aside == []


BAD = [
    ({"event_id": None}, "event_id is missing"),
    ({"event_id": "  "}, "event_id is missing"),
    ({"event_id": "x" * 1025}, "event_id is longer than 1,024 bytes"),
    ({"sender": None}, "sender is missing"),
    ({"sender": "a" * 10_000_000 + "@x.example"}, "sender is longer than 1,024 bytes"),
    ({"sender": "a\x00b"}, "sender holds a control character"),
    ({"channel": "sms"}, "channel is none of mail, calendar, contacts"),
    ({"channel": None}, "channel is missing"),
    ({"recipients": []}, "recipients is "),
    ({"recipients": ["a@home.example", "b" * 2000]}, "recipients is longer than 1,024 bytes"),
    ({"ts": "2024-06-02T00:00:01Z"}, "ts is in the future"),
    ({"ts": "1969-12-31T23:59:59Z"}, "ts is before 1970"),
    ({"ip": "192.0.2.256"}, "ip is no IPv4 or IPv6 address"),
]


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize(("change", "reason"), BAD, ids=[reason for _, reason in BAD])
def test_a_row_that_breaks_the_contract_is_set_aside_and_stops_no_other(
    tmp_path: Path, ending: str, change: dict[str, Any], reason: str
) -> None:
    rows = [EVENT, {**EVENT, **change}, {**EVENT, "event_id": "e3"}]
    path = WRITERS[ending](tmp_path / f"e.{ending}", rows)
    read = Read(tmp_path, path)
    assert [row["event_id"] for row in read.rows] == ["e1", "e3"]
    assert [(line["file"], line["row"]) for line in read.aside] == [(str(path), 2)]
    assert read.aside[0]["reason"].startswith(reason)
    assert len(read.aside[0]["excerpt"]) < 300


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"event_id": true}', "event_id holds `boolean`, not a string"),
        ('{"event_id": 1.5}', "event_id holds `number`, not a string"),
        ('{"sender": {"address": "a@send.example"}}', "sender holds `object`, not a string"),
        ('{"recipients": {"address": "b@home.example"}}', "recipients holds `object`, not a string"),
        ('{"recipients": [["b@home.example"]]}', "recipients holds `array`, not a string"),
        ('{"sender": "\\ud800"}', "sender is not UTF-8"),
        ('{"recipients": [null]}', "recipients has a null or empty entry"),
        ('{"domains": [""]}', "domains has a null or empty entry"),
        ('{"ts": "yesterday"}', "ts is no ISO 8601 time"),
        ('{"ts": "2024-02-30T10:00:00Z"}', "ts is no ISO 8601 time"),
        ('{"ts": 202405011000}', "ts is no ISO 8601 time"),
    ],
)
def test_json_of_the_wrong_type_is_set_aside(tmp_path: Path, line: str, reason: str) -> None:
    read = Read(tmp_path, write_jsonl(tmp_path / "e.jsonl", [{**EVENT, **json.loads(line)}, EVENT]))
    assert read.rows == [EXPECTED]
    assert read.aside[0]["row"] == 1
    assert read.reasons[0].startswith(reason)


def test_lines_that_are_no_json_are_set_aside_with_their_numbers(tmp_path: Path) -> None:
    good = json.dumps(EVENT).encode()
    path = tmp_path / "e.jsonl"
    path.write_bytes(
        b"\n".join([b"\xef\xbb\xbf" + good, b"{broken", b"", b"[1]", b'{"sender": "\xff"}', b"[" * 5000, good])
    )
    read = Read(tmp_path, path)
    assert len(read.rows) == 2
    assert [line["row"] for line in read.aside] == [2, 4, 5, 6]
    assert read.reasons[2] == "is not UTF-8"


def test_a_line_past_the_bound_is_set_aside_unread(tmp_path: Path) -> None:
    long = {**EVENT, "sender": "a" * 5000}
    options = ReadOptions(now=NOW, max_line_bytes=2000)
    read = Read(tmp_path, write_jsonl(tmp_path / "e.jsonl", [EVENT, long, EVENT]), options=options)
    assert len(read.rows) == 2
    assert (read.aside[0]["row"], read.reasons) == (2, ["line longer than 2,000 bytes"])


def test_csv_rows_with_the_wrong_number_of_cells_and_bad_bytes_keep_their_numbers(tmp_path: Path) -> None:
    lines = [b"event_id,ts,channel,sender,recipients,domains"]
    lines += [
        b"%d,2024-05-01,mail,a@x.example,b@y.example;c@y.example;,\xef\xbb\xbf" % number for number in range(1, 9)
    ]
    lines = [line.replace(b"\xef\xbb\xbf", b"") for line in lines]
    lines[3] += b",more,\xff"
    lines[5] = lines[5].replace(b"a@x", b"\xff@x")
    lines[7] = b"7,2024-05-01"
    path = tmp_path / "e.csv"
    path.write_bytes(b"\r\n".join(lines))
    read = Read(tmp_path, path, options=ReadOptions(now=NOW, block_bytes=150))
    assert [row["event_id"] for row in read.rows] == ["1", "2", "4", "6", "8"]
    assert read.rows[0]["recipients"] == ["b@y.example", "c@y.example"]
    assert read.rows[0]["domains"] == []
    assert {(line["row"], line["reason"]) for line in read.aside} == {
        (3, "8 cells where the header has 6"),
        (5, "sender is not UTF-8"),
        (7, "2 cells where the header has 6"),
    }


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2024-05-01", datetime(2024, 5, 1, tzinfo=UTC)),
        ("2024-05-01 10:00", datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("2024-05-01T10:00:00+02:00", datetime(2024, 5, 1, 8, tzinfo=UTC)),
        ("2024-05-01T10:00:00.123456", datetime(2024, 5, 1, 10, 0, 0, 123456, tzinfo=UTC)),
        ("20240501T100000Z", datetime(2024, 5, 1, 10, tzinfo=UTC)),
    ],
)
def test_iso_times_with_and_without_a_zone_are_read_as_utc(tmp_path: Path, text: str, time: datetime) -> None:
    read = Read(tmp_path, write_jsonl(tmp_path / "e.jsonl", [{**EVENT, "ts": text}, EVENT]))
    assert [row["ts"] for row in read.rows] == [time, EXPECTED["ts"]]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_other_column_types_that_mean_the_same_are_accepted(tmp_path: Path, unit: str, zone: str | None) -> None:
    lists = pa.large_list(pa.large_string())
    columns = {
        "event_id": pa.array(["e1"], pa.large_string()),
        "ts": pa.array([datetime(2024, 5, 1, 10)]).cast(pa.timestamp(unit)).cast(pa.timestamp(unit, zone)),
        "channel": pa.array(["mail"]).dictionary_encode(),
        "sender": pa.array([b"a@send.example"], pa.binary()),
        "recipients": pa.array([["b@home.example"]], lists),
        "domains": pa.nulls(1),
    }
    pq.write_table(pa.table(columns), tmp_path / "e.parquet")
    (row,) = Read(tmp_path, tmp_path / "e.parquet").rows
    assert row == {**EXPECTED, "recipients": ["b@home.example"], "domains": [], "ip": None, "fingerprint": None}


@pytest.mark.parametrize(
    ("column", "values"), [("sender", [1.5]), ("ts", [True]), ("recipients", [7.5]), ("channel", [True])]
)
def test_a_column_of_a_type_that_cannot_hold_it_sets_its_rows_aside_by_name(
    tmp_path: Path, column: str, values: list[Any]
) -> None:
    table = pa.Table.from_pylist([EXPECTED], schema=schema.EVENTS)
    table = table.set_column(table.schema.get_field_index(column), column, pa.array(values))
    pq.write_table(table, tmp_path / "e.parquet")
    read = Read(tmp_path, tmp_path / "e.parquet")
    assert read.rows == []
    assert read.reasons[0].startswith(f"{column} holds ")


def test_a_time_beyond_every_calendar_is_set_aside_with_its_number(tmp_path: Path) -> None:
    ts = pa.array([10**18, 1_714_557_600_000_000], pa.int64()).cast(pa.timestamp("us", "UTC"))
    rows = pa.Table.from_pylist([EVENT, {**EVENT, "event_id": "e2"}]).drop_columns("ts").append_column("ts", ts)
    pq.write_table(rows, tmp_path / "far.parquet")
    with Quarantine(tmp_path / "q") as quarantine:
        (batch,) = read_events([tmp_path / "far.parquet"], OPTIONS, quarantine)
    assert batch["event_id"].to_pylist() == ["e2"]
    assert str(10**18) in (tmp_path / "q").read_text()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_missing_column_is_an_error_naming_file_and_column(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"e.{ending}"
    if ending == "csv":
        path.write_text("event_id,ts,channel,from,recipients,domains\n1,2024-05-01,mail,a,b,\n")
    else:
        pq.write_table(pa.table({"event_id": ["1"], "from": ["a"]}), path)
    with pytest.raises(InputError, match=rf"e\.{ending}: no column .*'sender'.*'from'"):
        Read(tmp_path, path)


def test_a_truncated_parquet_file_is_an_error_naming_it(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "e.parquet", [EVENT] * 100)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"e\.parquet: damaged or cut short"):
        Read(tmp_path, path)


def test_a_parquet_file_damaged_in_the_middle_is_an_error_naming_it(tmp_path: Path) -> None:
    rows = [{**EVENT, "event_id": os.urandom(8).hex()} for _ in range(2000)]
    path = write_parquet(tmp_path / "e.parquet", rows)
    content = bytearray(path.read_bytes())
    content[4:2000] = b"\xff" * 1996
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"e\.parquet: damaged or cut short"):
        Read(tmp_path, path)


@pytest.mark.parametrize("content", ["", "event_id,ts"])
def test_an_empty_csv_file_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "e.csv").write_text(content)
    with pytest.raises(InputError, match=r"e\.csv: no column"):
        Read(tmp_path, tmp_path / "e.csv")


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
@pytest.mark.parametrize("squeeze", [gzip.compress, zstandard.ZstdCompressor().compress])
def test_compressed_text_is_told_by_its_first_bytes(
    tmp_path: Path, ending: str, squeeze: Callable[[bytes], bytes]
) -> None:
    path = WRITERS[ending](tmp_path / f"e.{ending}", [EVENT])
    path.write_bytes(squeeze(path.read_bytes()))
    assert Read(tmp_path, path).rows == [EXPECTED]


def test_a_csv_row_past_the_block_is_an_error_that_says_so(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "e.csv", [{**EVENT, "sender": "a" * 5000}])
    with pytest.raises(InputError, match=r"a row is longer than 1,000 bytes.*never closed"):
        Read(tmp_path, path, options=ReadOptions(now=NOW, block_bytes=1000))


def test_batches_are_bounded_and_row_numbers_run_on(tmp_path: Path) -> None:
    rows: Rows = [{**EVENT, "event_id": str(number)} for number in range(1, 26)]
    rows[22]["channel"] = "fax"
    for ending, write in WRITERS.items():
        path = write(tmp_path / f"e.{ending}", rows)
        with Quarantine(tmp_path / f"{ending}.q") as quarantine:
            sizes = [batch.num_rows for batch in read_events([path], ReadOptions(now=NOW, batch_rows=10), quarantine)]
        assert max(sizes) <= 10
        assert sum(sizes) == 24
        assert json.loads((tmp_path / f"{ending}.q").read_text())["row"] == 23


def test_reports_and_verdicts_keep_their_own_contracts(tmp_path: Path) -> None:
    ts = "2024-05-01T10:00:00Z"
    report = {"event_id": "e1", "reporter": "b@home.example", "ts": ts, "kind": "junk"}
    verdict = {"kind": "domain", "key": "bad.example", "verdict": "malicious", "ts": ts, "source": "desk"}
    reports = write_csv(tmp_path / "r.csv", [report, {**report, "kind": "spam"}])
    verdicts = write_jsonl(tmp_path / "v.jsonl", [verdict, {**verdict, "key": None}, {**verdict, "verdict": "bad"}])
    read = Read(tmp_path, reports, reader=read_reports)
    assert (len(read.rows), read.schemas) == (1, {schema.REPORTS})
    assert read.reasons == ["kind is none of junk, phish, not_junk"]
    read = Read(tmp_path, verdicts, reader=read_verdicts)
    assert (len(read.rows), read.schemas) == (1, {schema.VERDICT_ROWS})
    assert read.reasons == ["key is missing", "verdict is none of malicious, benign"]


def test_the_tolerance_for_fast_clocks_is_a_setting(tmp_path: Path) -> None:
    path = write_jsonl(tmp_path / "e.jsonl", [{**EVENT, "ts": "2024-06-03T00:00:00Z"}])
    assert Read(tmp_path, path, options=ReadOptions(now=NOW, future_tolerance=timedelta(days=3))).aside == []
    assert Read(tmp_path, path).reasons == ["ts is in the future"]
