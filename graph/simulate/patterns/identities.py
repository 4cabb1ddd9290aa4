"""Who a group consists of: people of a community, stolen mailboxes, or fresh ones with an address and a connection."""

from dataclasses import dataclass

import numpy as np

from graph.simulate.patterns.numbers import Numbers, log_integers
from graph.simulate.patterns.plan import ADDRESS, Plan
from graph.simulate.patterns.roles import ROLES
from graph.simulate.patterns.society import Society
from graph.simulate.patterns.supply import PAGE, PERSON, PLAIN, TOKEN, WORD, Supply
from graph.simulate.rows import Bools, Floats, Ints, Longs, owners

Pool = tuple[Longs, Longs]  # first number and how many, of each group
STOLEN = 20  # people to one whose mailbox can be stolen
OWN_SITE = 0.45  # groups without a common address domain in which everybody has a domain


@dataclass(frozen=True)
class Identities:
    """M members of all groups, group after group."""

    ids: Ints  # (M,) mailboxes
    stolen: Bools  # (M,)
    sites: Pool  # domains of the groups' own addresses; none: count 0


def find_identities(
    rng: np.random.Generator,
    numbers: Numbers,
    society: Society,
    supply: Supply,
    plan: Plan,
    anchor: Longs,
    own_links: Bools,
) -> Identities:
    """A mailbox for every member. `anchor`: somebody whose community a group lives in; `own_links`: whether each
    fresh mailbox of a group has a link host for itself."""
    g, n = owners(plan.members), len(plan)
    of_people = rng.random(n) < np.array([role.people for role in ROLES])[plan.role]
    ids = np.full(len(g), -1, np.int32)
    innocent = np.flatnonzero((of_people & ~plan.guilty)[g])
    ids[innocent] = _neighbours(rng, society, anchor[g[innocent]], plan.focus[g[innocent]])
    takers = np.flatnonzero((of_people & plan.guilty)[g])
    victims = _victims(rng, society)[: len(takers)]
    ids[takers[: len(victims)]] = victims
    stolen = (ids >= 0) & plan.guilty[g]
    fresh = ids < 0
    group = g[fresh]
    sites, where, alone, member = _addresses(rng, numbers, society, supply, plan, group)
    machine = rng.random(n) < np.array([role.tokens for role in ROLES])[plan.role]
    style = np.where(machine, TOKEN, rng.choice([PERSON, WORD], n, p=numbers.styles))[group]
    link = np.full(len(group), -1, np.int64)
    on_page, on_site = (np.flatnonzero(own_links[group] & side) for side in (~alone, alone))
    link[on_page] = supply.hosts(rng.choice(society.ground.page_sites, len(on_page)), PAGE)
    link[on_site] = supply.hosts(where[on_site], PLAIN)
    ids[fresh] = supply.mailboxes(where, style, member, _homes(rng, society, supply, group, n), link)
    return Identities(ids, stolen, sites)


def owner(plan: Plan, group: Longs) -> Ints:
    """The guilty group that what it buys belongs to, -1 for an innocent one."""
    return np.where(plan.guilty[group], group, -1).astype(np.int32)


def _addresses(
    rng: np.random.Generator, numbers: Numbers, society: Society, supply: Supply, plan: Plan, group: Longs
) -> tuple[Pool, Longs, Bools, Bools]:
    """The groups' own sites; of every fresh mailbox the site, whether it is there alone, and is at the provider."""
    n, ground = len(plan), society.ground
    shares = plan.purity[:, ADDRESS] > 0
    count = np.where(shares, log_integers(rng, 1, 6, n), 0)
    at = supply.sites(int(count.sum()), owner(plan, owners(count))) + np.cumsum(count) - count
    local = (rng.random(n) < numbers.local)[group]
    alone = (~shares & (rng.random(n) < OWN_SITE))[group]
    elsewhere = ground.freemail[(len(ground.freemail) * rng.random(len(group)) ** 2).astype(np.int64)]
    where = np.where(local, rng.choice(ground.provider, len(group)), elsewhere)
    common = rng.random(len(group)) < plan.purity[group, ADDRESS]
    where = np.where(common, at[group] + rng.integers(0, np.maximum(count[group], 1)), where)
    where[alone] = supply.sites(int(alone.sum()), owner(plan, group[alone])) + np.arange(int(alone.sum()))
    return (at, count), where, alone, local & ~alone


def _homes(rng: np.random.Generator, society: Society, supply: Supply, group: Longs, groups: int) -> Longs:
    """Where every fresh mailbox writes from by itself: a home, a hoster, or a network that nobody else has."""
    ground, n = society.ground, len(group)
    kind = rng.choice(3, groups, p=(0.6, 0.25, 0.15))[group]
    lone = kind == 2
    home = np.where(kind == 1, rng.choice(ground.hosters, n), rng.choice(ground.access, n))
    home[lone] = supply.networks(int(lone.sum())) + np.arange(int(lone.sum()))
    return home


def _neighbours(rng: np.random.Generator, society: Society, anchor: Longs, focus: Floats) -> Ints:
    """People of the anchors' communities, or with the rest of the chance from anywhere, the eager ones more."""
    community = society.community[anchor]
    low, high = (np.searchsorted(society.community, community, side) for side in ("left", "right"))
    near = low + (rng.random(len(anchor)) * (high - low)).astype(np.int64)
    far = np.searchsorted(society.activity[:-1], rng.random(len(anchor)))
    return np.where(rng.random(len(anchor)) < focus, near, far).astype(np.int32)


def _victims(rng: np.random.Generator, society: Society) -> Ints:
    """People whose mailbox can be stolen, each once, in runs of one community; at most one in STOLEN."""
    lively = np.flatnonzero(society.eager >= np.median(society.eager))
    run = rng.random(int(society.community.max()) + 1)[society.community[lively]]
    order = lively[np.argsort(run + rng.uniform(0, 2) * rng.random(len(lively)))]
    return order[: society.people // STOLEN].astype(np.int32)
