"""The stage after campaigns: operations that reach back to sleeping campaigns, ids that last, tables that agree."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from windows import AS_OF, START, Letter, id_of, letter, window

from api.connections import connected
from api.settings import Settings
from api.stages import Decisions, RefreshOptions
from gnn.labels import Labels
from graph import schema
from graph.campaigns import Known, Partition, describe_campaigns
from graph.campaigns.operations import operation_id
from graph.evidence import gather_evidence
from graph.values import Campaigns, Refresh, Window

REFRESH = Refresh("r-1", START, AS_OF, "m-1", "0" * 64)
VICTIMS = tuple(f"v{n}@mail.test" for n in range(30))
CROWD = [letter(f"h{n}@h{n}.example", f"friend{n}@mail.test") for n in range(300)]


def gang(name: str, text: str) -> list[Letter]:
    """Three senders with a text of their own, who all write to one list of victims."""
    return [letter(f"x{n}@{name}{n}.example", *VICTIMS, text=text) for n in range(3)]


def refreshed(letters: list[Letter], gangs: list[str], known: Known | None) -> Campaigns:
    """A refresh whose campaigns are the gangs."""
    seen: Window = window([*letters, *CROWD])
    group = np.full(seen.senders.num_rows, -1, np.int64)
    for number, name in enumerate(gangs):
        group[[id_of(seen, "senders", f"x{n}@{name}{n}.example") for n in range(3)]] = number
    margins = np.where(group >= 0, 1.0, -6.0)
    evidence = gather_evidence(seen)
    refresh = replace(REFRESH, as_of=AS_OF + timedelta(days=1 if known else 0))
    found = describe_campaigns(seen, evidence, Partition(group, (group >= 0) * 1.0), margins, known, refresh, {})
    nobody = Labels(np.zeros(len(group)), np.zeros(len(group)))
    decided = Decisions(schema.VERDICT_ROWS.empty_table(), nobody, nobody, known)
    return connected(seen, evidence, found, margins, decided, RefreshOptions.of(Settings(), None))


def remembered(found: Campaigns) -> Known:
    names = ("campaigns", "members", "lineage", "evidence", "traits")
    return Known(**{name: getattr(found, name) for name in names})


def operations(found: Campaigns) -> dict[str, str | None]:
    columns = (found.campaigns[name].to_pylist() for name in ("campaign_id", "operation_id"))
    return dict(zip(*columns, strict=True))


@pytest.fixture(scope="module")
def first() -> Campaigns:
    return refreshed(gang("a", "f1") + gang("b", "f2"), ["a", "b"], None)


def test_campaigns_with_one_list_of_victims_are_one_operation_and_the_links_say_so(first: Campaigns) -> None:
    ids = sorted(operations(first))
    assert operations(first) == dict.fromkeys(ids, operation_id(ids))
    links = first.operation_links.to_pylist()
    assert {(row["operation_id"], row["campaign_id"], row["other_id"]) for row in links} == {(operation_id(ids), *ids)}
    assert "wrote_to" in {row["relation"] for row in links}


def test_an_operation_reaches_back_to_campaigns_that_sleep_and_keeps_its_id(first: Campaigns) -> None:
    later = refreshed(gang("c", "f3"), ["c"], remembered(first))
    states = dict(zip(later.campaigns["campaign_id"].to_pylist(), later.campaigns["state"].to_pylist(), strict=True))
    assert sorted(states.values()) == ["dormant", "dormant", "new"]
    assert set(operations(later).values()) == set(operations(first).values())
    again = refreshed(gang("c", "f3"), ["c"], remembered(first))
    assert again.operation_links.equals(later.operation_links)


def test_another_list_of_victims_is_another_operators(first: Campaigns) -> None:
    others = [letter(f"x{n}@c{n}.example", *(f"w{k}@mail.test" for k in range(30)), text="f3") for n in range(3)]
    later = operations(refreshed(others, ["c"], remembered(first)))
    assert sorted(later[name] is None for name in later) == [False, False, True]


def test_every_table_speaks_of_the_window_and_has_its_schema(first: Campaigns) -> None:
    for name in ("traits", "sender_traits", "compared_by", "operation_links", "what_if", "queue"):
        assert getattr(first, name).schema == getattr(schema, name.upper()), name
        assert getattr(first, name).num_rows, name
    members = {row["key"] for row in first.members.to_pylist() if row["role"] == "sender"}
    assert set(first.sender_traits["key"].to_pylist()) == members
    assert set(first.what_if["campaign_id"].to_pylist()) <= set(operations(first))
    assert {row["key"] for row in first.queue.to_pylist() if row["kind"] == "campaign"} <= set(operations(first))


def test_a_window_without_campaigns_has_no_ties() -> None:
    nothing = refreshed([], [], None)
    for name in ("traits", "operation_links", "what_if"):
        assert getattr(nothing, name).num_rows == 0, name
