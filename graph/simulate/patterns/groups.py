"""Groups as they live: their identities, target lists and infrastructure. Writes no message.

A pool is a range of networks, of link hosts, or of texts. One entry of an array is one group unless it says `member`.
"""

from dataclasses import dataclass

import numpy as np

from graph.simulate.patterns.identities import Identities, Pool, find_identities, owner
from graph.simulate.patterns.numbers import Numbers, log_integers, log_uniform
from graph.simulate.patterns.options import PatternOptions
from graph.simulate.patterns.plan import LINKS, NETWORK, PRINT, TARGETS, Plan
from graph.simulate.patterns.roles import AUDIENCES, ROLES
from graph.simulate.patterns.society import Society
from graph.simulate.patterns.supply import PAGE, PLAIN, Supply
from graph.simulate.rows import Bools, Floats, Ints, Longs, owners, spread

NOTHING, POPULAR, OWN = 0, 1, 2  # what identities link that share no links
TEXTS = 8  # most texts of a group
TENANT = 0.3  # renting groups that are customers of an innocent sending service
SERVICE = [role.name for role in ROLES].index("service")


@dataclass(frozen=True)
class Groups:
    """The plan with people, lists and infrastructure."""

    plan: Plan
    who: Identities
    member_at: Longs  # first member
    targets: Pool  # ranges of `lists`
    lists: Ints  # recipients
    part: Floats  # of the list that one identity writes to
    network: Pool
    link: Pool
    text: Pool
    mutation: Floats  # messages whose text was changed too much to be recognised
    bare_links: Ints  # NOTHING, POPULAR or OWN
    hour: Floats
    width: Floats  # hours
    pulses: Longs  # days on which it writes together
    abroad: Bools  # stolen mailboxes are used from somewhere else


def gather_groups(options: PatternOptions, numbers: Numbers, society: Society, supply: Supply, plan: Plan) -> Groups:
    """Finds identities, target lists and infrastructure for every group of the plan."""
    rng, n = options.stream("groups"), len(plan)
    rented = rng.random(n) < numbers.rented
    bare_links = rng.choice(3, n, p=(0.35, 0.3, 0.35)).astype(np.int32)
    anchor = np.searchsorted(society.activity[:-1], rng.random(n))
    who = find_identities(rng, numbers, society, supply, plan, anchor, bare_links == OWN)
    network = _networks(rng, society, supply, plan, rented)
    link = _links(rng, society, supply, plan, rented, who.sites)
    text = (TEXTS * np.arange(n, dtype=np.int64), log_integers(rng, 1, TEXTS, n))
    targets, lists = _lists(rng, society, plan, anchor)
    services = np.flatnonzero(plan.role == SERVICE)
    if len(services):
        for pool in (network, link):
            tenants = np.flatnonzero(rented & (rng.random(n) < TENANT))
            _copy(pool, tenants, rng.choice(services, len(tenants)))
    for signal, pool in ((NETWORK, network), (LINKS, link), (PRINT, text), (TARGETS, targets)):
        shared = plan.purity[:, signal] > 0
        again = np.flatnonzero(plan.guilty & shared & shared[plan.operator] & (rng.random(n) < numbers.kept))
        _copy(pool, again, plan.operator[again])
    part = np.where(plan.purity[:, TARGETS] > 0, np.minimum(1, rng.lognormal(-0.5, 1, n)), 1 / plan.members)
    return Groups(
        plan=plan,
        who=who,
        member_at=np.cumsum(plan.members) - plan.members,
        targets=targets,
        lists=lists,
        part=part,
        network=network,
        link=link,
        text=text,
        mutation=log_uniform(rng, np.full(n, 0.005), np.full(n, 0.9)),
        bare_links=bare_links,
        hour=rng.normal(13, 4, n) % 24,
        width=log_uniform(rng, np.full(n, 0.3), np.full(n, 8.0)),
        pulses=log_integers(rng, 1, 10, n),
        abroad=rng.random(n) < 0.5,
    )


def _copy(pool: Pool, to: Longs, source: Ints | Longs) -> None:
    for part in pool:
        part[to] = part[source]


def _networks(rng: np.random.Generator, society: Society, supply: Supply, plan: Plan, rented: Bools) -> Pool:
    """Networks of their own, or a hoster's; nothing is bought for a group that does not share them."""
    n, hosters = len(plan), society.ground.hosters
    count = np.where(plan.purity[:, NETWORK] > 0, log_integers(rng, 1, 30, n), 1)
    own = np.where(rented, 0, count)
    first = supply.networks(int(own.sum())) + np.cumsum(own) - own
    count = np.where(rented, np.minimum(count, len(hosters)), count)
    at = hosters[0] + (rng.random(n) * (len(hosters) - count + 1)).astype(np.int64)
    return np.where(rented, at, first), count


def _links(rng: np.random.Generator, society: Society, supply: Supply, plan: Plan, rented: Bools, own: Pool) -> Pool:
    """Hosts to link: on sites of their own, on the sites of their addresses, pages on free hosts, or a shortener."""
    n, ground = len(plan), society.ground
    shares = plan.purity[:, LINKS] > 0
    at_home = shares & ~rented & (own[1] > 0) & (rng.random(n) < 0.7)
    count = np.where(at_home, own[1], np.where(shares, log_integers(rng, 1, 30, n), 0))
    bought = np.where(rented | at_home, 0, count)
    site = supply.sites(int(bought.sum()), owner(plan, owners(bought)))
    group = owners(count)
    place = spread(np.zeros(n, np.int64), count)
    where = place + np.where(at_home[group], own[0][group], site + (np.cumsum(bought) - bought)[group])
    where = np.where(rented[group], rng.choice(ground.page_sites, n)[group], where)
    first = supply.host_count + np.cumsum(count) - count
    supply.hosts(where, np.where(rented[group], PAGE, PLAIN))
    shortened = rented & (rng.random(n) < 0.25)
    one = rng.choice(ground.short, n)
    return np.where(shortened, one, first), np.where(shortened, 1, np.maximum(count, 1))


def _lists(rng: np.random.Generator, society: Society, plan: Plan, anchor: Longs) -> tuple[Pool, Ints]:
    """Recipients of every group: of one community, interest or sold list as far as its focus goes, the rest anybody."""
    everybody = society.orders[-1]
    wanted = np.round(plan.events * plan.recipients / plan.recurrence).astype(np.int64)
    count = np.clip(wanted, np.minimum(3, len(everybody)), max(3, int(0.8 * len(everybody))))
    g = owners(count)
    lists = rng.choice(everybody, len(g)).astype(np.int32)
    for number in range(len(AUDIENCES) - 1):
        order, at, sizes = society.orders[number], society.block_at[number], society.block_count[number]
        block = np.searchsorted(at, rng.integers(0, len(order), len(plan)), "right") - 1
        if number == 0:
            block = society.community[anchor].astype(np.int64)
        inside = (plan.audience[g] == number) & (rng.random(len(g)) < plan.focus[g]) & (sizes[block] > 0)[g]
        chosen = block[g[inside]]
        lists[inside] = order[at[chosen] + (rng.random(len(chosen)) * sizes[chosen]).astype(np.int64)]
    return (np.cumsum(count) - count, count), lists
