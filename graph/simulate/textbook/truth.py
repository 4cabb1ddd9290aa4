"""What is true of a textbook world, as the tables that every family writes. Draws nothing."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph.schema import TIME
from graph.simulate.rows import Bools, Ints, Longs, Rows, owners
from graph.simulate.textbook.attack import Crimes
from graph.simulate.textbook.crimes import Campaign
from graph.simulate.textbook.crowds import INNOCENT
from graph.simulate.textbook.registry import Registry

NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Truth:
    """By account, by site and by campaign; moments are microseconds into the span, campaigns numbers, -1 for none."""

    owner: Ints
    crowd: Ints  # the kind of most of what an account wrote innocently, a number in INNOCENT
    events: Longs
    first: Longs
    first_guilty: Longs  # NEVER for the innocent
    bridge: Bools
    wave: Ints
    site_owner: Ints
    site_first: Longs
    campaign_events: Longs
    campaign_first: Longs
    campaign_last: Longs


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
    site_first = _first(registry.host_sites()[rows.link], rows.ts[owners(rows.link_count)], len(sites))
    shown = registry.addressed()[rows.sender]
    np.minimum.at(site_first, registry.book().site[rows.sender[shown]], rows.ts[shown])
    of, when = rows.campaign[guilty], rows.ts[guilty]
    return Truth(
        owner=owner,
        crowd=crowd,
        events=np.bincount(rows.sender, minlength=n),
        first=_first(rows.sender, rows.ts, n),
        first_guilty=_first(rows.sender[guilty], when, n),
        bridge=bridge & (owner >= 0),
        wave=wave,
        site_owner=sites,
        site_first=site_first,
        campaign_events=np.bincount(of, minlength=campaigns),
        campaign_first=_first(of, when, campaigns),
        campaign_last=-_first(of, -when, campaigns),
    )


def _first(which: npt.NDArray[np.integer], ts: Longs, n: int) -> Longs:
    first = np.full(n, NEVER)
    np.minimum.at(first, which, ts)
    return first


def truth_tables(
    truth: Truth, plans: list[Campaign], bombings: pa.Table, keys: pa.Array, names: pa.Array, start: int
) -> dict[str, pa.Table]:
    """The tables by file name."""
    ran = [plan for plan in plans if truth.campaign_events[plan.number]]
    return {
        "senders": _senders(truth, plans, keys, start),
        "domains": _domains(truth, plans, names),
        "campaigns": _campaigns(truth, ran, start),
        "operators": _operators(truth, ran, start),
        "bombings": bombings,
    }


def _named(letter: str, numbers: npt.NDArray[np.integer]) -> pa.Array:
    """`c0007` for 7, null for a negative number."""
    return pa.array([f"{letter}{number:04d}" if number >= 0 else None for number in numbers.tolist()], pa.string())


def _operator_of(owner: Ints, plans: list[Campaign]) -> Longs:
    operator = np.array([plan.operator for plan in plans])
    return np.where(owner >= 0, operator[owner], -1)


def _senders(truth: Truth, plans: list[Campaign], keys: pa.Array, start: int) -> pa.Table:
    seen = np.flatnonzero(truth.events)
    owner = truth.owner[seen]
    names = [*INNOCENT, *(plan.crime.name for plan in plans)]
    archetype = np.where(owner >= 0, len(INNOCENT) + owner, truth.crowd[seen])
    return pa.table(
        {
            "key": keys.take(pa.array(seen)),
            "malicious": pa.array(owner >= 0),
            "campaign": _named("c", owner),
            "operator": _named("o", _operator_of(owner, plans)),
            "archetype": pa.array(names, pa.string()).take(pa.array(archetype)),
            "events": pa.array(truth.events[seen].astype(np.int64)),
            "first_ts": times(truth.first[seen], start),
            "bridge": pa.array(truth.bridge[seen]),
            "wave": pa.array(truth.wave[seen].astype(np.int64), mask=owner < 0),
        }
    ).sort_by("key")


def _domains(truth: Truth, plans: list[Campaign], names: pa.Array) -> pa.Table:
    seen = np.flatnonzero(truth.site_first < NEVER)
    owner = truth.site_owner[seen]
    return pa.table(
        {
            "key": names.take(pa.array(seen)),
            "malicious": pa.array(owner >= 0),
            "campaign": _named("c", owner),
            "operator": _named("o", _operator_of(owner, plans)),
        }
    ).sort_by("key")


def _campaigns(truth: Truth, ran: list[Campaign], start: int) -> pa.Table:
    at = np.array([plan.number for plan in ran], np.int64)
    members = np.bincount(truth.owner[truth.owner >= 0], minlength=len(truth.campaign_events))
    waves = np.ones(len(truth.campaign_events), np.int64)
    guilty = truth.owner >= 0
    np.maximum.at(waves, truth.owner[guilty], truth.wave[guilty])
    return pa.table(
        {
            "campaign": _named("c", at),
            "operator": _named("o", np.array([plan.operator for plan in ran], np.int64)),
            "kind": pa.array([plan.crime.name for plan in ran], pa.string()),
            "senders": pa.array(members[at].astype(np.int64)),
            "events": pa.array(truth.campaign_events[at].astype(np.int64)),
            "first_ts": times(truth.campaign_first[at], start),
            "last_ts": times(truth.campaign_last[at], start),
            "signals": pa.array([list(plan.kept) for plan in ran], pa.list_(pa.string())),
            "waves": pa.array(waves[at], pa.int64()),
        }
    )


def _operators(truth: Truth, ran: list[Campaign], start: int) -> pa.Table:
    members = np.bincount(truth.owner[truth.owner >= 0], minlength=len(truth.campaign_events))
    used = (truth.site_owner >= 0) & (truth.site_first < NEVER)
    sites = np.bincount(truth.site_owner[used], minlength=len(truth.campaign_events))
    names = sorted({plan.operator for plan in ran})
    run = [[plan.number for plan in ran if plan.operator == name] for name in names]
    kinds = [sorted({plan.crime.name for plan in ran if plan.operator == name}) for name in names]
    return pa.table(
        {
            "operator": _named("o", np.array(names, np.int64)),
            "campaigns": pa.array([len(each) for each in run], pa.int64()),
            "kinds": pa.array(kinds, pa.list_(pa.string())),
            "senders": pa.array([int(members[each].sum()) for each in run], pa.int64()),
            "domains": pa.array([int(sites[each].sum()) for each in run], pa.int64()),
            "events": pa.array([int(truth.campaign_events[each].sum()) for each in run], pa.int64()),
            "first_ts": times(np.array([truth.campaign_first[each].min() for each in run]), start),
            "last_ts": times(np.array([truth.campaign_last[each].max() for each in run]), start),
        }
    )


def bombing_table(rows: Rows, keys: pa.Array, start: int) -> pa.Table:
    """Every victim of a subscription bomb with its attackers' innocent tools. `rows`: innocent mail of that kind."""
    victims, of = np.unique(rows.to, return_inverse=True)
    services = np.array([len(np.unique(rows.sender[of == number])) for number in range(len(victims))], np.int64)
    return pa.table(
        {
            "bombing": _named("b", np.arange(len(victims))),
            "victim": keys.take(pa.array(victims)),
            "services": pa.array(services),
            "first_ts": times(_first(of, rows.ts, len(victims)), start),
            "last_ts": times(-_first(of, -rows.ts, len(victims)), start),
        }
    )


def times(ts: Longs, start: int) -> pa.Array:
    return pa.array(ts + start).cast(TIME)
