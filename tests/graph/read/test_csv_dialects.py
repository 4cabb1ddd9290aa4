"""Rows come back from CSV whatever the dialect: separator, line end, encoding, header, index column, `sep=` line."""

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graph.errors import InputError
from graph.read import Quarantine, ReadOptions, read_events

NAMES = ["event_id", "ts", "channel", "sender", "recipients", "domains", "ip"]
TS = "2024-05-01T10:00:00Z"
IDS = (
    st.text(st.sampled_from("ab\u00e9\u4e2d\U0001f600.,;|\"'-= "), min_size=1, max_size=12).map(str.strip).filter(bool)
)


@dataclass(frozen=True)
class Dialect:
    """How a program writes CSV."""

    delimiter: str
    line_end: str
    encoding: str
    quoting: int
    declares: bool  # a `sep=` line above the header
    has_index: bool
    case: str
    shuffled: int  # how far the columns are turned round


DIALECTS = st.builds(
    Dialect,
    st.sampled_from(",;\t|"),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["lower", "upper", "title"]),
    st.integers(0, len(NAMES) - 1),
)


def written(rows: list[dict[str, str]], dialect: Dialect) -> bytes:
    order = NAMES[dialect.shuffled :] + NAMES[: dialect.shuffled]
    header = [getattr(name, dialect.case)() for name in order]
    lines = [header, *([row[name] for name in order] for row in rows)]
    if dialect.has_index:
        lines = [["" if not number else str(number - 1), *line] for number, line in enumerate(lines)]
    text = io.StringIO(newline="")
    text.write(f"sep={dialect.delimiter}{dialect.line_end}" if dialect.declares else "")
    csv.writer(text, delimiter=dialect.delimiter, lineterminator=dialect.line_end, quoting=dialect.quoting).writerows(
        lines
    )
    return text.getvalue().encode(dialect.encoding)


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(IDS, min_size=1, max_size=5), DIALECTS, st.sampled_from([64, 1 << 20]))
def test_rows_come_back_from_every_dialect(tmp_path: Path, ids: list[str], dialect: Dialect, block: int) -> None:
    rows = [
        dict(zip(NAMES, (f"{number}{text}", TS, "mail", text, "a@x.example;b@x.example", "l.example", ""), strict=True))
        for number, text in enumerate(ids)
    ]
    (tmp_path / "e.csv").write_bytes(written(rows, dialect))
    options = ReadOptions(block_bytes=512 + block)
    with Quarantine(tmp_path / "q") as quarantine:
        read = [row for batch in read_events([tmp_path / "e.csv"], options, quarantine) for row in batch.to_pylist()]
    assert quarantine.count == 0
    assert [(row["event_id"], row["sender"]) for row in read] == [(row["event_id"], row["sender"]) for row in rows]
    assert {(row["ts"], *row["recipients"], *row["domains"], row["ip"]) for row in read} == {
        (datetime(2024, 5, 1, 10, tzinfo=UTC), "a@x.example", "b@x.example", "l.example", None)
    }


@pytest.mark.parametrize("length", range(4))
def test_letters_around_the_end_of_what_is_read_ahead_stay_whole(tmp_path: Path, length: int) -> None:
    sender = "\u00e9" * 400
    filler = "x" * length  # one of two neighbours has the end of the first 64 KiB within a letter
    lines = [",".join(NAMES), *(f"{number},{TS},mail,{sender},b,l.example," for number in range(80))]
    rows = "\n".join(f"{line}," for line in lines[1:])
    (tmp_path / "e.csv").write_text(f"{lines[0]},{filler}\n{rows}\n")
    with Quarantine(tmp_path / "q") as quarantine:
        batches = list(read_events([tmp_path / "e.csv"], ReadOptions(), quarantine))
    assert quarantine.count == 0
    assert {row for batch in batches for row in batch["sender"].to_pylist()} == {sender}


def test_a_header_of_nothing_that_is_known_is_an_error_that_lists_its_names(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("from^to\na^b\n")
    with Quarantine(tmp_path / "q") as quarantine, pytest.raises(InputError, match=r"it has 'from\^to'"):
        list(read_events([tmp_path / "e.csv"], ReadOptions(), quarantine))
