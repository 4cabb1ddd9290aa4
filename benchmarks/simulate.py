"""Claim: the simulator writes a million events in under 15 s and ten million in under two minutes, in under 1 GiB.

Its peers write as many rows of the same columns with numpy and pyarrow alone. One draws every column by itself from the
world's texts, without people, threads, campaigns or truth: what the writing costs anyhow. The other copies the world's
own rows. Each runs in a process of its own, so that its peak memory is its own.

    python benchmarks/simulate.py --events 1000000 10000000 --preset ordinary
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from graph.schema import CHANNELS, EVENTS, TIME
from graph.simulate import PRESETS, load_preset, simulate

KIB_PER_MIB = 1024
CHUNK = 250_000  # rows in memory at once, as in the simulator
DAY_US = 86_400_000_000
DAYS = 35
MOST_TOGETHER = 4  # recipients of a row that the peer draws, one to this many
NETWORKS = 50_000


def world(folder: Path, events: int, preset: str) -> int:
    """The simulator: events, reports, verdicts and truth."""
    return simulate(load_preset(preset, events=events), folder / "world").events


def drawn(folder: Path, events: int, preset: str) -> int:
    """Every column drawn by itself from the world's texts."""
    senders = pq.read_table(folder / "world/truth/senders.parquet", columns=["key"])["key"].combine_chunks()
    domains = pq.read_table(folder / "world/truth/domains.parquet", columns=["key"])["key"].combine_chunks()
    _write(folder / "drawn.parquet", _random_batches(senders, domains, events))
    return events


def copied(folder: Path, events: int, preset: str) -> int:
    """The world's own rows, read and written again."""
    file = pq.ParquetFile(folder / "world/events.parquet")
    _write(folder / "copied.parquet", file.iter_batches(CHUNK))
    return int(file.metadata.num_rows)


WORK = {"ringleader simulate": world, "numpy and pyarrow, random rows": drawn, "pyarrow, the same rows again": copied}


def _write(path: Path, batches: Iterator[pa.RecordBatch]) -> None:
    with pq.ParquetWriter(path, EVENTS, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)


def _random_batches(senders: pa.Array, domains: pa.Array, events: int) -> Iterator[pa.RecordBatch]:
    rng = np.random.default_rng(1)
    networks = pa.array([f"{240 + k // 65_536}.{k // 256 % 256}.{k % 256}.1" for k in range(NETWORKS)])
    for first in range(0, events, CHUNK):
        n = min(CHUNK, events - first)
        to, links = rng.integers(1, MOST_TOGETHER + 1, n), rng.integers(0, 3, n)
        columns = [
            pa.array(np.arange(first, first + n)).cast(pa.string()),
            pa.array(np.sort(rng.integers(0, DAYS * DAY_US, n))).cast(TIME),
            pa.array(CHANNELS, pa.string()).take(pa.array(rng.integers(0, len(CHANNELS), n))),
            senders.take(pa.array(rng.integers(0, len(senders), n))),
            _lists(to, senders.take(pa.array(rng.integers(0, len(senders), to.sum())))),
            _lists(links, domains.take(pa.array(rng.integers(0, len(domains), links.sum())))),
            networks.take(pa.array(rng.integers(0, NETWORKS, n))),
            pa.array(rng.integers(0, 1 << 62, n)).cast(pa.string()),
        ]
        yield pa.RecordBatch.from_arrays(columns, schema=EVENTS)


def _lists(counts: NDArray[np.int64], flat: pa.Array) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)), flat)


def work(name: str, folder: Path, events: int, preset: str) -> dict[str, Any]:
    """One piece of work in this process."""
    wall = time.perf_counter()
    rows = WORK[name](folder, events, preset)
    wall = time.perf_counter() - wall
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime
    peak = used.ru_maxrss // KIB_PER_MIB
    return {"name": name, "rows": rows, "seconds": round(wall, 2), "cpu_seconds": round(cpu, 2), "peak_mib": peak}


def apart(name: str, folder: Path, events: int, preset: str) -> dict[str, Any]:
    """`work` in a fresh process."""
    command = [sys.executable, __file__, "--work", name, "--folder", str(folder), "--preset", preset]
    done = subprocess.run([*command, "--events", str(events)], check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def compare(events: int, preset: str, quiet: bool) -> list[dict[str, Any]]:
    """Every contender on one size, in a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        results = []
        for name in WORK:
            found = apart(name, Path(folder), events, preset)
            results.append(found)
            if not quiet:
                rate = found["rows"] / found["seconds"]
                cost = f"{found['seconds']:8.1f} s{found['cpu_seconds']:8.1f} s cpu{rate:12,.0f} rows/s"
                print(f"{found['rows']:>11,} {name:<32}{cost}{found['peak_mib']:8,} MiB peak", flush=True)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--preset", choices=PRESETS, default="ordinary")
    parser.add_argument("--json", action="store_true", help="print one object instead of lines")
    parser.add_argument("--work", choices=WORK, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        print(json.dumps(work(asked.work, asked.folder, asked.events[0], asked.preset)))
        return
    results = [row for events in asked.events for row in compare(events, asked.preset, asked.json)]
    if asked.json:
        print(json.dumps({"preset": asked.preset, "results": results}))


if __name__ == "__main__":
    main()
