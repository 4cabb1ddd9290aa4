"""What is true of a world whose rows were written first, as the tables that every family writes. Draws nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from graph.schema import TEXTS, TIME
from graph.simulate.rows import Bools, Ints, Longs

NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, kw_only=True)
class Truth:
    """By mailbox, by site and by campaign; moments are microseconds into the span, campaigns numbers, -1 for none."""

    owner: Ints
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


@dataclass(frozen=True)
class Campaigns:
    """What a world calls its campaigns: by number the operator, the kind and the signals that it keeps."""

    operator: npt.NDArray[np.integer]
    kinds: Sequence[str]
    signals: Sequence[Sequence[str]]


def first_of(which: npt.NDArray[np.integer], ts: Longs, n: int) -> Longs:
    """The first moment of each of n things, NEVER where there is none."""
    first = np.full(n, NEVER)
    np.minimum.at(first, which, ts)
    return first


def named(letter: str, numbers: npt.NDArray[np.integer]) -> pa.Array:
    """`c0007` for 7, null for a negative number."""
    return pa.array([f"{letter}{number:04d}" if number >= 0 else None for number in numbers.tolist()], pa.string())


def times(ts: Longs, start: int) -> pa.Array:
    """Moments of the span as times; `start` is the world's first microsecond."""
    return pa.array(ts + start).cast(TIME)


def sender_table(truth: Truth, campaigns: Campaigns, archetype: pa.Array, keys: pa.Array, start: int) -> pa.Table:
    """Every mailbox that sent anything; `archetype` is that of every mailbox."""
    seen = np.flatnonzero(truth.events)
    owner = truth.owner[seen]
    return pa.table(
        {
            "key": keys.take(pa.array(seen)),
            **_belongings(owner, campaigns),
            "archetype": archetype.take(pa.array(seen)),
            "events": pa.array(truth.events[seen].astype(np.int64)),
            "first_ts": times(truth.first[seen], start),
            "bridge": pa.array(truth.bridge[seen]),
            "wave": pa.array(truth.wave[seen].astype(np.int64), mask=owner < 0),
        }
    ).sort_by("key")


def domain_table(truth: Truth, campaigns: Campaigns, names: pa.Array) -> pa.Table:
    """Every registrable domain that was linked or written from."""
    seen = np.flatnonzero(truth.site_first < NEVER)
    columns = {"key": names.take(pa.array(seen)), **_belongings(truth.site_owner[seen], campaigns)}
    return pa.table(columns).sort_by("key")


def campaign_table(truth: Truth, campaigns: Campaigns, ran: Longs, start: int) -> pa.Table:
    """The campaigns `ran`."""
    guilty = truth.owner >= 0
    waves = np.ones(len(truth.campaign_events), np.int64)
    np.maximum.at(waves, truth.owner[guilty], truth.wave[guilty])
    return pa.table(
        {
            "campaign": named("c", ran),
            "operator": named("o", campaigns.operator[ran]),
            "kind": pa.array([campaigns.kinds[at] for at in ran.tolist()], pa.string()),
            "senders": pa.array(_members(truth)[ran].astype(np.int64)),
            "events": pa.array(truth.campaign_events[ran].astype(np.int64)),
            "first_ts": times(truth.campaign_first[ran], start),
            "last_ts": times(truth.campaign_last[ran], start),
            "signals": pa.array([campaigns.signals[at] for at in ran.tolist()], TEXTS),
            "waves": pa.array(waves[ran], pa.int64()),
        }
    )


def operator_table(truth: Truth, campaigns: Campaigns, ran: Longs, start: int) -> pa.Table:
    """Everybody who runs one of the campaigns `ran`, over all of these."""
    members, used = _members(truth), (truth.site_owner >= 0) & (truth.site_first < NEVER)
    sites = np.bincount(truth.site_owner[used], minlength=len(truth.campaign_events))
    operator = campaigns.operator[ran]
    names = np.unique(operator)
    run = [ran[operator == name] for name in names.tolist()]
    kinds = [sorted({campaigns.kinds[at] for at in each.tolist()}) for each in run]
    return pa.table(
        {
            "operator": named("o", names),
            "campaigns": pa.array([len(each) for each in run], pa.int64()),
            "kinds": pa.array(kinds, TEXTS),
            "senders": pa.array([int(members[each].sum()) for each in run], pa.int64()),
            "domains": pa.array([int(sites[each].sum()) for each in run], pa.int64()),
            "events": pa.array([int(truth.campaign_events[each].sum()) for each in run], pa.int64()),
            "first_ts": times(np.array([truth.campaign_first[each].min() for each in run], np.int64), start),
            "last_ts": times(np.array([truth.campaign_last[each].max() for each in run], np.int64), start),
        }
    )


def _belongings(owner: Ints, campaigns: Campaigns) -> dict[str, pa.Array]:
    operator = np.where(owner >= 0, campaigns.operator[owner], -1)
    return {"malicious": pa.array(owner >= 0), "campaign": named("c", owner), "operator": named("o", operator)}


def _members(truth: Truth) -> Longs:
    """Senders of each campaign."""
    return np.bincount(truth.owner[truth.owner >= 0], minlength=len(truth.campaign_events))
