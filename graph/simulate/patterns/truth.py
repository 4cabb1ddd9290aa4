"""What is true of a pattern world, as the tables that every family writes. Draws nothing."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from graph.schema import TIME
from graph.simulate.patterns.groups import Groups
from graph.simulate.patterns.roles import ROLES, SIGNALS
from graph.simulate.patterns.supply import Mailboxes
from graph.simulate.rows import Bools, Ints, Longs, Rows, owners

NEVER = np.iinfo(np.int64).max
ARCHETYPES = ("personal", "stolen", *(role.name for role in ROLES))


@dataclass(frozen=True)
class Truth:
    """By mailbox, by site and by group; moments are microseconds into the span, groups numbers, -1 for none."""

    owner: Ints
    archetype: Ints
    events: Longs
    first: Longs
    first_guilty: Longs  # NEVER for the innocent
    bridge: Bools
    wave: Ints
    linked_site: Longs  # one that it linked for a group, -1 for none
    site_owner: Ints
    site_first: Longs
    group_events: Longs
    group_first: Longs
    group_last: Longs


def find_truth(rows: Rows, groups: Groups, book: Mailboxes, host_sites: Ints, site_owner: Ints) -> Truth:
    """What the rows that really came about say of everybody."""
    plan, n, size = groups.plan, len(book), len(groups.plan)
    in_group = rows.campaign >= 0
    guilty = in_group & (rows.campaign < np.count_nonzero(plan.guilty))
    owner = np.full(n, -1, np.int32)
    owner[rows.sender[guilty]] = rows.campaign[guilty]
    bridges = np.zeros(n, bool)
    bridges[rows.sender[in_group & ~guilty]] = True
    link_row = owners(rows.link_count)
    grouped = in_group[link_row]
    linked_site = np.full(n, -1)
    linked_site[rows.sender[link_row[grouped]]] = host_sites[rows.link[grouped]]
    site_first = _first(host_sites[rows.link], rows.ts[link_row], len(site_owner))
    np.minimum.at(site_first, book.site[rows.sender], rows.ts)
    return Truth(
        owner=owner,
        archetype=_archetypes(rows, groups, n),
        events=np.bincount(rows.sender, minlength=n),
        first=_first(rows.sender, rows.ts, n),
        first_guilty=_first(rows.sender[guilty], rows.ts[guilty], n),
        bridge=bridges & (owner >= 0),
        wave=_waves(groups, n),
        linked_site=linked_site,
        site_owner=site_owner,
        site_first=site_first,
        group_events=np.bincount(rows.campaign[in_group], minlength=size),
        group_first=_first(rows.campaign[in_group], rows.ts[in_group], size),
        group_last=-_first(rows.campaign[in_group], -rows.ts[in_group], size),
    )


def _archetypes(rows: Rows, groups: Groups, n: int) -> Ints:
    """The role of the group that a mailbox writes for, or personal where most of what it writes is private mail."""
    honest = ~groups.who.stolen
    role = np.zeros(n, np.int32)
    role[groups.who.ids[honest]] = groups.plan.role[owners(groups.plan.members)][honest] + 2
    private = np.bincount(rows.sender[rows.campaign < 0], minlength=n)
    role[2 * private > np.bincount(rows.sender, minlength=n)] = 0
    return role


def _waves(groups: Groups, n: int) -> Ints:
    """In which set of its group's senders a guilty mailbox is, counted from 1."""
    group = owners(groups.plan.members)
    place = np.arange(len(group)) - groups.member_at[group]
    wave = 1 + groups.plan.waves[group] * place // groups.plan.members[group]
    guilty = groups.plan.guilty[group]
    waves = np.zeros(n, np.int32)
    waves[groups.who.ids[guilty]] = wave[guilty]
    return waves


def _first(which: Ints, ts: Longs, n: int) -> Longs:
    first = np.full(n, NEVER)
    np.minimum.at(first, which, ts)
    return first


def truth_tables(truth: Truth, groups: Groups, keys: pa.Array, names: pa.Array, start: int) -> dict[str, pa.Table]:
    """The tables by file name. Nobody bombs anybody with sign-ups in this family, so that table is empty."""
    plan = groups.plan
    ran = np.flatnonzero(plan.guilty & (truth.group_events > 0))
    return {
        "senders": _senders(truth, plan.operator, keys, start),
        "domains": _domains(truth, plan.operator, names),
        "campaigns": _campaigns(truth, groups, ran, start),
        "operators": _operators(truth, groups, ran, start),
        "bombings": _bombings(),
    }


def _named(letter: str, numbers: Longs | Ints) -> pa.Array:
    """`c0007` for 7, null for a negative number."""
    return pa.array([f"{letter}{number:04d}" if number >= 0 else None for number in numbers.tolist()], pa.string())


def _senders(truth: Truth, operator: Ints, keys: pa.Array, start: int) -> pa.Table:
    seen = np.flatnonzero(truth.events)
    owner = truth.owner[seen]
    stolen = (owner >= 0) & (truth.archetype[seen] != ARCHETYPES.index("guilty"))
    archetype = np.where(stolen, ARCHETYPES.index("stolen"), truth.archetype[seen])
    return pa.table(
        {
            "key": keys.take(pa.array(seen)),
            "malicious": pa.array(owner >= 0),
            "campaign": _named("c", owner),
            "operator": _named("o", np.where(owner >= 0, operator[owner], -1)),
            "archetype": pa.array(ARCHETYPES, pa.string()).take(pa.array(archetype)),
            "events": pa.array(truth.events[seen].astype(np.int64)),
            "first_ts": _times(truth.first[seen], start),
            "bridge": pa.array(truth.bridge[seen]),
            "wave": pa.array(truth.wave[seen].astype(np.int64), mask=owner < 0),
        }
    ).sort_by("key")


def _domains(truth: Truth, operator: Ints, names: pa.Array) -> pa.Table:
    seen = np.flatnonzero(truth.site_first < NEVER)
    owner = truth.site_owner[seen]
    return pa.table(
        {
            "key": names.take(pa.array(seen)),
            "malicious": pa.array(owner >= 0),
            "campaign": _named("c", owner),
            "operator": _named("o", np.where(owner >= 0, operator[owner], -1)),
        }
    ).sort_by("key")


def _campaigns(truth: Truth, groups: Groups, ran: Longs, start: int) -> pa.Table:
    plan = groups.plan
    members = np.bincount(truth.owner[truth.owner >= 0], minlength=len(plan))
    signals = _signals(groups, ran)
    waves = np.array([truth.wave[truth.owner == number].max() for number in ran.tolist()], np.int64)
    return pa.table(
        {
            "campaign": _named("c", ran),
            "operator": _named("o", plan.operator[ran]),
            "kind": pa.array(["+".join(each) for each in signals], pa.string()),
            "senders": pa.array(members[ran].astype(np.int64)),
            "events": pa.array(truth.group_events[ran].astype(np.int64)),
            "first_ts": _times(truth.group_first[ran], start),
            "last_ts": _times(truth.group_last[ran], start),
            "signals": pa.array(signals, pa.list_(pa.string())),
            "waves": pa.array(waves, pa.int64()),
        }
    )


def _signals(groups: Groups, which: Longs) -> list[list[str]]:
    shared = groups.plan.purity[which] > 0
    return [[name for name, is_shared in zip(SIGNALS, row, strict=True) if is_shared] for row in shared.tolist()]


def _operators(truth: Truth, groups: Groups, ran: Longs, start: int) -> pa.Table:
    operator = groups.plan.operator
    names = np.unique(operator[ran])
    run = [ran[operator[ran] == name] for name in names.tolist()]
    members = np.bincount(truth.owner[truth.owner >= 0], minlength=len(operator))
    used = (truth.site_owner >= 0) & (truth.site_first < NEVER)
    sites = np.bincount(truth.site_owner[used], minlength=len(operator))
    return pa.table(
        {
            "operator": _named("o", names),
            "campaigns": pa.array([len(each) for each in run], pa.int64()),
            "kinds": pa.array([sorted({"+".join(s) for s in _signals(groups, each)}) for each in run]),
            "senders": pa.array([int(members[each].sum()) for each in run], pa.int64()),
            "domains": pa.array([int(sites[each].sum()) for each in run], pa.int64()),
            "events": pa.array([int(truth.group_events[each].sum()) for each in run], pa.int64()),
            "first_ts": _times(np.array([truth.group_first[each].min() for each in run]), start),
            "last_ts": _times(np.array([truth.group_last[each].max() for each in run]), start),
        }
    )


def _bombings() -> pa.Table:
    columns = {"bombing": pa.string(), "victim": pa.string(), "services": pa.int64(), "first_ts": TIME, "last_ts": TIME}
    return pa.schema(list(columns.items())).empty_table()


def _times(ts: Longs, start: int) -> pa.Array:
    return pa.array(ts + start).cast(TIME)
