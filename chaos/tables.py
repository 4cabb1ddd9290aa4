"""Mutated tables: Parquet, CSV and JSON Lines, cut, flipped, filled with what they should not hold."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from chaos.mutate import mutated
from chaos.trial import Part, Trial
from graph.errors import InputError
from graph.read import Quarantine, ReadOptions, read_events

TABLES: Final = 60  # of one round
ROWS: Final = 20
WORDS: Final = (
    b"\xff",
    b"\0",
    b'"',
    b";",
    b"\t",
    b"\r",
    b"\n",
    b"[",
    b"{",
    b"null",
    b"NaN",
    b"1e999",
    b"sep=;\n",
    b"\xff\xfe",
)
ODD: Final = (
    None,
    "",
    " ",
    "['a', 'b']",
    '["a","b"]',
    "{a,b}",
    "a, b",
    "https://u@h.test:1/x",
    "x" * 2000,
    "\0",
    "é",
    -1,
    2**63,
)


def trials(seed: int, scratch: Path) -> Iterator[Trial]:
    """Files one by one: each is read, set aside, or an error that names it."""
    rng = random.Random(seed)
    for number in range(TABLES):
        path = _written(rng, scratch / f"table-{number}")
        yield Trial(path.name, _fault(path, scratch / "aside.jsonl"))


def _written(rng: random.Random, stem: Path) -> Path:
    kind = rng.choice(("parquet", "csv", "jsonl", "json"))
    path = stem.with_suffix(f".{kind}")
    rows = [_row(rng, number) for number in range(ROWS)]
    if kind == "parquet":
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        pq.write_table(pa.table({name: _column(values) for name, values in columns.items()}), path)
    elif kind == "csv":
        text = {name: [None if row[name] is None else str(row[name]) for row in rows] for name in rows[0]}
        pacsv.write_csv(pa.table(text), path, pacsv.WriteOptions(delimiter=rng.choice(",;\t|")))
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        path.write_text(json.dumps(rows, indent=rng.choice((None, 2))))
    if rng.random() < 0.7:
        path.write_bytes(mutated(rng, [path.read_bytes()], WORDS))
    return path


def _row(rng: random.Random, number: int) -> dict[str, Any]:
    row: dict[str, Any] = {
        "event_id": f"e{number}", "ts": "2026-01-05T10:00:00Z", "channel": "mail", "sender": f"s{number}@send.example",
        "recipients": ["bob@home.example"], "domains": ["link.test"], "ip": "198.51.100.7", "fingerprint": None,
    }  # fmt: skip
    if rng.random() < 0.3:
        row[rng.choice(list(row))] = rng.choice(ODD)
    return row


def _column(values: list[Any]) -> pa.Array:
    """As Arrow infers it, or, where the values are of several types, as text."""
    try:
        return pa.array(values)
    except (pa.ArrowException, OverflowError):
        return pa.array([None if value is None else str(value) for value in values], pa.string())


def _fault(path: Path, aside: Path) -> str:
    with Quarantine(aside) as quarantine:
        try:
            clean = sum(batch.num_rows for batch in read_events([path], ReadOptions(), quarantine))
        except InputError as error:
            return "" if path.name in str(error) else f"the error does not name the file: {error}"
        except Exception as error:  # noqa: BLE001 (that is what is looked for)
            return f"{type(error).__name__}: {error}"
    ends = clean + quarantine.count + quarantine.passed_over
    return "" if ends == quarantine.found else f"{ends} accounted for of {quarantine.found}"


PART: Final = Part("tables", "mutated Parquet, CSV and JSON tables", trials)
