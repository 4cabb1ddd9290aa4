"""HEAD answers what GET would, without a body, wherever GET is answered (cases/20-head)."""

from collections.abc import Callable

import factories
import pytest
from conftest import Client

from api.app import build_app
from api.audit import Audit
from graph.home import Home
from graph.snapshot import Snapshot, publish

HEALTH = ("/livez", "/readyz", "/metrics")
HOT = ("/v1/nodes/domain/cal.example", "/v1/nodes/sender/nobody%40example.com", "/v1/nodes/fax/x")
PAGES = ("/", "/campaigns/c-links", "/queue", "/together", "/docs", "/openapi.json", "/sign-in", "/assets/page.css")
OTHER = ("/v1/lookup", "/nowhere", "/v1/campaigns?limit=0", "/v1/campaigns/c-old", "/v1/campaigns/c-none")
VALUES = {"{campaign_id}": "c-links", "{operation_id}": "op-1", "{kind}": "sender", "{key}": factories.BAD[0]}
CHANGING = {"x-request-id"}


def api_paths(client: Client) -> list[str]:
    """Every GET route that OpenAPI tells, with values that exist."""
    paths = []
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        for name, value in VALUES.items():
            path = path.replace(name, value)
        if "get" in operations:
            paths.append(path + ("?format=csv" if path.endswith("/export") else ""))
    return paths


def assert_same(client: Client, path: str) -> None:
    get, head = client.get(path), client.request("HEAD", path)
    assert head.status_code == get.status_code, path
    assert head.content == b"", path
    headers = [{k: v for k, v in answer.headers.items() if k not in CHANGING} for answer in (get, head)]
    if path != "/metrics":  # it counts the question before it
        assert headers[0] == headers[1], path
    assert get.headers.get("content-length") in (None, str(len(get.content))) or path == "/metrics"


def test_every_get_route_of_the_api_answers_head(client: Client) -> None:
    paths = api_paths(client)
    assert len(paths) > 20
    for path in paths:
        assert_same(client, path)


@pytest.mark.parametrize("path", [*HEALTH, *HOT, *PAGES, *OTHER])
def test_health_look_ups_pages_and_refusals_answer_head(home: Home, snapshot: Snapshot, path: str) -> None:
    assert_same(Client(build_app(home, auth="off")), path)


@pytest.mark.parametrize("path", HEALTH)
def test_head_of_health_has_the_status_of_get_without_a_snapshot_too(home: Home, path: str) -> None:
    assert_same(Client(build_app(home)), path)


def test_head_needs_the_key_that_get_needs(home: Home, snapshot: Snapshot) -> None:
    stranger = Client(build_app(home))
    for path in api_paths(stranger):
        if path.startswith("/v1/"):
            assert stranger.request("HEAD", path).status_code == 401


def test_head_is_audited_under_its_own_name(client_with: Callable[..., Client], home: Home) -> None:
    client_with("investigate").request("HEAD", "/v1/campaigns")
    assert [(entry.method, entry.target) for entry in Audit(home).latest(1)] == [("HEAD", "/v1/campaigns")]


@pytest.mark.parametrize("path", ["/livez", "/v1/campaigns", "/v1/nodes/sender/x"])
def test_a_wrong_method_is_told_that_head_is_allowed(home: Home, path: str) -> None:
    publish(home, factories.publication(), keep=1)
    answer = Client(build_app(home, auth="off")).request("PUT", path)
    assert answer.status_code == 405
    assert {"GET", "HEAD"} <= set(answer.headers["allow"].split(", "))
