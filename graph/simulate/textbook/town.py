"""Who lives there: people in communities, whom they know, and the hosts and networks that everybody uses.

Accounts below `people` are the provider's, ordered by community; those from there to `persons` are their
correspondents elsewhere.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from graph.simulate.rows import Bools, Floats, Ints, Longs, owners
from graph.simulate.textbook.conventions import Conventions
from graph.simulate.textbook.registry import PERSON, WWW, Registry

Whole = npt.NDArray[np.integer]
NAT_NETWORKS = 8
PER_HOME_NETWORK = 25
ANYWHERE = -1


@dataclass(frozen=True)
class Lists:
    """Lists of recipients: list g is the next `size[g]` of `people` from `at[g]` on."""

    at: Longs
    size: Longs
    people: Ints

    def any(self, rng: np.random.Generator, g: Whole) -> Ints:
        """Somebody of each of these lists."""
        found: Ints = self.people[self.at[g] + (rng.random(len(g)) * self.size[g]).astype(np.int64)]
        return found

    def turn(self, g: Whole, place: Whole) -> Ints:
        """Who is at this place of the list, counted round and round."""
        found: Ints = self.people[self.at[g] + place % self.size[g]]
        return found


@dataclass(frozen=True)
class Town:
    """People, their ties, and common ground."""

    people: int
    community: Ints  # (persons,)
    first: Longs  # (communities,) first of its people
    size: Longs  # (communities,)
    contacts: Ints  # (persons, contacts) persons
    activity: Floats  # (persons,) cumulated chance of writing
    forwarder: Ints  # (people,) network that one's mail comes through, -1 for none
    directory: Longs  # (people,) place in the alphabet
    freemail: Longs  # sites
    popular: Longs  # link hosts
    popularity: Floats  # cumulated
    pages: Longs  # sites where anybody can have a page
    short: Longs  # link hosts
    access: Longs  # networks of people
    hosters: Longs  # networks of shared hosting

    @property
    def persons(self) -> int:
        return len(self.community)

    def writers(self, rng: np.random.Generator, n: int) -> Ints:
        """Persons, the active ones more often."""
        return np.searchsorted(self.activity[:-1], rng.random(n)).astype(np.int32)

    def friends(self, rng: np.random.Generator, person: Whole) -> Ints:
        """One contact of each."""
        return self.contacts[person, rng.integers(0, self.contacts.shape[1], len(person))]

    def anybody(self, rng: np.random.Generator, n: int) -> Ints:
        """People at the provider."""
        return rng.integers(0, self.people, n).astype(np.int32)

    def neighbours(self, rng: np.random.Generator, community: Whole) -> Ints:
        """One of the people of each community."""
        return (self.first[community] + (rng.random(len(community)) * self.size[community])).astype(np.int32)

    def lists(self, rng: np.random.Generator, sizes: Whole | Floats, community: Whole | int = ANYWHERE) -> Lists:
        """A list of each size, of anybody or of people of one community; somebody may be on it twice."""
        size = np.maximum(np.asarray(sizes, np.int64), 1)
        g = owners(size)
        where = np.broadcast_to(np.asarray(community), (len(size),))[g]
        near = self.neighbours(rng, np.maximum(where, 0))
        people = np.where(where >= 0, near, self.anybody(rng, len(g)))
        return Lists(np.cumsum(size) - size, size, people.astype(np.int32))

    def sites_seen(self, rng: np.random.Generator, n: int) -> Longs:
        """Popular link hosts, by their popularity; now and then a shortener."""
        hosts = self.popular[np.searchsorted(self.popularity[:-1], rng.random(n))]
        return np.where(rng.random(n) < 0.08, rng.choice(self.short, n), hosts)


def found_town(rng: np.random.Generator, customs: Conventions, registry: Registry) -> Town:
    """People with addresses, networks and contacts; they are the registry's first accounts."""
    n = customs.people
    communities = max(2, round(n / customs.community))
    community = np.sort(np.r_[np.arange(communities), rng.integers(0, communities, n - communities)])
    size = np.bincount(community, minlength=communities)
    outside = np.sort(rng.integers(0, communities, round(n * customs.outsiders)))
    everyone = np.concatenate([community, outside]).astype(np.int32)
    registry.provider = registry.sites(customs.providers)
    registry.directory = rng.permutation(n)
    freemail = np.concatenate([registry.provider, registry.sites(int(rng.integers(1, 8)))])
    access = _open_accounts(rng, customs, registry, everyone, freemail)
    popular = registry.hosts(registry.sites(customs.popular), WWW)
    popularity = np.cumsum((1.0 + np.arange(customs.popular)) ** -customs.zipf)
    eager = rng.exponential(1.0, len(everyone)) if customs.counts != "equal" else rng.uniform(0.5, 1.5, len(everyone))
    forwarders = registry.networks(int(rng.integers(1, 6)))
    forwarded = rng.random(n) < customs.forwarded
    town = Town(
        people=n,
        community=everyone,
        first=np.cumsum(size) - size,
        size=size,
        contacts=np.empty((0, 0), np.int32),
        activity=np.cumsum(eager) / eager.sum(),
        forwarder=np.where(forwarded, rng.choice(forwarders, n), -1).astype(np.int32),
        directory=registry.directory,
        freemail=freemail,
        popular=popular,
        popularity=popularity / popularity[-1],
        pages=registry.sites(int(rng.integers(1, 8))),
        short=registry.hosts(registry.sites(int(rng.integers(1, 5))), WWW),
        access=access,
        hosters=registry.networks(int(rng.integers(4, 80))),
    )
    return replace(town, contacts=_contacts(rng, customs, town))


def _open_accounts(
    rng: np.random.Generator, customs: Conventions, registry: Registry, community: Ints, freemail: Longs
) -> Longs:
    """Accounts for everybody; returns the networks of the people."""
    n, persons, communities = customs.people, len(community), int(community.max()) + 1
    office: Bools = rng.random(communities) < customs.offices
    own_site = registry.sites(communities)
    site = np.where(office[community], own_site[community], rng.choice(registry.provider, persons))
    site[n:] = rng.choice(freemail, persons - n)
    if customs.access == "offices":
        access = registry.networks(communities)
        network = access[community]
    else:
        few = {"nat": NAT_NETWORKS, "egress": 2, "homes": max(4, n // PER_HOME_NETWORK)}[customs.access]
        access = registry.networks(few)
        network = rng.choice(access, persons)
    elsewhere = registry.networks(max(3, (persons - n) // PER_HOME_NETWORK))
    network[n:] = rng.choice(elsewhere, persons - n)
    registry.accounts(site, PERSON, network)
    return access


def _contacts(rng: np.random.Generator, customs: Conventions, town: Town) -> Ints:
    """(persons, contacts): people of one's community or anybody, or somebody elsewhere; those elsewhere know people."""
    persons, k = town.persons, customs.contacts
    inside = rng.random(persons * k) < customs.inside
    own = np.repeat(town.community, k)
    known = np.where(inside, town.neighbours(rng, own), town.anybody(rng, persons * k))
    outsiders = persons - town.people
    if outsiders:
        away = (rng.random(persons * k) < outsiders / persons) & (np.repeat(np.arange(persons), k) < town.people)
        low, high = (np.searchsorted(town.community[town.people :], own, side) for side in ("left", "right"))
        some = low + (rng.random(persons * k) * (high - low)).astype(np.int64)
        known = np.where(away & (high > low), town.people + some, known)
    oneself = known == np.repeat(np.arange(persons), k)
    known = np.where(oneself, (known + 1) % town.people, known)
    return known.reshape(persons, k).astype(np.int32)
