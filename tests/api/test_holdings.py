"""A server that runs answers 503 HOME-MOVED where its home went away, makes nothing anew, and works once it is back."""

import shutil
from collections.abc import Callable

import pytest
from conftest import Client

from api.app import build_app
from api.auth import SCOPES, KeyStore
from api.holdings import Holdings
from graph.home import Home
from graph.snapshot import Snapshot

VERDICT = {"kind": "sender", "key": "x@example.com", "verdict": "benign"}
ASKED = [
    ("GET", "/readyz"),
    ("GET", "/v1/campaigns"),
    ("GET", "/v1/verdicts"),
    ("POST", "/v1/verdicts"),
    ("POST", "/v1/refreshes"),
]


def ask(client: Client, method: str, path: str) -> tuple[int, str]:
    answer = client.request(method, path, json=VERDICT if path == "/v1/verdicts" and method == "POST" else None)
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


@pytest.fixture(params=["keys", "off"])
def running(request: pytest.FixtureRequest, home: Home, snapshot: Snapshot) -> Client:
    """A server that has answered already, so that it holds what it keeps open."""
    app = build_app(home, auth=request.param, refresh_command=["false"])
    client = Client(app, KeyStore(home).create("ann", SCOPES).key)
    assert client.get("/v1/campaigns").status_code == 200
    return client


@pytest.mark.parametrize(("method", "path"), ASKED)
def test_a_home_that_was_moved_away(running: Client, home: Home, method: str, path: str) -> None:
    away = home.path.rename(home.path.with_name("away"))
    assert ask(running, method, path) == (503, "HOME-MOVED")
    assert not home.path.exists()
    away.rename(home.path)
    assert running.get("/v1/campaigns").status_code == 200


@pytest.mark.parametrize(("method", "path"), ASKED)
def test_another_home_in_its_place(running: Client, home: Home, method: str, path: str) -> None:
    shutil.rmtree(home.path)
    other = Holdings.of(Home(home.path).ensure(), "keys")
    other.hold()
    assert ask(running, method, path) == (503, "HOME-MOVED")
    assert other.ledger.list(1) == []
    assert other.audit.latest(1) == []
    assert other.jobs.latest(1) == []


@pytest.mark.parametrize("name", ["keys.sqlite", "audit.sqlite", "verdicts.sqlite", "refreshes.sqlite"])
def test_one_file_that_was_replaced(client_with: Callable[..., Client], home: Home, name: str) -> None:
    """A restored copy of the keys, say: whoever was revoked in one of the two must not be good by the other."""
    client = client_with(*SCOPES)
    for path in ("/v1/campaigns", "/v1/refreshes"):
        assert client.get(path).status_code == 200
    shutil.copy(home.state / name, home.state / "copy")
    (home.state / "copy").replace(home.state / name)
    method, path = ("GET", "/v1/refreshes") if name == "refreshes.sqlite" else ("POST", "/v1/verdicts")
    assert ask(client, method, path) == (503, "HOME-MOVED")


def test_a_look_up_goes_on_without_its_home_where_no_key_is_asked_for(home: Home, snapshot: Snapshot) -> None:
    client = Client(build_app(home, auth="off"))
    home.path.rename(home.path.with_name("away"))
    assert client.get("/v1/nodes/domain/cal.example").json()["snapshot"] == snapshot.id


def test_a_worker_that_starts_after_the_move_makes_nothing(home: Home, snapshot: Snapshot) -> None:
    identities = Holdings.of(home, "off").hold()
    home.path.rename(home.path.with_name("away"))
    client = Client(build_app(home, auth="off", identities=identities))
    assert client.post("/v1/verdicts", json=VERDICT).json()["code"] == "HOME-MOVED"
    assert client.get("/readyz").json()["code"] == "HOME-MOVED"
    assert not home.path.exists()
