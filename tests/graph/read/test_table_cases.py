"""The tables of tests/cases, made after public bug reports, and more of their kinds are read as their READMEs say."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graph.addresses import registrable_domain
from graph.errors import InputError
from graph.read import Quarantine, ReadOptions, read_events, read_reports

CASES: Final = Path(__file__).parents[2] / "cases"
AT_TEN: Final = datetime(2026, 1, 5, 10, tzinfo=UTC)
OPTIONS: Final = ReadOptions(now=datetime(2026, 6, 1, tzinfo=UTC))
BOB: Final = "bob@home.example"


def read(path: Path, folder: Path, reader: Any = read_events) -> tuple[list[dict[str, Any]], Quarantine]:
    """The rows of a file or folder, all of it accounted for."""
    with Quarantine(folder / "q.jsonl") as quarantine:
        rows = [row for batch in reader([path], OPTIONS, quarantine) for row in batch.to_pylist()]
    assert quarantine.found == len(rows) + quarantine.count + quarantine.passed_over
    return rows, quarantine


@pytest.mark.parametrize("name", ["object-none", "pandas-nan"])
def test_a_column_that_is_all_null_is_null_whatever_its_type(tmp_path: Path, name: str) -> None:
    rows, quarantine = read(CASES / "11-allnull-column" / f"{name}.parquet", tmp_path)
    assert [(row["ip"], row["fingerprint"], row["domains"]) for row in rows] == [(None, None, ["l.example"])] * 3
    assert quarantine.count == 0


@pytest.mark.parametrize("name", ["comma-in-cell", "pandas"])
def test_lists_as_comma_text_and_as_pandas_writes_them_are_two_recipients(tmp_path: Path, name: str) -> None:
    rows, _ = read(CASES / "12-list-notation" / f"{name}.csv", tmp_path)
    assert [row["recipients"] for row in rows] == [["r0@home.example", BOB], ["r1@home.example", BOB]]
    assert [row["domains"] for row in rows] == [["l.example"]] * 2


@pytest.mark.parametrize("path", sorted((CASES / "13-csv-dialects").glob("*.?sv")), ids=lambda path: path.name)
def test_every_dialect_of_csv_gives_the_same_rows(tmp_path: Path, path: Path) -> None:
    rows, quarantine = read(path, tmp_path)
    assert [row["event_id"] for row in rows] == ["d0", "d1"]
    assert [row["recipients"] for row in rows] == [["r0@home.example", BOB], ["r1@home.example", BOB]]
    assert {(row["ts"], row["ip"], *row["domains"]) for row in rows} == {(AT_TEN, "198.51.100.1", "l.example")}
    assert quarantine.count == 0


@pytest.mark.parametrize("name", ["compact", "pretty"])
def test_an_array_of_objects_is_as_many_rows(tmp_path: Path, name: str) -> None:
    rows, _ = read(CASES / "14-json-array" / f"{name}.json", tmp_path)
    assert [(row["event_id"], row["recipients"]) for row in rows] == [("a0", [BOB]), ("a1", [BOB]), ("a2", [BOB])]


def test_folders_say_the_channel_that_their_files_lack(tmp_path: Path) -> None:
    rows, _ = read(CASES / "15-hive-channel" / "events", tmp_path)
    assert sorted(row["channel"] for row in rows) == ["calendar", "mail", "mail"]


AT_EIGHT_AND_FRACTION: Final = AT_TEN.replace(hour=8, microsecond=123456)


@pytest.mark.parametrize(
    ("name", "ts"),
    [
        ("t00", AT_TEN),
        ("t01", AT_TEN.replace(microsecond=123456)),
        ("t02", AT_TEN.replace(microsecond=123456)),
        ("t03", AT_EIGHT_AND_FRACTION),
        ("t04", AT_TEN),
        ("t05", AT_TEN),
        ("t06", AT_TEN),  # seconds since 1970
        ("t07", AT_TEN.replace(hour=0)),
        ("t08", AT_TEN),
        ("t09", AT_TEN),
        ("t10", AT_TEN.replace(hour=8)),
        ("t11", None),  # January or May
        ("t12", AT_TEN),
    ],
)
def test_a_time_that_means_one_moment_is_read_and_any_other_set_aside(
    tmp_path: Path, name: str, ts: datetime | None
) -> None:
    rows, quarantine = read(CASES / "16-bigquery-utc" / f"{name}.csv", tmp_path)
    assert [row["ts"] for row in rows] == ([] if ts is None else [ts, ts])
    assert list(quarantine.reasons) == (["ts is no ISO 8601 time"] if ts is None else [])


def test_links_among_the_domains_become_their_hosts(tmp_path: Path) -> None:
    ((row,), _) = read(CASES / "17-urls-in-domains" / "urls.parquet", tmp_path)
    sites = [registrable_domain(host) for host in row["domains"]]
    assert sites == ["evil.test", "evil2.test", "evil3.test", "evil4.test", "evil5.test", "evil6.test"]


def test_an_outlook_file_that_cannot_be_read_is_set_aside_by_name(tmp_path: Path) -> None:
    rows, quarantine = read(CASES / "28-msg-skipped" / "inbox", tmp_path)
    assert len(rows) == 1
    assert quarantine.count == 1
    assert "two.msg" in (tmp_path / "q.jsonl").read_text()


@pytest.mark.parametrize("path", sorted((CASES / "34-arrow-types").glob("*.parquet")), ids=lambda path: path.name)
def test_types_of_arrow_that_mean_the_same_give_the_same_rows(tmp_path: Path, path: Path) -> None:
    rows, quarantine = read(path, tmp_path)
    assert [row["recipients"] for row in rows] == [["r0@home.example", BOB], ["r1@home.example", BOB]]
    assert quarantine.count == 0


def test_a_maildir_gives_its_mails_and_names_what_is_none(tmp_path: Path) -> None:
    rows, quarantine = read(CASES / "36-maildir", tmp_path)
    assert len(rows) == 4
    assert quarantine.count == 1  # an empty file
    assert {Path(file).name for file, _ in quarantine.examples} == {
        "README",
        "dovecot-uidlist",
        "1767607204.M5.host",
    }


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("crlf-bom-blank", ["x"]),
        ("numeric-id", ["17"]),
        ("other-names", []),
        ("pandas-iso", ["p0", "p1"]),
        ("pandas-lines", ["p0", "p1"]),
    ],
)
def test_json_lines_in_the_shapes_of_other_programs(tmp_path: Path, name: str, ids: list[str]) -> None:
    rows, quarantine = read(CASES / "40-jsonl-shapes" / f"{name}.jsonl", tmp_path)
    assert [row["event_id"] for row in rows] == ids
    assert {row["ts"] for row in rows} <= {AT_TEN}
    assert quarantine.count == (name == "other-names")


# ---- More of these kinds --------------------------------------------------------------------------------------

EVENT: Final[dict[str, Any]] = {
    "event_id": "e1",
    "ts": "2026-01-05T10:00:00Z",
    "channel": "mail",
    "sender": "a@send.example",
    "recipients": [BOB],
    "domains": ["l.example"],
    "ip": "192.0.2.1",
}
HEADER: Final = "event_id,ts,channel,sender,recipients,domains,ip\n"
ROW: Final = "e1,2026-01-05T10:00:00Z,mail,a@send.example,bob@home.example,l.example,192.0.2.1\n"
CSV: Final = HEADER + ROW


def with_delimiter(delimiter: str) -> str:
    return CSV.replace(",", delimiter)


@pytest.mark.parametrize(
    "content",
    [
        with_delimiter("\t").encode("utf-16-le"),
        with_delimiter("|").encode("utf-16"),
        CSV.encode("utf-32"),
        b"\xfe\xff" + CSV.replace("\n", "\r").encode("utf-16-be"),
        with_delimiter(";").replace("\n", "\r").encode(),
        ("\r\n\r\nsep=;\r\n" + with_delimiter(";").replace("\n", "\r\n")).encode(),
        ('"sep=,"\n' + with_delimiter("\t")).encode(),
        b"\xef\xbb\xbfsep=\t\n" + with_delimiter("\t").encode(),
        CSV.replace(",", ", ").replace("bob@home.example", '"bob@home.example"').encode(),
        CSV.replace("event_id", "EventId").replace("sender", " Sender ").encode(),
        ("," + HEADER + "0," + ROW).encode(),
        ('"' + HEADER.strip().replace(",", '","') + '"\n\n' + ROW + "\n\n").encode(),
        (HEADER.replace("\n", ",Sender,SENDER\n") + ROW.replace("\n", ",x,y\n")).encode(),
    ],
)
@pytest.mark.parametrize("name", ["e.csv", "e.tsv"])
def test_a_dialect_is_told_by_the_header_against_the_contract(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(content)
    rows, quarantine = read(tmp_path / name, tmp_path)
    assert rows == [{**EVENT, "ts": AT_TEN, "fingerprint": None}]
    assert quarantine.count == 0


def test_rows_with_blanks_after_the_comma_keep_their_numbers(tmp_path: Path) -> None:
    lines = [HEADER.replace(",", ", "), ROW, "short, row\n", ROW.replace("mail", "fax")]
    (tmp_path / "e.csv").write_text("".join(lines))
    rows, quarantine = read(tmp_path / "e.csv", tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "q.jsonl").read_text().splitlines()]
    assert [(line["row"], line["reason"]) for line in lines] == [
        (2, "2 cells where the header has 7"),
        (3, "channel is none of mail, calendar, contacts"),
    ]
    assert (len(rows), quarantine.found) == (1, 3)


@pytest.mark.parametrize("name", ["e.csv", "e.parquet"])
def test_a_column_named_twice_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    if name == "e.csv":
        (tmp_path / name).write_text("sender," + HEADER + "x," + ROW)
    else:
        table = pa.Table.from_pylist([EVENT])
        twice = pa.Table.from_arrays([*table.columns, table["sender"]], names=[*table.column_names, "sender"])
        pq.write_table(twice, tmp_path / name)
    with pytest.raises(InputError, match=r"2 columns are named 'sender'"):
        read(tmp_path / name, tmp_path)


SECOND: Final = {**EVENT, "event_id": "e2"}


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([EVENT, SECOND]).encode("utf-16"),
        json.dumps([EVENT, SECOND], indent=2).encode("utf-8-sig"),
        (json.dumps(EVENT, indent=2) + json.dumps(SECOND, indent=2)).encode(),
        f"[{json.dumps(EVENT)}]\n[{json.dumps(SECOND)}]\n".encode(),
        f"[\n{json.dumps(EVENT)},\n{json.dumps(SECOND)},\n]".encode(),
        f"{json.dumps(EVENT)}\r{json.dumps(SECOND)}\r".encode(),
        f"{json.dumps(EVENT)}\n{json.dumps(SECOND)}".encode("utf-16-le"),
        "\n".join(json.dumps({name.title(): value for name, value in row.items()}) for row in (EVENT, SECOND)).encode(),
    ],
)
def test_objects_are_rows_however_they_are_strung_together(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "e.json").write_bytes(content)
    rows, _ = read(tmp_path / "e.json", tmp_path)
    assert rows == [{**row, "ts": AT_TEN, "fingerprint": None} for row in (EVENT, SECOND)]


def test_an_array_that_breaks_off_is_an_error_and_what_came_before_is_kept(tmp_path: Path) -> None:
    (tmp_path / "e.json").write_text(json.dumps([EVENT, SECOND])[:-9])
    with Quarantine(tmp_path / "q", keep_going=True) as quarantine:
        batches = list(read_events([tmp_path / "e.json"], OPTIONS, quarantine))
    assert [batch["event_id"].to_pylist() for batch in batches] == [["e1"]]
    assert [str(error.thing) for error in quarantine.errors] == [str(tmp_path / "e.json")]
    assert "no JSON behind value 1" in str(quarantine.errors[0])


def test_what_is_no_object_in_an_array_is_set_aside_and_stops_no_other(tmp_path: Path) -> None:
    (tmp_path / "e.json").write_text(json.dumps([1, EVENT, None, "x", [], {"ip": [[]]}, SECOND]))
    rows, quarantine = read(tmp_path / "e.json", tmp_path)
    assert [row["event_id"] for row in rows] == ["e1", "e2"]
    assert (quarantine.count, quarantine.found) == (5, 7)


def test_folders_of_days_and_kinds_and_nulls(tmp_path: Path) -> None:
    report = {"event_id": "e1", "reporter": BOB, "ts": EVENT["ts"]}
    for folder in ("kind=junk/day=2026-01-05", "kind=phish", "kind=__HIVE_DEFAULT_PARTITION__"):
        path = tmp_path / "reports" / folder / "part.jsonl"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(report))
    own = tmp_path / "reports" / "kind=junk" / "own.jsonl"
    own.write_text(json.dumps({**report, "kind": "not_junk"}))
    rows, quarantine = read(tmp_path / "reports", tmp_path, read_reports)
    assert sorted(row["kind"] for row in rows) == ["junk", "not_junk", "phish"]
    assert dict(quarantine.reasons) == {"kind is missing": 1}


NAN: Final = float("nan")


@pytest.mark.parametrize(
    ("column", "array", "value"),
    [
        ("event_id", pa.array([17]), "17"),
        ("event_id", pa.array([17.0]), "17"),
        ("event_id", pa.array([Decimal(17)]), "17"),
        ("event_id", pa.array([UUID(int=17).bytes], pa.uuid()), str(UUID(int=17))),
        ("channel", pa.array(["MAIL"]), "mail"),
        ("ts", pa.array([1767607200]), AT_TEN),
        ("ts", pa.array([1767607200000]), AT_TEN),
        ("ts", pa.array([1767607200000.0]), AT_TEN),
        ("ts", pa.array([date(2026, 1, 5)]), AT_TEN.replace(hour=0)),
        ("ip", pa.array([NAN]), None),
        ("ip", pa.nulls(1, pa.int32()), None),
        ("ip", pa.nulls(1, pa.bool_()), None),
        ("ip", pa.nulls(1, pa.list_(pa.string())), None),
        ("ip", pa.array(["NaN"]), None),
        ("fingerprint", pa.nulls(1, pa.float64()), None),
        ("fingerprint", pa.array(["<NA>"]), None),
        ("domains", pa.nulls(1, pa.int32()), []),
        ("domains", pa.nulls(1, pa.list_(pa.null())), []),
        ("domains", pa.array(["None"]), []),
        ("domains", pa.array(["[]"]), []),
        ("domains", pa.array([["https://a.example/x,y", "b.example:80"]]), ["a.example", "b.example"]),
        ("recipients", pa.array(["['a@x.example' 'b@x.example']"]), ["a@x.example", "b@x.example"]),
        ("recipients", pa.array([["a@x.example, b@x.example"]]), ["a@x.example", "b@x.example"]),
        ("recipients", pa.array([["Doe, Ann"]]), ["Doe, Ann"]),
        ("recipients", pa.array([[1, 2]]), ["1", "2"]),
        ("recipients", pa.array([5]), ["5"]),
        ("recipients", pa.array(["a@x.example"]).dictionary_encode(), ["a@x.example"]),
        ("recipients", pa.array([[BOB]], pa.list_view(pa.string())), [BOB]),
        ("recipients", pa.array([[BOB]], pa.large_list_view(pa.large_string())), [BOB]),
        ("recipients", pa.array([[BOB]], pa.list_(pa.string(), 1)), [BOB]),
        ("recipients", pa.array([[BOB]], pa.list_(pa.dictionary(pa.int8(), pa.string()))), [BOB]),
    ],
)
def test_a_column_is_judged_by_what_it_holds(tmp_path: Path, column: str, array: pa.Array, value: Any) -> None:
    write_with(tmp_path / "e.parquet", column, array)
    ((row,), _) = read(tmp_path / "e.parquet", tmp_path)
    assert row[column] == value


def write_with(path: Path, column: str, array: pa.Array) -> None:
    table = pa.Table.from_pylist([{**EVENT, "fingerprint": "f"}])
    pq.write_table(table.set_column(table.schema.get_field_index(column), column, array), path)


@pytest.mark.parametrize(
    ("column", "array", "reason"),
    [
        ("event_id", pa.array([1.5]), "event_id holds double, not string"),
        ("event_id", pa.array(["None"]), "event_id is missing"),
        ("sender", pa.array([b"\xff"]).view(pa.string()), "sender is not UTF-8"),
        ("domains", pa.ListArray.from_arrays([0, 1], pa.array([b"\xff"]).view(pa.string())), "domains is not UTF-8"),
        ("ts", pa.array([202601051000]), "ts is a number, but no time"),
        ("ts", pa.array([2**62], pa.timestamp("ms")), "ts is in the future"),
        ("ip", pa.array([7]), "ip is no IPv4 or IPv6 address"),
        ("ip", pa.array([{"v4": 7}]), "ip holds struct<v4: int64>, not string"),
        ("recipients", pa.array(["u1,u2"]), "recipients holds a comma between what may be one account id or several"),
        ("recipients", pa.array([["['a@x.example', 'b@"]]), "recipients "),
        ("recipients", pa.array([[None]]), "recipients has a null or empty entry"),
        ("recipients", pa.array([["nan"]]), "recipients has a null or empty entry"),
        ("recipients", pa.array([[NAN]]), "recipients has a null or empty entry"),
        ("recipients", pa.array([[{"to": BOB}]]), "recipients holds struct<to: string>, not string"),
        ("recipients", pa.array([{"to": BOB}]), "recipients holds struct<to: string>, not list of string"),
        ("recipients", pa.array([[[BOB]]]), "recipients holds list<element: string>, not string"),
        ("recipients", pa.array(["NULL"]), "recipients is missing"),
        ("recipients", pa.array(["[]"]), "recipients is an empty list"),
    ],
)
def test_what_is_not_clear_is_set_aside_with_the_reason(
    tmp_path: Path, column: str, array: pa.Array, reason: str
) -> None:
    write_with(tmp_path / "e.parquet", column, array)
    rows, quarantine = read(tmp_path / "e.parquet", tmp_path)
    assert rows == []
    assert next(iter(quarantine.reasons)).startswith(reason)


@pytest.mark.parametrize("rename", [str.title, str.upper, lambda name: name.replace("_", " ")])
def test_names_of_parquet_columns_count_without_regard_to_case(tmp_path: Path, rename: Callable[[str], str]) -> None:
    table = pa.Table.from_pylist([EVENT])
    pq.write_table(table.rename_columns([rename(name) for name in table.column_names]), tmp_path / "e.parquet")
    ((row,), _) = read(tmp_path / "e.parquet", tmp_path)
    assert row == {**EVENT, "ts": AT_TEN, "fingerprint": None}
