"""Keys: made once, kept as hashes, good for their scopes, refused from the moment they are revoked."""

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Client

from api.app import build_app
from api.audit import Audit
from api.auth import SCOPES, KeyStore
from graph.errors import NotFoundError, RingleaderError
from graph.home import Home
from graph.snapshot import Snapshot

GUARDED = {
    ("GET", "/v1/nodes/sender/x"): "lookup",
    ("POST", "/v1/lookup"): "lookup",
    ("POST", "/v1/score"): "lookup",
    ("GET", "/v1/campaigns"): "investigate",
    ("GET", "/v1/campaigns/c-links"): "investigate",
    ("GET", "/v1/campaigns/c-links/members"): "investigate",
    ("GET", "/v1/campaigns/c-links/graph"): "investigate",
    ("GET", "/v1/campaigns/c-links/timeline"): "investigate",
    ("GET", "/v1/campaigns/c-links/evidence"): "investigate",
    ("GET", "/v1/campaigns/c-links/lineage"): "investigate",
    ("GET", "/v1/campaigns/c-links/impact"): "investigate",
    ("GET", "/v1/campaigns/c-links/discounts"): "investigate",
    ("GET", "/v1/campaigns/c-links/what-if"): "investigate",
    ("GET", "/v1/campaigns/c-links/export?format=csv"): "investigate",
    ("GET", "/v1/alarms"): "investigate",
    ("GET", "/v1/operations"): "investigate",
    ("GET", "/v1/operations/op-1"): "investigate",
    ("GET", "/v1/together?a=x&b=y"): "investigate",
    ("GET", "/v1/queue"): "investigate",
    ("GET", "/v1/nodes/sender/x/neighbours"): "investigate",
    ("POST", "/v1/verdicts"): "decide",
    ("GET", "/v1/verdicts"): "investigate",
    ("GET", "/v1/refreshes"): "operate",
    ("POST", "/v1/refreshes"): "operate",
    ("GET", "/v1/models"): "operate",
}


def test_every_route_of_the_api_is_guarded(client: Client) -> None:
    told = client.get("/openapi.json").json()["paths"]
    listed = {(method.upper(), path) for path, methods in told.items() for method in methods if path.startswith("/v1/")}
    named = {"c-links": "{campaign_id}", "op-1": "{operation_id}", "sender/x": "{kind}/{key}"}
    guarded = set()
    for method, path in GUARDED:
        route = path.split("?")[0]
        for example, parameter in named.items():
            route = route.replace(example, parameter)
        guarded.add((method, route))
    assert listed == guarded


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_without_a_key_and_with_a_wrong_one_it_is_401(home: Home, snapshot: Snapshot, method: str, path: str) -> None:
    app = build_app(home)
    for key in (None, "rl_nonsense"):
        answer = Client(app, key).request(method, path, json={})
        assert (answer.status_code, answer.json()["code"]) == (401, "KEY-REQUIRED")
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path"), GUARDED)
def test_with_every_scope_but_the_right_one_it_is_403(
    client_with: Callable[..., Client], method: str, path: str
) -> None:
    wanted = GUARDED[method, path]
    answer = client_with(*(scope for scope in SCOPES if scope != wanted)).request(method, path, json={})
    assert (answer.status_code, answer.json()["code"]) == (403, "SCOPE-MISSING")
    assert f'scope="{wanted}"' in answer.headers["www-authenticate"]


def test_health_needs_no_key(home: Home, snapshot: Snapshot) -> None:
    stranger = Client(build_app(home))
    assert [stranger.get(path).status_code for path in ("/livez", "/readyz", "/metrics")] == [200] * 3


def test_a_key_is_kept_as_a_hash_only(home: Home) -> None:
    key = KeyStore(home).create("ann", ["lookup"]).key
    kept = b"".join(path.read_bytes() for path in home.state.iterdir())
    assert key.encode() not in kept
    assert key.removeprefix("rl_").encode() not in kept


def test_a_key_that_was_revoked_is_refused_at_once_by_a_server_that_runs(home: Home, snapshot: Snapshot) -> None:
    made = KeyStore(home).create("ann", ["lookup"])
    client = Client(build_app(home), made.key)
    assert client.get("/v1/nodes/domain/cal.example").status_code == 200
    KeyStore(home).revoke("ann")
    assert client.get("/v1/nodes/domain/cal.example").status_code == 401


def test_a_key_made_while_a_server_runs_is_good_at_once(home: Home, snapshot: Snapshot) -> None:
    app = build_app(home)
    assert Client(app, "rl_x").get("/v1/nodes/domain/cal.example").status_code == 401
    assert Client(app, KeyStore(home).create("b", ["lookup"]).key).get("/v1/nodes/domain/cal.example").is_success


def test_keys_are_listed_without_their_secrets(home: Home) -> None:
    store = KeyStore(home)
    store.create("bob", ["operate", "lookup"])
    store.create("ann", ["decide"])
    assert [(key.name, key.scopes) for key in store.list()] == [("ann", ("decide",)), ("bob", ("lookup", "operate"))]


@pytest.mark.parametrize(
    ("name", "scopes"), [("", ["lookup"]), ("a b", ["lookup"]), ("x" * 65, ["lookup"]), ("ann", []), ("ann", ["root"])]
)
def test_a_bad_name_or_scope_is_an_error(home: Home, name: str, scopes: list[str]) -> None:
    with pytest.raises(RingleaderError):
        KeyStore(home).create(name, scopes)
    assert KeyStore(home).list() == []


def test_a_name_in_use_is_an_error_and_the_first_key_stays_good(home: Home) -> None:
    store = KeyStore(home)
    first = store.create("ann", ["lookup"])
    with pytest.raises(RingleaderError, match="ann"):
        store.create("ann", ["decide"])
    assert store.identify(first.key) is not None


def test_revoking_what_is_not_there_is_an_error(home: Home) -> None:
    with pytest.raises(NotFoundError):
        KeyStore(home).revoke("nobody")


def test_a_key_file_that_is_no_database_is_an_error_that_names_it(home: Home) -> None:
    Path(home.state / "keys.sqlite").write_bytes(b"rubbish, and plenty of it" * 100)
    with pytest.raises(RingleaderError, match=r"keys\.sqlite"):
        KeyStore(home).list()


def test_investigate_decide_and_operate_are_audited_and_look_ups_are_not(client: Client, home: Home) -> None:
    client.get("/v1/nodes/domain/cal.example")
    client.get("/v1/campaigns?text=x", headers={"X-Request-Id": "trace-1"})
    client.post("/v1/verdicts", json={"kind": "sender", "key": "x", "verdict": "benign"})
    client.get("/v1/refreshes")
    client.get("/v1/campaigns/c-none")
    told = [(entry.caller, entry.scope, entry.method, entry.target, entry.status) for entry in Audit(home).latest(10)]
    who = "-".join(SCOPES)
    assert told == [
        (who, "investigate", "GET", "/v1/campaigns/c-none", 404),
        (who, "operate", "GET", "/v1/refreshes", 200),
        (who, "decide", "POST", "/v1/verdicts", 201),
        (who, "investigate", "GET", "/v1/campaigns?text=x", 200),
    ]
    assert Audit(home).latest(10)[-1].request_id == "trace-1"


def test_a_refused_scope_is_audited_too(client_with: Callable[..., Client], home: Home) -> None:
    client_with("lookup").get("/v1/campaigns")
    assert [(entry.caller, entry.status) for entry in Audit(home).latest(5)] == [("lookup", 403)]


def test_what_cannot_be_audited_is_not_answered(client: Client, home: Home) -> None:
    (home.state / "audit.sqlite").write_bytes(b"rubbish, and plenty of it" * 500)
    answer = client.get("/v1/campaigns")
    assert "c-links" not in answer.text
    assert (answer.status_code, answer.json()["code"]) == (503, "AUDIT-UNAVAILABLE")


def test_without_authentication_only_loopback_names_are_answered(home: Home, snapshot: Snapshot) -> None:
    app = build_app(home, auth="off")
    assert Client(app).get("/v1/campaigns").status_code == 200
    assert Client(app, host="[::1]").get("/v1/campaigns").status_code == 200
    assert Client(app, host="rebound.example").get("/v1/campaigns").status_code == 421


def test_another_sites_page_cannot_decide_for_a_person(home: Home, snapshot: Snapshot) -> None:
    answer = Client(build_app(home, auth="off")).post(
        "/v1/verdicts",
        json={"kind": "sender", "key": "x", "verdict": "benign"},
        headers={"Origin": "https://evil.example"},
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "ORIGIN-REFUSED")


def test_a_request_id_that_is_no_sane_one_is_replaced(client: Client) -> None:
    answer = client.get("/livez", headers={"X-Request-Id": "a b<script>"})
    assert answer.headers["x-request-id"].isalnum()
