"""The verdict and operation routes."""

import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import factories
import older
import pytest
from conftest import Client

from api.app import build_app
from api.auth import SCOPES, KeyStore
from api.shapes import ModelPage, RefreshPage, VerdictOut, VerdictPage
from graph.home import Home
from graph.snapshot import Snapshot, publish
from graph.verdicts import VerdictLedger

MALICIOUS = {"kind": "sender", "key": factories.BAD[0], "verdict": "malicious"}


def test_a_verdict_is_kept_before_it_is_answered_with_the_keys_name(client: Client, home: Home) -> None:
    answer = client.post("/v1/verdicts", json=MALICIOUS)
    assert answer.status_code == 201
    verdict = VerdictOut.model_validate(answer.json())
    assert VerdictLedger(home).list(1)[0].id == verdict.id
    assert verdict.source == "-".join(SCOPES)


def test_an_idempotency_key_makes_a_repeat_harmless(client: Client, home: Home) -> None:
    first = client.post("/v1/verdicts", json=MALICIOUS, headers={"Idempotency-Key": "k"})
    again = client.post("/v1/verdicts", json=MALICIOUS, headers={"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert len(VerdictLedger(home).list(10)) == 1


def test_an_idempotency_key_for_another_verdict_is_refused(client: Client) -> None:
    client.post("/v1/verdicts", json=MALICIOUS, headers={"Idempotency-Key": "k"})
    other = client.post("/v1/verdicts", json=MALICIOUS | {"verdict": "benign"}, headers={"Idempotency-Key": "k"})
    assert (other.status_code, other.json()["code"]) == (422, "IDEMPOTENCY-KEY-REUSED")


def test_a_verdict_about_a_node_never_seen_is_kept(client: Client) -> None:
    assert client.post("/v1/verdicts", json=MALICIOUS | {"key": "later@example.com"}).status_code == 201


@pytest.mark.parametrize(
    ("kind", "key", "warned"),
    [
        ("sender", factories.BAD[0], ""),
        ("sender", f"mailto:{factories.BAD[0].upper()}", ""),
        ("domain", "https://www.Offers.example/x", ""),
        ("sender", "later@example.com", "no sender 'later@example.com' is in the window"),
        ("domain", "login.offers.example", "judge offers.example"),
    ],
)
def test_a_verdict_on_nobody_is_warned_of(client: Client, kind: str, key: str, warned: str) -> None:
    answer = client.post("/v1/verdicts", json={"kind": kind, "key": key, "verdict": "malicious"}).json()
    assert answer["key"] == key
    assert len(answer["warnings"]) == bool(warned)
    assert warned in "".join(answer["warnings"])


def test_verdicts_are_found_by_any_spelling_of_what_they_are_about(client: Client) -> None:
    client.post("/v1/verdicts", json={"kind": "domain", "key": "offers.example", "verdict": "malicious"})
    found = client.get("/v1/verdicts", params={"key": "https://WWW.offers.example/x"}).json()["items"]
    assert [verdict["key"] for verdict in found] == ["offers.example"]


def test_a_verdict_about_an_unknown_campaign_is_a_404(client: Client, home: Home) -> None:
    answer = client.post("/v1/verdicts", json={"kind": "campaign", "key": "c-none", "verdict": "benign"})
    assert (answer.status_code, answer.json()["code"]) == (404, "CAMPAIGN-UNKNOWN")
    assert VerdictLedger(home).list(1) == []


def test_a_verdict_about_a_merged_campaign_is_kept_for_its_heir(client: Client) -> None:
    answer = client.post("/v1/verdicts", json={"kind": "campaign", "key": "c-old", "verdict": "malicious"})
    assert answer.json()["key"] == "c-links"


@pytest.mark.parametrize(
    "change",
    [{"kind": "person"}, {"verdict": "odd"}, {"key": ""}, {"key": "  "}, {"ts": "2999-01-01T00:00:00Z"}, {"sauce": 1}],
)
def test_a_verdict_that_breaks_the_contract_is_refused(client: Client, home: Home, change: dict[str, object]) -> None:
    assert client.post("/v1/verdicts", json=MALICIOUS | change).status_code == 422
    assert VerdictLedger(home).list(1) == []


@pytest.mark.parametrize(
    "ts", ["0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00"]
)
def test_a_verdict_dated_where_nobody_lived_is_refused_and_not_stored(client: Client, home: Home, ts: str) -> None:
    answer = client.post("/v1/verdicts", json=MALICIOUS | {"ts": ts}, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["code"]) == (422, "REQUEST-INVALID")
    assert VerdictLedger(home).unreadable() == 0
    assert client.get("/v1/verdicts").json()["items"] == []
    assert client.post("/v1/verdicts", json=MALICIOUS, headers={"Idempotency-Key": "k"}).status_code == 201


def test_a_home_that_holds_a_row_from_before_year_one_works_again(client: Client, home: Home) -> None:
    client.post("/v1/verdicts", json=MALICIOUS)
    with closing(sqlite3.connect(VerdictLedger(home).path)) as database, database:
        database.execute(
            "INSERT INTO verdicts (id, kind, key, verdict, ts, source, note)"
            " VALUES ('old', 'sender', ?, 'benign', -62135646800000000, 'ann', '')",
            (MALICIOUS["key"],),
        )
    client.post("/v1/verdicts", json=MALICIOUS | {"key": "other@example.com"})
    first = client.get("/v1/verdicts?limit=1").json()
    second = client.get(f"/v1/verdicts?limit=1&cursor={first['next_cursor']}").json()
    listed = [verdict["key"] for verdict in first["items"] + second["items"]]
    assert (listed, second["next_cursor"]) == (["other@example.com", MALICIOUS["key"]], None)
    assert client.get("/v1/queue").status_code == 200


def test_verdicts_are_listed_latest_first_in_pages(client: Client) -> None:
    for number in range(5):
        client.post("/v1/verdicts", json=MALICIOUS | {"key": f"s{number}@example.com"})
    first = VerdictPage.model_validate(client.get("/v1/verdicts?limit=3").json())
    second = VerdictPage.model_validate(client.get(f"/v1/verdicts?limit=3&cursor={first.next_cursor}").json())
    assert [verdict.key[:2] for verdict in first.items + second.items] == ["s4", "s3", "s2", "s1", "s0"]
    assert second.next_cursor is None
    only = client.get("/v1/verdicts", params={"kind": "sender", "key": "s2@example.com"}).json()["items"]
    assert [verdict["key"] for verdict in only] == ["s2@example.com"]


def test_a_cursor_of_verdicts_is_bound_to_its_filter(client: Client) -> None:
    for _ in range(2):
        client.post("/v1/verdicts", json=MALICIOUS)
    cursor = client.get("/v1/verdicts?limit=1").json()["next_cursor"]
    assert client.get(f"/v1/verdicts?limit=1&kind=sender&cursor={cursor}").status_code == 400


def test_refreshes_and_models_of_kept_snapshots_are_listed_latest_first(client: Client, home: Home) -> None:
    newer = publish(home, factories.publication("r-3", shift=0.01), keep=3)
    page = RefreshPage.model_validate(client.get("/v1/refreshes").json())
    assert [refresh.refresh for refresh in page.items] == ["r-3", "r-2"]
    assert page.items[0].snapshot == newer.id
    first = client.get("/v1/refreshes?limit=1").json()
    second = client.get(f"/v1/refreshes?limit=1&cursor={first['next_cursor']}").json()
    assert [refresh["refresh"] for refresh in first["items"] + second["items"]] == ["r-3", "r-2"]
    models = ModelPage.model_validate(client.get("/v1/models").json())
    assert [(model.model, len(model.snapshots), model.live) for model in models.items] == [(factories.MODEL, 2, True)]
    assert models.items[0].card["metrics"] == {"auprc": 0.9}


def test_a_refresh_tells_its_lines_and_what_is_expected_of_them(client: Client) -> None:
    told = RefreshPage.model_validate(client.get("/v1/refreshes").json()).items[0].decision
    assert told is not None
    assert told.model_dump() == factories.decision()


def test_a_refresh_older_than_decisions_is_listed_without_lines(home: Home) -> None:
    older.before_decisions(publish(home, factories.publication(), keep=1).folder)
    page = Client(build_app(home, auth="off")).get("/v1/refreshes").json()
    assert [(refresh["refresh"], refresh["decision"]) for refresh in page["items"]] == [("r-2", None)]


@pytest.fixture
def refreshing(home: Home, snapshot: Snapshot) -> Callable[[str], Client]:
    """A client whose POST /v1/refreshes runs a little Python in the place of a refresh."""

    def make(code: str) -> Client:
        app = build_app(home, refresh_command=[sys.executable, "-c", code])
        return Client(app, KeyStore(home).create("op", ["operate"]).key)

    return make


def state_of_last(client: Client) -> str:
    state = "running"
    while state == "running":
        time.sleep(0.05)
        state = client.get("/v1/refreshes").json()["requested"][0]["state"]
    return state


def test_a_refresh_asked_for_runs_in_its_own_process(refreshing: Callable[[str], Client], tmp_path: Path) -> None:
    client = refreshing(f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    answer = client.post("/v1/refreshes")
    assert (answer.status_code, answer.json()["requested_by"]) == (202, "op")
    assert state_of_last(client) == "done"
    assert (tmp_path / "ran").exists()


def test_a_refresh_that_fails_is_told_so(refreshing: Callable[[str], Client]) -> None:
    client = refreshing("raise SystemExit(1)")
    client.post("/v1/refreshes")
    assert state_of_last(client) == "failed"


def test_one_refresh_at_a_time(refreshing: Callable[[str], Client], tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    client = refreshing(f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(.02)")
    assert client.post("/v1/refreshes").status_code == 202
    second = client.post("/v1/refreshes")
    gate.touch()
    assert (second.status_code, second.json()["code"]) == (409, "BUSY")
    assert state_of_last(client) == "done"
    assert client.post("/v1/refreshes").status_code == 202
    assert state_of_last(client) == "done"
