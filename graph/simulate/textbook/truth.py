"""What is true of a textbook world, as the tables that every family writes. Draws nothing."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from graph.simulate import facts
from graph.simulate.facts import first_of, named, times
from graph.simulate.rows import Ints, Rows, owners
from graph.simulate.textbook.attack import Crimes
from graph.simulate.textbook.crimes import Campaign
from graph.simulate.textbook.crowds import INNOCENT
from graph.simulate.textbook.registry import Registry


@dataclass(frozen=True, kw_only=True)
class Truth(facts.Truth):
    """By account, too: the kind of most of what it wrote innocently, a number in INNOCENT."""

    crowd: Ints


def crowd_code(number: int) -> int:
    """What stands in column `campaign` of innocent rows of that kind of INNOCENT: -1 for personal mail, and so on."""
    return -1 - number


def find_truth(rows: Rows, registry: Registry, campaigns: int, crimes: Crimes) -> Truth:
    """What the rows that really came about say of everybody."""
    n, sites = len(registry.book()), registry.site_owners()
    guilty = rows.campaign >= 0
    owner = np.full(n, -1, np.int32)
    owner[rows.sender[guilty]] = rows.campaign[guilty]
    kinds = len(INNOCENT)
    written = rows.sender[~guilty].astype(np.int64) * kinds - 1 - rows.campaign[~guilty]
    crowd = np.bincount(written, minlength=n * kinds).reshape(n, kinds).argmax(1).astype(np.int32)
    bridge, wave = np.zeros(n, bool), np.where(owner >= 0, 1, 0).astype(np.int32)
    bridge[np.array(crimes.bridges, np.int64)] = True
    for account, number in crimes.wave.items():
        wave[account] = number
    site_first = first_of(registry.host_sites()[rows.link], rows.ts[owners(rows.link_count)], len(sites))
    shown = registry.addressed()[rows.sender]
    np.minimum.at(site_first, registry.book().site[rows.sender[shown]], rows.ts[shown])
    of, when = rows.campaign[guilty], rows.ts[guilty]
    return Truth(
        owner=owner,
        crowd=crowd,
        events=np.bincount(rows.sender, minlength=n),
        first=first_of(rows.sender, rows.ts, n),
        first_guilty=first_of(rows.sender[guilty], when, n),
        bridge=bridge & (owner >= 0),
        wave=wave,
        site_owner=sites,
        site_first=site_first,
        campaign_events=np.bincount(of, minlength=campaigns),
        campaign_first=first_of(of, when, campaigns),
        campaign_last=-first_of(of, -when, campaigns),
    )


def truth_tables(
    truth: Truth, plans: list[Campaign], bombings: pa.Table, keys: pa.Array, names: pa.Array, start: int
) -> dict[str, pa.Table]:
    """The tables by file name."""
    campaigns = facts.Campaigns(
        operator=np.array([plan.operator for plan in plans]),
        kinds=[plan.crime.name for plan in plans],
        signals=[plan.kept for plan in plans],
    )
    ran = np.flatnonzero(truth.campaign_events)
    archetypes = pa.array([*INNOCENT, *campaigns.kinds], pa.string())
    archetype = archetypes.take(pa.array(np.where(truth.owner >= 0, len(INNOCENT) + truth.owner, truth.crowd)))
    return {
        "senders": facts.sender_table(truth, campaigns, archetype, keys, start),
        "domains": facts.domain_table(truth, campaigns, names),
        "campaigns": facts.campaign_table(truth, campaigns, ran, start),
        "operators": facts.operator_table(truth, campaigns, ran, start),
        "bombings": bombings,
    }


def bombing_table(rows: Rows, keys: pa.Array, start: int) -> pa.Table:
    """Every victim of a subscription bomb with its attackers' innocent tools. `rows`: innocent mail of that kind."""
    victims, of = np.unique(rows.to, return_inverse=True)
    services = np.array([len(np.unique(rows.sender[of == number])) for number in range(len(victims))], np.int64)
    return pa.table(
        {
            "bombing": named("b", np.arange(len(victims))),
            "victim": keys.take(pa.array(victims)),
            "services": pa.array(services),
            "first_ts": times(first_of(of, rows.ts, len(victims)), start),
            "last_ts": times(-first_of(of, -rows.ts, len(victims)), start),
        }
    )
