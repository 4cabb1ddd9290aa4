"""Servers follow what is published: they swap to it whole, keep the old where it is damaged, and say what is wrong."""

from datetime import timedelta
from pathlib import Path

import factories
import pytest
from conftest import Client

from api.app import build_app
from api.live import LiveSnapshot
from api.metrics import Metrics
from graph.home import Home
from graph.snapshot import POINTER, publish

STALE = timedelta(hours=1)


def damage(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-4] + b"oops")


def test_a_new_snapshot_goes_live_and_the_old_one_stays_good_for_those_who_hold_it(home: Home) -> None:
    first = publish(home, factories.publication(), keep=1)
    live = LiveSnapshot(home, Metrics(), STALE)
    held = live.require()
    second = publish(home, factories.publication(shift=0.001), keep=1)
    live.check()
    assert (held.id, live.require().id) == (first.id, second.id)
    assert held.lookup("sender", factories.BAD[0]) is not None


def test_a_damaged_new_snapshot_leaves_the_old_one_live_and_is_told_in_readiness_and_metrics(home: Home) -> None:
    first = publish(home, factories.publication(), keep=2)
    metrics = Metrics()
    live = LiveSnapshot(home, metrics, STALE)
    newer = publish(home, factories.publication(shift=0.001), keep=2)
    damage(newer.folder / "members.parquet")
    live.check()
    assert live.require().id == first.id
    assert "members.parquet" in str(live.ready()["damaged"])
    assert b"ringleader_snapshot_damaged 1.0" in metrics.text()
    publish(home, factories.publication(shift=0.002), keep=2)
    live.check()
    assert live.ready()["damaged"] is None
    assert b"ringleader_snapshot_damaged 0.0" in metrics.text()


def test_a_start_with_a_damaged_snapshot_serves_the_latest_whole_one(home: Home) -> None:
    first = publish(home, factories.publication(), keep=2)
    damage(publish(home, factories.publication(shift=0.001), keep=2).folder / "lookups.lmdb")
    live = LiveSnapshot(home, Metrics(), STALE)
    assert live.require().id == first.id
    assert "lookups.lmdb" in str(live.ready()["damaged"])


def test_a_start_with_nothing_whole_is_not_ready_and_says_why(home: Home) -> None:
    damage(publish(home, factories.publication(), keep=1).folder / "scores.parquet")
    answer = Client(build_app(home)).get("/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "SNAPSHOT-MISSING")
    assert "scores.parquet" in answer.json()["detail"]


@pytest.mark.parametrize("content", [b"\xff\xfe\n", b"../elsewhere\n", b"", None])
def test_a_bad_pointer_leaves_what_is_served_and_is_told(home: Home, content: bytes | None) -> None:
    snapshot = publish(home, factories.publication(), keep=1)
    live = LiveSnapshot(home, Metrics(), STALE)
    point(home, content)
    live.check()
    assert live.require().id == snapshot.id
    assert "CURRENT" in str(live.ready()["damaged"]) or "elsewhere" in str(live.ready()["damaged"])


@pytest.mark.parametrize("content", [b"\xff\xfe\n", b"../elsewhere\n", b"", None])
def test_a_start_with_a_bad_pointer_serves_the_latest_whole_snapshot(home: Home, content: bytes | None) -> None:
    snapshot = publish(home, factories.publication(), keep=1)
    point(home, content)
    answer = Client(build_app(home)).get("/readyz")
    assert (answer.status_code, answer.json()["snapshot"]) == (200, snapshot.id)
    assert answer.json()["damaged"] is not None


@pytest.mark.parametrize("content", [b"\xff\xfe\n", b"\0\n", b"gone\n"])
def test_a_start_with_a_bad_pointer_and_nothing_whole_is_a_503_that_names_the_pointer(
    home: Home, content: bytes
) -> None:
    point(home, content)
    client = Client(build_app(home, auth="off"))
    for path in ("/readyz", "/v1/nodes/domain/cal.example", "/v1/campaigns"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["code"]) == (503, "SNAPSHOT-MISSING")
        assert "CURRENT" in answer.json()["detail"]
        assert "nothing has been published" not in answer.json()["detail"]


def point(home: Home, content: bytes | None) -> None:
    """What a disk or a hand may leave in the place of the pointer; None leaves nothing."""
    (home.snapshots / POINTER).unlink(missing_ok=True)
    if content is not None:
        (home.snapshots / POINTER).write_bytes(content)


def test_before_anything_is_published_it_lives_and_is_not_ready(home: Home) -> None:
    client = Client(build_app(home))
    assert client.get("/livez").json() == {"status": "alive"}
    assert (client.get("/readyz").status_code, client.get("/readyz").json()["code"]) == (503, "SNAPSHOT-MISSING")


def test_a_snapshot_older_than_the_setting_is_stale_and_look_ups_go_on(home: Home) -> None:
    publish(home, factories.publication(), keep=1)
    client = Client(build_app(home, auth="off", stale_after=timedelta(0)))
    assert (client.get("/readyz").status_code, client.get("/readyz").json()["code"]) == (503, "SNAPSHOT-STALE")
    assert client.get("/v1/nodes/domain/cal.example").status_code == 200


def test_a_fresh_snapshot_is_ready(home: Home) -> None:
    snapshot = publish(home, factories.publication(), keep=1)
    assert Client(build_app(home)).get("/readyz").json()["snapshot"] == snapshot.id


def test_requests_are_counted_by_route_not_by_key(home: Home) -> None:
    publish(home, factories.publication(), keep=1)
    client = Client(build_app(home, auth="off"))
    for key in ("cal.example", "offers.example", "unknown.example"):
        client.get(f"/v1/nodes/domain/{key}")
    client.get("/v1/campaigns/c-links")
    client.request("BREW", "/nowhere")
    text = client.get("/metrics").text
    assert 'ringleader_requests_total{method="GET",route="/v1/nodes/{kind}/{key}",status="200"} 2.0' in text
    assert 'ringleader_lookups_total{found="false"} 1.0' in text
    assert 'route="/v1/campaigns/{campaign_id}"' in text
    assert 'method="other",route="none",status="404"' in text
    assert "unknown.example" not in text
