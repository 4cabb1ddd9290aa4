"""What anybody with money can rent: hosting, sending services, home connections, pages, lists, kits. Takes no side.

Honest firms and crews draw from the same stock, so that sharing a thing says little by itself.
"""

from dataclasses import dataclass

import numpy as np

from graph.simulate.market.clock import Numbers
from graph.simulate.market.directory import Directory
from graph.simulate.market.options import MarketOptions
from graph.simulate.market.society import Society
from graph.simulate.rows import Ints, Longs

POPULARITY = 1.05  # Zipf exponent over popular sites


@dataclass(frozen=True)
class Rentals:
    """The stock of a world; rows of two-dimensional arrays belong to one landlord."""

    freemail_sites: Ints
    freemail_networks: Ints  # (freemail, networks): where their mail comes from
    hosting: Ints  # (hoster, ranges)
    pools: Ints  # (service, networks)
    trackers: Ints  # a service's host that links go through
    gateways: Ints
    short_hosts: Ints
    page_sites: Ints
    popular: Ints  # hosts, most popular first
    popular_shares: Numbers
    forwarders: Ints
    lists: tuple[Ints, ...]  # brokers' lists of members
    kits: Longs  # (kit, goal): fingerprint that a kit leaves unless its user takes trouble
    shop_kits: Longs  # (kit, note)
    small_talk: Longs
    botnets: tuple[Ints, ...]  # networks with infected homes
    proxies: tuple[Ints, ...]  # networks of homes that pass on strangers' traffic

    def popular_hosts(self, rng: np.random.Generator, n: int) -> Ints:
        """Popular sites as often as people link them."""
        return np.asarray(self.popular[np.searchsorted(self.popular_shares, rng.random(n))], np.int32)

    def tracker_of(self, pool: Numbers) -> int:
        """The tracking host of the service that a pool belongs to."""
        return int(self.trackers[np.flatnonzero(self.pools[:, 0] == pool[0])[0]])

    def ranges(self, rng: np.random.Generator, n: int) -> Ints:
        """Ranges at hosters of many tenants, where a few ranges take most of the tenants."""
        hoster = rng.integers(0, len(self.hosting), n)
        return np.asarray(
            self.hosting[hoster, (self.hosting.shape[1] * rng.random(n) ** 1.7).astype(np.int64)], np.int32
        )


def fingerprints(rng: np.random.Generator, shape: int | tuple[int, ...]) -> Longs:
    """Digests of texts that nobody has written before; never 0, which stands for none."""
    return rng.integers(1, 1 << 62, shape)


def freemail(directory: Directory, options: MarketOptions) -> tuple[Ints, Ints]:
    """Other mail providers: their sites and outgoing networks."""
    n = options.rentals.freemails
    return directory.sites(n), directory.networks(3 * n).reshape(n, 3)


def open_shop(
    directory: Directory, options: MarketOptions, mail: tuple[Ints, Ints], society: Society, rng: np.random.Generator
) -> Rentals:
    """The stock that exists on the first day."""
    wants = options.rentals
    popular = directory.fronts(directory.sites(wants.popular_sites))
    weights = np.arange(1, len(popular) + 1) ** -POPULARITY
    homes = np.unique(society.home)
    return Rentals(
        freemail_sites=mail[0],
        freemail_networks=mail[1],
        hosting=directory.networks(wants.hosters * wants.ranges_per_hoster).reshape(wants.hosters, -1),
        pools=directory.networks(wants.services * wants.pool).reshape(wants.services, -1),
        trackers=directory.hosts("go", directory.sites(wants.services)),
        gateways=directory.gateways(wants.carriers),
        short_hosts=directory.fronts(directory.sites(wants.short_hosts)),
        page_sites=directory.sites(wants.page_hosts),
        popular=popular,
        popular_shares=np.cumsum(weights) / weights.sum(),
        forwarders=directory.networks(3),
        lists=tuple(_broker_list(society, wants.list_reach, rng) for _ in range(wants.lists)),
        kits=fingerprints(rng, (wants.kits, wants.kit_goals)),
        shop_kits=fingerprints(rng, (wants.shop_kits, 5)),
        small_talk=fingerprints(rng, 60),
        botnets=tuple(_some(homes, wants.botnet_reach, rng) for _ in range(wants.botnets)),
        proxies=tuple(_some(homes, wants.proxy_reach, rng) for _ in range(wants.proxy_pools)),
    )


def _some(networks: Numbers, reach: float, rng: np.random.Generator) -> Ints:
    n = min(len(networks), max(12, int(len(networks) * reach)))
    return np.asarray(rng.choice(networks, n, replace=False), np.int32)


def _broker_list(society: Society, reach: float, rng: np.random.Generator) -> Ints:
    """Members on a list: harvested mostly from some towns, with a tail of leaks from anywhere."""
    towns = society.town[-1] + 1
    keen = rng.random(towns) < 0.35
    keen[rng.integers(0, towns)] = True
    chance = np.where(keen[society.town[society.members]], 1.0, 0.2)
    n = min(len(society.members), max(60, int(reach * len(society.members) * rng.uniform(0.5, 1.8))))
    return np.asarray(rng.choice(society.members, n, replace=False, p=chance / chance.sum()), np.int32)
