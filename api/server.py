"""Starting the servers: who may listen where, the first key, the workers under their supervisor. Knows no route.

The first process holds the socket, the home's SQLite files and the folder in which the workers' counts meet; it answers
nothing itself. Even a single worker runs under it (`api.supervisor` says why).
"""

import ipaddress
import json
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import uvicorn

from api.app import build_app
from api.auth import SCOPES, KeyStore
from api.edge import App
from api.holdings import Holdings
from api.jobs import refresh_command
from api.metrics import MULTIPROCESS_DIR, forget_worker
from api.settings import Settings
from api.supervisor import SILENT_SECONDS, STARTUP_FAILURE, Supervisor, end_with_parent
from graph.errors import RingleaderError
from graph.home import Home
from graph.store import GraphStore, open_store

FIRST_KEY = "first"
_OPTIONS = "RINGLEADER_SERVER"  # how a worker process learns what the first process was told
_PASSWORD = "RINGLEADER_NEO4J_PASSWORD"
_KEEP_ALIVE_SECONDS = 30
_DRAIN_SECONDS = 10  # for requests under way when the server is asked to end


class ServerError(RingleaderError):
    """The server cannot start as it was told to."""


def say(line: str) -> None:
    """Print a line now, also where standard output is a file."""
    print(line, flush=True)


def serve(home: Home, settings: Settings, tell: Callable[[str], None] = say, config: Path | None = None) -> None:
    """Answer until interrupted. `tell` is handed lines for the person who started it: the address, a first key.

    `config` is the file that `settings` were read from; refreshes asked for over HTTP read it too. Raises ServerError
    where the address cannot be had, where `auth` is off and others could reach it, or where no worker can start.
    """
    wanted = settings.serve
    check_exposure(wanted.host, wanted.auth)
    home.ensure()
    with ExitStack() as stack:
        bound = stack.enter_context(_bind(wanted.host, wanted.port))
        os.environ[MULTIPROCESS_DIR] = stack.enter_context(tempfile.TemporaryDirectory(prefix="ringleader-metrics-"))
        if wanted.auth == "keys":
            make_first_key(home, tell)
        tell(f"Ringleader answers at {_url(bound)}/ (Ctrl-C ends it)")
        _run(home, settings, bound, config)


def check_exposure(host: str, auth: str) -> None:
    """Raises ServerError where `auth` is off and `host` is not this machine's own loopback."""
    if auth != "off":
        return
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, None)}
    except OSError as error:
        raise ServerError(f"host {host}", f"cannot be resolved: {error}", "Use 127.0.0.1") from error
    if not all(ipaddress.ip_address(str(address).partition("%")[0]).is_loopback for address in found):
        raise ServerError(
            f"--auth off on {host}", "others could reach it and ask or decide anything", "Use --host 127.0.0.1, or keys"
        )


def make_first_key(home: Home, tell: Callable[[str], None]) -> None:
    """Where this home has no key yet: make one with all scopes and tell it, this once."""
    keys = KeyStore(home)
    if not keys.list():
        made = keys.create(FIRST_KEY, SCOPES)
        tell(f"No API keys yet: made one named {made.name!r} with all scopes, shown this once:\n{made.key}")


def worker_app() -> App:
    """The application of one worker process, from what the first process left in the environment."""
    end_with_parent(lambda: shutil.rmtree(os.environ[MULTIPROCESS_DIR], ignore_errors=True))
    options = json.loads(os.environ[_OPTIONS])
    home = Home(Path(options["home"]))
    try:
        return build_app(
            home,
            auth=options["auth"],
            stale_after=timedelta(hours=options["stale_after_hours"]),
            open_graph=lambda: _open_graph(options["store"], home),
            refresh_command=options["refresh_command"],
            identities=options["identities"],
        )
    except RingleaderError as error:
        print(f"ringleader: {error}", file=sys.stderr, flush=True)
        raise SystemExit(STARTUP_FAILURE) from error


def _open_graph(url: str, home: Home) -> GraphStore:
    return open_store(url, home, os.environ.get(_PASSWORD))


def _run(home: Home, settings: Settings, bound: socket.socket, config: Path | None) -> None:
    wanted = settings.serve
    command = refresh_command(home, config)
    holdings = Holdings.of(home, wanted.auth, command)
    options = {
        "home": str(home.path.resolve()),
        "auth": wanted.auth,
        "store": settings.refresh.store,
        "stale_after_hours": wanted.stale_after_hours,
        "refresh_command": command,
        "identities": holdings.hold(),
    }
    os.environ[_OPTIONS] = json.dumps(options)
    server = uvicorn.Config(
        "api.server:worker_app",
        factory=True,
        workers=wanted.workers,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
        timeout_worker_healthcheck=SILENT_SECONDS,
    )
    supervisor = Supervisor(server, [bound], forget_worker)
    supervisor.run()
    holdings.close()
    if supervisor.failed:
        raise ServerError("the server", "its worker ended before it could answer", "See what it printed above")


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            bound.listen(2048)
        except OSError:
            bound.close()
            raise
    except OSError as error:
        reason = error.strerror or str(error)
        raise ServerError(
            f"{host}:{port}", f"cannot be listened on: {reason}", "Choose another --port or --host"
        ) from error
    bound.set_inheritable(True)
    return bound


def _url(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
