"""Claim: the lake takes in 10 M events within 4 GB on two cores. Prints rows/s and peak memory beside a named peer.

The peer is DuckDB's partitioned COPY of the same file, which neither knows ids, nor sorts, nor survives a kill.

    python benchmarks/ingest.py --events 10000000
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from graph.lake import Lake
from graph.schema import EVENTS

DAYS = 30
THREADS = 2
BATCH_ROWS = 50_000  # as graph.read hands them over
PEER_MEMORY = "3GB"
FIRST_INSTANT = 1_700_000_000_000_000  # microseconds since 1970

SYNTHESISE = f"""
COPY (
    SELECT
        'evt-' || hash(i)::VARCHAR AS event_id,
        make_timestamptz(({FIRST_INSTANT} + hash(i + 7) % (86400000000 * {DAYS}))::BIGINT) AS ts,
        CASE hash(i + 1) % 10 WHEN 0 THEN 'calendar' WHEN 1 THEN 'contacts' ELSE 'mail' END AS channel,
        'user' || (hash(i + 2) % 300000) || '@site' || (hash(i + 2) % 20000) || '.example' AS sender,
        ['r' || (hash(i + 10 + j) % 1000000) || '@example.com' for j in range(1 + (hash(i + 3) % 4)::BIGINT)]
            AS recipients,
        ['www.link' || (hash(i + 4) % 50000) || '.test' for j in range((hash(i + 5) % 3)::BIGINT)] AS domains,
        '10.' || (hash(i + 2) % 200) || '.' || (hash(i + 6) % 256) || '.' || (hash(i + 8) % 256) AS ip,
        hash(i // 4)::VARCHAR AS fingerprint
    FROM range($rows) AS numbers(i)
) TO '{{path}}' (FORMAT parquet)
"""
COPY = """
COPY (SELECT *, ts::DATE AS day FROM read_parquet('{path}')) TO '{out}' (FORMAT parquet, PARTITION_BY (day))
"""


def batches(path: Path) -> Iterator[pa.RecordBatch]:
    """The file as the readers hand it over."""
    for batch in pq.ParquetFile(path).iter_batches(BATCH_ROWS):
        yield batch.cast(EVENTS)


def lake(path: Path, out: Path) -> dict[str, int]:
    """What is claimed."""
    pa.set_cpu_count(THREADS)
    summary = Lake(out).ingest(events=batches(path))
    return {"new": summary.events_new, "known": summary.events_known, "days": summary.days_written}


def peer(path: Path, out: Path) -> dict[str, int]:
    """Plain DuckDB, the same file into the same partitions."""
    settings: dict[str, str | bool | int | float | list[str]] = {"memory_limit": PEER_MEMORY, "threads": THREADS}
    with duckdb.connect(config=settings) as connection:
        connection.execute(COPY.format(path=path, out=out))
    return {}


WORK = {"ringleader": lake, "ringleader, the same again": lake, "duckdb copy": peer}


def measured(name: str, path: Path, out: Path) -> dict[str, float]:
    """Run one piece of work in a process of its own: seconds, CPU seconds and peak memory."""
    command = [sys.executable, __file__, "--work", name, "--file", str(path), "--out", str(out)]
    answer: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return answer


def work(name: str, path: Path, out: Path) -> None:
    """What the process of `measured` does."""
    start = time.perf_counter()
    result = WORK[name](path, out)
    seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_SELF)
    cost = {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / 1024}
    print(json.dumps({**cost, **result}))


def main() -> None:
    """Synthesise the events, ingest them twice and let the peer write them, print one line each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--work", choices=WORK, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        work(asked.work, asked.file, asked.out)
        return
    folder = Path(tempfile.mkdtemp(prefix="ingest-"))
    try:
        path = folder / "events.parquet"
        duckdb.sql(SYNTHESISE.format(path=path), params={"rows": asked.events})
        print(f"{asked.events:,} events over {DAYS} days, {path.stat().st_size / 1e6:,.0f} MB, {THREADS} threads")
        for name in WORK:
            found = measured(name, path, folder / name.split(",")[0])
            rate = asked.events / found["seconds"]
            cost = f"{found['seconds']:8.1f} s{found['cpu']:8.1f} s cpu{rate:12,.0f} rows/s"
            print(f"{name:<28}{cost}{found['peak_mb']:8,.0f} MB peak", flush=True)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
