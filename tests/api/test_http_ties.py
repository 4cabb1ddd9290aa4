"""Over HTTP and on the page: what would dissolve a campaign, why two are not together, operations, the queue."""

import pytest
from conftest import Client

from api.app import build_app
from api.auth import KeyStore
from api.connection_shapes import OperationDetail, OperationPage, QueuePage, TogetherOut, WhatIfOut
from api.ties import dissolution
from graph.home import Home
from graph.snapshot import Snapshot

BAD, OTHER, INVITE = "bad1@offers.example", "bad2@offers.example", "invite%2B1@cal.example"


def together(client: Client, query: str) -> TogetherOut:
    answer = client.get(f"/v1/together?{query}")
    assert answer.status_code == 200, answer.text
    return TogetherOut.model_validate(answer.json())


def test_what_would_dissolve_a_campaign_is_told_piece_by_piece(client: Client, snapshot: Snapshot) -> None:
    found = WhatIfOut.model_validate(client.get("/v1/campaigns/c-links/what-if").json())
    assert (found.dissolves, found.exact, found.snapshot) == (True, True, snapshot.id)
    assert [(piece.relation, piece.artefact, piece.held_after) for piece in found.items] == [
        ("linked_to", "offers.example", 3),
        ("days", None, 0),
    ]
    assert found.sentence == "Taking away 2 pieces of evidence dissolves it (no smaller set does it)."


def test_of_a_sleeping_campaign_nothing_can_be_taken_away(client: Client) -> None:
    found = WhatIfOut.model_validate(client.get("/v1/campaigns/c-quiet/what-if").json())
    assert (found.items, found.sentence) == ([], "It has no activity in this window.")


def test_the_sentence_says_whether_the_set_is_proven_smallest() -> None:
    greedy = [{"dissolves": True, "exact": False}] * 3
    assert dissolution(greedy) == (
        "Taking away 3 pieces of evidence dissolves it (found greedily, a smaller set may do it)."
    )
    assert "does not dissolve it" in dissolution([{"dissolves": False, "exact": False}])
    assert dissolution([]).startswith("Its senders hold together by no evidence")


def test_a_merged_campaign_leads_to_its_heir(client: Client) -> None:
    answer = client.get("/v1/campaigns/c-old/what-if")
    assert (answer.status_code, answer.headers["location"]) == (301, "/v1/campaigns/c-links/what-if")


def test_two_senders_that_share_rare_things_are_told_what_they_share(client: Client) -> None:
    found = together(client, f"a={BAD}&b={OTHER}")
    assert found.same
    assert found.log_odds == pytest.approx(found.prior + sum(one.log_odds for one in found.items))
    by_kind = {one.relation: one for one in found.items}
    assert [(one.artefact, one.users) for one in by_kind["linked_to"].shared] == [("offers.example", 6)]
    assert by_kind["linked_to"].log_odds > 0
    assert by_kind["carried"].log_odds == 0


def test_two_that_share_nothing_fall_short_and_are_told_by_how_much(client: Client) -> None:
    found = together(client, f"a={BAD}&b={INVITE}")
    assert not found.same
    assert found.missing == pytest.approx(-found.log_odds)
    assert "They share no link domain, of 1 and 1." in found.sentence


def test_a_sender_that_nobody_suspects_was_compared_with_nobody(client: Client) -> None:
    found = together(client, f"a={BAD}&b=ann@example.org")
    assert (found.items, found.log_odds) == ([], None)
    assert found.sentence.startswith("ann@example.org is not suspicious (risk 0.010)")


def test_two_campaigns_are_told_what_speaks_for_one_operator(client: Client) -> None:
    found = together(client, "kind=campaign&a=c-invites&b=c-links")
    assert found.same
    assert found.line == 3.0
    assert [one.relation for one in found.items] == ["sent_from"]  # the other kinds are silent
    assert found.log_odds == pytest.approx(found.prior + found.items[0].log_odds)
    assert found.missing == pytest.approx(max(3.0 - found.log_odds, 0))


def test_a_campaign_that_merged_is_compared_as_its_heir(client: Client) -> None:
    assert together(client, "kind=campaign&a=c-old&b=c-invites").a == "c-links"


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        (f"a={BAD}&b={BAD}", 422, "SAME-TWICE"),
        ("kind=campaign&a=c-old&b=c-links", 422, "SAME-TWICE"),
        (f"a={BAD}&b=nobody@example.org", 404, "NODE-UNKNOWN"),
        ("kind=campaign&a=c-links&b=c-none", 404, "CAMPAIGN-UNKNOWN"),
        (f"a={BAD}", 422, "REQUEST-INVALID"),
    ],
)
def test_what_cannot_be_compared_is_a_problem(client: Client, query: str, status: int, code: str) -> None:
    answer = client.get(f"/v1/together?{query}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


def test_operations_are_listed_with_their_weakest_link(client: Client) -> None:
    (one,) = OperationPage.model_validate(client.get("/v1/operations").json()).items
    assert (one.operation_id, one.campaigns, one.senders, one.confidence) == ("op-1", 3, 10, 0.96)


def test_an_operation_tells_its_campaigns_and_why(client: Client) -> None:
    found = OperationDetail.model_validate(client.get("/v1/operations/op-1").json())
    assert {row.campaign_id: row.state for row in found.members}["c-quiet"] == "dormant"
    (link,) = found.links
    assert (link.campaign_id, link.other_id) == ("c-invites", "c-links")
    assert [piece.relation for piece in link.evidence] == ["sent_from", "wrote_to"]
    assert client.get("/v1/operations/op-9").json()["code"] == "OPERATION-UNKNOWN"


def test_the_queue_forgets_what_was_judged_since(client: Client) -> None:
    first = QueuePage.model_validate(client.get("/v1/queue?limit=1").json())
    assert [row.key for row in first.items] == ["c-quiet"]
    rest = QueuePage.model_validate(client.get(f"/v1/queue?cursor={first.next_cursor}").json())
    assert ([row.key for row in rest.items], rest.next_cursor) == (["ann@example.org"], None)
    client.post("/v1/verdicts", json={"kind": "campaign", "key": "c-quiet", "verdict": "malicious"})
    assert [row.key for row in QueuePage.model_validate(client.get("/v1/queue").json()).items] == ["ann@example.org"]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/queue", "To judge next"),
        (f"/together?a={BAD}&b={OTHER}", "They share 1 link"),
        ("/together?kind=campaign&a=c-links&b=c-invites", "send from 192.0.2.0/24"),
        ("/operations/op-1", "3 campaigns of one operator"),
        ("/campaigns/c-links", "Taking away 2 pieces of evidence dissolves it"),
    ],
)
def test_the_page_shows_ties_and_defangs_hosts(home: Home, snapshot: Snapshot, path: str, words: str) -> None:
    browser = Client(build_app(home))
    browser.post("/sign-in", data={"key": KeyStore(home).create("ann", ["investigate"]).key})
    answer = browser.get(path)
    assert answer.status_code == 200, answer.text
    assert words in answer.text
    assert ">offers.example" not in answer.text
