"""Forged requests to a real server: cursors, paths, bodies. Every answer is JSON, and none is a fault of the server."""

import base64
import json
import random
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import httpx

from chaos import tiny
from chaos.trial import Part, Trial, started

REQUESTS: Final = 200  # of one round
JSON: Final = ("application/json", "application/problem+json")
ODD: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    2**63,
    2**70,
    1e400,
    "",
    "\0",
    "x" * 3000,
    [],
    {},
    [[[]]],
    "0001-01-01T00:00:00+14:00",
    "é",
)
PAGED: Final = ("/v1/campaigns", "/v1/verdicts", "/v1/refreshes", "/v1/models", "/v1/alarms", "/v1/operations")
POSTED: Final = ("/v1/lookup", "/v1/score", "/v1/verdicts")


def trials(seed: int, scratch: Path) -> Iterator[Trial]:
    """One server, many requests."""
    rng = random.Random(seed)
    with _server(tiny.home(scratch)) as url, httpx.Client(base_url=url, timeout=30.0) as client:
        faults = [fault for _ in range(REQUESTS) if (fault := _fault(client, *_request(rng)))]
        alive = client.get("/readyz").status_code
    reason = faults[0] if faults else ("" if alive in (200, 503) else f"/readyz answers {alive}")
    yield Trial(f"{REQUESTS} forged requests", f"{len(faults)} faults, as {reason}" if faults else reason)


def _request(rng: random.Random) -> tuple[str, str, dict[str, Any]]:
    kind = rng.randrange(4)
    if kind == 0:
        return "GET", rng.choice(PAGED), {"params": {"cursor": _cursor(rng), "limit": rng.choice((1, 200, -1, "x"))}}
    if kind == 1:
        node = quote(str(rng.choice(ODD)) + rng.choice(("", "/", "%")), safe="")
        return "GET", f"/v1/nodes/{rng.choice(('sender', 'domain', 'x'))}/{node or 'x'}", {}
    if kind == 2:
        body = rng.choice((b"", b"{", b"[" * 100_000, b"\xff", json.dumps(rng.choice(ODD)).encode()))
        return "POST", rng.choice(POSTED), {"content": body, "headers": {"content-type": "application/json"}}
    return "POST", rng.choice(POSTED), {"json": _body(rng)}


def _body(rng: random.Random) -> Any:
    odd = [value for value in ODD if value != 1e400]
    node = {"kind": rng.choice(["sender", *odd]), "key": rng.choice(odd)}
    event = {"event_id": "1", "ts": rng.choice(odd), "channel": "mail", "sender": rng.choice(odd), "recipients": ["a"]}
    verdict = {**node, "verdict": rng.choice(["malicious", *odd]), "ts": rng.choice(odd)}
    return rng.choice(({"nodes": [node]}, {"events": [event]}, verdict, {"nodes": rng.choice(odd)}))


def _cursor(rng: random.Random) -> str:
    """A cursor that nobody gave out: any text, or one of the right form with odd positions."""
    if rng.random() < 0.5:
        return rng.choice(("", "x", "=", "AAAA", "%00", "é" * 50, "A" * 5000))
    content = json.dumps({"at": [rng.choice(ODD) for _ in range(rng.randint(0, 3))], "q": rng.choice(ODD)})
    return base64.urlsafe_b64encode(content.encode()).decode()


def _fault(client: httpx.Client, method: str, path: str, options: dict[str, Any]) -> str:
    try:
        answer = client.request(method, path, **options)
    except httpx.HTTPError as error:
        return f"{method} {path}: {type(error).__name__}"
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if answer.status_code >= 500 or (answer.status_code >= 300 and kind not in JSON) or kind not in JSON:
        return f"{method} {path}: {answer.status_code} {kind}"
    return ""


@contextmanager
def _server(home: Path) -> Iterator[str]:
    """A server of the home on a free loopback port; its address."""
    process = started(home, "serve", "--port", "0", "--workers", "1", "--auth", "off", stderr=subprocess.STDOUT)
    assert process.stdout is not None
    try:
        lines = []
        for line in process.stdout:
            lines.append(line)
            if found := re.search(r"http://\S+", line):
                yield found[0].rstrip("/")
                return
        raise RuntimeError(f"the server did not start: {''.join(lines)[-500:]}")
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


PART: Final = Part("cursors", "forged cursors, keys and bodies to a real server", trials)
