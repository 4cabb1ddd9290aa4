"""Groups of identities: what each shares and how purely, drawn for innocents and guilty by the same hand.

Draws who they are and what they own; writes no message. One entry of an array is one group unless it says `member`.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from graph.simulate.patterns.numbers import DAY, Numbers, log_uniform
from graph.simulate.patterns.options import PatternOptions
from graph.simulate.patterns.roles import AUDIENCES, INNOCENT, ROLES, SIGNALS, Role
from graph.simulate.patterns.society import Society
from graph.simulate.patterns.supply import PAGE, PERSON, PLAIN, TOKEN, WORD, Supply
from graph.simulate.rows import Bools, Floats, Ints, Longs, owners, spread

TARGETS, NETWORK, LINKS, PRINT, ADDRESS, TIME = range(len(SIGNALS))
NOTHING, POPULAR, OWN = 0, 1, 2  # what identities link that share no links
Pool = tuple[Longs, Longs]  # first number and how many, of each group


@dataclass(frozen=True)
class Plan:
    """G groups before anybody has joined: how much, when, and which signals with which purity (G × 6, 0 = not)."""

    role: Ints
    members: Longs
    events: Longs
    first: Longs
    lasts: Longs
    purity: Floats
    audience: Ints  # of AUDIENCES
    focus: Floats  # recipients from the block that its audience is drawn from
    recurrence: Floats
    ties: Floats
    answers: Floats
    prior: Floats
    reports: Floats
    recipients: Floats
    life: Floats
    waves: Ints  # identities and infrastructure follow one another in so many; 1 where they do not
    channel: Ints
    aside: Floats  # messages on any other channel
    skew: Floats  # how unevenly identities write
    operator: Ints  # the first group of the same operator

    @property
    def guilty(self) -> Bools:
        """Guilty groups; they come first."""
        first: Bools = self.role == 0
        return first

    def __len__(self) -> int:
        return len(self.role)


@dataclass(frozen=True)
class Groups:
    """The plan with people, lists and infrastructure. Pools are ranges of networks, of link hosts, of texts."""

    plan: Plan
    ids: Ints  # mailbox of every member of every group
    stolen: Bools  # of every member
    member_at: Longs
    list_at: Longs
    list_count: Longs
    lists: Ints  # recipients
    part: Floats  # of the list that one identity writes to
    network: Pool
    link: Pool
    text: Pool
    mutation: Floats
    bare_links: Ints  # NOTHING, POPULAR or OWN
    hour: Floats
    width: Floats  # hours
    pulses: Longs


def plan_groups(options: PatternOptions, numbers: Numbers) -> Plan:
    """Who is in the world: the guilty first, then innocents by role, each role within its share of the events."""
    rng = options.stream("plan")
    budget = {0: numbers.guilty * options.events}
    rest = (1 - numbers.guilty - numbers.private) * options.events
    budget |= {number: rest * share for number, share in enumerate(numbers.shares.tolist(), 1)}
    return _joined([_plan(rng, options, numbers, role, events) for role, events in budget.items()])


def _joined(plans: list[Plan]) -> Plan:
    return Plan(**{name: np.concatenate([getattr(plan, name) for plan in plans]) for name in Plan.__annotations__})


def _plan(rng: np.random.Generator, options: PatternOptions, numbers: Numbers, number: int, budget: float) -> Plan:
    """Groups of one role until its events are used up."""
    role, guilty, most = ROLES[number], number == 0, max(12.0, budget * numbers.largest)
    n = int(20 + budget / 12)

    def drawn(name: str) -> Floats:
        low, high = getattr(role, name)
        return log_uniform(rng, np.full(n, low, float), np.full(n, high, float))

    answers, prior = drawn("answers"), drawn("prior")
    if guilty:
        answers = np.where(rng.random(n) < numbers.converse, rng.uniform(0.01, 0.3, n), answers)
    messages = np.where(rng.random(n) < role.one_shot, 1.0, drawn("messages"))
    identities = drawn("identities")
    cost = 1 + answers + prior
    over = np.maximum(identities * messages * cost / most, 1.0)
    messages = np.maximum(messages / over ** rng.random(n), 1.0)
    identities = np.minimum(identities, most / (messages * cost))
    members = np.maximum(np.round(identities), role.identities[0]).astype(np.int64)
    events = np.maximum(members, np.round(members * np.maximum(messages, 1))).astype(np.int64)
    until = max(int(np.searchsorted(np.cumsum(events * cost), budget)), 2 if guilty else 0)
    lasts = np.minimum(drawn("days") * DAY, 0.98 * numbers.span)
    first = rng.random(n) * (numbers.span - lasts) if not guilty else rng.uniform(0.02, 0.96, n) * numbers.span
    lasts = np.minimum(lasts, numbers.span - first)
    channel = rng.choice(3, n, p=role.channels).astype(np.int32)
    plan = Plan(
        role=np.full(n, number, np.int32),
        members=members,
        events=events,
        first=first.astype(np.int64),
        lasts=lasts.astype(np.int64),
        purity=_purity(rng, numbers, role, n, guilty),
        audience=rng.choice(len(AUDIENCES), n, p=role.audience).astype(np.int32),
        focus=rng.uniform(0.4, 1.0, n),
        recurrence=drawn("recurrence"),
        ties=drawn("ties"),
        answers=answers,
        prior=prior,
        reports=_reports(rng, numbers, drawn("reports"), guilty),
        recipients=drawn("recipients"),
        life=drawn("life"),
        waves=np.where(rng.random(n) < role.rotation, rng.integers(2, 6, n), 1).astype(np.int32),
        channel=channel,
        aside=np.where(rng.random(n) < 0.2, rng.uniform(0, 0.4, n), 0.0),
        skew=np.where(rng.random(n) < 0.4, 1.0, rng.uniform(1, 3, n)),
        operator=np.full(n, -1, np.int32),
    )
    short = Plan(**{name: getattr(plan, name)[:until] for name in Plan.__annotations__})
    return replace(short, operator=_operators(rng, until)) if guilty else short


def _purity(rng: np.random.Generator, numbers: Numbers, role: Role, n: int, guilty: bool) -> Floats:
    """Which signals each group shares, and the chance that a message (or an address) goes along."""
    if guilty:
        shared = rng.random((n, len(SIGNALS))) < numbers.signals
        shared[np.arange(n), rng.integers(0, len(SIGNALS), n)] = True
    else:
        natural = np.array([signal in role.natural for signal in SIGNALS])
        likely = np.where(natural, rng.uniform(0.5, 1.0, (n, 1)), numbers.by_chance if role.natural else 0.0)
        shared = rng.random((n, len(SIGNALS))) < likely
    exact = rng.random((n, len(SIGNALS))) < 0.4
    purity = np.where(exact, 1.0, 1 - 0.6 * rng.random((n, len(SIGNALS))) ** 2)
    if guilty:
        purity = purity * (1 - numbers.blur * np.maximum(rng.uniform(-1, 1, (n, len(SIGNALS))), 0))
    return np.where(shared, purity, 0.0)


def _reports(rng: np.random.Generator, numbers: Numbers, drawn: Floats, guilty: bool) -> Floats:
    """Annoyance of a message; a few innocents are reported on purpose, as often as the guilty."""
    if guilty:
        return drawn * numbers.muted
    return np.where(rng.random(len(drawn)) < numbers.poisoned, rng.uniform(0.05, 0.5, len(drawn)), drawn)


def _operators(rng: np.random.Generator, n: int) -> Ints:
    """The first group of each group's operator: half of them are run by somebody who ran one before."""
    first = np.arange(n, dtype=np.int32)
    for number in range(1, n):
        if rng.random() < 0.5:
            first[number] = first[rng.integers(0, number)]
    return first


def gather_groups(options: PatternOptions, numbers: Numbers, society: Society, supply: Supply, plan: Plan) -> Groups:
    """Finds identities, target lists and infrastructure for every group of the plan."""
    rng, n = options.stream("groups"), len(plan)
    rented = rng.random(n) < numbers.rented
    bare_links = rng.choice(3, n, p=(0.35, 0.3, 0.35)).astype(np.int32)
    anchor = np.searchsorted(society.activity[:-1], rng.random(n))  # somebody whose community the group lives in
    ids, stolen, own = _identities(rng, numbers, society, supply, plan, anchor, bare_links == OWN)
    network = _networks(rng, society, supply, plan, rented)
    link = _links(rng, society, supply, plan, rented, own)
    text = (8 * np.arange(n, dtype=np.int64) + 1, log_integers(rng, 1, 8, n))
    list_at, list_count, lists = _lists(rng, society, plan, anchor)
    services = np.flatnonzero(plan.role == 1 + [role.name for role in INNOCENT].index("service"))
    for pool in (network, link):  # the sending services of innocents have tenants of every sort
        _copy(pool, np.flatnonzero(rented & (rng.random(n) < 0.3)), services, rng)
    for signal, pool in ((NETWORK, network), (LINKS, link), (PRINT, text), (TARGETS, (list_at, list_count))):
        shared = plan.purity[:, signal] > 0
        again = plan.guilty & shared & shared[plan.operator] & (rng.random(n) < numbers.kept)
        pool[0][again], pool[1][again] = pool[0][plan.operator[again]], pool[1][plan.operator[again]]
    part = np.where(plan.purity[:, TARGETS] > 0, np.minimum(1, rng.lognormal(-0.5, 1, n)), 1 / plan.members)
    return Groups(
        plan=plan,
        ids=ids,
        stolen=stolen,
        member_at=np.cumsum(plan.members) - plan.members,
        list_at=list_at,
        list_count=list_count,
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
    )


def log_integers(rng: np.random.Generator, low: int, high: int, n: int) -> Longs:
    """Whole numbers from low to high, the smaller the likelier."""
    return log_uniform(rng, np.full(n, float(low)), np.full(n, high + 0.999)).astype(np.int64)


def _identities(
    rng: np.random.Generator,
    numbers: Numbers,
    society: Society,
    supply: Supply,
    plan: Plan,
    anchor: Longs,
    own_links: Bools,
) -> tuple[Ints, Bools, Pool]:
    """The mailbox of every member, which of them are stolen, and the groups' own sites (none: count 0)."""
    g, n, total = owners(plan.members), len(plan), int(plan.members.sum())
    chance = np.array([role.people for role in ROLES])[plan.role]
    of_people = rng.random(n) < chance
    pure = rng.random(total) < plan.purity[g, ADDRESS]
    ids = np.full(total, -1, np.int32)
    innocent = np.flatnonzero((of_people & ~plan.guilty)[g])
    ids[innocent] = _neighbours(rng, society, anchor[g[innocent]], plan.focus[g[innocent]])
    takers = np.flatnonzero((of_people & plan.guilty)[g])
    victims = _victims(rng, society)[: len(takers)]
    ids[takers[: len(victims)]] = victims
    stolen = (ids >= 0) & plan.guilty[g]
    shares = plan.purity[:, ADDRESS] > 0
    local = rng.random(n) < numbers.local
    own_count = np.where(shares, log_integers(rng, 1, 6, n), 0)
    own_at = supply.sites(int(own_count.sum()), _owner(plan, owners(own_count))) + np.cumsum(own_count) - own_count
    each = ~shares & (rng.random(n) < 0.45)
    fresh = np.flatnonzero(ids < 0)
    group, free = g[fresh], np.where(local[g[fresh]], 1, 0)
    where = np.where(free > 0, rng.choice(society.ground.provider, len(fresh)), _common(rng, society, len(fresh)))
    on_own = pure[fresh] & shares[group]
    where = np.where(on_own, own_at[group] + rng.integers(0, np.maximum(own_count[group], 1)), where)
    alone = np.flatnonzero(each[group])
    where[alone] = supply.sites(len(alone), _owner(plan, group[alone])) + np.arange(len(alone))
    machine = rng.random(n) < np.array([role.tokens for role in ROLES])[plan.role]
    style = np.where(machine, TOKEN, rng.choice([PERSON, WORD], n, p=numbers.styles))[group]
    link = np.full(len(fresh), -1, np.int64)
    pages, sites = np.flatnonzero(own_links[group] & ~each[group]), np.flatnonzero((own_links & each)[group])
    link[pages] = supply.hosts(rng.choice(society.ground.page_sites, len(pages)), PAGE)
    link[sites] = supply.hosts(where[sites], PLAIN)
    ids[fresh] = supply.mailboxes(where, style, (free > 0) & ~each[group], _homes(rng, society, supply, group, n), link)
    return ids, stolen, (own_at, own_count)


def _owner(plan: Plan, group: Longs) -> Ints:
    return np.where(plan.guilty[group], group, -1).astype(np.int32)


def _common(rng: np.random.Generator, society: Society, n: int) -> Longs:
    """Freemail sites, the first ones most."""
    sites = society.ground.freemail
    return sites[(len(sites) * rng.random(n) ** 2).astype(np.int64)]


def _homes(rng: np.random.Generator, society: Society, supply: Supply, group: Longs, groups: int) -> Longs:
    """Where every fresh mailbox writes from by itself: a home, a hoster, or a network that nobody else has."""
    ground, n = society.ground, len(group)
    kind = rng.choice(3, groups, p=(0.6, 0.25, 0.15))[group]
    lone = supply.networks(n) + np.arange(n)
    return np.choose(kind, [rng.choice(ground.access, n), rng.choice(ground.hosters, n), lone])


def _neighbours(rng: np.random.Generator, society: Society, anchor: Longs, focus: Floats) -> Ints:
    """People of the anchors' communities, or with the rest of the chance from anywhere, the eager ones more."""
    community = society.community[anchor]
    low, high = (np.searchsorted(society.community, community, side) for side in ("left", "right"))
    near = low + (rng.random(len(anchor)) * (high - low)).astype(np.int64)
    far = np.searchsorted(society.activity[:-1], rng.random(len(anchor)))
    return np.where(rng.random(len(anchor)) < focus, near, far).astype(np.int32)


def _victims(rng: np.random.Generator, society: Society) -> Ints:
    """People whose mailbox can be stolen, each once, in runs of one community; at most a fifth of all."""
    lively = np.flatnonzero(society.eager >= np.median(society.eager))
    run = rng.random(int(society.community.max()) + 1)[society.community[lively]]
    order = lively[np.argsort(run + rng.uniform(0, 2) * rng.random(len(lively)))]
    return order[: society.people // 5].astype(np.int32)


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
    site = supply.sites(int(bought.sum()), _owner(plan, owners(bought)))
    group = owners(count)
    place = spread(np.zeros(n, np.int64), count)
    where = np.where(
        at_home[group],
        own[0][group] + place,
        site + (np.cumsum(bought) - bought)[group] + place,
    )
    where = np.where(rented[group], rng.choice(ground.page_sites, n)[group], where)
    first = supply.hosts(where, np.where(rented[group], PAGE, PLAIN))[:1].sum() + np.cumsum(count) - count
    shortened = rented & (rng.random(n) < 0.25)
    one = rng.choice(ground.short, n)
    return np.where(shortened, one, first), np.where(shortened, 1, np.maximum(count, 1))


def _lists(rng: np.random.Generator, society: Society, plan: Plan, anchor: Longs) -> tuple[Longs, Longs, Ints]:
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
    return np.cumsum(count) - count, count, lists


def _copy(pool: Pool, who: npt.NDArray[np.int64], models: npt.NDArray[np.int64], rng: np.random.Generator) -> None:
    if len(models):
        model = rng.choice(models, len(who))
        pool[0][who], pool[1][who] = pool[0][model], pool[1][model]
