"""Tables as other programs write them: dialects of CSV, shapes of JSON, types of Arrow, partitions. All one content."""

import csv
import io
import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph.read import Quarantine, ReadOptions, read_events, read_reports, read_verdicts

CASES = Path(__file__).parents[2] / "cases"
OPTIONS = ReadOptions(now=datetime(2026, 6, 1, tzinfo=UTC))
TEN = datetime(2026, 1, 5, 10, tzinfo=UTC)
ROW: dict[str, Any] = {
    "event_id": "e1",
    "ts": "2026-01-05T10:00:00Z",
    "channel": "mail",
    "sender": "a@send.example",
    "recipients": ["b@home.example", "c@home.example"],
    "domains": ["l.example"],
    "ip": "192.0.2.1",
}
BOTH = [["r0@home.example", "bob@home.example"], ["r1@home.example", "bob@home.example"]]


class Read:
    """What became of paths: rows, the reasons of rows set aside, errors of files and names of what was passed over."""

    def __init__(self, folder: Path, *paths: Path, reader: Any = read_events) -> None:
        with Quarantine(folder / "aside" / "q", keep_going=True) as quarantine:
            self.rows = [row for batch in reader(paths, OPTIONS, quarantine) for row in batch.to_pylist()]
        self.reasons = list(quarantine.reasons)
        self.errors = [error.reason for error in quarantine.errors]
        self.passed_over = {Path(file).name: reason for file, reason in quarantine.examples}
        assert len(self.rows) + quarantine.count + quarantine.passed_over == quarantine.found

    def column(self, name: str) -> list[Any]:
        return [row[name] for row in self.rows]


def case(*parts: str) -> Path:
    return CASES.joinpath(*parts)


# ---- The cases of public bug reports ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["object-none.parquet", "pandas-nan.parquet"])
def test_a_column_without_a_value_is_null_whatever_its_type(tmp_path: Path, name: str) -> None:
    read = Read(tmp_path, case("11-allnull-column", name))
    assert [(row["ip"], row["fingerprint"]) for row in read.rows] == [(None, None)] * 3


@pytest.mark.parametrize("name", ["comma-in-cell.csv", "pandas.csv"])
def test_a_list_in_a_cell_is_its_recipients_and_never_one_with_brackets(tmp_path: Path, name: str) -> None:
    read = Read(tmp_path, case("12-list-notation", name))
    assert read.column("recipients") == BOTH
    assert read.column("domains") == [["l.example"]] * 2


@pytest.mark.parametrize("path", sorted(case("13-csv-dialects").glob("*.?sv")), ids=lambda path: path.name)
def test_every_dialect_of_csv_is_read(tmp_path: Path, path: Path) -> None:
    read = Read(tmp_path, path)
    assert read.column("event_id") == ["d0", "d1"]
    assert read.column("recipients") == BOTH
    assert read.column("ts") == [TEN, TEN]


@pytest.mark.parametrize("name", ["compact.json", "pretty.json"])
def test_an_array_of_objects_is_its_objects(tmp_path: Path, name: str) -> None:
    assert Read(tmp_path, case("14-json-array", name)).column("event_id") == ["a0", "a1", "a2"]


def test_a_folder_partitioned_by_channel_gives_the_channel(tmp_path: Path) -> None:
    assert Read(tmp_path, case("15-hive-channel", "events")).column("channel") == ["calendar", "mail", "mail"]


@pytest.mark.parametrize("number", range(13))
def test_times_of_bigquery_and_its_kin_are_read_but_for_a_day_and_month_in_doubt(tmp_path: Path, number: int) -> None:
    read = Read(tmp_path, case("16-bigquery-utc", f"t{number:02}.csv"))
    if number == 11:
        assert (read.rows, read.reasons) == ([], ["ts is no ISO 8601 time"])
    else:
        expected = {3: TEN.replace(hour=8), 7: TEN.replace(hour=0), 10: TEN.replace(hour=8)}.get(number, TEN)
        assert [time.replace(microsecond=0) for time in read.column("ts")] == [expected, expected]


def test_urls_among_domains_give_their_hosts(tmp_path: Path) -> None:
    hosts = ["login.evil.test", "evil2.test", "evil3.test", "Evil4.TEST.", "www.evil5.test", "evil6.test"]
    assert Read(tmp_path, case("17-urls-in-domains", "urls.parquet")).column("domains") == [hosts]


@pytest.mark.parametrize("path", sorted(case("34-arrow-types").glob("*.parquet")), ids=lambda path: path.name[:30])
def test_every_type_that_arrow_has_for_a_value_is_read(tmp_path: Path, path: Path) -> None:
    read = Read(tmp_path, path)
    assert read.column("recipients") == BOTH
    assert read.column("channel") == ["mail", "mail"]


def test_a_maildir_is_its_delivered_mail_and_every_other_file_is_named(tmp_path: Path) -> None:
    read = Read(tmp_path, case("36-maildir"))
    assert len(read.rows) == 4
    assert read.passed_over == {
        "README": "its format is not known",
        "dovecot-uidlist": "its format is not known",
        "1767607204.M5.host": "it is an unfinished delivery",
    }


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("crlf-bom-blank", ["x"]),
        ("numeric-id", ["17"]),
        ("pandas-iso", ["p0", "p1"]),
        ("pandas-lines", ["p0", "p1"]),
        ("other-names", []),
    ],
)
def test_json_lines_of_pandas_and_others_are_read_and_other_names_set_aside(
    tmp_path: Path, name: str, ids: list[str]
) -> None:
    read = Read(tmp_path, case("40-jsonl-shapes", f"{name}.jsonl"))
    assert read.column("event_id") == ids
    assert set(read.column("ts")) == ({TEN} if ids else set())
    assert read.reasons == ([] if ids else ["event_id is missing"])


# ---- More of their kinds ------------------------------------------------------------------------------------

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
LINE_ENDS = ["\n", "\r\n", "\r"]
TRANSFORMS = {"lower": str.lower, "upper": str.upper, "title": str.title, "words": lambda name: name.replace("_", " ")}
LISTS = {"contract": ";".join, "pandas": str, "JSON": json.dumps, "comma": ", ".join}


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(ENCODINGS),
    line_end=st.sampled_from(LINE_ENDS),
    names=st.sampled_from(sorted(TRANSFORMS)),
    lists=st.sampled_from(sorted(LISTS)),
    blank=st.booleans(),
    sep=st.booleans(),
    index=st.booleans(),
    seed=st.integers(0, 99),
)
def test_a_table_is_read_in_any_dialect(
    tmp_path, delimiter, encoding, line_end, names, lists, blank, sep, index, seed
) -> None:
    columns = list(ROW)
    random.Random(seed).shuffle(columns)
    cells = [TRANSFORMS[names](name) for name in columns]
    rows = [[LISTS[lists](value) if isinstance(value, list) else value for value in map(ROW.get, columns)]] * 3
    stream = io.StringIO(newline="")
    if sep:
        stream.write(f"sep={delimiter}{line_end}")
    writer = csv.writer(stream, delimiter=f"{delimiter}", lineterminator=line_end)
    writer.writerow(["", *cells] if index else cells)
    writer.writerows([[number, *row] if index else row for number, row in enumerate(rows)])
    text = stream.getvalue()
    if blank and lists == "contract" and delimiter != ";":
        text = text.replace(delimiter, f"{delimiter} ")
    path = tmp_path / "e.csv"
    path.write_bytes(text.encode(encoding))
    read = Read(tmp_path, path)
    assert [{name: row[name] for name in ROW} for row in read.rows] == [{**ROW, "ts": TEN}] * 3


@pytest.mark.parametrize("delimiter", [",", ";", "|"])
def test_a_quote_behind_a_blank_is_a_quote(tmp_path: Path, delimiter: str) -> None:
    names, cells = f"{delimiter} ".join(ROW), ["e1", ROW["ts"], "mail", "a@send.example", '"{}"', "l.example", ""]
    quoted = f"{delimiter} ".join(cells).format(delimiter.join(ROW["recipients"]))
    (tmp_path / "e.csv").write_text(f"{names}\n{quoted}\n\ne2{delimiter} short\n{quoted}\n")
    read = Read(tmp_path, tmp_path / "e.csv")
    assert read.column("recipients") == [ROW["recipients"]] * 2
    assert read.reasons == ["2 cells where the header has 7"]


@pytest.mark.parametrize("name", ["table", "table.txt", "table.log"])
@pytest.mark.parametrize("delimiter", [",", "\t"])
def test_a_table_without_a_known_ending_is_told_by_its_header(tmp_path: Path, name: str, delimiter: str) -> None:
    cells = [";".join(value) if isinstance(value, list) else value for value in ROW.values()]
    (tmp_path / name).write_text(f"{delimiter.join(ROW)}\n{delimiter.join(cells)}\n")
    assert Read(tmp_path, tmp_path / name).column("event_id") == ["e1"]


def test_a_column_named_twice_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("event_id,ts,channel,sender,sender,recipients,domains\n1,2026-01-05,mail,a,b,c,\n")
    columns = [pa.array([value]) for value in (*ROW.values(), "other")]
    pq.write_table(pa.Table.from_arrays(columns, [*ROW, "sender"]), tmp_path / "e.parquet")
    read = Read(tmp_path, tmp_path / "e.csv", tmp_path / "e.parquet")
    assert read.errors == ["2 columns are named 'sender'"] * 2


def test_a_column_of_no_interest_may_be_named_twice(tmp_path: Path) -> None:
    columns = [pa.array([value]) for value in (*ROW.values(), "x", "x")]
    pq.write_table(pa.Table.from_arrays(columns, [*ROW, "note", "note"]), tmp_path / "e.parquet")
    assert Read(tmp_path, tmp_path / "e.parquet").column("event_id") == ["e1"]


def test_the_exact_name_goes_before_another_spelling_of_it(tmp_path: Path) -> None:
    columns = [pa.array([value]) for value in (*ROW.values(), "other")]
    pq.write_table(pa.Table.from_arrays(columns, [*ROW, "Sender"]), tmp_path / "e.parquet")
    assert Read(tmp_path, tmp_path / "e.parquet").column("sender") == [ROW["sender"]]


OBJECTS = [{**ROW, "event_id": f"e{number}"} for number in range(5)]
SHAPES = {
    "lines": "".join(json.dumps(row) + "\n" for row in OBJECTS),
    "lines with CR": "".join(json.dumps(row) + "\r" for row in OBJECTS),
    "array": json.dumps(OBJECTS),
    "pretty array": json.dumps(OBJECTS, indent=2),
    "array, a line each": "[\n" + ",\n".join(map(json.dumps, OBJECTS)) + "\n]\n",
    "pretty objects": "\n".join(json.dumps(row, indent=2) for row in OBJECTS),
    "wrapped": json.dumps({"@odata.context": "x", "value": OBJECTS}),
    "wrapped, pretty": json.dumps({"events": OBJECTS, "count": 5}, indent=1),
    "two arrays": json.dumps(OBJECTS[:2]) + "\n" + json.dumps(OBJECTS[2:]),
    "title case": "".join(json.dumps({name.title(): value for name, value in row.items()}) + "\n" for row in OBJECTS),
    "lists as text": "".join(json.dumps({**row, "recipients": str(row["recipients"])}) + "\n" for row in OBJECTS),
    "epoch": json.dumps([{**row, "ts": 1767607200000} for row in OBJECTS]),
    "epoch lines": "".join(json.dumps({**row, "ts": 1767607200.0, "ip": float("nan")}) + "\n" for row in OBJECTS),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ending", ["json", "jsonl"])
def test_json_is_read_in_any_shape(tmp_path: Path, shape: str, encoding: str, ending: str) -> None:
    (tmp_path / f"e.{ending}").write_bytes(SHAPES[shape].encode(encoding))
    read = Read(tmp_path, tmp_path / f"e.{ending}")
    assert read.column("event_id") == [f"e{number}" for number in range(5)]
    assert read.column("recipients") == [ROW["recipients"]] * 5
    assert set(read.column("ts")) == {TEN}


def test_an_array_that_breaks_off_gives_what_stands_before_and_an_error(tmp_path: Path) -> None:
    text = json.dumps(OBJECTS)
    (tmp_path / "e.json").write_text(text[: text.index("e3")])
    read = Read(tmp_path, tmp_path / "e.json")
    assert read.column("event_id") == ["e0", "e1", "e2"]
    assert "no JSON behind value 3" in read.errors[0]


def test_elements_that_are_no_objects_are_set_aside(tmp_path: Path) -> None:
    (tmp_path / "e.json").write_text(json.dumps([ROW, 7, None, "x", [ROW]]))
    read = Read(tmp_path, tmp_path / "e.json")
    assert len(read.rows) == 1
    assert {reason[:26] for reason in read.reasons} == {
        "Expected `object`, got `nu",
        "Expected `object`, got `st",
        "Expected `object`, got `ar",
    }


def test_an_element_past_the_bound_is_an_error_and_no_memory(tmp_path: Path) -> None:
    (tmp_path / "e.json").write_text(json.dumps([ROW, {**ROW, "sender": "x" * 5_000_000}]))
    options = ReadOptions(now=OPTIONS.now, max_line_bytes=1_000_000)
    with Quarantine(tmp_path / "q", keep_going=True) as quarantine:
        rows = sum(batch.num_rows for batch in read_events([tmp_path / "e.json"], options, quarantine))
    assert (rows, len(quarantine.errors)) == (1, 1)


def test_json_nested_without_end_is_an_error_or_a_line_set_aside(tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text("[" * 100_000)
    (tmp_path / "deep.jsonl").write_text(json.dumps(ROW) + "\n" + '{"a":' * 100_000 + "\n")
    read = Read(tmp_path, tmp_path / "deep.json", tmp_path / "deep.jsonl")
    assert (len(read.rows), len(read.errors), len(read.reasons)) == (1, 1, 1)


# ---- Types --------------------------------------------------------------------------------------------------

NULLS = [pa.null(), pa.float64(), pa.int32(), pa.bool_(), pa.string(), pa.timestamp("us"), pa.list_(pa.null())]
NULLS += [
    pa.dictionary(pa.int32(), pa.string()),
    pa.struct([("a", pa.int32())]),
    pa.list_(pa.float64()),
    pa.decimal128(9),
]


def written(path: Path, **columns: pa.Array) -> Path:
    base = {name: pa.array([value, value]) for name, value in ROW.items()}
    base["ts"] = pa.array([TEN, TEN])
    pq.write_table(pa.table(base | columns), path)
    return path


@pytest.mark.parametrize("kind", NULLS, ids=str)
@pytest.mark.parametrize("name", ["ip", "fingerprint", "domains"])
def test_a_column_of_nulls_of_any_type_refuses_no_file(tmp_path: Path, kind: pa.DataType, name: str) -> None:
    read = Read(tmp_path, written(tmp_path / "e.parquet", **{name: pa.nulls(2, kind)}))
    assert read.column(name) == [[] if name == "domains" else None] * 2


RECIPIENTS = ROW["recipients"]
VIEWS = [pa.list_view(pa.string()), pa.large_list_view(pa.large_string())]


@pytest.mark.parametrize(
    "values",
    [
        *(
            pa.array([RECIPIENTS, RECIPIENTS], kind)
            for kind in (pa.list_(pa.string_view()), pa.list_(pa.string(), 2), *VIEWS)
        ),
        pa.array([RECIPIENTS, RECIPIENTS], pa.list_(pa.dictionary(pa.int32(), pa.string()))),
        pa.array([RECIPIENTS, RECIPIENTS], pa.large_list(pa.binary())),
        pa.array([str(RECIPIENTS), json.dumps(RECIPIENTS)]),
        pa.array(["{" + ",".join(RECIPIENTS) + "}", ", ".join(RECIPIENTS)]).dictionary_encode(),
        pa.array([[f"Bob <{each}>" for each in RECIPIENTS], [", ".join(RECIPIENTS)]]),
        pa.array([[str(RECIPIENTS)], [f"mailto:{each}" for each in RECIPIENTS]]),
    ],
    ids=lambda values: str(values.type)[:40],
)
def test_recipients_of_any_type_are_two(tmp_path: Path, values: pa.Array) -> None:
    rows = {name: pa.array([value] * 2) for name, value in ROW.items()} | {"ts": pa.array([TEN] * 2)}
    batch = pa.RecordBatch.from_pydict(rows | {"recipients": values})
    try:
        pq.write_table(pa.Table.from_batches([batch]), tmp_path / "e.parquet")
    except pa.ArrowNotImplementedError:
        pytest.skip("Parquet does not hold this type")
    assert Read(tmp_path, tmp_path / "e.parquet").column("recipients") == [RECIPIENTS] * 2


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("event_id", pa.array([17, 18]), ["17", "18"]),
        ("event_id", pa.array([17.0, 18.0]), ["17", "18"]),
        (
            "event_id",
            pa.array([b"\x12" * 16, b"\x13" * 16], pa.uuid()),
            [f"{byte * 4}-{byte * 2}-{byte * 2}-{byte * 2}-{byte * 6}" for byte in ("12", "13")],
        ),
        ("sender", pa.array([7, 8], pa.uint64()), ["7", "8"]),
        ("sender", pa.array(["Bob <b@x.example>", '"Smith, B." <c@x.example>']), ["b@x.example", "c@x.example"]),
        ("recipients", pa.array([[1], [2, 3]]), [["1"], ["2", "3"]]),
        ("recipients", pa.array([1, 2]), [["1"], ["2"]]),
        ("channel", pa.array(["Mail", "CALENDAR"]), ["mail", "calendar"]),
        ("ts", pa.array([1767607200, 1767607200]), [TEN, TEN]),
        ("ts", pa.array([1767607200000.0, 1767607200.0]), [TEN, TEN]),
        ("ts", pa.array([TEN.date(), TEN.date()]), [TEN.replace(hour=0)] * 2),
        ("ip", pa.array(["None", "nan"]), [None, None]),
        ("domains", pa.array(["https://a.test/x", "b.test:80"]), [["a.test"], ["b.test"]]),
        ("domains", pa.array([["https://a.test/x,y", "tel:1"], []]), [["a.test"], []]),
    ],
)
def test_a_value_is_read_by_what_it_holds(tmp_path: Path, name: str, values: pa.Array, expected: list[Any]) -> None:
    read = Read(tmp_path, written(tmp_path / "e.parquet", **{name: values}))
    assert read.column(name)[: len(expected)] == expected
    assert read.reasons == []


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("event_id", pa.array(["nan", None]), "event_id is missing"),
        ("event_id", pa.array([1.5, 2.5]), "event_id holds double, not string"),
        ("sender", pa.array([True, False]), "sender holds bool, not string"),
        ("sender", pa.array(["a@x.example, b@x.example"] * 2), "sender holds several addresses"),
        ("sender", pa.array(["a b@x.example"] * 2), "sender has an entry that is no mail address"),
        ("recipients", pa.array([[None], [""]]), "recipients has a null or empty entry"),
        ("recipients", pa.array(["[nan]", "['']"]), "recipients has a null or empty entry"),
        ("recipients", pa.array(["[]", "{}"]), "recipients is an empty list"),
        ("recipients", pa.array(["u1,u2"] * 2), "recipients holds a comma between"),
        ("recipients", pa.array(["[['a']]"] * 2), "recipients holds a list in a notation"),
        ("recipients", pa.array([[{"a": 1}]] * 2), "recipients holds struct"),
        ("recipients", pa.array([{"a": 1}] * 2), "recipients holds struct"),
        ("recipients", pa.array([[["a"]]] * 2), "recipients holds list"),
        ("domains", pa.array([["b=2"]] * 2), "domains has an entry that is no host"),
        ("ts", pa.array([17, 18]), "ts is a number, but no time"),
        ("ts", pa.array([True, False]), "ts holds bool, not timestamp (UTC)"),
        ("ts", pa.array([10**17] * 2, pa.timestamp("ms")), "ts is in the future"),
    ],
)
def test_a_value_that_is_not_clear_is_set_aside_with_its_reason(
    tmp_path: Path, name: str, values: pa.Array, reason: str
) -> None:
    read = Read(tmp_path, written(tmp_path / "e.parquet", **{name: values}))
    assert read.rows == []
    assert [each[: len(reason)] for each in read.reasons] == [reason]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary()])
@pytest.mark.parametrize("name", ["event_id", "sender", "recipients", "domains", "ip", "ts", "channel"])
def test_bytes_that_are_not_utf8_are_their_row_s_fault(tmp_path: Path, name: str, kind: pa.DataType) -> None:
    good = ROW[name][0] if isinstance(ROW[name], list) else ROW[name]
    raw = pa.array([b"\xff\xfe", good.encode()], pa.large_binary()).cast(
        pa.large_binary() if kind != pa.binary() else kind
    )
    values = pa.Array.from_buffers(kind, 2, raw.buffers()) if kind == pa.large_string() else raw.cast(pa.binary())
    if kind == pa.string():
        values = pa.Array.from_buffers(kind, 2, values.buffers())
    if isinstance(ROW[name], list):
        values = pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), values)
    read = Read(tmp_path, written(tmp_path / "e.parquet", **{name: values}))
    assert len(read.rows) == 1
    assert read.reasons == [f"{name} is not UTF-8"]


# ---- Folders ------------------------------------------------------------------------------------------------


def put_jsonl(path: Path, *rows: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in ROW.items() if name not in names}


@pytest.mark.parametrize(
    ("folder", "channel"),
    [
        ("channel=mail", "mail"),
        ("Channel=calendar", "calendar"),
        ("day=2026-01-05/channel=contacts", "contacts"),
        ("channel=mail/day=2026-01-05", "mail"),
    ],
)
def test_a_partition_stands_for_its_column(tmp_path: Path, folder: str, channel: str) -> None:
    put_jsonl(tmp_path / "in" / folder / "e.jsonl", without("channel"))
    assert Read(tmp_path, tmp_path / "in").column("channel") == [channel]


def test_what_the_file_says_goes_before_its_folder_and_the_folder_of_null_says_nothing(tmp_path: Path) -> None:
    put_jsonl(tmp_path / "in" / "channel=calendar" / "a.jsonl", ROW)
    put_jsonl(tmp_path / "in" / "channel=__HIVE_DEFAULT_PARTITION__" / "b.jsonl", without("channel"))
    put_jsonl(tmp_path / "in" / "sender=a%40x.example" / "c.jsonl", without("sender"))
    read = Read(tmp_path, tmp_path / "in")
    assert [(row["channel"], row["sender"]) for row in read.rows] == [("mail", ROW["sender"]), ("mail", "a@x.example")]
    assert read.reasons == ["channel is missing"]


def test_reports_and_verdicts_are_read_by_the_same_rules(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_bytes(
        "Event ID;Reporter;TS;Kind\ne1;Bob <b@x.example>;1767607200;Junk\n".encode("utf-16")
    )
    verdict = {"Kind": "Sender", "Key": 17, "Verdict": "Malicious", "TS": "2026-01-05 10:00:00 UTC", "Source": "desk"}
    (tmp_path / "v.json").write_text(json.dumps([verdict], indent=1))
    reports, verdicts = (
        Read(tmp_path, tmp_path / name, reader=reader)
        for name, reader in (("r.csv", read_reports), ("v.json", read_verdicts))
    )
    assert reports.rows == [{"event_id": "e1", "reporter": "b@x.example", "ts": TEN, "kind": "junk"}]
    assert verdicts.rows == [{"kind": "sender", "key": "17", "verdict": "malicious", "ts": TEN, "source": "desk"}]
