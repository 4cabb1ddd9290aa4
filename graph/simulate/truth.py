"""What is true of a world, as tables: senders, domains, campaigns, operators and bombed victims. Draws nothing."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from graph.schema import TIME
from graph.simulate.bulk import Issues
from graph.simulate.campaigns import Campaign
from graph.simulate.ground import Ground
from graph.simulate.labels import Sightings
from graph.simulate.rows import Ints, Longs


def site_owners(campaigns: Sequence[Campaign], sites: int) -> Ints:
    """For every site the number of the first campaign that owned it, -1 for honest ones."""
    owner = np.full(sites, -1, np.int32)
    for number in range(len(campaigns) - 1, -1, -1):
        owner[campaigns[number].sites] = number
    return owner


def sender_owners(campaigns: Sequence[Campaign], mailboxes: int) -> Ints:
    """For every mailbox the number of its campaign, -1 for honest ones."""
    owner = np.full(mailboxes, -1, np.int32)
    for number, campaign in enumerate(campaigns):
        owner[campaign.senders] = number
    return owner


def sender_truth(
    ground: Ground, campaigns: Sequence[Campaign], owner: Ints, sightings: Sightings, start: int
) -> pa.Table:
    """Every mailbox that sent anything.

    `bridge` marks a guilty one that also writes as a member of an innocent group; `wave` says in which of its
    campaign's sets of senders it is, counted from 1, null for the innocent.
    """
    seen = np.flatnonzero(sightings.events)
    guilty = owner[seen] >= 0
    roles = np.asarray(ground.archetypes, dtype=object)[ground.roles[seen]]
    hijacked = guilty & (roles == "person")
    bridges = np.concatenate([campaign.bridges for campaign in campaigns])
    waves = np.zeros(len(owner), np.int32)
    waves[np.concatenate([campaign.senders for campaign in campaigns])] = np.concatenate([c.waves for c in campaigns])
    return pa.table(
        {
            "key": ground.keys.take(pa.array(seen)),
            "malicious": pa.array(guilty),
            **_belongings(owner[seen], campaigns),
            "archetype": pa.array(np.where(hijacked, "hijacked", roles), pa.string()),
            "events": pa.array(sightings.events[seen]),
            "first_ts": _times(sightings.first[seen], start),
            "bridge": pa.array(np.isin(seen, bridges)),
            "wave": pa.array(waves[seen].astype(np.int64), mask=~guilty),
        }
    ).sort_by("key")


def domain_truth(
    campaigns: Sequence[Campaign], sightings: Sightings, names: pa.Array, owner: Ints, end: int
) -> pa.Table:
    """Every registrable domain that was linked or written from before `end` (microseconds into the span)."""
    seen = np.flatnonzero(sightings.site_first < end)
    return pa.table(
        {
            "key": names.take(pa.array(seen)),
            "malicious": pa.array(owner[seen] >= 0),
            **_belongings(owner[seen], campaigns),
        }
    ).sort_by("key")


def campaign_truth(campaigns: Sequence[Campaign], start: int) -> pa.Table:
    """Every campaign; `start` is the span's begin in microseconds since the epoch."""
    return pa.table(
        {
            "campaign": pa.array([c.name for c in campaigns], pa.string()),
            "operator": pa.array([c.operator for c in campaigns], pa.string()),
            "kind": pa.array([c.kind for c in campaigns], pa.string()),
            "senders": pa.array([len(c.senders) for c in campaigns], pa.int64()),
            "events": pa.array([c.events for c in campaigns], pa.int64()),
            "first_ts": _times([c.first for c in campaigns], start),
            "last_ts": _times([c.last for c in campaigns], start),
            "signals": pa.array([c.signals for c in campaigns], pa.list_(pa.string())),
            "waves": pa.array([int(c.waves.max()) for c in campaigns], pa.int64()),
        }
    )


def operator_truth(campaigns: Sequence[Campaign], sightings: Sightings, sites: Ints, start: int, end: int) -> pa.Table:
    """Every operator that ran a campaign: what it ran, with how many senders and domains of its own, and when.

    `sites` says which campaign owns a site, as `site_owners` does; only those seen before `end` are counted.
    """
    names = sorted({campaign.operator for campaign in campaigns})
    run = [[c for c in campaigns if c.operator == name] for name in names]
    owned = sites[(sightings.site_first < end) & (sites >= 0)]
    domains = np.bincount(owned, minlength=len(campaigns))
    number = {campaign.name: at for at, campaign in enumerate(campaigns)}
    return pa.table(
        {
            "operator": pa.array(names, pa.string()),
            "campaigns": pa.array([len(each) for each in run], pa.int64()),
            "kinds": pa.array([sorted({c.kind for c in each}) for each in run], pa.list_(pa.string())),
            "senders": pa.array([sum(len(c.senders) for c in each) for each in run], pa.int64()),
            "domains": pa.array([sum(int(domains[number[c.name]]) for c in each) for each in run], pa.int64()),
            "events": pa.array([sum(c.events for c in each) for each in run], pa.int64()),
            "first_ts": _times([min(c.first for c in each) for each in run], start),
            "last_ts": _times([max(c.last for c in each) for each in run], start),
        }
    )


def bombing_truth(issues: Issues, keys: pa.Array, start: int) -> pa.Table:
    """Every subscription bombing: the victim, how many honest services were abused, and the hour in which it was."""
    first, at, services = np.unique(issues.first, return_index=True, return_counts=True)
    ts = [issues.ts[issues.first == one] for one in first]
    return pa.table(
        {
            "bombing": pa.array([f"b{number:03d}" for number in range(len(first))], pa.string()),
            "victim": keys.take(pa.array(issues.audience[issues.first[at]])),
            "services": pa.array(services, pa.int64()),
            "first_ts": _times([int(each.min()) for each in ts], start),
            "last_ts": _times([int((each + issues.lasts.max()).max()) for each in ts], start),
        }
    )


def _belongings(owner: Ints, campaigns: Sequence[Campaign]) -> dict[str, pa.Array]:
    """Campaign and operator of each, null for the innocent."""
    number = pa.array(np.maximum(owner, 0), mask=owner < 0)
    names = pa.array([c.name for c in campaigns], pa.string())
    operators = pa.array([c.operator for c in campaigns], pa.string())
    return {"campaign": names.take(number), "operator": operators.take(number)}


def _times(ts: Longs | list[int], start: int) -> pa.Array:
    return pa.array(np.asarray(ts, np.int64) + start).cast(TIME)
