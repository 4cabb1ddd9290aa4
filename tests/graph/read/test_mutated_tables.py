"""Whatever bytes a table holds, its rows are read, set aside or refused by name: no other error, and all accounted for.

The seeds are fixed. `RINGLEADER_MUTATIONS` raises the number of files tried of each format.
"""

import io
import json
import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graph.read import Quarantine, ReadOptions, read_events, read_reports, read_verdicts

MUTATIONS: Final = int(os.environ.get("RINGLEADER_MUTATIONS", "150"))
OPTIONS: Final = ReadOptions(max_line_bytes=4096, block_bytes=4096, batch_rows=7)
ROWS: Final = [
    {
        "event_id": f"e{number}",
        "ts": "2024-05-01T10:00:00Z",
        "channel": "mail",
        "sender": f"s{number}@send.example",
        "recipients": ["a@home.example", "b@home.example"],
        "domains": ["l.example"],
        "ip": "192.0.2.1",
    }
    for number in range(20)
]
SPLICES: Final = (
    b"\x00", b"\xff", b"\r", b"\n", b'"', b"'", b",", b";", b"\t", b"[", b"]", b"{", b"}", b"(", b"\\", b"NaN", b"null",
    b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"9" * 40, b"-1e999", b"[" * 3000, b'"' * 301, b"sep=;\r\n",
    b"<a@b>", b"0001-01-01T00:00:00+14:00", b"9999-12-31T23:59:59-14:00", b"https://[::1", b"xn--\xc3\xa9",
    b"\xe2\x80\xae",
)  # fmt: skip


def csv_bytes() -> bytes:
    rows = [{**row, "recipients": ";".join(row["recipients"]), "domains": "l.example"} for row in ROWS]
    return "\n".join([",".join(ROWS[0]), *(",".join(map(str, row.values())) for row in rows)]).encode()


def parquet_bytes() -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), buffer, compression="none", use_dictionary=False)
    return buffer.getvalue()


WHOLE: Final[dict[str, Callable[[], bytes]]] = {
    "csv": csv_bytes,
    "jsonl": lambda: "\n".join(map(json.dumps, ROWS)).encode(),
    "json": lambda: json.dumps(ROWS, indent=1).encode(),
    "parquet": parquet_bytes,
    "utf16.csv": lambda: csv_bytes().decode().encode("utf-16"),
}


def mutated(data: bytes, chance: random.Random) -> bytes:
    content = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(content) + 1)
        how = chance.randrange(4)
        if how == 0:
            content[at : at + 1] = bytes([chance.randrange(256)])
        elif how == 1:
            content[at:at] = chance.choice(SPLICES)
        elif how == 2:
            del content[at : at + chance.randint(1, 60)]
        else:
            other = chance.randrange(len(content) + 1)
            content[at:at] = content[other : other + chance.randint(1, 200)]
    return bytes(content)


def account(path: Path, folder: Path, reader: Any) -> Quarantine:
    """Reads one file; checks that all that was found is a clean row, set aside or passed over."""
    quarantine = Quarantine(folder / "q.jsonl", keep_going=True)
    with quarantine:
        clean = sum(batch.num_rows for batch in reader([path], OPTIONS, quarantine))
    assert quarantine.found == clean + quarantine.count + quarantine.passed_over
    assert not [error for error in quarantine.errors if error.thing != str(path)]
    return quarantine


@pytest.mark.parametrize("ending", WHOLE)
def test_a_damaged_table_is_read_set_aside_or_refused_and_all_of_it_accounted_for(tmp_path: Path, ending: str) -> None:
    whole = WHOLE[ending]()
    path = tmp_path / f"e.{ending}"
    path.write_bytes(whole)
    assert account(path, tmp_path, read_events).found == len(ROWS)
    for seed in range(MUTATIONS):
        path.write_bytes(mutated(whole, random.Random(f"{ending} {seed}")))
        quarantine = account(path, tmp_path, read_events)
        assert not [error for error in quarantine.errors if "it cannot be parsed (" in str(error)], (ending, seed)


@pytest.mark.parametrize("reader", [read_reports, read_verdicts])
@pytest.mark.parametrize("ending", ["csv", "jsonl", "json"])
def test_tables_of_another_kind_are_refused_or_set_aside_whole(tmp_path: Path, ending: str, reader: Any) -> None:
    path = tmp_path / f"e.{ending}"
    path.write_bytes(WHOLE[ending]())
    quarantine = account(path, tmp_path, reader)
    assert quarantine.count + len(quarantine.errors) > 0
    assert quarantine.found in (1, len(ROWS))
