"""People with homes, towns, employers and ties to each other, and how ties grow. Writes no mail."""

from dataclasses import dataclass

import numpy as np

from graph.simulate.market.clock import Numbers
from graph.simulate.market.directory import Directory
from graph.simulate.market.options import MarketOptions
from graph.simulate.rows import NOBODY, Bools, Floats, Ints, Longs

ZONES = (-8, -5, 0, 1, 1, 2, 3, 8)  # clocks of towns, hours ahead of UTC; the provider is strongest around 1
SLOT_DECAY = 0.75  # Zipf exponent over a person's ties: the first is the closest


@dataclass(frozen=True)
class Society:
    """P people, numbered as their mailboxes are; towns and employers are numbered too.

    `ties` (P, k) holds the people somebody writes to, closest first; it changes as the world goes on.
    """

    member: Bools  # has a mailbox at the provider
    town: Ints
    zone: Longs
    home: Ints  # network of the home
    employer: Ints  # -1 for none
    office: Bools  # writes from the employer's address
    liveliness: Floats  # relative number of messages
    ties: Ints
    town_starts: Ints  # people of town t: town_starts[t] to town_starts[t + 1]
    staff: Ints  # employed people by employer
    staff_starts: Ints
    employer_sites: Ints
    employer_networks: Ints
    employer_hosted: Bools
    members: Ints  # numbers of all members
    provider_sites: Ints  # where private members have their mailboxes

    @property
    def size(self) -> int:
        return len(self.town)

    def townsfolk(self, town: int) -> Ints:
        """Members of one town."""
        everybody = np.arange(self.town_starts[town], self.town_starts[town + 1], dtype=np.int32)
        return everybody[self.member[everybody]]

    def staff_of(self, employer: int) -> Ints:
        return self.staff[self.staff_starts[employer] : self.staff_starts[employer + 1]]


def found_society(
    directory: Directory, options: MarketOptions, freemail: tuple[Ints, Ints], rng: np.random.Generator
) -> Society:
    """Settles a population; `freemail` are the sites of other providers and their outgoing networks.

    Must be called before any other mailbox is registered: people are numbered as their mailboxes.
    """
    wants = options.society
    size = max(wants.fewest_people, int(options.events * wants.people_per_event))
    towns = max(3, size // wants.town)
    town = np.sort(rng.choice(towns, size, p=_zipf(towns, 0.5))).astype(np.int32)
    town_starts = np.searchsorted(town, np.arange(towns + 1)).astype(np.int32)
    zone = np.asarray(ZONES, np.int64)[rng.integers(0, len(ZONES), towns)][town]
    home = _homes(directory, options, town, rng)
    employer, sites, networks, hosted = _employers(directory, options, town, rng)
    office = (employer >= 0) & (rng.random(size) < wants.office_mail)
    member = np.where(office, hosted[employer], rng.random(size) < wants.members)
    own_sites = directory.sites(3)  # the provider's own
    mail, outgoing = freemail
    abroad = rng.integers(0, len(mail), size)
    site = np.where(member, own_sites[rng.choice(3, size, p=[0.6, 0.3, 0.1])], mail[abroad])
    network = np.where(member, home, outgoing[abroad, rng.integers(0, outgoing.shape[1], size)])
    site, network = np.where(office, sites[employer], site), np.where(office, networks[employer], network)
    directory.people(site, "person", network)
    staff = np.argsort(employer, kind="stable")[np.count_nonzero(employer < 0) :].astype(np.int32)
    starts = np.searchsorted(employer[staff], np.arange(len(sites) + 1)).astype(np.int32)
    ties = _first_ties(rng, wants.ties, town, town_starts, employer, staff, starts)
    liveliness = np.exp(rng.normal(0, 1.0, size))
    return Society(
        member, town, zone, home, employer, office, liveliness, _mailable(rng, ties, member), town_starts, staff,
        starts, sites, networks, hosted, np.flatnonzero(member).astype(np.int32), own_sites,
    )  # fmt: skip


def _zipf(n: int, exponent: float) -> Floats:
    weights = np.arange(1, n + 1, dtype=np.float64) ** -exponent
    return np.asarray(weights / weights.sum(), np.float64)


def _homes(directory: Directory, options: MarketOptions, town: Ints, rng: np.random.Generator) -> Ints:
    """A home network for everybody: households live side by side, so that neighbours share one."""
    size = len(town)
    moves = (rng.random(size) < 1 / options.society.household) | (np.diff(town, prepend=-1) != 0)
    household = np.cumsum(moves) - 1
    streets = max(1, int(size / options.rentals.homes_per_network))
    networks = directory.networks(streets, options.rentals.ipv6, rng)
    street = np.minimum(np.arange(household[-1] + 1) * streets // (household[-1] + 1) + rng.integers(0, 2), streets - 1)
    return np.asarray(networks[street][household], np.int32)


def _employers(
    directory: Directory, options: MarketOptions, town: Ints, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints, Bools]:
    """Who works where, and the site and network of each employer."""
    wants = options.society
    size = len(town)
    firms = max(4, int(size * wants.employed / wants.staff))
    seat = rng.integers(0, town[-1] + 1, firms)
    pull = rng.pareto(1.3, firms) + 0.3
    employer = np.full(size, NOBODY, np.int32)
    for place in range(town[-1] + 1):
        near = np.flatnonzero(seat == place)
        people = np.flatnonzero((town == place) & (rng.random(size) < wants.employed))
        if len(near):
            employer[people] = rng.choice(near, len(people), p=pull[near] / pull[near].sum())
    commutes = np.flatnonzero(rng.random(size) < 0.1)
    employer[commutes] = rng.choice(firms, len(commutes), p=pull / pull.sum())
    hosted = rng.random(firms) < wants.hosted
    return employer, directory.sites(firms), directory.networks(firms, 0.1, rng), hosted


def _first_ties(
    rng: np.random.Generator, k: int, town: Ints, town_starts: Ints, employer: Ints, staff: Ints, starts: Ints
) -> Ints:
    """Ties to begin with: the household, colleagues, neighbours, and some who live far away."""
    size = len(town)
    ties = np.empty((size, k), np.int32)
    everybody = np.arange(size)
    begin, end = town_starts[town], town_starts[town + 1]
    for slot in range(k):
        near = np.clip(everybody + rng.integers(1, 4, size) * rng.choice((-1, 1), size), begin, end - 1)
        local = begin + (rng.random(size) * (end - begin)).astype(np.int64)
        at = np.maximum(employer, 0)
        colleague = (starts[at] + rng.random(size) * (starts[at + 1] - starts[at])).astype(np.int64)
        colleague = np.where(employer >= 0, staff[np.minimum(colleague, len(staff) - 1)], local)
        far = (size * rng.random(size) ** 2).astype(np.int64)
        pick = rng.choice(4, size, p=(0.5, 0.25, 0.2, 0.05) if slot < 2 else (0.1, 0.35, 0.4, 0.15))
        ties[:, slot] = np.choose(pick, (near, colleague, local, far))
    own = ties == everybody[:, None]
    ties[own] = (ties[own] + 1) % size
    return ties


def _mailable(rng: np.random.Generator, ties: Ints, member: Bools) -> Ints:
    """Ties along which the provider sees mail: a person outside knows members only."""
    blind = ~member[:, None] & ~member[ties]
    members = np.flatnonzero(member)
    ties[blind] = members[rng.integers(0, len(members), int(blind.sum()))]
    return ties


class Slots:
    """Which of its ties a person writes to."""

    def __init__(self, k: int) -> None:
        self._shares = np.cumsum(_zipf(k, SLOT_DECAY))

    def draw(self, rng: np.random.Generator, n: int) -> Numbers:
        return np.searchsorted(self._shares, rng.random(n))


def befriend(
    rng: np.random.Generator, society: Society, n: int, closure: float, popular: Numbers
) -> tuple[Numbers, Numbers, Numbers]:
    """Makes about n new ties and returns who got one, to whom, and through whom (-1 where nobody introduced them).

    A friend's friend becomes a friend (triadic closure), or somebody to whom mail goes already (preferential
    attachment): `popular` are recent recipients, repeated as often as they were written to.
    """
    k = society.ties.shape[1]
    who = rng.integers(0, society.size, n)
    friend = society.ties[who, rng.integers(0, k, n)]
    other = society.ties[friend, rng.integers(0, k, n)]
    attached = rng.random(n) >= closure
    if len(popular):
        other = np.where(attached, popular[rng.integers(0, len(popular), n)], other)
    fits = (other != who) & (society.member[who] | society.member[other])
    who, other, friend = who[fits], other[fits], np.where(attached, NOBODY, friend)[fits]
    society.ties[who, rng.integers(k // 3, k, len(who))] = other
    return who, other, friend
