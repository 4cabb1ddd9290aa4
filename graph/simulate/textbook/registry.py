"""Accounts, sites, link hosts, networks and texts of a world, handed out as numbers and put into words at the end.

Knows nobody's purpose. Names lie on RFC 2606 endings, networks in 240.0.0.0/4 (RFC 1112) and 3fff::/20 (RFC 9637).
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graph.simulate.names import Bijection, Namer, network_prefixes
from graph.simulate.paper import Texts
from graph.simulate.rows import Bools, Ints, Longs
from graph.simulate.textbook.conventions import Conventions

PERSON, ROLE = 0, 1  # local parts: as the world names people, or `news`, `info`
BARE, WWW, CLICK, UNIQUE = range(4)  # link hosts: the site itself, www., click., or a token before it
PREFIXES = ("", "www.", "click.")
WORDS = ("news", "info", "office", "team", "noreply", "hello", "orders", "events")
HOSTS = 254
NO_OWNER = -1
Whole = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Accounts:
    """All accounts: the site of the address, the style of the local part, the usual network and place in it."""

    site: Ints
    style: Ints
    network: Ints
    host: Ints

    def __len__(self) -> int:
        return len(self.site)


@dataclass
class Registry:
    """The counter. Every call hands out the next numbers."""

    rng: np.random.Generator
    customs: Conventions
    provider: Longs = field(default_factory=lambda: np.empty(0, np.int64))  # sites whose accounts may be plain ids
    directory: Longs = field(default_factory=lambda: np.empty(0, np.int64))  # place in the alphabet of the first ones
    network_count: int = 0
    text_count: int = 0
    _owners: list[Ints] = field(default_factory=lambda: [np.empty(0, np.int32)])
    _hosts: list[Ints] = field(default_factory=lambda: [np.empty((2, 0), np.int32)])
    _accounts: Ints = field(default_factory=lambda: np.empty((4, 0), np.int32))

    def sites(self, n: int, owner: Whole | int = NO_OWNER) -> Longs:
        """n new registrable domains; `owner` is the campaign of each, -1 for none."""
        first = sum(map(len, self._owners))
        self._owners.append(np.broadcast_to(np.asarray(owner, np.int32), (n,)))
        return np.arange(first, first + n)

    def networks(self, n: int) -> Longs:
        """n new networks."""
        self.network_count += n
        return np.arange(self.network_count - n, self.network_count)

    def texts(self, n: int) -> Longs:
        """n new texts, from 1 on."""
        self.text_count += n
        return np.arange(self.text_count - n, self.text_count) + 1

    def hosts(self, site: Whole, style: int) -> Longs:
        """A link host on each site."""
        first = sum(part.shape[1] for part in self._hosts)
        self._hosts.append(np.stack([site, np.full(len(site), style)]).astype(np.int32))
        return np.arange(first, first + len(site))

    def accounts(self, site: Whole, style: int, network: Whole) -> Longs:
        """A new account for each entry."""
        first = self._accounts.shape[1]
        host = self.rng.integers(0, HOSTS, len(site))
        rows = np.stack([site, np.full(len(site), style), network, host]).astype(np.int32)
        self._accounts = np.concatenate([self._accounts, rows], axis=1)
        return np.arange(first, first + len(site))

    def book(self) -> Accounts:
        """All accounts handed out so far."""
        return Accounts(*self._accounts)

    def site_owners(self) -> Ints:
        """The campaign that owns each site, -1 for none."""
        return np.concatenate(self._owners)

    def host_sites(self) -> Ints:
        """The site of every link host."""
        return np.concatenate([part[0] for part in self._hosts])

    def addressed(self) -> Bools:
        """Accounts that show as an address and not as a plain id."""
        book = self.book()
        if self.customs.ids == "accounts":
            return np.zeros(len(book), bool)
        plain: Bools = np.isin(book.site, self.provider) & (self.customs.ids == "users")
        return ~plain

    def words(self, seed: int) -> tuple[Texts, pa.Array]:
        """What all numbers stand for, and the names of the sites."""
        owners, book = self.site_owners(), self.book()
        namer = Namer(len(book) + len(owners), seed)
        sites = namer.sites(len(owners))
        site, style = np.concatenate(self._hosts, axis=1)
        prefix = np.array([*PREFIXES, ""], dtype=object)[style]
        tokens = namer.tokens(int(np.count_nonzero(style == UNIQUE)))
        prefix[style == UNIQUE] = np.asarray(pc.binary_join_element_wise(tokens, "", "."), dtype=object)
        hosts = pc.binary_join_element_wise(pa.array(prefix, pa.string()), sites.take(pa.array(site)), "")
        last = pa.array([str(number + 1) for number in range(HOSTS)], pa.string())
        prefixes = network_prefixes(self.rng.random(self.network_count) < self.customs.ipv6, seed * 104_729)
        return Texts(self._keys(namer, sites, seed), hosts, prefixes, last), sites

    def _keys(self, namer: Namer, sites: pa.Array, seed: int) -> pa.Array:
        book, shown = self.book(), self.addressed()
        role = (book.style == ROLE) & shown
        text = np.empty(len(book), dtype=object)
        text[~role] = self._people(namer, int(np.count_nonzero(~role)), seed)
        at = np.flatnonzero(role)
        words = [WORDS[number % len(WORDS)] for number in book.site[at].tolist()]
        first = np.zeros(len(at), bool)
        first[np.unique(book.site[at], return_index=True)[1]] = True
        numbered = zip(words, at.tolist(), first.tolist(), strict=True)
        text[at] = [word if alone else f"{word}{number}" for word, number, alone in numbered]
        local = pa.array(text, pa.string())
        whole = pc.binary_join_element_wise(local, sites.take(pa.array(book.site)), "@")
        return pc.if_else(pa.array(shown), whole, local)

    def _people(self, namer: Namer, n: int, seed: int) -> npt.NDArray[np.object_]:
        """n names; those of the directory's accounts, which come first, lie in its order."""
        made = {
            "names": lambda: namer.locals(n),
            "tokens": lambda: namer.tokens(n),
            "numbers": lambda: pa.array([f"user{at:07d}" for at in Bijection(2 * n + 2, seed).next(n).tolist()]),
        }
        text = np.asarray(made[self.customs.naming](), dtype=object)
        listed = len(self.directory)
        text[:listed] = np.sort(text[:listed])[self.directory]
        return text
