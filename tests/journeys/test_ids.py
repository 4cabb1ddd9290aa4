"""Ids from refresh to refresh, whatever happens in between: members change, clocks go back, files are lost."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import town
from windows import Letter, letter

from api import stages
from api.refresh import RefreshSummary
from graph.campaigns import Partition
from graph.home import Home
from graph.snapshot import list_manifests, open_current
from graph.verdicts import Decision, VerdictLedger

DAYS = range(9)
TURNOVER = 3  # of eight, each day


def rotating(days: range) -> list[Letter]:
    """A gang of which three in eight are others every day, on one link, network and text."""
    shared = {"sites": ("r-shop.example",), "network": "198.51.100.0/24", "text": "text-r"}
    return [
        letter(
            f"x@r{number}.example",
            *(f"h{(day * 17 + n * 7 + k) % town.PEOPLE}@home.example" for k in range(3)),
            day=day,
            hour=3,
            **shared,
        )
        for day in days
        for n, number in enumerate(range(day * TURNOVER, day * TURNOVER + town.GANG))
    ]


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Nine days of the town with two gangs, refreshed after the fifth and sixth. Copy it; do not write to it."""
    home = Home(tmp_path_factory.mktemp("ids") / "home")
    letters = town.people(DAYS) + town.gang("a", DAYS) + town.gang("b", DAYS)
    town.fill(home, letters, town.verdicts())
    town.refresh(home, town.at(4))
    town.refresh(home, town.at(5))
    return home


@pytest.fixture
def home(settled: Home, tmp_path: Path) -> Home:
    shutil.copytree(settled.path, tmp_path / "home")
    return Home(tmp_path / "home")


def owners(home: Home) -> dict[str, str]:
    """Campaign of each sender that is in one."""
    rows = open_current(home).table("members").to_pylist()
    return {row["key"]: row["campaign_id"] for row in rows if row["role"] == "sender"}


def gang_ids(home: Home) -> tuple[str, str]:
    found = owners(home)
    return found["x@a0.example"], found["x@b0.example"]


def test_an_id_stays_while_three_in_eight_members_are_others_every_day(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    known = [town.verdict(f"x@r{n}.example", "malicious") for n in range(40)]
    town.fill(home, town.people(DAYS) + rotating(DAYS), town.verdicts() + known)
    ids = []
    for day in range(2, len(DAYS)):
        town.refresh(home, town.at(day), days=2)
        newest = max(int(key[3:-8]) for key in owners(home) if key.startswith("x@r"))
        assert newest == day * TURNOVER + town.GANG - 1
        ids.append(owners(home)[f"x@r{newest}.example"])
    assert len(set(ids)) == 1
    assert f"x@r{0}.example" not in owners(home)


def test_ids_stay_where_a_refresh_is_left_out(home: Home) -> None:
    before = gang_ids(home)
    town.refresh(home, town.at(8))
    assert gang_ids(home) == before


def test_a_clock_that_goes_back_and_forth_again_loses_no_id(home: Home) -> None:
    """The past is told as it would have been; the newest window's ids stay for the next refresh, pruned or not."""
    before = gang_ids(home)
    newest = open_current(home).id
    for day in (2, 3):
        town.refresh(home, town.at(day), keep_snapshots=1)
    assert open_current(home).manifest.as_of == town.at(3)
    assert newest in {manifest.id for manifest in list_manifests(home)}
    town.refresh(home, town.at(6))
    assert gang_ids(home) == before


def spoil(home: Home, table: str, which: int) -> None:
    """Overwrite a table of the snapshot of the which-th newest window."""
    manifest = sorted(list_manifests(home), key=lambda one: one.as_of)[which]
    (home.snapshots / manifest.id / f"{table}.parquet").write_bytes(b"rubbish")


@pytest.mark.parametrize("table", ["scores", "timeline"])
def test_damage_to_what_ids_do_not_need_costs_none(home: Home, table: str) -> None:
    before = gang_ids(home)
    spoil(home, table, -1)
    town.refresh(home, town.at(6))
    assert gang_ids(home) == before


@pytest.mark.parametrize("table", ["members", "lineage"])
def test_where_the_newest_history_is_damaged_the_one_before_carries_the_ids(home: Home, table: str) -> None:
    before = gang_ids(home)
    spoil(home, table, -1)
    town.refresh(home, town.at(6))
    assert gang_ids(home) == before
    told = open_current(home).lineage_of(before[0])
    assert [row["event"] for row in told][:1] == ["born"]


def test_where_every_history_is_damaged_campaigns_are_born_anew(home: Home) -> None:
    before = gang_ids(home)
    for which in (-1, -2):
        spoil(home, "members", which)
    town.refresh(home, town.at(6))
    assert not set(gang_ids(home)) & set(before)


# ---- Verdicts and alarms ------------------------------------------------------------------------------------


def decide(home: Home, key: str, verdict: str, day: int, source: str = "desk") -> None:
    VerdictLedger(home).add(Decision("campaign", key, verdict, source, ts=town.at(day)))


def states(home: Home) -> dict[str, str]:
    table = open_current(home).table("campaigns")
    return dict(zip(table["campaign_id"].to_pylist(), table["state"].to_pylist(), strict=True))


def test_a_benign_group_stays_one_while_its_members_change(home: Home) -> None:
    _, benign = gang_ids(home)
    decide(home, benign, "benign", 5)
    for day in (6, 7, 8):
        town.refresh(home, town.at(day))
        assert states(home)[benign] == "dismissed"


def test_of_verdicts_that_contradict_each_other_on_a_campaign_the_newest_counts(home: Home) -> None:
    name, _ = gang_ids(home)
    decide(home, name, "benign", 4)
    decide(home, name, "malicious", 5, source="other desk")
    town.refresh(home, town.at(6))
    assert states(home)[name] == "confirmed"
    decide(home, name, "benign", 6)
    town.refresh(home, town.at(7))
    assert states(home)[name] == "dismissed"


def refresh_as_one(home: Home, day: int, monkeypatch: pytest.MonkeyPatch, **more: Any) -> RefreshSummary:
    """A refresh whose search takes both gangs for one group, whatever they share."""
    search = stages.find_groups

    def joined(*arguments: Any, **named: Any) -> Partition:
        found = search(*arguments, **named)
        return Partition(np.minimum(found.group, 0), found.weight)

    with monkeypatch.context() as patch:
        patch.setattr(stages, "find_groups", joined)
        return town.refresh(home, town.at(day), **more)


def test_a_join_on_nothing_is_held_back_and_asked_about_until_a_verdict_answers(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = gang_ids(home)
    for day in (6, 7):
        refresh_as_one(home, day, monkeypatch)
        assert gang_ids(home) == before
        (alarm,) = open_current(home).table("alarms").to_pylist()
        assert {alarm["campaign_id"], alarm["other_id"]} == set(before)
        assert (alarm["kind"], alarm["state"], alarm["since"]) == ("merge", "open", town.at(6))
    held = [row for row in open_current(home).table("lineage").to_pylist() if row["event"] == "held"]
    assert len(held) == 1
    decide(home, alarm["alarm_id"], "malicious", 7)
    refresh_as_one(home, 8, monkeypatch)
    first, second = gang_ids(home)
    assert first == second
    (gone,) = set(before) - {first}
    assert open_current(home).heir(gone) == first
    assert open_current(home).table("alarms").num_rows == 0


def test_an_alarm_answered_with_no_is_not_asked_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    before = gang_ids(home)
    refresh_as_one(home, 6, monkeypatch)
    (alarm,) = open_current(home).table("alarms").to_pylist()
    decide(home, alarm["alarm_id"], "benign", 6)
    refresh_as_one(home, 7, monkeypatch)
    assert gang_ids(home) == before
    assert open_current(home).table("alarms")["state"].to_pylist() == ["apart"]


def test_the_same_refresh_with_the_same_alarm_gives_the_same_bytes(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    snapshot = refresh_as_one(home, 6, monkeypatch).snapshot
    exported = town.exports(home, tmp_path / "one")
    assert refresh_as_one(home, 6, monkeypatch).snapshot == snapshot
    assert town.exports(home, tmp_path / "two") == exported


def test_the_number_of_threads_changes_no_byte(home: Home, tmp_path: Path) -> None:
    snapshots, exported = [], []
    for threads in (1, 2):
        snapshots.append(town.refresh(home, town.at(6), threads=threads).snapshot)
        exported.append(town.exports(home, tmp_path / str(threads)))
    assert snapshots[0] == snapshots[1]
    assert exported[0] == exported[1]
