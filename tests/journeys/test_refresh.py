"""Whole refreshes of a small town: what comes out, what stays the same, what lives on, what no accident destroys."""

import errno
import json
import math
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow.parquet as pq
import pytest
import town
from neo4j_server import Server
from windows import START, letter

from api.cli import main
from graph.errors import BusyError, LakeError, RingleaderError, SnapshotError, StoreError
from graph.home import Home, write_lock
from graph.snapshot import Snapshot, list_manifests, open_current
from graph.snapshot import writing as snapshot_room
from graph.store import open_store
from graph.store.bolt import PASSWORD_VARIABLE
from graph.verdicts import Decision, VerdictLedger

ROOT = Path(__file__).parents[2]
GANG_A = {f"x@a{n}.example" for n in range(town.GANG)}
GANG_B = {f"x@b{n}.example" for n in range(town.GANG)}


def town_letters(days: range) -> list[Any]:
    return town.people(days) + town.gang("a", days) + town.gang("b", days)


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Eight days of the town, refreshed at the end of the sixth. Copy it; do not write to it."""
    home = town.fill(Home(tmp_path_factory.mktemp("settled") / "home"), town_letters(range(8)), town.verdicts())
    town.refresh(home, town.at(5))
    return home


@pytest.fixture
def home(settled: Home, tmp_path: Path) -> Home:
    shutil.copytree(settled.path, tmp_path / "home")
    return Home(tmp_path / "home")


@pytest.fixture
def empty(tmp_path: Path) -> Home:
    return Home(tmp_path / "empty")


def campaigns(home: Home) -> dict[str, dict[str, Any]]:
    return {row["campaign_id"]: row for row in open_current(home).table("campaigns").to_pylist()}


def senders_of(snapshot: Snapshot) -> dict[str, set[str]]:
    """The senders of each campaign."""
    out: dict[str, set[str]] = {}
    for row in snapshot.table("members").to_pylist():
        if row["role"] == "sender":
            out.setdefault(row["campaign_id"], set()).add(row["key"])
    return out


def campaign_with(home: Home, key: str) -> str:
    """The one campaign of a sender."""
    (name,) = (name for name, keys in senders_of(open_current(home)).items() if key in keys)
    return name


def decide(home: Home, campaign: str, verdict: str, day: int) -> None:
    VerdictLedger(home).add(Decision("campaign", campaign, verdict, "desk", ts=town.at(day) - timedelta(hours=1)))


# ---- What comes out -----------------------------------------------------------------------------------------


def test_both_gangs_come_out_whole_though_one_was_known_by_half(settled: Home) -> None:
    found = senders_of(open_current(settled))
    assert sorted(map(sorted, found.values())) == sorted([sorted(GANG_A), sorted(GANG_B)])


def test_every_sender_and_domain_of_the_window_has_a_score_under_one_model(settled: Home) -> None:
    snapshot = open_current(settled)
    scores = snapshot.table("scores").to_pylist()
    seen = {one.sender for one in town_letters(range(6))}
    assert {row["key"] for row in scores if row["kind"] == "sender"} == seen
    assert all(0 < row["risk"] < 1 for row in scores)
    assert {row["as_of"] for row in scores} == {town.at(5)}
    assert len({row["model"] for row in scores}) == 1
    shops = {row["key"] for row in scores if row["kind"] == "domain"}
    assert shops >= {"a-shop.example", "b-shop.example", "home.example"}


def test_members_score_with_their_campaign_and_above_everybody_else(settled: Home) -> None:
    snapshot = open_current(settled)
    risk = {row["key"]: (row["risk"], row["campaign_id"]) for row in snapshot.table("scores").to_pylist()}
    for name, keys in senders_of(snapshot).items():
        assert {risk[key][1] for key in keys} == {name}
    innocent = max(value for key, (value, _) in risk.items() if key.startswith("h"))
    assert min(risk[key][0] for key in GANG_A | GANG_B) > innocent


def test_what_a_look_up_gives_as_reasons_sums_to_the_log_odds_of_the_risk(settled: Home) -> None:
    snapshot = open_current(settled)
    rows = snapshot.table("scores").to_pylist()
    found = [snapshot.lookup(row["kind"], row["key"]) or {} for row in rows]
    assert {node["kind"] for node in found if node["reasons"]} == {"sender", "domain"}
    for row, node in zip(rows, found, strict=True):
        assert (node["log_odds"] is None) is (row["risk"] < 0.5)
        if node["log_odds"] is not None:
            parts = [node["base"], node["rest"], *(reason["contribution"] for reason in node["reasons"])]
            assert sum(parts) == pytest.approx(node["log_odds"], abs=1e-6)
            assert row["risk"] == pytest.approx(1 / (1 + math.exp(-node["log_odds"])), abs=1e-8)


def test_a_look_up_answers_what_the_export_says(settled: Home, tmp_path: Path) -> None:
    snapshot = open_current(settled)
    town.exports(settled, tmp_path)
    rows = pq.read_table(tmp_path / "scores.parquet").to_pylist()
    for row in rows[::20]:
        found = snapshot.lookup(row["kind"], row["key"])
        assert found is not None
        answer = json.loads(found) if isinstance(found, bytes) else found
        assert (answer["risk"], answer["campaign_id"]) == (row["risk"], row["campaign_id"])
    assert snapshot.lookup("sender", "nobody@nowhere.example") is None


def test_the_graph_store_holds_the_window_and_its_campaigns(settled: Home) -> None:
    with open_store("ladybug:", settled) as store:
        counts = store.counts()
    snapshot = open_current(settled)
    assert counts["Sender"] == sum(row["kind"] == "sender" for row in snapshot.table("scores").to_pylist())
    assert counts["Campaign"] == 2
    assert counts["TARGETS"] == sum(row["role"] == "target" for row in snapshot.table("members").to_pylist())


@pytest.mark.neo4j
def test_a_refresh_into_neo4j_holds_what_the_embedded_store_holds(
    home: Home, neo4j_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    neo4j_server.wipe()
    with open_store("ladybug:", home) as store:
        expected = store.counts()
    monkeypatch.setenv(PASSWORD_VARIABLE, neo4j_server.password)
    before = open_current(home).id
    town.refresh(home, town.at(5), store=neo4j_server.url)
    with open_store(neo4j_server.url, home, neo4j_server.password) as store:
        assert store.counts() == expected
    assert open_current(home).id == before
    hit = neo4j_server.run(
        "MATCH (s:Sender {key: 'x@a0.example'})-[:MEMBER_OF]->(c:Campaign)-[:TARGETS]->(:Recipient) "
        "RETURN DISTINCT c.id AS id"
    )
    assert [row["id"] for row in hit] == [campaign_with(home, "x@a0.example")]


# ---- What stays the same ------------------------------------------------------------------------------------


def test_a_refresh_repeated_exports_the_same_bytes(home: Home, tmp_path: Path) -> None:
    before = town.exports(home, tmp_path / "before")
    snapshot = open_current(home).id
    assert town.refresh(home, town.at(5)).snapshot == snapshot
    assert town.exports(home, tmp_path / "after") == before
    assert all(before.values())


def test_the_same_input_in_another_home_exports_the_same_bytes(home: Home, empty: Home, tmp_path: Path) -> None:
    """Training included; and the letters arrive in another order."""
    town.fill(empty, town_letters(range(8)), town.verdicts()[::-1])
    town.refresh(empty, town.at(5))
    assert town.exports(empty, tmp_path / "theirs") == town.exports(home, tmp_path / "mine")


def test_what_came_after_as_of_changes_nothing(empty: Home, home: Home) -> None:
    """Letters and verdicts of later days are no part of the past: the same scores, whatever the lake has got since."""
    town.fill(empty, town_letters(range(6)), town.verdicts())
    town.refresh(empty, town.at(5))
    town.fill(home, [], [town.verdict("h9@home.example", "malicious", town.at(7))])
    town.refresh(home, town.at(5))
    mine, theirs = (open_current(each).table("scores").drop(["model"]) for each in (home, empty))
    assert mine.to_pylist() == theirs.to_pylist()


# ---- What lives on ------------------------------------------------------------------------------------------


def test_ids_persist_while_the_window_slides(home: Home) -> None:
    first = senders_of(open_current(home))
    for day in (6, 7):
        town.refresh(home, town.at(day))
        assert senders_of(open_current(home)) == first
        assert {row["state"] for row in campaigns(home).values()} == {"active"}


def test_a_campaign_that_stops_sleeps_and_wakes_under_its_id(empty: Home) -> None:
    quiet, back = range(4, 10), range(10, 14)
    letters = town.people(range(14)) + town.gang("a", range(4)) + town.gang("a", back) + town.gang("b", range(14))
    town.fill(empty, letters, town.verdicts())
    town.refresh(empty, town.at(3), days=4)
    name = campaign_with(empty, "x@a0.example")
    town.refresh(empty, town.at(quiet[-1]), days=4)
    assert campaigns(empty)[name]["state"] == "dormant"
    assert "x@a0.example" not in {row["key"] for row in open_current(empty).table("scores").to_pylist()}
    town.refresh(empty, town.at(back[-1]), days=4)
    assert campaign_with(empty, "x@a0.example") == name
    assert campaigns(empty)[name]["state"] == "active"
    told = [row["event"] for row in open_current(empty).table("lineage").to_pylist() if row["campaign_id"] == name]
    assert told == ["born", "dormant", "revived"]


def test_a_benign_verdict_on_a_campaign_dismisses_it_at_the_next_refresh_under_its_id(home: Home) -> None:
    name = campaign_with(home, "x@b0.example")
    decide(home, name, "benign", day=6)
    town.refresh(home, town.at(6))
    assert campaigns(home)[name]["state"] == "dismissed"


def test_a_malicious_verdict_on_a_campaign_confirms_it_under_its_id(home: Home) -> None:
    name = campaign_with(home, "x@b0.example")
    decide(home, name, "malicious", day=6)
    town.refresh(home, town.at(6))
    assert campaigns(home)[name]["state"] == "confirmed"
    assert campaign_with(home, "x@b0.example") == name


def test_two_gangs_that_become_one_leave_an_old_link_that_leads_to_the_heir(empty: Home) -> None:
    from api.app import build_app
    from api.auth import KeyStore

    together = {"sites": ("both-shop.example",), "network": "203.0.113.0/24", "text": "both"}
    days = range(8, 14)
    joint = town.gang("a", days, **together) + town.gang("b", days, **together)
    known = [*town.verdicts(), *(town.verdict(key, "malicious") for key in sorted(GANG_B))]
    town.fill(empty, town.people(range(14)) + town.gang("a", range(6)) + town.gang("b", range(6)) + joint, known)
    town.refresh(empty, town.at(5), days=6)
    before = {campaign_with(empty, "x@a0.example"), campaign_with(empty, "x@b0.example")}
    assert len(before) == 2
    town.refresh(empty, town.at(13), days=6)
    heir = campaign_with(empty, "x@a0.example")
    assert campaign_with(empty, "x@b0.example") == heir
    (gone,) = before - {heir}
    client = _client(build_app(empty), KeyStore(empty).create("journey", ("investigate",)).key)
    answer = client(f"/v1/campaigns/{gone}")
    assert answer.status_code == 301
    assert answer.headers["location"].endswith(f"/v1/campaigns/{heir}")
    assert client(f"/v1/campaigns/{heir}").json()["senders"] == 2 * town.GANG


def _client(app: Any, key: str) -> Callable[[str], httpx.Response]:
    import asyncio

    async def ask(path: str) -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get(path, headers={"Authorization": f"Bearer {key}"})

    return lambda path: asyncio.run(ask(path))


# ---- Few, one-sided and contradictory verdicts --------------------------------------------------------------


def test_a_town_without_any_verdict_is_scored(empty: Home) -> None:
    town.fill(empty, town_letters(range(6)))
    summary = town.refresh(empty, None)
    assert summary.senders == town.PEOPLE + 2 * town.GANG
    assert all(0 <= row["risk"] <= 1 for row in open_current(empty).table("scores").to_pylist())


@pytest.mark.parametrize("word", ["malicious", "benign"])
def test_verdicts_of_one_class_alone_move_those_they_name(empty: Home, word: str) -> None:
    judged = [town.verdict(key, word) for key in sorted(GANG_A)]
    town.fill(empty, town_letters(range(6)), judged)
    town.refresh(empty, None)
    risk = {row["key"]: row["risk"] for row in open_current(empty).table("scores").to_pylist()}
    if word == "malicious":
        assert min(risk[key] for key in GANG_A) > max(risk[f"h{n}@home.example"] for n in range(town.PEOPLE))
    else:
        assert max(risk[key] for key in GANG_A) < 0.5


def test_contradictory_verdicts_are_no_error_and_cancel_out(empty: Home) -> None:
    torn = [town.verdict(key, "benign", source="appeals") for key in sorted(GANG_A)]
    town.fill(empty, town_letters(range(6)), town.verdicts() + torn)
    town.refresh(empty, None)
    scores = open_current(empty).table("scores").to_pylist()
    assert all(0 <= row["risk"] <= 1 for row in scores)


# ---- What no accident destroys ------------------------------------------------------------------------------

# Imports everything once, then forks before Arrow, DuckDB or torch have started a thread; each child refreshes a copy
# of an old home and dies by SIGKILL where it is told to: at the beginning of a stage, or at the n-th operation on a
# file of the home during the last two.
KILLER = """
import os, shutil, signal, sys
from pathlib import Path
sys.path[:0] = ["tests", "tests/journeys"]
import town
from api.progress import Silent, StageRecorder
from api.refresh import run_refresh
from graph.home import Home
import graph.snapshot, graph.store.ladybug, ibis.backends.duckdb, ladybug, lmdb, polars  # once here, not in each child

folder, old = Path(sys.argv[1]), Path(sys.argv[2])
OPERATIONS = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "shutil.rmtree"}

def die():
    os.kill(os.getpid(), signal.SIGKILL)

class Watched(Silent):
    def __init__(self, stage, steps):
        self.stage, self.steps, self.home = stage, steps, None
    def began(self, stage):
        if stage.name == self.stage:
            if not self.steps:
                die()
            sys.addaudithook(self.watch)
    def watch(self, name, arguments):
        if name in OPERATIONS and str(folder) in str(arguments[0]):
            self.steps -= 1
            if self.steps == 0:
                die()

def in_child(home, display):
    child = os.fork()
    if child == 0:
        try:
            summary = run_refresh(Home(home), town.options(town.at(6)), StageRecorder(display))
            (home / "done").write_text(summary.snapshot)
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def live(home):
    return (home / "snapshots" / "CURRENT").read_text().strip()

calm = folder / "calm"
shutil.copytree(old, calm)
before = live(calm)
assert in_child(calm, Silent()) == 0
after = live(calm)
assert before != after

points = [("graph store", 3), ("snapshot", 6), ("snapshot", 20)]
seen = []
for number, (stage, steps) in enumerate(points):
    home = folder / f"killed-{number}"
    shutil.copytree(old, home)
    status = in_child(home, Watched(stage, steps))
    assert status in (0, -signal.SIGKILL), (stage, steps, status)
    assert live(home) in (before, after), (stage, steps)
    if status:
        seen.append((stage, steps, live(home) == before))
    assert in_child(home, Silent()) == 0, (stage, steps)
    assert (home / "done").read_text() == after == live(home), (stage, steps)
    left = [path.name for path in (home / "snapshots").iterdir() if path.name.startswith(".")]
    assert not left, (stage, steps, left)
    shutil.rmtree(home)
print(len(seen), sum(kept for *_, kept in seen))
"""


@pytest.mark.slow
def test_a_kill_at_any_stage_leaves_the_old_snapshot_and_the_next_refresh_works(settled: Home, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", KILLER, str(tmp_path), str(settled.path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    killed, old_kept = map(int, done.stdout.split())
    assert killed == 3
    assert old_kept >= 2


@pytest.mark.parametrize("table", ["scores", "summaries"])
def test_a_full_disk_while_publishing_leaves_the_old_snapshot_live(
    home: Home, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    before, stored = open_current(home).id, [manifest.id for manifest in list_manifests(home)]
    write = pq.write_table

    def full(rows: Any, where: Path, **how: Any) -> None:
        if Path(where).stem == table:
            raise OSError(errno.ENOSPC, "No space left on device", str(where))
        write(rows, where, **how)

    monkeypatch.setattr(snapshot_room.pq, "write_table", full)
    with pytest.raises(SnapshotError, match="No space left") as caught:
        town.refresh(home, town.at(6))
    assert "stays live" in caught.value.reason
    monkeypatch.undo()
    assert open_current(home).id == before
    assert [manifest.id for manifest in list_manifests(home)] == stored
    assert town.refresh(home, town.at(6)).snapshot == open_current(home).id != before


def test_a_store_that_is_away_stops_the_refresh_before_it_publishes(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = open_current(home).id
    monkeypatch.setenv(PASSWORD_VARIABLE, "irrelevant")
    with pytest.raises(StoreError):
        town.refresh(home, town.at(6), store="neo4j://neo4j@127.0.0.1:1")
    assert open_current(home).id == before


def test_a_damaged_earlier_snapshot_costs_ids_but_no_refresh(home: Home) -> None:
    snapshot = open_current(home).id
    (home.snapshots / snapshot / "members.parquet").write_bytes(b"rubbish")
    town.refresh(home, town.at(6))
    assert open_current(home).id != snapshot
    assert {row["state"] for row in campaigns(home).values()} == {"new"}


def test_a_window_between_the_events_says_so_and_changes_nothing(empty: Home, home: Home) -> None:
    town.fill(empty, [letter("a@a.example", "b@b.example", day=3, hour=15)])
    with pytest.raises(RingleaderError, match="holds no event") as caught:
        town.refresh(empty, START + timedelta(days=3, hours=12), days=1)
    assert "--as-of" in caught.value.mend
    before = open_current(home).id
    with pytest.raises(LakeError, match="no events between"):
        town.refresh(home, START - timedelta(days=30))
    assert open_current(home).id == before


def test_an_empty_lake_says_how_to_fill_it(empty: Home, capsys: pytest.CaptureFixture[str]) -> None:
    empty.ensure()
    assert main(["--home", str(empty.path), "refresh"]) == 1
    assert "ringleader ingest" in capsys.readouterr().err


def test_two_refreshes_at_once_do_not_mix(home: Home) -> None:
    script = "import sys; from pathlib import Path; from graph.home import Home, write_lock\n"
    script += "with write_lock(Home(Path(sys.argv[1]))):\n    print('held', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", script, str(home.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BusyError, match=str(other.pid)):
            town.refresh(home, town.at(6))
        other.communicate("")
    with write_lock(home):
        town.refresh(home, town.at(6))
