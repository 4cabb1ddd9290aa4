"""A town by hand, day by day: people who answer each other, and two gangs; written into a home, refreshed, exported."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
from windows import START, Letter, letter

from api.cli import main
from api.progress import StageRecorder
from api.refresh import RefreshSummary, run_refresh
from api.settings import Settings
from api.stages import RefreshOptions
from gnn.fit import TrainOptions
from graph.home import Home
from graph.lake import Lake
from graph.schema import EVENTS, VERDICT_ROWS

QUICK = TrainOptions(steps=60, members=2, width=16, check_every=20)
PEOPLE, GANG = 150, 8


def people(days: Iterable[int]) -> list[Letter]:
    """Each writes to two neighbours every third day, who answer on theirs."""
    out = []
    for day in days:
        for n in range(day % 3, PEOPLE, 3):
            friends = [f"h{(n + step) % PEOPLE}@home.example" for step in (1, -1)]
            network = f"192.0.{n % 11}.0/24"
            out.append(
                letter(f"h{n}@home.example", *friends, day=day, hour=8 + n % 10, network=network, text=f"t{day}-{n}")
            )
    return out


def gang(name: str, days: Iterable[int], size: int = GANG, **shared: Any) -> list[Letter]:
    """Senders with domains of their own; one link, network, text, hour and half of the town for all of them."""
    half, at = PEOPLE // 2, ord(name[0]) % 2
    usual = {"sites": (f"{name}-shop.example",), "network": f"198.51.{ord(name[0])}.0/24", "text": f"text-{name}"}
    return [
        letter(
            f"x@{name}{n}.example",
            *(f"h{at * half + (day * 17 + n * 7 + k) % half}@home.example" for k in range(3)),
            day=day,
            hour=3 + 9 * at,
            **(usual | shared),
        )
        for day in days
        for n in range(size)
    ]


def events(letters: Sequence[Letter]) -> list[dict[str, Any]]:
    """Rows of the contract; ids and seconds from day, sender and place in the day, whatever other days there are."""
    place = defaultdict[int, Iterator[int]](count)
    return [_event(one, next(place[one.day])) for one in letters]


def _event(one: Letter, number: int) -> dict[str, Any]:
    return {
        "event_id": f"e-{one.day}-{number}-{one.sender}",
        "ts": one.ts + timedelta(seconds=number % 3_000),
        "channel": one.channel,
        "sender": one.sender,
        "recipients": list(one.to),
        "domains": list(one.sites),
        "ip": one.network.replace(".0/24", ".9") if one.network else None,
        "fingerprint": one.text,
    }


def verdict(
    key: str, word: str, ts: datetime | None = None, source: str = "desk", kind: str = "sender"
) -> dict[str, Any]:
    return {"kind": kind, "key": key, "verdict": word, "ts": ts or START, "source": source}


def verdicts() -> list[dict[str, Any]]:
    """Gang a is known, gang b by half, and forty people are cleared."""
    known = [verdict(f"x@a{n}.example", "malicious") for n in range(GANG)]
    known += [verdict(f"x@b{n}.example", "malicious") for n in range(GANG // 2)]
    return known + [verdict(f"h{n}@home.example", "benign") for n in range(40)]


def fill(home: Home, letters: Sequence[Letter], judged: Sequence[dict[str, Any]] = ()) -> Home:
    """Put letters and verdicts into the home's lake."""
    home.ensure()
    Lake(home.path).ingest(
        events=[pa.RecordBatch.from_pylist(events(letters), schema=EVENTS)],
        verdicts=[pa.RecordBatch.from_pylist(list(judged), schema=VERDICT_ROWS)],
    )
    return home


def at(day: int) -> datetime:
    """Midnight after the day-th day."""
    return START + timedelta(days=day + 1)


def options(as_of: datetime | None, days: int = 6, **more: Any) -> RefreshOptions:
    settings = Settings()
    settings = replace(settings, refresh=replace(settings.refresh, window_days=days))
    return replace(RefreshOptions.of(settings, as_of), train=QUICK, **more)


def refresh(home: Home, as_of: datetime | None, days: int = 6, **more: Any) -> RefreshSummary:
    return run_refresh(home, options(as_of, days, **more), StageRecorder())


def exports(home: Home, folder: Path) -> dict[str, bytes]:
    """The three exports, as CSV and as Parquet, through the command line."""
    folder.mkdir(exist_ok=True)
    for what in ("scores", "campaigns", "members"):
        for ending in ("csv", "parquet"):
            out = folder / f"{what}.{ending}"
            out.unlink(missing_ok=True)
            assert main(["--home", str(home.path), "export", what, "--out", str(out), "--json"]) == 0
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
