"""The tables of a campaign, each figure counted by hand on a window of a dozen letters."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from windows import AS_OF, START, Letter, id_of, letter, window

from graph import schema
from graph.campaigns import Known, Partition, describe_campaigns
from graph.campaigns.assess import log_odds, prevalence_log_odds
from graph.evidence import gather_evidence
from graph.values import Campaigns, Refresh, Window

REFRESH = Refresh("r-1", START, AS_OF, "m-1", "0" * 64)
LATER = replace(REFRESH, id="r-2", as_of=AS_OF + timedelta(days=1))
GANG = [f"x@bad{n}.example" for n in range(4)]


def letters() -> list[Letter]:
    """Four that share a link and a network, write on days 1 and 2 and hit one victim all; eleven honest people."""
    shared = {"sites": ("shop.example", "popular.example"), "network": "192.0.2.0/24"}
    bad = [letter(key, f"v{n}@mail.test", "v@mail.test", day=1, **shared) for n, key in enumerate(GANG)]
    again = letter(GANG[0], "v@mail.test", day=2, hour=20, **shared)
    good = [letter(f"h{n}@h.example", "v@mail.test", day=5, sites=("popular.example",)) for n in range(5)]
    plain = [letter(f"p{n}@p.example", "v@mail.test", day=6) for n in range(6)]
    return [*bad, again, *good, *plain]


def described(
    seen: Window, groups: list[list[str]], known: Known | None = None, judged: dict[str, str] | None = None
) -> Campaigns:
    """The campaigns of groups given by their senders' keys; every member belongs wholly."""
    group = np.full(seen.senders.num_rows, -1, np.int64)
    for number, keys in enumerate(groups):
        group[[id_of(seen, "senders", key) for key in keys]] = number
    partition = Partition(group, (group >= 0).astype(np.float64))
    margins = np.where(group >= 0, 2.0, -3.0)
    refresh = REFRESH if known is None else LATER
    return describe_campaigns(seen, gather_evidence(seen), partition, margins, known, refresh, judged or {})


@pytest.fixture(scope="module")
def seen() -> Window:
    return window(letters())


@pytest.fixture(scope="module")
def found(seen: Window) -> Campaigns:
    return described(seen, [GANG])


def remembered(found: Campaigns) -> Known:
    return Known(found.campaigns, found.members, found.lineage, found.evidence, profiles=found.profiles)


def test_a_campaign_is_counted_in_senders_domains_recipients_and_events(found: Campaigns) -> None:
    (row,) = found.campaigns.to_pylist()
    counts = {name: row[name] for name in ("senders", "domains", "recipients", "events", "state", "operation_id")}
    # its domains: the shop; their four own have one user each, one in four of the members
    assert counts == {
        "senders": 4,
        "domains": 1,
        "recipients": 5,
        "events": 5,
        "state": "new",
        "operation_id": None,
    }
    assert row["first_seen"] == START + timedelta(days=1, hours=9)
    assert row["last_seen"] == START + timedelta(days=2, hours=20)
    (profile,) = found.profiles.to_pylist()
    above = 2.0 - prevalence_log_odds(np.array([2.0] * 4 + [-3.0] * 11))
    tie = np.array(min(found.evidence["log10_p_corrected"].to_pylist()))
    assert profile["assessment"]["log_odds"] == pytest.approx(float(log_odds(np.array(above), np.array(4), tie)))
    assert row["risk"] == pytest.approx(1 / (1 + np.exp(-profile["assessment"]["log_odds"])))


def test_members_are_senders_domains_and_targets_with_weights(found: Campaigns) -> None:
    rows = {(row["role"], row["kind"], row["key"]): row["weight"] for row in found.members.to_pylist()}
    senders = {("sender", "sender", key): 1.0 for key in GANG}
    targets = {("target", "recipient", f"v{n}@mail.test"): 1 / 5 for n in range(4)}
    assert rows == senders | targets | {
        ("target", "recipient", "v@mail.test"): 1.0,
        ("domain", "domain", "shop.example"): 1.0,
    }


def test_a_domain_that_mostly_others_use_is_evidence_and_no_member(found: Campaigns) -> None:
    assert "popular.example" not in found.members["key"].to_pylist()
    assert "popular.example" in found.evidence["artefact"].to_pylist()


def test_evidence_is_ranked_and_says_who_else_shares_it(found: Campaigns) -> None:
    rows = found.evidence.to_pylist()
    assert [row["rank"] for row in rows] == list(range(1, len(rows) + 1))
    assert [row["strength"] for row in rows] == sorted((row["strength"] for row in rows), reverse=True)
    by_artefact = {row["artefact"]: row for row in rows}
    shop = by_artefact["shop.example"]
    assert (shop["relation"], shop["inside"], shop["outside"]) == ("linked_to", 4, 0)
    assert shop["sentence"] == "All 4 senders link to shop.example; nobody else does."
    assert by_artefact["192.0.2.0/24"]["relation"] == "sent_from"
    popular = by_artefact["popular.example"]
    assert (popular["inside"], popular["outside"]) == (4, 5)
    assert popular["strength"] < shop["strength"]


def test_the_timeline_sums_to_the_events(found: Campaigns) -> None:
    rows = found.timeline.to_pylist()
    assert [(row["ts"], row["events"], row["senders"]) for row in rows] == [
        (START + timedelta(days=1), 4, 4),
        (START + timedelta(days=2), 1, 1),
    ]


def test_the_picture_joins_members_to_what_they_share_and_whom_they_hit(found: Campaigns) -> None:
    edges = {(row["relation"], row["source"], row["target"]): row["events"] for row in found.edges.to_pylist()}
    assert edges["linked_to", GANG[0], "shop.example"] == 2
    assert edges["sent_from", GANG[1], "192.0.2.0/24"] == 1
    assert edges["wrote_to", GANG[0], "v@mail.test"] == 2
    assert ("wrote_to", GANG[0], "v0@mail.test") not in edges  # one member alone hit it
    assert {source for _, source, _ in edges} == set(GANG)
    kinds = {(row["relation"], row["target_kind"]) for row in found.edges.to_pylist()}
    assert kinds >= {("linked_to", "domain"), ("sent_from", "network"), ("wrote_to", "recipient")}


def test_every_table_has_its_schema_and_speaks_of_known_campaigns(found: Campaigns) -> None:
    ids = set(found.campaigns["campaign_id"].to_pylist())
    forms = {"edges": schema.CAMPAIGN_EDGES} | {
        name: getattr(schema, name.upper())
        for name in ("campaigns", "members", "evidence", "lineage", "timeline", "impact", "profiles")
    }
    for name, form in forms.items():
        table = getattr(found, name)
        assert table.schema == form, name
        assert set(table["campaign_id"].to_pylist()) <= ids, name


def test_no_groups_make_empty_tables_of_the_same_schemas(seen: Window, found: Campaigns) -> None:
    nothing = described(seen, [])
    for name in ("campaigns", "members", "evidence", "lineage", "timeline", "edges", "impact", "profiles"):
        assert getattr(nothing, name).num_rows == 0, name
        assert getattr(nothing, name).schema == getattr(found, name).schema, name


def test_a_window_with_no_events_describes_nothing() -> None:
    assert described(window([]), []).campaigns.num_rows == 0


def test_a_campaign_that_is_seen_again_is_active_under_its_old_id(seen: Window, found: Campaigns) -> None:
    again = described(seen, [GANG], remembered(found))
    assert again.campaigns["campaign_id"].to_pylist() == found.campaigns["campaign_id"].to_pylist()
    assert again.campaigns["state"].to_pylist() == ["active"]


@pytest.mark.parametrize(("verdict", "state"), [("benign", "dismissed"), ("malicious", "confirmed")])
def test_a_verdict_decides_the_state_and_keeps_the_id(seen: Window, found: Campaigns, verdict: str, state: str) -> None:
    (name,) = found.campaigns["campaign_id"].to_pylist()
    judged = described(seen, [GANG], remembered(found), {name: verdict})
    assert judged.campaigns["campaign_id"].to_pylist() == [name]
    assert judged.campaigns["state"].to_pylist() == [state]


def test_a_campaign_without_members_sleeps_with_its_last_figures(seen: Window, found: Campaigns) -> None:
    asleep = described(seen, [], remembered(found))
    (row,), (before,) = asleep.campaigns.to_pylist(), found.campaigns.to_pylist()
    assert row == before | {"state": "dormant"}
    assert asleep.members.to_pylist() == found.members.to_pylist()


def test_evidence_is_dated_by_members_alone(found: Campaigns) -> None:
    """Others use the popular domain three days longer."""
    rows = {row["artefact"]: row for row in found.evidence.to_pylist()}
    assert rows["popular.example"]["first_seen"] == START + timedelta(days=1, hours=9)
    assert rows["popular.example"]["last_seen"] == START + timedelta(days=2, hours=20)


def test_a_sleeping_campaign_keeps_its_evidence(seen: Window, found: Campaigns) -> None:
    asleep = described(seen, [], remembered(found))
    assert asleep.evidence.to_pylist() == found.evidence.to_pylist()
    assert described(seen, [], remembered(asleep)).evidence.to_pylist() == found.evidence.to_pylist()
    assert asleep.evidence.schema == schema.EVIDENCE


def test_a_sleeping_campaign_keeps_what_was_said_of_it_as_a_whole(seen: Window, found: Campaigns) -> None:
    asleep = described(seen, [], remembered(found))
    assert asleep.profiles.num_rows == 1
    assert asleep.profiles.equals(found.profiles)
    assert described(seen, [], remembered(asleep)).profiles.equals(found.profiles)
    assert described(seen, [GANG], remembered(asleep)).profiles.to_pylist() == found.profiles.to_pylist()


def test_evidence_of_an_older_version_is_kept_without_what_it_did_not_count(seen: Window, found: Campaigns) -> None:
    older = replace(remembered(found), evidence=found.evidence.drop_columns(["log10_p", "log10_p_corrected"]))
    asleep = described(seen, [], older).evidence
    assert asleep.schema == schema.EVIDENCE
    assert asleep["sentence"].to_pylist() == found.evidence["sentence"].to_pylist()
    assert set(asleep["log10_p"].to_pylist()) == {None}


def test_a_campaign_that_woke_has_the_evidence_of_now_alone(seen: Window, found: Campaigns) -> None:
    asleep = described(seen, [], remembered(found))
    assert described(seen, [GANG], remembered(asleep)).evidence.to_pylist() == found.evidence.to_pylist()


def test_a_sleeping_campaign_lends_no_member_twice(seen: Window, found: Campaigns) -> None:
    """Two of its four senders turn up elsewhere with ten others: too few to continue it."""
    others = [f"n{n}@n{n}.example" for n in range(12)]
    now = window([*letters(), *(letter(key, "v@mail.test") for key in others)])
    (old,) = found.campaigns["campaign_id"].to_pylist()
    later = described(now, [[GANG[0], *others]], remembered(found))
    by_id = {row["campaign_id"]: row for row in later.campaigns.to_pylist()}
    assert by_id[old]["state"] == "dormant"
    assert len(by_id) == 2
    senders = [row["key"] for row in later.members.to_pylist() if row["role"] == "sender"]
    assert len(senders) == len(set(senders)) == 4 + 12


def test_a_dismissed_campaign_stays_dismissed_when_it_is_gone(seen: Window, found: Campaigns) -> None:
    (name,) = found.campaigns["campaign_id"].to_pylist()
    gone = described(seen, [], remembered(found), {name: "benign"})
    assert gone.campaigns["state"].to_pylist() == ["dismissed"]
