"""What is true of a pattern world, as the tables that every family writes. Draws nothing."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from graph.schema import TIME
from graph.simulate import facts
from graph.simulate.facts import first_of
from graph.simulate.patterns.groups import Groups
from graph.simulate.patterns.roles import ROLES, SIGNALS
from graph.simulate.patterns.supply import Mailboxes
from graph.simulate.rows import Ints, Longs, Rows, owners

ARCHETYPES = ("personal", "stolen", *(role.name for role in ROLES))


@dataclass(frozen=True, kw_only=True)
class Truth(facts.Truth):
    """Campaigns are groups, innocent ones too. By mailbox, too: what it is, a number in ARCHETYPES."""

    archetype: Ints
    linked_site: Longs  # one that it linked for a group, -1 for none


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
    site_first = first_of(host_sites[rows.link], rows.ts[link_row], len(site_owner))
    np.minimum.at(site_first, book.site[rows.sender], rows.ts)
    return Truth(
        owner=owner,
        archetype=_archetypes(rows, groups, n),
        events=np.bincount(rows.sender, minlength=n),
        first=first_of(rows.sender, rows.ts, n),
        first_guilty=first_of(rows.sender[guilty], rows.ts[guilty], n),
        bridge=bridges & (owner >= 0),
        wave=_waves(groups, n),
        linked_site=linked_site,
        site_owner=site_owner,
        site_first=site_first,
        campaign_events=np.bincount(rows.campaign[in_group], minlength=size),
        campaign_first=first_of(rows.campaign[in_group], rows.ts[in_group], size),
        campaign_last=-first_of(rows.campaign[in_group], -rows.ts[in_group], size),
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


def truth_tables(truth: Truth, groups: Groups, keys: pa.Array, names: pa.Array, start: int) -> dict[str, pa.Table]:
    """The tables by file name. Nobody bombs anybody with sign-ups in this family, so that table is empty."""
    plan, shared = groups.plan, groups.plan.purity > 0
    signals = [[name for name, is_shared in zip(SIGNALS, row, strict=True) if is_shared] for row in shared.tolist()]
    campaigns = facts.Campaigns(plan.operator, ["+".join(each) for each in signals], signals)
    ran = np.flatnonzero(plan.guilty & (truth.campaign_events > 0))
    stolen = (truth.owner >= 0) & (truth.archetype != ARCHETYPES.index("guilty"))
    archetype = pa.array(np.where(stolen, ARCHETYPES.index("stolen"), truth.archetype))
    return {
        "senders": facts.sender_table(truth, campaigns, pa.array(ARCHETYPES, pa.string()).take(archetype), keys, start),
        "domains": facts.domain_table(truth, campaigns, names),
        "campaigns": facts.campaign_table(truth, campaigns, ran, start),
        "operators": facts.operator_table(truth, campaigns, ran, start),
        "bombings": _bombings(),
    }


def _bombings() -> pa.Table:
    columns = {"bombing": pa.string(), "victim": pa.string(), "services": pa.int64(), "first_ts": TIME, "last_ts": TIME}
    return pa.schema(list(columns.items())).empty_table()
