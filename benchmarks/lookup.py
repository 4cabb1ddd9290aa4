"""Claim: a look-up costs tens of µs of CPU in the server. Prints µs a request and requests/s beside a named peer.

The peer is FastAPI with a pydantic response model over a dict in memory, without keys, counts, request ids or a
snapshot; ours has all of them. Both run in a process of their own, one worker, on loopback, under one bounded load.

    python benchmarks/lookup.py --nodes 200000 --seconds 5
"""

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pyarrow as pa

from api.auth import KeyStore
from graph.home import Home
from graph.schema import (
    ARTEFACTS,
    CAMPAIGN_EDGES,
    CAMPAIGNS,
    DECIDED_SCORES,
    EVIDENCE,
    IMPACT,
    LINEAGE,
    MEMBERS,
    REASONS,
    SENDERS,
    TIMELINE,
)
from graph.snapshot import publish
from graph.values import Campaigns, Publication, Refresh

ROOT = Path(__file__).resolve().parents[1]
CONNECTIONS = 8
UP_SECONDS = 60
AS_OF = datetime(2024, 5, 20, tzinfo=UTC)
OURS, MANY, PEER = "GET /v1/nodes, ours", "POST /v1/lookup of 100, ours", "FastAPI + pydantic over a dict"
BATCH = 100
SERVE_OURS = """
import sys
from pathlib import Path
import uvicorn
from api.app import build_app
from graph.home import Home
app = build_app(Home(Path(sys.argv[1])))
uvicorn.run(app, port=int(sys.argv[2]), log_level="warning", access_log=False)
"""
SERVE_PEER = """
import sys
from datetime import datetime
import uvicorn
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel
class Reason(BaseModel):
    relation: str
    artefact: str
    contribution: float
    sentence: str
class Node(BaseModel):
    kind: str
    key: str
    found: bool
    risk: float
    campaign_id: str | None
    first_seen: datetime
    last_seen: datetime
    events: int
    reasons: list[Reason]
    snapshot: str
    model: str
    as_of: datetime
at = datetime(2024, 5, 20)
why = [{"relation": "linked_to", "artefact": "a.example", "contribution": 1.5, "sentence": "It links to it."}] * 3
nodes = {
    f"sender{n}@example.com": {
        "kind": "sender", "key": f"sender{n}@example.com", "found": True, "risk": 0.5, "campaign_id": None,
        "first_seen": at, "last_seen": at, "events": 3, "reasons": why, "snapshot": "s", "model": "m", "as_of": at,
    }
    for n in range(int(sys.argv[1]))
}
app = FastAPI()
@app.get("/v1/nodes/{kind}/{key:path}")
async def node(kind: str, key: str) -> Node:
    if key not in nodes:
        raise HTTPException(404)
    return nodes[key]
uvicorn.run(app, port=int(sys.argv[2]), log_level="warning", access_log=False)
"""


def publication(nodes: int) -> Publication:
    """A window of senders with three reasons each and no campaigns."""
    keys = sorted(f"sender{number}@example.com" for number in range(nodes))
    tables = (CAMPAIGNS, MEMBERS, EVIDENCE, LINEAGE, TIMELINE, CAMPAIGN_EDGES, IMPACT)
    return Publication(
        refresh=Refresh("r", AS_OF - timedelta(days=30), AS_OF, "m", "0"),
        scores=_filled(
            DECIDED_SCORES, nodes, kind="sender", key=keys, risk=0.5, decision="abstain", model="m", as_of=AS_OF
        ),
        reasons=_filled(
            REASONS,
            3 * nodes,
            kind="sender",
            key=[key for key in keys for _ in range(3)],
            rank=[1, 2, 3] * nodes,
            relation="linked_to",
            artefact="a.example",
            contribution=1.5,
            sentence="It links to it.",
        ),
        senders=_filled(SENDERS, nodes, key=keys, events=3, first_seen=AS_OF, last_seen=AS_OF),
        domains=ARTEFACTS.empty_table(),
        campaigns=Campaigns(*(schema.empty_table() for schema in tables)),
        model_card={},
        decision={},
        stages=(),
    )


def _filled(schema: pa.Schema, rows: int, **values: object) -> pa.Table:
    """A table whose columns are lists, one value repeated, or null."""
    columns = []
    for field in schema:
        value = values.get(field.name)
        columns.append(pa.array(value if isinstance(value, list) else [value] * rows, field.type))
    return pa.table(columns, schema=schema)


async def load(port: int, requests: list[bytes], seconds: float) -> int:
    """Keep CONNECTIONS connections busy for so long; returns the requests answered."""
    until = time.perf_counter() + seconds
    counts = await asyncio.gather(
        *(_connection(port, requests[start::CONNECTIONS], until) for start in range(CONNECTIONS))
    )
    return sum(counts)


async def _connection(port: int, requests: list[bytes], until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    while time.perf_counter() < until:
        writer.write(requests[count % len(requests)])
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode())
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        await reader.readexactly(int(length.partition(b":")[2]))
        count += 1
    writer.close()
    return count


def measure(code: str, argument: str, requests: list[bytes], seconds: float) -> dict[str, float]:
    """Serve with `code` in a process of its own, load it, and read that process' CPU time."""
    port = _free_port()
    process = subprocess.Popen([sys.executable, "-c", code, argument, str(port)], cwd=ROOT)
    try:
        _wait(port)
        asyncio.run(load(port, requests, seconds / 5))  # warm
        usage = psutil.Process(process.pid)
        before, wall = usage.cpu_times(), time.perf_counter()
        answered = asyncio.run(load(port, requests, seconds))
        after, wall = usage.cpu_times(), time.perf_counter() - wall
    finally:
        process.terminate()
        process.wait()
    cpu = after.user + after.system - before.user - before.system
    return {"cpu_us": round(1e6 * cpu / answered, 1), "requests_per_s": round(answered / wall)}


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _wait(port: int) -> None:
    deadline = time.monotonic() + UP_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the server did not come up")


def _get(key: str, headers: str) -> bytes:
    return f"GET /v1/nodes/sender/{key} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode()


def _post(keys: list[str], headers: str) -> bytes:
    body = json.dumps({"nodes": [{"kind": "sender", "key": key} for key in keys]})
    head = f"POST /v1/lookup HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=200_000)
    parser.add_argument("--seconds", type=float, default=5.0)
    flags = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder)).ensure()
        start = time.perf_counter()
        snapshot = publish(home, publication(flags.nodes), keep=1)
        size = sum(path.stat().st_size for path in snapshot.folder.iterdir()) >> 20
        print(json.dumps({"nodes": flags.nodes, "publish_s": round(time.perf_counter() - start, 2), "mib": size}))
        headers = f"Authorization: Bearer {KeyStore(home).create('bench', ['lookup']).key}\r\n"
        keys = [f"sender{number * 7919 % flags.nodes}@example.com" for number in range(4_000)]
        gets = [_get(key, headers) for key in keys]
        posts = [_post(keys[at : at + BATCH], headers) for at in range(0, len(keys), BATCH)]
        print(json.dumps({"what": OURS, **measure(SERVE_OURS, folder, gets, flags.seconds)}))
        print(json.dumps({"what": PEER, **measure(SERVE_PEER, str(flags.nodes), gets, flags.seconds)}))
        print(json.dumps({"what": MANY, **measure(SERVE_OURS, folder, posts, flags.seconds)}))


if __name__ == "__main__":
    main()
