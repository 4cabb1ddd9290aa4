"""Alarms and discounts over HTTP and on the page: listed, filtered, paged, and answered by a verdict."""

from dataclasses import replace

import factories
import pytest
from conftest import Client

from api.app import build_app
from api.auth import SCOPES, KeyStore
from graph.home import Home
from graph.schema import ALARMS, DISCOUNTS
from graph.snapshot import publish
from graph.verdicts import VerdictLedger


def alarm(number: int, **more: object) -> dict[str, object]:
    usual = {
        "alarm_id": f"a-{number}",
        "campaign_id": "c-invites",
        "other_id": "c-links",
        "kind": "merge",
        "state": "open",
        "since": factories.seen(number),
        "relation": "linked_to",
        "artefact": "hub.example",
        "senders": 3,
        "other_senders": 5,
        "inside": 3,
        "other_inside": 4,
        "sentence": f"Question {number} about hub.example",
    }
    return usual | more


def discount(artefact: str, inside: int) -> dict[str, object]:
    figures = {"inside": inside, "outside": 90, "unsuspected": 88, "kept": 0.01}
    return {"campaign_id": "c-links", "relation": "linked_to", "artefact": artefact, "reason": "Shared.", **figures}


@pytest.fixture
def client(home: Home) -> Client:
    """Three alarms, the second of which was answered; two discounts."""
    made = factories.publication()
    rows = [alarm(1), alarm(2, state="apart"), alarm(3, relation=None, artefact=None, kind="growth")]
    told = [discount("few.example", 2), discount("many.example", 5)]
    found = replace(made.campaigns, alarms=factories.table(ALARMS, rows), discounts=factories.table(DISCOUNTS, told))
    publish(home, replace(made, campaigns=found), keep=1)
    return Client(build_app(home), KeyStore(home).create("desk", SCOPES).key)


def ids(client: Client, path: str) -> list[str]:
    return [row["alarm_id"] for row in client.get(path).json()["items"]]


def test_alarms_are_listed_the_latest_first_and_by_state(client: Client) -> None:
    assert ids(client, "/v1/alarms") == ["a-3", "a-2", "a-1"]
    assert ids(client, "/v1/alarms?state=open") == ["a-3", "a-1"]
    assert ids(client, "/v1/alarms?state=apart") == ["a-2"]
    assert client.get("/v1/alarms?state=shut").status_code == 422
    assert client.get("/v1/alarms").json()["snapshot"]


def test_alarms_come_page_by_page(client: Client) -> None:
    first = client.get("/v1/alarms?limit=2").json()
    assert [row["alarm_id"] for row in first["items"]] == ["a-3", "a-2"]
    second = client.get(f"/v1/alarms?limit=2&cursor={first['next_cursor']}").json()
    assert ([row["alarm_id"] for row in second["items"]], second["next_cursor"]) == (["a-1"], None)
    assert client.get(f"/v1/alarms?state=open&cursor={first['next_cursor']}").status_code == 400


def test_a_verdict_on_an_alarm_is_kept_under_its_id(client: Client, home: Home) -> None:
    answer = client.post("/v1/verdicts", json={"kind": "campaign", "key": "a-1", "verdict": "benign"})
    assert (answer.status_code, answer.json()["key"]) == (201, "a-1")
    assert VerdictLedger(home).list(1)[0].key == "a-1"
    unknown = client.post("/v1/verdicts", json={"kind": "campaign", "key": "a-9", "verdict": "benign"})
    assert unknown.status_code == 404


def test_discounts_of_a_campaign_are_served_most_used_first(client: Client) -> None:
    rows = client.get("/v1/campaigns/c-links/discounts").json()["items"]
    assert [(row["artefact"], row["outside"]) for row in rows] == [("many.example", 90), ("few.example", 90)]
    assert client.get("/v1/campaigns/c-quiet/discounts").json()["items"] == []
    assert client.get("/v1/campaigns/c-none/discounts").status_code == 404
    assert client.get("/v1/campaigns/c-old/discounts").status_code == 301


def signed_in(home: Home) -> Client:
    browser = Client(build_app(home))
    browser.post("/sign-in", data={"key": KeyStore(home).create("ann", ["investigate"]).key, "next": "/"})
    return browser


@pytest.mark.usefixtures("client")
def test_the_pages_ask_and_link_no_host(home: Home) -> None:
    browser = signed_in(home)
    overview = browser.get("/").text
    assert "Waiting for you" in overview
    assert "Question 1 about hub[.]example" in overview
    assert "Question 2" not in overview
    own = browser.get("/campaigns/c-links").text
    assert all(f"Question {number}" in own for number in (1, 2, 3))
    assert "many[.]example" in own
    assert "Waiting for you" not in browser.get("/?text=nothing").text


def test_a_home_without_alarms_asks_nothing(home: Home) -> None:
    publish(home, factories.publication(), keep=1)
    browser = signed_in(home)
    assert browser.get("/v1/alarms").json()["items"] == []
    assert "Waiting for you" not in browser.get("/").text
    assert "benign group" not in browser.get("/").text
