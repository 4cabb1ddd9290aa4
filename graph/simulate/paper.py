"""How any simulated world is put on paper: event ids, the contract's columns, its files and `world.json`.

Knows rows and texts; draws nothing, and does not know how a world comes about.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graph.schema import CHANNELS, EVENTS, TIME
from graph.simulate.drawn import DrawnOptions
from graph.simulate.names import fixed_width, hexadecimal
from graph.simulate.rows import Ints, Longs, Rows

COMPRESSION = "zstd"
ID_DIGITS = 10


@dataclass(frozen=True)
class WorldSummary:
    """What was written: counts, and the time at which the world should be judged."""

    out: Path
    events: int
    senders: int
    malicious_senders: int
    campaigns: int
    reports: int
    verdicts: int
    start: datetime
    labels_end: datetime
    as_of: datetime


@dataclass(frozen=True)
class Texts:
    """The texts that the numbers in rows stand for: mailboxes, link hosts, networks' prefixes and last parts of IPs."""

    keys: pa.Array
    hosts: pa.Array
    prefixes: pa.Array
    host_numbers: pa.Array


def event_batch(rows: Rows, texts: Texts, start: int, first_event: int) -> pa.RecordBatch:
    """Rows in the contract's columns. `start`: the world's first microsecond, `first_event`: the first row's number."""
    n = len(rows)
    known = rows.network >= 0
    network = pa.array(np.where(known, rows.network, 0), mask=~known)
    prefix, host = texts.prefixes.take(network), texts.host_numbers.take(pa.array(rows.host))
    shown = rows.fingerprint != 0
    columns = [
        event_ids(np.arange(first_event, first_event + n)),
        pa.array(rows.ts + start).cast(TIME),
        pa.array(CHANNELS, pa.string()).take(pa.array(rows.channel)),
        texts.keys.take(pa.array(rows.sender)),
        lists(rows.to_count, texts.keys.take(pa.array(rows.to))),
        lists(rows.link_count, texts.hosts.take(pa.array(rows.link))),
        pc.binary_join_element_wise(prefix, host, ""),
        pc.if_else(pa.array(shown), hexadecimal(rows.fingerprint, 16), pa.scalar(None, pa.string())),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=EVENTS)


def event_ids(numbers: Longs) -> pa.Array:
    """Event ids by number: unique, of one width, telling nothing but the order of arrival."""
    powers = 10 ** np.arange(ID_DIGITS - 1, -1, -1, dtype=np.int64)
    digits = (numbers[:, None] // powers % 10 + ord("0")).astype(np.uint8)
    return fixed_width(np.concatenate([np.full((len(numbers), 1), ord("e"), np.uint8), digits], axis=1))


def lists(counts: Ints, flat: pa.Array) -> pa.Array:
    """A list array whose row i owns the next `counts[i]` entries."""
    offsets = np.zeros(len(counts) + 1, np.int32)
    np.cumsum(counts, out=offsets[1:])
    return pa.ListArray.from_arrays(pa.array(offsets), flat)


def write_tables(folder: Path, tables: Mapping[str, pa.Table]) -> None:
    """One Parquet file a table, named by its key under the folder."""
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet", compression=COMPRESSION)


def describe(summary: WorldSummary, family: str, seed: int, options: Mapping[str, Any]) -> None:
    """Writes `world.json`: moments, counts, and the options that give the same world again."""
    moments = {name: getattr(summary, name).isoformat() for name in ("start", "labels_end", "as_of")}
    counts = {
        name: getattr(summary, name)
        for name in ("events", "senders", "malicious_senders", "campaigns", "reports", "verdicts")
    }
    facts = {"family": family, "seed": seed, **moments, **counts, "options": dict(options)}
    (summary.out / "world.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def write_world(
    out: Path,
    options: DrawnOptions,
    rows: Rows,
    texts: Texts,
    said: Mapping[str, pa.Table],
    truth: Mapping[str, pa.Table],
    progress: Callable[[int], None],
) -> WorldSummary:
    """Writes a world that is whole in memory. `said`: reports and verdicts; `progress` gets the events written."""
    (out / "truth").mkdir(parents=True, exist_ok=True)
    start = first_microsecond(options.start)
    with pq.ParquetWriter(out / "events.parquet", EVENTS, compression=COMPRESSION) as writer:
        for first in range(0, len(rows), options.chunk_events):
            part = rows.take(np.arange(first, min(first + options.chunk_events, len(rows))))
            writer.write_batch(event_batch(part, texts, start, first))
            progress(first + len(part))
    write_tables(out, said)
    write_tables(out / "truth", truth)
    summary = WorldSummary(
        out=out,
        events=len(rows),
        senders=truth["senders"].num_rows,
        malicious_senders=int(pc.sum(truth["senders"]["malicious"]).as_py()),
        campaigns=truth["campaigns"].num_rows,
        reports=said["reports"].num_rows,
        verdicts=said["verdicts"].num_rows,
        start=options.start,
        labels_end=options.start + timedelta(microseconds=options.labels_until),
        as_of=options.start + timedelta(microseconds=options.span),
    )
    describe(summary, options.family, options.seed, options.as_dict())
    return summary


def first_microsecond(start: datetime) -> int:
    """Since 1970."""
    return round(start.timestamp()) * 1_000_000
