"""The look-up routes: what is known of a node, one or many, and of senders not seen before."""

import math
from collections.abc import Callable
from urllib.parse import quote

import factories
import older
import pytest
from conftest import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.app import build_app
from api.routes.hot import NODES, parse_node
from api.shapes import LookupOut, NodeOut, ScoreOut
from graph.home import Home
from graph.snapshot import Snapshot, publish


def test_a_known_sender_is_answered_with_risk_campaign_reasons_and_snapshot(client: Client, snapshot: Snapshot) -> None:
    answer = client.get(f"/v1/nodes/sender/{factories.BAD[0]}")
    assert answer.status_code == 200
    node = NodeOut.model_validate(answer.json())
    assert (node.risk, node.campaign_id, node.events) == (0.97, "c-links", 4)
    assert (node.snapshot, node.model, node.as_of) == (snapshot.id, factories.MODEL, factories.AS_OF)
    assert (node.first_seen, node.last_seen) == (factories.seen(1), factories.seen(3))


def test_a_node_has_its_reasons_strongest_first_with_peers_and_what_is_needed(client: Client) -> None:
    reasons = client.get(f"/v1/nodes/sender/{factories.BAD[0]}").json()["reasons"]
    assert [reason["sentence"] for reason in reasons] == [f"Reason number {rank}." for rank in range(1, 7)]
    assert [reason["needed"] for reason in reasons] == [True, False, False, False, False, True]
    assert {(reason["peers"], tuple(reason["examples"])) for reason in reasons} == {(4, tuple(factories.BAD[1:4]))}


def test_base_reasons_and_rest_sum_to_the_log_odds_of_the_risk(client: Client) -> None:
    node = NodeOut.model_validate(client.get(f"/v1/nodes/sender/{factories.BAD[0]}").json())
    assert node.log_odds == pytest.approx(math.log(node.risk / (1 - node.risk)), abs=1e-6)
    assert node.sum_of_reasons == pytest.approx(sum(reason.contribution for reason in node.reasons), abs=1e-9)
    assert node.base == -4.0
    assert node.rest is not None
    assert node.log_odds == pytest.approx(node.base + node.sum_of_reasons + node.rest, abs=1e-9)
    assert node.removable is True


def test_a_node_without_an_explanation_says_so_in_nulls(client: Client) -> None:
    node = NodeOut.model_validate(client.get(f"/v1/nodes/sender/{factories.GOOD[0]}").json())
    assert node.reasons == []
    assert {node.log_odds, node.base, node.sum_of_reasons, node.rest, node.removable} == {None}


@pytest.mark.parametrize(
    ("key", "decision"),
    [(factories.BAD[0], "malicious"), (factories.GOOD[0], "benign"), (factories.CALENDAR_BAD[0], "abstain")],
)
def test_a_node_is_answered_with_its_decision_alone_and_among_many(client: Client, key: str, decision: str) -> None:
    node = NodeOut.model_validate(client.get(f"/v1/nodes/sender/{quote(key)}").json())
    many = client.post("/v1/lookup", json={"nodes": [{"kind": "sender", "key": key}]})
    assert (node.decision, LookupOut.model_validate(many.json()).results[0].decision) == (decision, decision)


def test_an_old_snapshot_answers_that_nothing_was_decided(home: Home) -> None:
    older.before_decisions(publish(home, factories.publication(), keep=1).folder)
    client = Client(build_app(home, auth="off"))
    one = client.get(f"/v1/nodes/sender/{factories.BAD[0]}").json()
    many = client.post("/v1/lookup", json={"nodes": [{"kind": "sender", "key": factories.BAD[0]}]}).json()
    assert (one["risk"], one["decision"], many["results"][0]["decision"]) == (0.97, None, None)


def test_a_domain_is_answered_too(client: Client) -> None:
    assert client.get("/v1/nodes/domain/offers.example").json()["campaign_id"] == "c-links"


def test_an_unknown_node_is_a_404_problem_that_names_the_snapshot(client: Client, snapshot: Snapshot) -> None:
    answer = client.get("/v1/nodes/sender/nobody@example.com")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["snapshot"], problem["found"]) == ("NODE-UNKNOWN", snapshot.id, False)
    assert problem["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("key", factories.CALENDAR_BAD)
@pytest.mark.parametrize("safe", ["", "/", "@/+"])
def test_plus_slash_and_unicode_in_a_key_are_found_however_they_are_encoded(
    client: Client, key: str, safe: str
) -> None:
    assert client.get(f"/v1/nodes/sender/{quote(key, safe=safe)}").json()["key"] == key


@settings(deadline=None, max_examples=200)
@given(st.text(st.characters(codec="utf-8"), min_size=1))
def test_every_key_survives_the_url(key: str) -> None:
    assert parse_node(f"{NODES}sender/{quote(key, safe='')}".encode()) == ("sender", key)


def test_a_key_that_is_not_utf8_is_refused(client: Client) -> None:
    assert client.get("/v1/nodes/sender/%ff%fe").json()["code"] == "KEY-INVALID"


BAD, SITE = factories.BAD[0], "offers.example"
SPELLED = [
    ("sender", BAD, BAD.upper()),
    ("sender", BAD, f"mailto:{BAD}"),
    ("sender", BAD, f"Name <{BAD}>"),
    ("sender", BAD, BAD.replace(".", "[.]")),
    ("domain", SITE, SITE.upper()),
    ("domain", SITE, f"www.{SITE}"),
    ("domain", SITE, f"{SITE}."),
    ("domain", SITE, f"https://{SITE}/x"),
    ("domain", SITE, f"hxxps://www[.]{SITE.replace('.', '[.]')}/x"),
]


@pytest.mark.parametrize(("kind", "key", "spelling"), SPELLED)
def test_a_node_is_found_in_every_spelling_and_says_which_was_asked(
    client: Client, kind: str, key: str, spelling: str
) -> None:
    plain = client.get(f"/v1/nodes/{kind}/{quote(key, safe='')}").json()
    one = client.get(f"/v1/nodes/{kind}/{quote(spelling, safe='')}").json()
    many = client.post("/v1/lookup", json={"nodes": [{"kind": kind, "key": spelling}]}).json()["results"][0]
    assert one == {**plain, "asked": spelling}
    assert {name: value for name, value in one.items() if name not in ("snapshot", "model", "as_of")} == many
    assert "asked" not in plain


@pytest.mark.parametrize("spelling", [BAD.upper(), f"<{BAD}>"])
def test_a_known_sender_in_another_spelling_has_its_own_risk(client: Client, spelling: str) -> None:
    (result,) = client.post("/v1/score", json={"events": [event(sender=spelling)]}).json()["results"]
    assert (result["known"], result["risk"], result["sender"]) == (True, 0.97, spelling)


def test_a_row_that_ingest_takes_is_scored(client: Client) -> None:
    row = event(ts="2024-05-20T00:00:00", domains=None, ip=None)
    assert client.post("/v1/score", json={"events": [row]}).status_code == 200


def test_links_of_a_new_sender_are_met_in_every_spelling(client: Client) -> None:
    risks = [
        client.post("/v1/score", json={"events": [event(sender="new@new.example", domains=[host])]}).json()
        for host in (SITE, SITE.upper(), f"www.{SITE}.")
    ]
    assert len({answer["results"][0]["risk"] for answer in risks}) == 1


def test_a_deeper_host_is_unknown_and_its_site_is_named(client: Client) -> None:
    detail = client.get(f"/v1/nodes/domain/login.{SITE}").json()["detail"]
    assert f"ask for {SITE}" in detail


def test_another_kind_is_refused(client: Client) -> None:
    assert client.get("/v1/nodes/recipient/x").json()["code"] == "KIND-UNKNOWN"


def test_a_key_ending_in_neighbours_is_looked_up_where_its_slash_is_encoded(client: Client) -> None:
    assert client.get("/v1/nodes/sender/x%2Fneighbours").json()["code"] == "NODE-UNKNOWN"


def test_a_look_up_of_many_answers_in_the_order_asked(client: Client) -> None:
    asked = [("sender", "nobody"), ("domain", "cal.example"), ("sender", factories.GOOD[0]), ("sender", "nobody")]
    answer = client.post("/v1/lookup", json={"nodes": [{"kind": kind, "key": key} for kind, key in asked]})
    found = LookupOut.model_validate(answer.json())
    assert [(node.kind, node.key) for node in found.results] == asked
    assert [node.found for node in found.results] == [False, True, True, False]
    assert found.results[2].campaign_id is None


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=st.lists(st.text(st.characters(codec="utf-8")), max_size=20))
def test_unknown_keys_come_back_as_they_were_sent(client: Client, keys: list[str]) -> None:
    answer = client.post("/v1/lookup", json={"nodes": [{"kind": "sender", "key": key} for key in keys]})
    assert [node["key"] for node in answer.json()["results"]] == keys


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"not json", 422),
        (b'{"nodes": [{"kind": "sender"}]}', 422),
        (b'{"nodes": [{"kind": "campaign", "key": "x"}]}', 422),
        (b'{"nodes": "x"}', 422),
        (b'{"nodes": [' + b",".join([b'{"kind":"sender","key":"x"}'] * 1001) + b"]}", 413),
        (b'{"nodes": [{"kind": "sender", "key": "' + b"x" * (5 << 20) + b'"}]}', 413),
    ],
)
def test_a_body_that_cannot_be_answered_is_a_problem(client: Client, body: bytes, status: int) -> None:
    answer = client.post("/v1/lookup", content=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


def test_the_wrong_method_is_refused_with_the_right_one(client: Client) -> None:
    answer = client.get("/v1/lookup")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


def event(**changes: object) -> dict[str, object]:
    plain = {"event_id": "e1", "ts": "2024-05-20T00:00:00Z", "channel": "mail", "sender": "new@unknown.example"}
    return plain | {"recipients": ["ann@example.org"]} | changes


def risk_of(client: Client, **changes: object) -> float:
    return float(client.post("/v1/score", json={"events": [event(**changes)]}).json()["results"][0]["risk"])


def test_a_known_sender_of_a_new_event_keeps_its_risk(client: Client) -> None:
    found = ScoreOut.model_validate(client.post("/v1/score", json={"events": [event(sender=factories.BAD[0])]}).json())
    assert (found.results[0].known, found.results[0].risk) == (True, 0.97)


def test_a_new_sender_is_riskier_the_more_it_shares_with_a_campaign(client: Client) -> None:
    nothing = risk_of(client)
    network = risk_of(client, ip="192.0.2.200")
    both = risk_of(client, ip="192.0.2.200", domains=["www.offers.example"])
    everything = risk_of(client, ip="192.0.2.200", domains=["www.offers.example"], fingerprint="f-1")
    assert nothing < network < both < everything < 1


def test_a_harmless_link_adds_next_to_nothing(client: Client) -> None:
    assert risk_of(client, domains=["example.org"]) < risk_of(client) + 0.02


def test_the_answer_names_what_it_rests_on(client: Client) -> None:
    answer = client.post("/v1/score", json={"events": [event(domains=["www.offers.example"], ip="192.0.2.1")]})
    basis = answer.json()["results"][0]["basis"]
    assert [(found["kind"], found["key"]) for found in basis] == [
        ("domain", "offers.example"),
        ("network", "192.0.2.0/24"),
    ]


def test_a_dormant_campaign_lends_its_networks_no_risk(client: Client) -> None:
    asked = {"nodes": [{"kind": "sender", "key": "old1@quiet.example"}]}
    assert client.post("/v1/lookup", json=asked).json()["results"][0]["campaign_id"] == "c-quiet"
    assert risk_of(client, ip="203.0.113.7") == risk_of(client)


@pytest.mark.parametrize(
    "change",
    [{"channel": "fax"}, {"recipients": []}, {"sender": ""}]
    + [{"ts": ts} for ts in ("0001-01-01T00:00:00+14:00", "1969-12-31T00:00:00Z", "9999-12-31T23:59:59-14:00")],
)
def test_an_event_that_breaks_the_contract_is_told_where(client: Client, change: dict[str, object]) -> None:
    answer = client.post("/v1/score", json={"events": [event(**change)]})
    assert (answer.status_code, answer.json()["code"]) == (422, "REQUEST-INVALID")
    assert next(iter(change)) in answer.json()["detail"]


def test_two_hundred_events_and_no_more_are_scored_at_once(client: Client) -> None:
    assert len(client.post("/v1/score", json={"events": [event()] * 200}).json()["results"]) == 200
    assert client.post("/v1/score", json={"events": [event()] * 201}).status_code == 422


def test_before_anything_is_published_look_ups_say_so(home: Home) -> None:
    answer = Client(build_app(home, auth="off")).get("/v1/nodes/sender/x")
    assert (answer.status_code, answer.json()["code"]) == (503, "SNAPSHOT-MISSING")


def test_look_ups_need_their_scope(client_with: Callable[..., Client]) -> None:
    other = client_with("investigate", "decide", "operate")
    assert other.get("/v1/nodes/sender/x").status_code == 403
    assert other.post("/v1/lookup", json={"nodes": []}).status_code == 403
    assert other.post("/v1/score", json={"events": [event()]}).status_code == 403
