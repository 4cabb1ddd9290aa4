"""The page: signing in, the list, one campaign, the documentation; nothing foreign loaded, nothing bad clickable."""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from math import hypot

import factories
import pytest
from conftest import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from api.app import build_app
from api.auth import KeyStore
from api.page import code, defang, probability
from api.page.drawing import GRAPH_HEIGHT, GRAPH_WIDTH, bars, picture
from graph.home import Home
from graph.snapshot import Snapshot, publish

PAGES = ("/", "/campaigns/c-links", "/campaigns/c-quiet", "/docs", "/?text=nothing-like-it")


@pytest.fixture
def browser(home: Home, snapshot: Snapshot) -> Client:
    """Somebody who signed in."""
    client = Client(build_app(home))
    key = KeyStore(home).create("ann", ["investigate"]).key
    assert client.post("/sign-in", data={"key": key, "next": "/"}).status_code == 303
    return client


def test_a_stranger_is_sent_to_sign_in_and_back(home: Home, snapshot: Snapshot) -> None:
    client = Client(build_app(home))
    answer = client.get("/campaigns/c-links")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/campaigns/c-links")
    form = client.get(answer.headers["location"])
    assert 'name="next" value="/campaigns/c-links"' in form.text
    key = KeyStore(home).create("ann", ["investigate"]).key
    signed = client.post("/sign-in", data={"key": key, "next": "/campaigns/c-links"})
    assert signed.headers["location"] == "/campaigns/c-links"
    assert client.get("/campaigns/c-links").status_code == 200


def test_the_session_cookie_is_out_of_reach_and_is_not_the_key(home: Home) -> None:
    key = KeyStore(home).create("ann", ["investigate"]).key
    cookie = Client(build_app(home)).post("/sign-in", data={"key": key}).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert key not in cookie


@pytest.mark.parametrize("scopes", [[], ["lookup"]])
def test_an_unknown_key_or_one_without_the_scope_does_not_sign_in(home: Home, scopes: list[str]) -> None:
    key = KeyStore(home).create("bob", scopes).key if scopes else "rl_wrong"
    answer = Client(build_app(home)).post("/sign-in", data={"key": key})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"])
def test_signing_in_never_leads_elsewhere(home: Home, elsewhere: str) -> None:
    key = KeyStore(home).create("ann", ["investigate"]).key
    answer = Client(build_app(home)).post("/sign-in", data={"key": key, "next": elsewhere})
    assert answer.headers["location"] == "/"


def test_signing_out_ends_the_session(browser: Client) -> None:
    held = dict(browser.cookies)
    browser.post("/sign-out")
    browser.cookies.update(held)
    assert browser.get("/").status_code == 303


def test_revoking_the_key_ends_its_sessions(browser: Client, home: Home) -> None:
    KeyStore(home).revoke("ann")
    assert browser.get("/").status_code == 303


def test_a_session_may_read_the_data_behind_the_page_and_decide_nothing(browser: Client) -> None:
    assert browser.get("/v1/campaigns/c-links/export?format=csv").status_code == 200
    verdict = {"kind": "sender", "key": "x", "verdict": "benign"}
    assert browser.post("/v1/verdicts", json=verdict).status_code == 401


def test_the_list_shows_risk_state_counts_evidence_and_activity(browser: Client) -> None:
    text = browser.get("/").text
    for shown in ("0.97", "active", "2024-04-21", "5 members link to offers[.]example", '<svg class="spark"'):
        assert shown in text


def test_a_campaign_shows_its_signature_harm_timing_and_where_data_are_insufficient(browser: Client) -> None:
    text = browser.get("/campaigns/c-links").text
    assert "Senders that link to offers[.]example: 4 of 5 members and 1 other in this window." in text
    assert "Precision 0.80, recall 0.80." in text
    assert "30 people were written to 60 times" in text
    assert "10 events in the last seven days" in text
    assert "Insufficient data. Only 2 of its senders are in this window." in text
    assert ", by chance once in 10^2" in text
    assert ", which chance may do too" in text
    assert "Insufficient data" not in browser.get("/campaigns/c-quiet").text


def test_a_campaign_shows_its_evidence_members_timeline_graph_lineage_and_impact(browser: Client) -> None:
    text = browser.get("/campaigns/c-links").text
    for shown in (
        "3 members write from 192.0.2.0/24",
        "bad1@offers[.]example",
        '<svg class="timeline"',
        '<svg class="graph"',
        "merged into <code>c-links</code>",
        "2 people who answer it would lose it.",
        "3 people were written to",
        factories.MODEL,
    ):
        assert shown in text, shown


def test_members_are_shown_with_their_decisions(browser: Client) -> None:
    assert "<td>malicious</td>" in browser.get("/campaigns/c-links").text
    calendar = browser.get("/campaigns/c-invites").text
    assert "<td>abstain</td>" in calendar
    assert "<td>malicious</td>" not in calendar


def test_a_dormant_campaign_shows_what_tied_it_and_when_that_was_last_seen(browser: Client) -> None:
    text = browser.get("/campaigns/c-quiet").text
    assert "2 members write from 203.0.113.0/24." in text
    assert "last seen 2024-04-22" in text
    assert "last seen, on 2024-04-22" in text
    assert "last seen 20" not in browser.get("/campaigns/c-links").text


def test_one_day_of_activity_is_drawn_in_the_list_however_few_rows_it_has(browser: Client) -> None:
    """Its first event is later than the midnight that its day's count is kept under."""
    alone = browser.get("/?text=c-invites").text
    assert alone.count('<svg class="spark"') == 1
    assert re.search(r'<svg class="spark".*?<rect ', alone)


def test_the_list_is_filtered_and_paged(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.routes.page.ROWS", 1)
    first = browser.get("/?sort=-senders").text
    following = re.search(r'href="([^"]+)">Next page', first)
    assert following is not None
    assert "c-links" in first
    assert "c-invites" in browser.get(following[1].replace("&amp;", "&")).text
    assert "No campaign matches" in browser.get("/?text=nothing-like-it").text


def test_a_merged_campaign_leads_to_its_heirs_page(browser: Client) -> None:
    answer = browser.get("/campaigns/c-old")
    assert (answer.status_code, answer.headers["location"]) == (301, "/campaigns/c-links")


def test_an_unknown_campaign_is_told_in_words(browser: Client) -> None:
    answer = browser.get("/campaigns/c-none")
    assert (answer.status_code, "No such campaign" in answer.text) == (404, True)


def test_without_a_snapshot_the_page_says_so(home: Home) -> None:
    answer = Client(build_app(home, auth="off")).get("/")
    assert (answer.status_code, "ringleader refresh" in answer.text) == (503, True)


@pytest.mark.parametrize("path", PAGES)
def test_pages_load_nothing_from_elsewhere_and_run_no_script(browser: Client, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert answer.headers["referrer-policy"] == "same-origin"  # `no-referrer` makes a browser sign in as `Origin: null`
    assert "<script" not in answer.text
    assert " style=" not in answer.text  # the policy would drop it
    links = re.findall(r'(?:href|src|action)="([^"]*)"', answer.text)
    assert all(link.startswith("/") and not link.startswith("//") for link in links)


def test_the_style_sheet_is_served(browser: Client) -> None:
    assert browser.get("/assets/page.css").headers["content-type"].startswith("text/css")


def test_what_a_sender_wrote_is_never_markup(home: Home) -> None:
    made = factories.publication()
    nasty = '"><script>alert(1)</script>@evil.example'
    rows = [
        row | {"key": nasty if row["key"] == factories.BAD[0] else row["key"]}
        for row in made.campaigns.members.to_pylist()
    ]
    members = factories.table(factories.MEMBERS, rows)
    publish(home, replace(made, campaigns=replace(made.campaigns, members=members)), keep=1)
    text = Client(build_app(home, auth="off")).get("/campaigns/c-links").text
    assert "<script>" not in text
    assert "<b>word" not in text
    assert "&lt;script&gt;" in text


def test_the_documentation_has_every_route_of_the_api(browser: Client) -> None:
    text = browser.get("/docs").text
    for path in browser.get("/openapi.json").json()["paths"]:
        assert f"<code>{path}</code>" in text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("bad@www.offers.example", "bad@www[.]offers[.]example"),
        ("Risk is 0.97. One more.", "Risk is 0.97. One more."),
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("a\u202egnp.exe", "a\N{REPLACEMENT CHARACTER}gnp[.]exe"),
    ],
)
def test_hosts_are_defanged_and_tricks_made_visible(text: str, shown: str) -> None:
    assert defang(text) == shown


def test_backticks_become_code_and_nothing_else_becomes_markup() -> None:
    assert code("`a` <b>") == "<code>a</code> &lt;b&gt;"


points = st.lists(
    st.tuples(st.integers(0, 40_000), st.integers(0, 1000)), max_size=60, unique_by=lambda point: point[0]
).map(lambda found: [{"ts": factories.START + timedelta(minutes=at), "events": n} for at, n in sorted(found)])


@settings(deadline=None, max_examples=60)
@given(points)
def test_a_timeline_keeps_every_event_within_its_frame(found: list[dict[str, object]]) -> None:
    drawn = bars(found)
    assert sum(bar.events for bar in drawn) == sum(point["events"] for point in found)  # type: ignore[misc]
    assert all(0 <= bar.x < 1 and 0 <= bar.height <= 1 for bar in drawn)


@settings(deadline=None, max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 300), st.sampled_from("abcdefghijklmnopqrst")), max_size=200))
def test_a_graph_is_bounded_within_its_frame_and_always_the_same(found: list[tuple[int, str]]) -> None:
    edges = [
        row
        for sender, target in found
        for row in factories.edges("c", "linked_to", "domain", target, [f"{sender}@x.example"])
    ]
    drawn = picture(edges)
    assert len(drawn.dots) <= 66
    assert all(0 <= dot.x <= GRAPH_WIDTH and 0 <= dot.y <= GRAPH_HEIGHT for dot in drawn.dots)
    assert picture(edges) == drawn


def test_members_that_share_all_the_same_things_are_drawn_apart() -> None:
    keys = [f"m{number}@x.example" for number in range(20)]
    edges = [
        row
        for kind, shared in (("domain", "a.example"), ("network", "192.0.2.0/24"))
        for row in factories.edges("c", "linked_to", kind, shared, keys)
    ]
    dots = [dot for dot in picture(edges).dots if dot.kind == "sender"]
    assert len(dots) == 20
    gaps = [hypot(one.x - two.x, one.y - two.y) for one, two in combinations(dots, 2)]
    assert min(gaps) > 2 * dots[0].radius


@pytest.mark.parametrize(
    ("risk", "shown"), [(0.97, "0.97"), (0.999, ">0.99"), (0.995, ">0.99"), (0.994, "0.99"), (0.001, "<0.01")]
)
def test_no_risk_is_shown_as_certain(risk: float, shown: str) -> None:
    assert probability(risk) == shown


def test_a_page_survives_a_campaign_without_parts(home: Home) -> None:
    made = factories.publication()
    nothing = replace(made.campaigns, evidence=factories.table(factories.EVIDENCE, []))
    publish(home, replace(made, campaigns=nothing), keep=1)
    client = Client(build_app(home, auth="off"))
    asleep, awake = (client.get(f"/campaigns/{name}").text for name in ("c-quiet", "c-links"))
    assert "No evidence was kept" in asleep
    assert "No activity in this window" in asleep
    assert '<svg class="graph"' not in asleep
    assert "No single link" in awake
    assert "5 senders who write alike" in awake
    assert "no activity" not in awake
