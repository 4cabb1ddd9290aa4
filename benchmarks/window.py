"""Goal: a million events a second into typed edges on two cores; measured beside polars and pandas on the same files.

A lake is synthesised (Zipf senders and recipients, one to three recipients, links, addresses, fingerprints). Then each
contender turns the same Parquet files into the same five edge tables with ids, in a process of its own, so that its
peak memory is its own. Every run must agree on the edges. Wall seconds are the best of several; CPU seconds stand
beside them, because on shared cores only they can be compared from run to run.

    python benchmarks/window.py --events 1000000 --runs 3
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from graph.lake.dayfiles import day_file, write_day
from graph.lake.derive import with_distinct_recipients
from graph.lake.kinds import EVENT
from graph.schema import CHANNELS, LAKE_EVENTS, TEXTS, TIME
from graph.values import Slice

THREADS = 2
DAYS = 28
START = datetime(2024, 1, 1, tzinfo=UTC)
AS_OF = START + timedelta(days=DAYS)
DAY_US = 86_400_000_000
EPOCH_US = int(START.timestamp()) * 1_000_000
KIB_PER_MIB = 1024
Ints = NDArray[np.int64]
Counts = dict[str, int]

# ---- The lake -----------------------------------------------------------------------------------------------


def synthesise(home: Path, events: int, seed: int) -> None:
    """One Parquet file a day, as the lake writes them."""
    rng = np.random.default_rng(seed)
    senders, recipients, sites, networks = events // 25, events // 10, events // 100, events // 50
    sender = zipf(rng, senders, events)
    people = some(rng, events, [0.6, 0.3, 0.1], first=1)
    owner = np.repeat(sender, people)
    habit = (owner * 2_654_435_761 + rng.integers(0, 20, len(owner))) % recipients  # half goes to whom they know
    person = np.where(rng.random(len(owner)) < 0.5, habit, zipf(rng, recipients, len(owner), 0.9))
    links = some(rng, events, [0.4, 0.45, 0.15], first=0)
    network = (sender * 40_503 + rng.integers(0, 3, events)) % networks
    unknown = rng.random(events) < 0.1
    named_networks = texts("{}.{}.{}", 10 + np.arange(networks) % 200, np.arange(networks) // 200, 0)
    addresses = texts_of(named_networks.take(pa.array(network)), ".", rng.integers(1, 9, events))
    named_sites = texts("link{}.example", np.arange(sites))
    homes = texts("site{}.example", np.arange(senders) % (senders // 4 + 1))
    mailboxes = texts_of(texts("user{}@", np.arange(senders)), "", homes)
    targets = texts("person{}@example.org", np.arange(recipients)).to_pylist()
    targets[:senders:5] = mailboxes.to_pylist()[:senders:5]  # a fifth of the senders also receive
    found = listed(named_sites.take(pa.array(zipf(rng, sites, links.sum()))), links)
    table = pa.table(
        {
            "event_id": texts("{:016x}", np.arange(events)),
            "ts": pa.array(np.sort(rng.integers(1, DAYS * DAY_US, events)) + EPOCH_US).cast(TIME),
            "channel": pa.array(CHANNELS).take(pa.array(rng.choice(3, events, p=[0.9, 0.07, 0.03]))),
            "sender": mailboxes.take(pa.array(sender)),
            "recipients": listed(pa.array(targets).take(pa.array(person)), people),
            "domains": found,
            "ip": masked(addresses, unknown),
            "fingerprint": masked(texts("{:016x}", sender * 31 + rng.integers(0, 5, events)), rng.random(events) < 0.7),
            "sites": found,
            "network": masked(texts_of(named_networks, "", ".0/24").take(pa.array(network)), unknown),
            "sender_site": homes.take(pa.array(sender)),
        }
    ).cast(LAKE_EVENTS)
    day = (table["ts"].cast(pa.int64()).to_numpy() - EPOCH_US) // DAY_US
    bounds = np.searchsorted(day, np.arange(DAYS + 1))
    for number, (first, last) in enumerate(pairwise(bounds)):
        day_rows = with_distinct_recipients(table.slice(first, last - first).combine_chunks())
        write_day(day_file(home, EVENT, (START + timedelta(days=number)).date()), EVENT, [day_rows])


def zipf(rng: np.random.Generator, items: int, size: int, exponent: float = 1.05) -> Ints:
    """Ranks below `items` that fall off as 1 / rank^exponent."""
    weight = np.cumsum(1 / np.arange(1, items + 1) ** exponent)
    return np.searchsorted(weight / weight[-1], rng.random(size)).astype(np.int64).clip(max=items - 1)


def some(rng: np.random.Generator, size: int, shares: list[float], first: int) -> Ints:
    return rng.choice(len(shares), size, p=shares) + first


def texts(pattern: str, *columns: Any) -> pa.Array:
    return pa.array(
        [pattern.format(*row) for row in zip(*(c.tolist() for c in np.broadcast_arrays(*columns)), strict=True)]
    )


def texts_of(texts: pa.Array, between: str, others: Any) -> pa.Array:
    others = others if isinstance(others, str | pa.Array) else pa.array(others).cast(pa.string())
    return pa.compute.binary_join_element_wise(texts, others, between)


def listed(values: pa.Array, counts: Ints) -> pa.Array:
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values).cast(TEXTS)


def masked(values: pa.Array, missing: NDArray[np.bool_]) -> pa.Array:
    return pa.compute.if_else(pa.array(missing), pa.scalar(None, pa.string()), values)


# ---- The contenders: files -> rows of each edge table --------------------------------------------------------


def slice_of(files: list[Path]) -> Slice:
    return Slice(START, AS_OF, tuple(files), (), (), "", distinct_recipients=True)


def ringleader_edges(files: list[Path]) -> Counts:
    """Keys numbered and relations counted, in arrays in order."""
    from graph.engine import open_engine
    from graph.window import events
    from graph.window.build import count_edges
    from graph.window.clock import Clock
    from graph.window.codes import Vocabularies

    piece = slice_of(files)
    clock, words = Clock.of(piece), Vocabularies()
    with open_engine("duckdb", threads=THREADS) as engine:
        seen = events.window_events(piece, words, clock, engine)
        _, _, edges = count_edges(seen, words, piece.distinct_recipients, clock, engine)
    return {name: len(columns["sender"]) for name, columns in vars(edges).items()} | {
        "letters": int(edges.wrote_to["events"].sum())
    }


def ringleader_window(files: list[Path]) -> Counts:
    """The whole Window: the edges, all node tables with their profiles, reciprocity and reports."""
    from graph.engine import open_engine
    from graph.window import build_window

    with open_engine("duckdb", threads=THREADS) as engine:
        window = build_window(slice_of(files), engine)
    names = ("wrote_to", "linked_to", "sent_from", "carried", "address_at")
    letters = pa.compute.sum(window.wrote_to["events"]).as_py()
    return {name: getattr(window, name).num_rows for name in names} | {"letters": letters}


def polars_edges(files: list[Path]) -> Counts:
    """The same tables as a polars user would write them: lazy, grouped by text, ids joined on what is left."""
    import polars as pl

    rows = pl.scan_parquet(files, hive_partitioning=False).filter(pl.col("ts") > START, pl.col("ts") <= AS_OF)
    rows = rows.with_columns(day=(pl.col("ts").dt.timestamp("us") - EPOCH_US - 1) // DAY_US)
    counts = [
        pl.len().alias("events"),
        pl.col("ts").min().alias("first_seen"),
        pl.col("ts").max().alias("last_seen"),
        pl.col("day").n_unique().alias("active_days"),
    ]
    channels = [(pl.col("channel") == name).sum().alias(name) for name in CHANNELS]
    letters = rows.select("sender", "ts", "day", "channel", recipient="recipients")
    linked = rows.select("sender", "ts", "day", domain="sites").filter(pl.col("domain").list.len() > 0)
    located = rows.filter(pl.col("network").is_not_null())
    printed = rows.filter(pl.col("fingerprint").is_not_null())
    addresses = pl.col("ip").n_unique().alias("addresses")
    at_home = rows.filter(pl.col("sender_site").is_not_null()).select("sender", domain="sender_site").unique()
    grouped = [
        letters.explode("recipient").group_by("sender", "recipient").agg(*counts, *channels),
        linked.explode("domain").group_by("sender", "domain").agg(*counts),
        located.group_by("sender", "network").agg(*counts, addresses),
        printed.group_by("sender", "fingerprint").agg(*counts),
        at_home,
    ]
    wrote, links, sent, carried, homes = pl.collect_all(grouped)

    def ids(*columns: pl.Series) -> pl.DataFrame:
        return pl.concat([column.rename("key") for column in columns]).unique().sort().to_frame().with_row_index("id")

    def numbered(edges: pl.DataFrame, target: str, targets: pl.DataFrame) -> pl.DataFrame:
        by_id = edges.join(senders, left_on="sender", right_on="key").drop("sender").rename({"id": "sender"})
        by_id = by_id.join(targets, left_on=target, right_on="key").drop(target).rename({"id": target})
        return by_id.sort("sender", target)

    senders, domains = ids(wrote["sender"]), ids(links["domain"], homes["domain"])
    return sizes(
        numbered(wrote, "recipient", ids(wrote["recipient"])),
        numbered(links, "domain", domains),
        numbered(sent, "network", ids(sent["network"])),
        numbered(carried, "fingerprint", ids(carried["fingerprint"])),
        numbered(homes, "domain", domains),
    )


def pandas_edges(files: list[Path]) -> Counts:
    """The same tables as a pandas user would write them: keys factorised in order first, grouped by integers."""
    import pandas as pd

    columns = ["ts", "channel", "sender", "recipients", "sites", "ip", "network", "fingerprint", "sender_site"]
    rows = pd.concat([pd.read_parquet(file, columns=columns, partitioning=None) for file in files], ignore_index=True)
    rows = rows[(rows["ts"] > START) & (rows["ts"] <= AS_OF)]
    rows["day"] = (rows["ts"].astype("int64") - EPOCH_US - 1) // DAY_US
    rows["sender"] = pd.factorize(rows["sender"], sort=True)[0]
    for name in CHANNELS:
        rows[name] = rows["channel"] == name

    def counted(pairs: pd.DataFrame, target: str, **more: tuple[str, str]) -> pd.DataFrame:
        pairs = pairs.assign(**{target: pd.factorize(pairs[target], sort=True)[0]})
        seen = {"first_seen": ("ts", "min"), "last_seen": ("ts", "max")}
        grouped = pairs.groupby(["sender", target])
        return grouped.agg(events=("ts", "size"), active_days=("day", "nunique"), **seen, **more).reset_index()

    times = ["sender", "ts", "day"]
    letters = rows[[*times, *CHANNELS, "recipients"]].explode("recipients")
    links = rows[[*times, "sites"]].explode("sites").dropna(subset="sites")
    homes = rows[["sender", "sender_site"]].dropna().drop_duplicates()
    return sizes(
        counted(letters, "recipients", **{name: (name, "sum") for name in CHANNELS}),
        counted(links, "sites"),
        counted(rows.dropna(subset="network"), "network", addresses=("ip", "nunique")),
        counted(rows.dropna(subset="fingerprint"), "fingerprint"),
        homes.sort_values(["sender", "sender_site"]),
    )


def sizes(wrote_to: Any, linked_to: Any, sent_from: Any, carried: Any, address_at: Any) -> Counts:
    tables = {"wrote_to": wrote_to, "linked_to": linked_to, "sent_from": sent_from, "carried": carried}
    return {name: len(table) for name, table in (tables | {"address_at": address_at}).items()} | {
        "letters": int(wrote_to["events"].sum())
    }


CONTENDERS: dict[str, Callable[[list[Path]], Counts]] = {
    "ringleader edges": ringleader_edges,
    "ringleader whole window": ringleader_window,
    "polars edges": polars_edges,
    "pandas edges": pandas_edges,
}

# ---- Measuring ----------------------------------------------------------------------------------------------


def measure(name: str, lake: Path, runs: int) -> dict[str, Any]:
    """The best of several runs in this process, after one over a single day that loads what is loaded once."""
    files = sorted(lake.glob("events/day=*/events.parquet"))
    CONTENDERS[name](files[:1])
    spent, rows = [], {}
    for _ in range(runs):
        wall, cpu = time.perf_counter(), time.process_time()
        rows = CONTENDERS[name](files)
        spent.append((time.perf_counter() - wall, time.process_time() - cpu))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // KIB_PER_MIB
    return {"name": name, "wall": min(w for w, _ in spent), "cpu": min(c for _, c in spent), "peak": peak, "rows": rows}


def apart(name: str, lake: Path, runs: int) -> dict[str, Any]:
    """`measure` in a fresh process."""
    command = [sys.executable, __file__, "--contender", name, "--lake", str(lake), "--runs", str(runs)]
    limited = os.environ | {"POLARS_MAX_THREADS": str(THREADS)}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=limited)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def compare(lake: Path, events: int, runs: int) -> None:
    """Runs every contender and prints the table."""
    results = []
    print(f"{events:,} events, {THREADS} threads, best of {runs}; CPU seconds on both cores together")
    print(f"{'':26}{'wall s':>8}{'CPU s':>8}{'events/s':>12}{'at 2 cores':>12}{'peak MiB':>10}{'times ours':>12}")
    for name in CONTENDERS:
        result = apart(name, lake, runs)
        results.append(result)
        ratio = result["wall"] / results[0]["wall"]
        rates = f"{events / result['wall']:>12,.0f}{events * THREADS / result['cpu']:>12,.0f}"
        print(
            f"{name:26}{result['wall']:>8.2f}{result['cpu']:>8.2f}{rates}{result['peak']:>10}{ratio:>12.2f}", flush=True
        )
    if any(result["rows"] != results[0]["rows"] for result in results):
        raise SystemExit(f"the contenders disagree: {[result['rows'] for result in results]}")
    print("all agree:", ", ".join(f"{name} {rows:,}" for name, rows in results[0]["rows"].items()))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--events", type=int, default=1_000_000)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--lake", type=Path, help="where the synthesised lake is kept (default: thrown away)")
    options.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.contender:
        print(json.dumps(measure(asked.contender, asked.lake, asked.runs)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        lake = asked.lake or Path(scratch)
        if not any(lake.glob("events/day=*")):
            synthesise(lake, asked.events, asked.seed)
        compare(lake, asked.events, asked.runs)


if __name__ == "__main__":
    main()
