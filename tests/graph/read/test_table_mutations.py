"""A damaged table ends in rows, quarantine lines or an error that names it, and every row of it is accounted for."""

import csv
import io
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from graph import schema
from graph.read import Quarantine, ReadOptions, read_events

OPTIONS = ReadOptions(now=datetime(2024, 6, 1, tzinfo=UTC), batch_rows=16)
MUTATIONS = 60  # of each kind of file in each run of the tests; thousands were tried once
ROWS: list[dict[str, Any]] = [
    {
        "event_id": f"e{number}",
        "ts": f"2024-05-{number % 28 + 1:02}T10:00:00Z",
        "channel": "mail",
        "sender": f"s{number}@send.example",
        "recipients": [f"r{number}@home.example", "bob@home.example"],
        "domains": [] if number % 3 else ["www.link.example"],
        "ip": None if number % 2 else "192.0.2.1",
        "fingerprint": None,
    }
    for number in range(40)
]


def as_parquet(**options: Any) -> bytes:
    rows = [{**row, "ts": datetime.fromisoformat(row["ts"])} for row in ROWS]
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema.EVENTS), stream, **options)
    return stream.getvalue()


def as_csv(delimiter: str = ",", blank: str = "") -> bytes:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(ROWS[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows({**row, "recipients": str(row["recipients"]), "domains": ";".join(row["domains"])} for row in ROWS)
    return stream.getvalue().replace(delimiter, delimiter + blank).encode()


BASES: dict[str, bytes] = {
    "snappy.parquet": as_parquet(),
    "plain.parquet": as_parquet(compression="none", use_dictionary=False, row_group_size=10),
    "bytes.parquet": as_parquet(store_schema=False),
    "comma.csv": as_csv(),
    "semicolon.csv": as_csv(";"),
    "spaced.csv": as_csv(blank=" "),
    "utf16.csv": as_csv("\t").decode().encode("utf-16"),
    "cr.csv": as_csv().replace(b"\r\n", b"\r"),
    "lines.jsonl": b"".join(json.dumps(row).encode() + b"\n" for row in ROWS),
    "array.json": json.dumps(ROWS, indent=1).encode(),
    "wrapped.json": json.dumps({"count": 40, "value": ROWS}).encode(),
}
TOKENS = [
    b"\xff",
    b"\x00",
    b"\n",
    b"\r",
    b'"',
    b"'",
    b"[",
    b"{",
    b",",
    b";",
    b"nan",
    b"1e999",
    b"\xed\xa0\x80",
    b"9" * 20,
]


def flipped(content: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice([1, 1, 3, 20])):
        content[chance.randrange(len(content))] = chance.randrange(256)


def cut(content: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(content))
    del content[start : start + chance.choice([1, 10, len(content)])]


def inserted(content: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice([1, 5])):
        place = chance.randrange(len(content))
        content[place:place] = chance.choice(TOKENS)


def repeated(content: bytearray, chance: random.Random) -> None:
    start, place = chance.randrange(len(content)), chance.randrange(len(content))
    content[place:place] = content[start : start + chance.choice([1, 50, 2000])]


def replaced(content: bytearray, chance: random.Random) -> None:
    """One name or value becomes another of the file everywhere: columns named twice, values of another column."""
    words = [b"sender", b"event_id", b"recipients", b"channel", b"ts", b"mail", b"ip", b"2024", b"@"]
    content[:] = content.replace(chance.choice(words), chance.choice(words + TOKENS))


KINDS: tuple[Callable[[bytearray, random.Random], None], ...] = (flipped, cut, inserted, repeated, replaced)


def mutated(content: bytes, seed: int) -> bytes:
    chance = random.Random(seed)
    changed = bytearray(content)
    for _ in range(chance.choice([1, 1, 2])):
        if changed:
            chance.choice(KINDS)(changed, chance)
    return bytes(changed)


def read_and_check(path: Path, quarantine: Quarantine) -> int:
    rows = sum(batch.num_rows for batch in read_events([path], OPTIONS, quarantine))
    assert rows + quarantine.count + quarantine.passed_over == quarantine.found
    assert rows or quarantine.count or quarantine.errors or not path.stat().st_size or quarantine.found == 0
    return rows


@pytest.mark.parametrize("name", BASES)
def test_the_tables_to_be_damaged_are_whole(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(BASES[name])
    with Quarantine(tmp_path / "q", keep_going=True) as quarantine:
        assert read_and_check(tmp_path / name, quarantine) == len(ROWS)


@pytest.mark.parametrize("name", BASES)
def test_a_damaged_table_never_ends_in_a_traceback(tmp_path: Path, name: str) -> None:
    for seed in range(MUTATIONS):
        (tmp_path / name).write_bytes(mutated(BASES[name], seed))
        with Quarantine(tmp_path / "q", keep_going=True) as quarantine:
            read_and_check(tmp_path / name, quarantine)
