"""Forged cursors, bodies and parameters: whatever comes, the answer is JSON or a problem document below 500."""

import base64
import json
from typing import Any
from urllib.parse import quote

import factories
import httpx
import pytest
from conftest import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_auth import GUARDED
from test_http_neighbours import FakeStore

from api import cursors
from api.app import build_app
from api.auth import SCOPES, KeyStore
from graph.home import Home
from graph.snapshot import Snapshot
from graph.verdicts import Decision, VerdictLedger

SORTS = [f"{dash}{name}" for name in ("risk", "senders", "events", "first_seen", "last_seen") for dash in ("", "-")]
PAGED = (
    *(f"/v1/campaigns?sort={sort}" for sort in SORTS),
    "/v1/campaigns/c-links/members?",
    "/v1/alarms?",
    "/v1/operations?",
    "/v1/queue?",
    "/v1/verdicts?",
    "/v1/refreshes?",
    "/v1/models?",
    f"/v1/nodes/sender/{factories.BAD[0]}/neighbours?",
)
FILTERS = ("state", "min_risk", "channel", "domain", "since", "until", "text", "sort", "limit", "cursor")
BOUND = b"x" * 12
DEEP = b"[" * 200_000
patient = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

edges = st.sampled_from([None, True, -1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 2**70, 1e308, 0.5, "", "\0", "c-links"])
times = st.sampled_from(
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31", "2024-05-20T12:00:00", "1e999", "now"]
)
scalars = edges | times | st.integers() | st.floats() | st.text(max_size=20)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)


@pytest.fixture
def forger(home: Home, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Somebody who may do everything and can bind a cursor to any query."""
    monkeypatch.setattr(cursors, "_bound", lambda query: BOUND)
    VerdictLedger(home).add(Decision("sender", factories.GOOD[0], "benign", "ann"))
    app = build_app(home, open_graph=FakeStore)  # type: ignore[arg-type]
    return Client(app, KeyStore(home).create("forger", SCOPES).key)


def assert_civil(answer: httpx.Response) -> None:
    assert answer.status_code < 500, answer.text
    media_type = "application/json" if answer.status_code < 300 else "application/problem+json"
    assert answer.headers["content-type"] == media_type
    json.loads(answer.content)


def forged(position: bytes) -> str:
    return base64.urlsafe_b64encode(BOUND + position).decode().rstrip("=")


@patient
@given(path=st.sampled_from(PAGED), position=st.lists(scalars | anything, max_size=4))
def test_a_forged_cursor_is_answered_or_refused(forger: Client, path: str, position: list[Any]) -> None:
    assert_civil(forger.get(f"{path}&cursor={forged(json.dumps(position).encode())}"))


@pytest.mark.parametrize("path", PAGED)
@pytest.mark.parametrize(
    "value", ["null", str(2**63), str(2**70), "-1e308", '"0001-01-01T00:00:00+14:00"', '"x"', "[]"]
)
def test_a_cursor_of_one_odd_value_is_answered_or_refused_on_every_paged_route(
    forger: Client, path: str, value: str
) -> None:
    for count in (1, 2, 3):
        position = f"[{','.join([value] * count)}]"
        assert_civil(forger.get(f"{path}&cursor={forged(position.encode())}"))


@pytest.mark.parametrize("position", [DEEP, b'["\\udc00","\\udc00"]', b"\xff", b'["c-links"', b"", b"{}", b"[NaN,1]"])
@pytest.mark.parametrize("path", ["/v1/campaigns?", "/v1/verdicts?", "/v1/queue?"])
def test_a_cursor_that_is_no_list_is_refused(forger: Client, path: str, position: bytes) -> None:
    answer = forger.get(f"{path}&cursor={forged(position[:3_000])}")
    assert (answer.status_code, answer.json()["code"]) == (400, "CURSOR-INVALID")


@patient
@given(
    path=st.sampled_from(["/v1/campaigns", "/v1/together", "/v1/verdicts", "/v1/campaigns/c-links/members"]),
    name=st.sampled_from((*FILTERS, "kind", "key", "a", "b", "role", "format")),
    value=times | st.text(max_size=30) | st.integers().map(str) | st.floats().map(str),
)
@example(path="/v1/campaigns", name="since", value="0001-01-01T00:00:00+14:00")
@example(path="/v1/campaigns", name="until", value="9999-12-31T23:59:59-14:00")
def test_any_parameter_is_answered_or_refused(forger: Client, path: str, name: str, value: str) -> None:
    text = quote(value.encode("utf-8", "surrogatepass"), safe="")
    assert_civil(forger.get(f"{path}?{name}={text}"))


POSTED = ("/v1/lookup", "/v1/score", "/v1/verdicts")
GOOD_BODY = {
    "/v1/lookup": {"nodes": [{"kind": "sender", "key": factories.BAD[0]}]},
    "/v1/score": {
        "events": [
            {
                "event_id": "e",
                "ts": "2024-05-20T00:00:00Z",
                "channel": "mail",
                "sender": "new@fresh.example",
                "recipients": ["a@example.com"],
                "domains": ["offers.example"],
                "ip": "192.0.2.9",
                "fingerprint": "f-1",
            }
        ]
    },
    "/v1/verdicts": {"kind": "sender", "key": "x@example.com", "verdict": "benign", "ts": "2024-05-20T00:00:00Z"},
}


def mutations(path: str) -> st.SearchStrategy[Any]:
    """The good body with one value replaced, somewhere."""
    good: Any = GOOD_BODY[path]
    rows = next(iter(good.values())) if path != "/v1/verdicts" else [good]
    names = st.sampled_from(list(rows[0]))
    changed = st.builds(lambda name, value: {**rows[0], name: value}, names, anything)
    return changed if path == "/v1/verdicts" else changed.map(lambda row: {next(iter(good)): [row]})


@settings(patient, max_examples=150)
@given(data=st.data(), path=st.sampled_from(POSTED))
def test_any_body_is_answered_or_refused(forger: Client, path: str, data: st.DataObject) -> None:
    body = data.draw(mutations(path) | anything)
    assert_civil(forger.post(path, content=json.dumps(body).encode(), headers={"Content-Type": "application/json"}))


@pytest.mark.parametrize("path", POSTED)
@pytest.mark.parametrize(
    "body",
    [
        DEEP,
        b'{"nodes":' + DEEP,
        b'{"ignored":' + DEEP,
        b'{"nodes": [], "x": ' + DEEP,
        b"",
        b"\xff\xfe",
        b"null",
        b'{"\\ud800": 1}',
        b'{"nodes": [{"kind": "sender", "key": "\\udc00"}]}',
        b'{"kind": "sender", "key": "\\udc00", "verdict": "benign"}',
        b'{"events": [' + b",".join([b"{}"] * 200) + b"]}",
    ],
)
def test_a_body_that_no_parser_likes_is_refused(forger: Client, path: str, body: bytes) -> None:
    answer = forger.post(path, content=body, headers={"Content-Type": "application/json"})
    assert_civil(answer)
    assert answer.status_code >= 400
    assert len(answer.content) < 16_384


@pytest.mark.parametrize("length", ["-1", "x", "1e9", "²", "9" * 40])
@pytest.mark.parametrize("path", POSTED)
def test_a_content_length_that_cannot_be_is_refused(forger: Client, path: str, length: str) -> None:
    headers = {"Content-Length": length.encode("utf-8"), "Content-Type": "application/json"}
    answer = forger.post(path, content=b"{}", headers=headers)
    assert_civil(answer)
    assert answer.status_code in (400, 413)


@pytest.mark.parametrize(("method", "path"), [route for route in GUARDED if route[0] == "POST"])
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"{", {"Content-Type": "application/json"}),
        (DEEP, {"Content-Type": "application/json"}),
        (b"\xff", {"Content-Type": "application/json"}),
        (b"x", {"Content-Type": "multipart/form-data"}),
        (b"{}", {"Content-Length": "99999999"}),
        (b"{}", {"Content-Length": "x"}),
    ],
)
def test_the_key_comes_before_the_body(
    home: Home, snapshot: Snapshot, method: str, path: str, body: bytes, headers: dict[str, str]
) -> None:
    answer = Client(build_app(home)).request(method, path, content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "KEY-REQUIRED")


@pytest.mark.parametrize("path", [path for method, path in GUARDED if method == "GET"])
def test_the_key_comes_before_the_parameters(home: Home, snapshot: Snapshot, path: str) -> None:
    joined = "&" if "?" in path else "?"
    answer = Client(build_app(home)).get(f"{path}{joined}limit=x&cursor=x&since=x&kind=x")
    assert (answer.status_code, answer.json()["code"]) == (401, "KEY-REQUIRED")


def test_an_error_that_nobody_foresaw_is_a_problem_document(
    home: Home, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(build_app(home, auth="off"))
    monkeypatch.setattr("api.routes.campaigns.find_campaigns", lambda *_: 1 / 0)
    answer = client.get("/v1/campaigns", headers={"X-Request-Id": "trace-2"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"], answer.json()["request_id"]) == (500, "UNFORESEEN", "trace-2")
    page = client.get("/")
    assert (page.status_code, page.headers["content-type"]) == (500, "application/problem+json")


@patient
@given(value=st.text(max_size=40))
def test_any_key_of_a_node_is_answered_or_refused(forger: Client, value: str) -> None:
    key = quote(value.encode("utf-8", "surrogatepass"), safe="")
    for path in (f"/v1/nodes/sender/{key}", f"/v1/nodes/domain/{key}/neighbours", f"/v1/campaigns/{key}x"):
        assert_civil(forger.get(path))


ODD_PATHS = (
    "/assets/%00",
    "/assets/",
    "/assets/" + "a" * 5_000,
    "/assets/%2e%2e/%2e%2e/pyproject.toml",
    "/%00",
    "/campaigns/%ff%00",
    "/operations/%ff%00",
    "/together?a=%00&b=%ff",
    "/together?a=x&b=y&kind=campaign",
    "/?text=" + "x" * 400,
    "/sign-in?next=%00%ff",
    "//",
    "/v1/nodes/",
    "/v1/nodes/%ff/x",
    "/v1/campaigns/%00/members",
    *(f"/?sort=-{sort}&cursor={{}}" for sort in ("risk", "last_seen", "senders")),
)


@pytest.mark.parametrize("auth", ["off", "keys"])
@pytest.mark.parametrize("path", ODD_PATHS)
def test_an_odd_path_is_answered_or_refused(
    home: Home, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, path: str, auth: str
) -> None:
    monkeypatch.setattr(cursors, "_bound", lambda query: BOUND)
    client = Client(build_app(home, auth=auth))
    for position in (b"[null,null]", b"[1180591620717411303424,1]", b'["0001-01-01T00:00:00+14:00","x"]'):
        answer = client.get(path.format(forged(position)))
        assert answer.status_code < 500
        assert not answer.headers.get("content-type", "").startswith("text/plain")


@pytest.mark.parametrize(
    "body", [b"", b"\xff" * 10, b"key=" + b"a" * 5_000, b"key=%00%ff&next=//x", b"key=\xf0\x9f", b"&" * 4_000]
)
def test_any_form_for_signing_in_is_refused(home: Home, snapshot: Snapshot, body: bytes) -> None:
    assert Client(build_app(home)).post("/sign-in", content=body).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Cookie": b"ringleader_session=\xff"},
        {"Cookie": b"a; ringleader_session="},
        {"Authorization": b"Bearer \xff\x00"},
        {"Authorization": b"Bearer " + b"x" * 10_000},
    ],
)
def test_a_key_or_session_of_any_bytes_is_refused(home: Home, snapshot: Snapshot, headers: dict[str, bytes]) -> None:
    answer = Client(build_app(home)).request("GET", "/v1/campaigns", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "KEY-REQUIRED")
