"""The demo: the whole job on the sample mail, then two questions asked over HTTP. Knows no stage's work and no route.

The sample spans a year and a half, so the demo looks at it as an installation would have: a refresh at each of a few
moments, one after another, so that campaigns are born, grow and go dormant, and keep their ids.
"""

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from api.progress import StageRecorder
from api.settings import Settings
from graph.errors import RingleaderError, SnapshotError
from graph.home import Home

PACKAGED = Path(__file__).parent / "sample"
CHECKOUT = Path(__file__).parent.parent / "data"
KINDS = ("events", "reports", "verdicts")
CUT = datetime(2002, 9, 1, tzinfo=UTC)  # no label of the sample is later (data/README.md)
MOMENTS = (CUT, datetime(2002, 9, 22, tzinfo=UTC), datetime(2002, 10, 14, tzinfo=UTC))  # after that it thins out
WINDOW_DAYS = 106  # the sample is thin: half a summer of it holds what a busy service sees in seconds
KEY_NAME = "demo"
HOST = "127.0.0.1"
READY_SECONDS = 120.0  # a server is ready within two; a shared, busy machine may take its time
POLL_SECONDS = 0.1
ANSWER_SECONDS = 10.0
STOP_SECONDS = 10.0


class DemoError(RingleaderError):
    """The demo's server did not come up or did not answer."""


@dataclass(frozen=True)
class Answer:
    """One question to the server and what came back over HTTP."""

    path: str
    body: Mapping[str, Any]


def sample_folder() -> Path:
    """Where the sample lies: in the package of a wheel, in data/ of a checkout."""
    return PACKAGED if PACKAGED.exists() else CHECKOUT


def sample_paths() -> dict[str, list[Path]]:
    return {kind: [sample_folder() / f"{kind}.parquet"] for kind in KINDS}


def demo_settings(settings: Settings) -> Settings:
    """The settings as given, with a window that fits the sample."""
    return replace(settings, refresh=replace(settings.refresh, window_days=WINDOW_DAYS))


def run_demo(home: Home, settings: Settings, stages: StageRecorder) -> None:
    """Ingests the sample and refreshes at each moment that this home has not seen yet."""
    from api.ingest import run_ingest

    run_ingest(home, settings, sample_paths(), stages)

    from api.refresh import run_refresh  # brings torch, whose memory is not the ingest's
    from api.stages import RefreshOptions

    for moment in moments_left(home):
        stages.say(f"refresh as of {moment:%Y-%m-%d}")
        run_refresh(home, RefreshOptions.of(settings, moment), stages)


def moments_left(home: Home) -> tuple[datetime, ...]:
    """The moments later than what is published; where all were seen the last again, so that a demo always refreshes."""
    from graph.snapshot import open_current

    try:
        published = open_current(home).manifest.as_of
    except SnapshotError:  # missing, or damaged: the refreshes to come publish another
        return MOMENTS
    return tuple(moment for moment in MOMENTS if moment > published) or MOMENTS[-1:]


def make_key(home: Home) -> str:
    """A key for the demo's questions and for its page; the one of an earlier demo stops working."""
    from api.auth import SCOPES, KeyStore

    keys = KeyStore(home)
    if any(key.name == KEY_NAME for key in keys.list()):
        keys.revoke(KEY_NAME)
    return keys.create(KEY_NAME, SCOPES).key


class DemoServer:
    """`ringleader serve` in a process of its own on a free loopback port. Use it in a with-statement, or stop it."""

    def __init__(self, home: Home, key: str) -> None:
        self.url = f"http://{HOST}:{_free_port()}"
        self.key = key
        self._log = home.state / "demo-server.log"
        command = [sys.executable, "-P", "-m", "api.cli", "--home", str(home.path), "serve", "--host", HOST]
        command += ["--port", self.url.rpartition(":")[2]]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def wait_until_ready(self) -> None:
        """Raises DemoError with the server's last words where it ends or stays silent."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.ask("/readyz")
            except (DemoError, OSError):
                time.sleep(POLL_SECONDS)
            else:
                return
        self.stop()
        words = self._log.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise DemoError(self.url, f"the server did not come up: {words[0]}", f"See all it said in {self._log}")

    def ask(self, path: str) -> Answer:
        """GET `path` with the demo's key. Raises DemoError for an answer that is an error."""
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.key}"})
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as response:
                return Answer(path, json.load(response))
        except urllib.error.HTTPError as error:
            words = error.read().decode(errors="replace")
            raise DemoError(f"{self.url}{path}", f"answered {error.code}: {words}", f"See {self._log}") from error

    def wait(self) -> None:
        """Goes on serving until Ctrl-C, which is how a demo ends, or until the server ends by itself."""
        try:
            with suppress(KeyboardInterrupt):
                self._process.wait()
        finally:
            self.stop()

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def questions(server: DemoServer) -> tuple[Answer, Answer]:
    """A sender of the largest risky campaign that was seen after the cut, and that campaign.

    The sender is one that first wrote after the cut, where there is one: no label could know it.
    Raises DemoError where there is no campaign.
    """
    query = urllib.parse.urlencode({"since": CUT.isoformat(), "min_risk": 0.5, "sort": "-senders", "limit": 1})
    listed = server.ask(f"/v1/campaigns?{query}").body["items"]
    if not listed:
        raise DemoError("the sample", "no campaign was found in it", "Run `ringleader doctor`, then the demo again")
    campaign = server.ask(f"/v1/campaigns/{urllib.parse.quote(listed[0]['campaign_id'], safe='')}")
    members = server.ask(f"{campaign.path}/members?role=sender&limit=200").body["items"]
    nodes = (server.ask(f"/v1/nodes/sender/{urllib.parse.quote(member['key'], safe='')}") for member in members)
    first = next(nodes)
    return next((node for node in nodes if _is_new(node)), first), campaign


def _is_new(node: Answer) -> bool:
    return datetime.fromisoformat(node.body["first_seen"]) >= CUT


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
