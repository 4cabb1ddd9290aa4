"""Windows that no search was made for, and attackers who know how it works: what comes out of the whole line."""

import numpy as np
import pytest
from memory import remembered
from windows import AS_OF, START, Letter, letter, window

from graph.campaigns import FindOptions, describe_campaigns, find_groups, last_groups
from graph.campaigns.alarm import AlarmOptions, Held, hold_back
from graph.evidence import gather_evidence
from graph.values import Campaigns, Refresh, Window

REFRESH = Refresh("r-1", START, AS_OF, "m-1", "0" * 64)
GANG = [f"x@a{n}.example" for n in range(8)]
BRAND = [f"shop{n}@brand{n}.example" for n in range(500)]
PEOPLE = [f"h{n}@home.example" for n in range(300)]


def wrote(keys: list[str], *sites: str, **more: object) -> list[Letter]:
    return [letter(key, f"friend-of-{key}", sites=sites, **more) for key in keys]


def line(seen: Window, margins: np.ndarray[tuple[int], np.dtype[np.float64]]) -> tuple[Held, Campaigns]:
    """A first refresh from evidence to campaigns."""
    evidence = gather_evidence(seen)
    held = hold_back(seen, evidence, find_groups(evidence, margins, FindOptions()), None, {}, AlarmOptions())
    return held, describe_campaigns(seen, evidence, held.partition, margins, None, REFRESH, {})


def margins_of(seen: Window, bad: set[str], good: float = -3.0) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([3.0 if key in bad else good for key in seen.senders["key"].to_pylist()])


def poisoned() -> Window:
    """A gang; a brand's five hundred shops; one of the gang writes as shops do, to their people, and they answer it."""
    usual = {"network": "192.0.2.0/24", "text": "spring sale"}
    letters = wrote(GANG, "own.example", network="198.51.100.0/24")
    letters += [
        letter(key, "reader1@mail.test", "reader2@mail.test", sites=("brand.example",), **usual) for key in BRAND
    ]
    letters += [letter(GANG[0], "reader1@mail.test", "reader2@mail.test", sites=("brand.example",), **usual)]
    letters += [letter(key, GANG[0], sites=("brand.example",), **usual) for key in BRAND]
    return window(letters + wrote(PEOPLE))


def test_a_bridge_pulls_no_innocent_group_into_a_campaign() -> None:
    seen = poisoned()
    _, found = line(seen, margins_of(seen, set(GANG)))
    senders = [row["key"] for row in found.members.to_pylist() if row["role"] == "sender"]
    assert set(senders) & set(GANG)
    assert not set(senders) & set(BRAND)
    domains = [row["key"] for row in found.members.to_pylist() if row["role"] == "domain"]
    assert "brand.example" not in domains


def test_a_bridge_that_fools_the_risk_itself_still_joins_no_established_campaign() -> None:
    """Every shop looks guilty: they may be a group of their own, never part of the campaign that was known."""
    seen = poisoned()
    evidence, margins = gather_evidence(seen), margins_of(seen, {*GANG, *BRAND})
    known = remembered({"c-gang": GANG})
    partition = find_groups(evidence, margins, FindOptions())
    held = hold_back(seen, evidence, partition, known, {}, AlarmOptions())
    keys = seen.senders["key"].to_pylist()
    mine = last_groups(known, seen) >= 0
    assert mine.sum() == len(GANG)
    campaign = {group for group, own in zip(held.partition.group.tolist(), mine, strict=True) if own and group >= 0}
    inside = {key for key, group in zip(keys, held.partition.group.tolist(), strict=True) if group in campaign}
    assert len(inside & set(BRAND)) <= AlarmOptions().crowd


@pytest.mark.parametrize("bad", [set[str](), set(GANG + BRAND + PEOPLE)])
def test_nobody_or_everybody_suspicious_is_an_answer_and_no_error(bad: set[str]) -> None:
    seen = poisoned()
    held, found = line(seen, margins_of(seen, bad))
    assert held.partition.count == found.campaigns.num_rows
    assert (found.campaigns.num_rows > 0) is bool(bad)
    assert sum(found.campaigns["senders"].to_pylist()) == (held.partition.group >= 0).sum()


def test_an_artefact_that_all_share_ties_nobody() -> None:
    everybody = [*GANG, *PEOPLE]
    seen = window(wrote(everybody, "everywhere.example", network="192.0.2.0/24"))
    assert line(seen, margins_of(seen, set(GANG)))[1].campaigns.num_rows == 0
