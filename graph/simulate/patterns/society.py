"""People in communities, their ties and their private mail: a degree-corrected block model (Karrer and Newman 2011).

Knows no groups. Mailbox numbers below `people` are people, ordered by community, so that a community is a range.
"""

from dataclasses import dataclass

import numpy as np

from graph.simulate.patterns.numbers import DAY, HOUR, Numbers, hours_of_day
from graph.simulate.patterns.supply import PERSON, PLAIN, Mailboxes, Supply
from graph.simulate.rows import MAIL, Bools, Floats, Ints, Longs, Rows, concat, make_rows, owners

TIES = 12  # most people whom one person keeps writing to
TURNS = 6  # most messages of a personal thread


@dataclass(frozen=True)
class Ground:
    """What everybody shares: freemail, popular sites, free pages, shorteners, access, mobile and hosting networks."""

    freemail: Longs  # sites
    provider: Longs  # sites of the provider's own mailboxes
    popular: Longs  # link hosts
    page_sites: Longs
    short: Longs  # link hosts
    access: Longs  # networks, as the following
    mobile: Longs
    hosters: Longs
    forwarders: Longs


@dataclass(frozen=True)
class Society:
    """P people. `orders` lists the members four times: by community, by interest, by broker's list, and as they come;
    block b of order o begins at `block_at[o][b]` and holds `block_count[o][b]` of them."""

    ground: Ground
    people: int
    community: Ints  # (P,)
    activity: Floats  # (P,) cumulated chance of writing
    eager: Floats  # (P,) how much a person writes
    ties: Ints  # (P, TIES)
    forwarder: Ints  # (P,) network, -1 for none
    reporting: Floats  # (P,) chance to report what annoys fully
    orders: tuple[Ints, ...]
    block_at: tuple[Longs, ...]
    block_count: tuple[Longs, ...]


def found_society(rng: np.random.Generator, numbers: Numbers, supply: Supply) -> Society:
    """People, their employers and towns, addresses and connections."""
    n = numbers.people
    ground = _ground(rng, numbers, supply)
    towns = max(2, round(n / numbers.community))
    community = np.sort(rng.choice(towns, n, p=_power(rng, towns, 0.7))).astype(np.int32)
    office = rng.random(towns) < numbers.offices
    hosted = np.where(office, rng.random(towns) < numbers.members, True)
    member = np.where(office[community], hosted[community], rng.random(n) < numbers.members)
    member[rng.integers(0, n, 20)] = True  # somebody is always there to write to
    own_site, own_network = supply.sites(towns) + np.arange(towns), supply.networks(towns) + np.arange(towns)
    supply.hosts(own_site, PLAIN)
    free = np.where(member, rng.choice(ground.provider, n), rng.choice(ground.freemail, n))
    works = office[community]
    supply.mailboxes(
        np.where(works, own_site[community], free),
        np.full(n, PERSON),
        member,
        np.where(works, own_network[community], rng.choice(ground.access, n)),
    )
    eager = rng.lognormal(0, numbers.activity, n)
    reporters = rng.random(n) < numbers.reporters
    orders, block_at, block_count = _orders(rng, numbers, community, np.flatnonzero(member).astype(np.int32))
    return Society(
        ground,
        n,
        community,
        np.cumsum(eager) / eager.sum(),
        eager,
        _ties(rng, numbers, community, eager),
        np.where(rng.random(n) < numbers.forwarded, rng.choice(ground.forwarders, n), -1).astype(np.int32),
        np.where(reporters, rng.beta(1, 1 / numbers.zeal, n), 0.0),
        orders,
        block_at,
        block_count,
    )


def _ground(rng: np.random.Generator, numbers: Numbers, supply: Supply) -> Ground:
    def few(low: int, high: int) -> int:
        return int(rng.integers(low, high + 1))

    def sites(n: int) -> Longs:
        return supply.sites(n) + np.arange(n)

    def networks(n: int) -> Longs:
        return supply.networks(n) + np.arange(n)

    return Ground(
        freemail=sites(few(2, 8)),
        provider=sites(few(1, 3)),
        popular=supply.hosts(sites(few(20, 200)), PLAIN),
        page_sites=sites(few(2, 8)),
        short=supply.hosts(sites(few(1, 5)), PLAIN),
        access=networks(max(10, round(numbers.people / numbers.per_network))),
        mobile=networks(few(2, 25)),
        hosters=networks(few(6, 150)),
        forwarders=networks(few(1, 5)),
    )


def _power(rng: np.random.Generator, n: int, exponent: float) -> Floats:
    weight = (1.0 + np.arange(n)) ** -exponent
    return rng.permutation(weight / weight.sum())


def _ties(rng: np.random.Generator, numbers: Numbers, community: Ints, eager: Floats) -> Ints:
    """(P, TIES) people, most of them of one's own community; who writes more is written to more."""
    n = len(community)
    drawn = rng.random((n, TIES))
    weight = np.r_[0.0, np.cumsum(eager)]
    first, last = (weight[np.searchsorted(community, community, side)] for side in ("left", "right"))
    inside = rng.random((n, TIES)) < numbers.inside
    low, high = np.where(inside, first[:, None], 0.0), np.where(inside, last[:, None], weight[-1])
    found = np.searchsorted(weight, low + drawn * (high - low), "right") - 1
    found = np.clip(found, 0, n - 1)
    oneself = found == np.arange(n)[:, None]
    ties: Ints = np.where(oneself, (found + 1 + rng.integers(0, n - 1, found.shape)) % n, found).astype(np.int32)
    return ties


def _orders(
    rng: np.random.Generator, numbers: Numbers, community: Ints, members: Ints
) -> tuple[tuple[Ints, ...], tuple[Longs, ...], tuple[Longs, ...]]:
    """Members by community, by interest, by list on sale (overlapping, as whoever is on one is on others), and all."""
    interest = rng.choice(int(numbers.interests), len(members), p=_power(rng, int(numbers.interests), 1.0))
    known = rng.permutation(len(members))[: max(10, len(members) // 2)]
    lists = int(rng.integers(3, 12))
    reach = max(5, round(len(known) * float(rng.uniform(0.1, 0.6))))
    sold = np.concatenate([rng.choice(known, min(reach, len(known)), replace=False) for _ in range(lists)])
    sale = np.repeat(np.arange(lists), len(sold) // lists)
    keys: tuple[Longs, ...] = (community[members].astype(np.int64), interest, sale, np.zeros(len(members), np.int64))
    who = (members, members, members[sold], members)
    orders: list[Ints] = []
    at: list[Longs] = []
    counts: list[Longs] = []
    for key, people in zip(keys, who, strict=True):
        counts.append(np.bincount(key, minlength=int(community[-1]) + 1 if not orders else 0))
        at.append(np.cumsum(counts[-1]) - counts[-1])
        orders.append(people[np.argsort(key, kind="stable")])
    return tuple(orders), tuple(at), tuple(counts)


def write_to_friends(rng: np.random.Generator, society: Society, numbers: Numbers, person: Ints) -> Ints:
    """One recipient of each of these people."""
    slot = (TIES * rng.random(len(person)) ** (1 + numbers.loyalty)).astype(np.int64)
    to: Ints = society.ties[person, slot]
    return to


def private_mail(rng: np.random.Generator, numbers: Numbers, society: Society, book: Mailboxes, events: int) -> Rows:
    """Just so many messages of people to people they know, in threads, as the provider sees them."""
    kept: list[Rows] = []
    missing = events
    while missing > 0:
        rows = seen(_threads(rng, numbers, society, round(missing * 1.1) + 50), numbers, book)
        kept.append(rows.take(np.arange(min(missing, len(rows)))))
        missing -= len(kept[-1])
    return concat(kept)


def _threads(rng: np.random.Generator, numbers: Numbers, society: Society, n: int) -> Rows:
    """n first messages and their answers."""
    sender = np.searchsorted(society.activity[:-1], rng.random(n)).astype(np.int32)
    to = write_to_friends(rng, society, numbers, sender)
    day = np.floor(rng.random(n) * (numbers.span // DAY)).astype(np.int64)
    weekend = (day % 7 >= 5) & (rng.random(n) > numbers.weekend)
    day = np.where(weekend, np.maximum(day - rng.integers(2, 5, n), 0), day)
    ts = day * DAY + hours_of_day(rng, numbers, n)
    parts = []
    for _ in range(TURNS):
        parts.append((ts, sender, to))
        on = np.flatnonzero(rng.random(len(ts)) < numbers.answered)
        ts = ts[on] + _delay(rng, numbers, len(on))
        sender, to = to[on], sender[on]
        inside = ts < numbers.span
        ts, sender, to = ts[inside], sender[inside], to[inside]
    ts, sender, to = (np.concatenate([part[at] for part in parts]) for at in range(3))
    copies = rng.geometric(0.5, len(ts)) * (rng.random(len(ts)) < numbers.copied)
    others = write_to_friends(rng, society, numbers, np.repeat(sender, copies))
    order = np.argsort(np.concatenate([np.arange(len(ts)), np.repeat(np.arange(len(ts)), copies)]), kind="stable")
    rows = make_rows(ts, sender, np.concatenate([to, others])[order], to_count=copies + 1, annoyance=1e-5)
    return rows.take(rng.permutation(len(rows)))


def _delay(rng: np.random.Generator, numbers: Numbers, n: int) -> Longs:
    return (numbers.answer_hours * rng.lognormal(0, 1.3, n) * HOUR).astype(np.int64) + 30_000_000


def answers(rng: np.random.Generator, numbers: Numbers, rows: Rows, chance: Floats, before: bool = False) -> Rows:
    """What first recipients write back, each row with its own chance; `before`: what they had written to begin with."""
    on = np.flatnonzero((rng.random(len(rows)) < chance) & (rows.to_count > 0))
    first = np.cumsum(rows.to_count) - rows.to_count
    delay = _delay(rng, numbers, len(on))
    ts = rows.ts[on] + (-delay if before else delay)
    inside = (ts >= 0) & (ts < numbers.span)
    on = on[inside]
    return make_rows(ts[inside], rows.to[first[on]], rows.sender[on], channel=MAIL, annoyance=1e-5)


def seen(rows: Rows, numbers: Numbers, book: Mailboxes) -> Rows:
    """The part of rows that passes the provider: to its members, and what they send elsewhere where it sees that."""
    row = owners(rows.to_count)
    leaving: Bools = book.member[rows.sender[row]] & numbers.outgoing
    kept = (book.member[rows.to] | leaving) & (rows.to != rows.sender[row])
    counts = np.bincount(row[kept], minlength=len(rows)).astype(np.int32)
    fewer = Rows(**{**rows.__dict__, "to_count": counts, "to": rows.to[kept]})
    return fewer.take(np.flatnonzero(counts))
