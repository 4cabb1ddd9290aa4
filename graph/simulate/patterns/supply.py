"""Mailboxes, sites, link hosts and networks of a world, handed out as numbers and put into words at the end.

Knows nobody's purpose: honest and guilty come to the same counter. Names lie on RFC 2606 endings, networks in
240.0.0.0/4 (RFC 1112, reserved) and 3fff::/20 (RFC 9637, documentation).
"""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graph.simulate.names import Namer, network_prefixes, numbers
from graph.simulate.paper import Texts
from graph.simulate.rows import Bools, Ints, Longs

PERSON, WORD, TOKEN = 0, 1, 2  # styles of a local part
WORDS = ("info", "news", "office", "orders", "hello", "team", "service", "contact", "mail", "post", "updates", "events")
PLAIN, PAGE = 0, 1  # a link host: a site's own, or one of many pages on it
HOSTS = 254


@dataclass(frozen=True)
class Mailboxes:
    """All mailboxes: where the address is, whether its owner is at the provider, and where it usually writes from."""

    site: Ints
    style: Ints
    member: Bools
    network: Ints
    host: Ints  # last part of its address in that network
    link: Ints  # host that it would link for itself, -1 for none

    def __len__(self) -> int:
        return len(self.site)


@dataclass
class Supply:
    """The counter. Every call hands out the next numbers."""

    rng: np.random.Generator
    ipv6: float
    site_count: int = 0
    network_count: int = 0
    mailbox_count: int = 0
    host_count: int = 0
    _owners: list[Ints] = field(default_factory=list)
    _hosts: list[tuple[Ints, Ints]] = field(default_factory=list)
    _boxes: list[Mailboxes] = field(default_factory=list)

    def sites(self, n: int, owner: Ints | int = -1) -> int:
        """The first of n new registrable domains; `owner` is the guilty group of each, -1 for none."""
        self._owners.append(np.broadcast_to(np.asarray(owner, np.int32), (n,)))
        self.site_count += n
        return self.site_count - n

    def networks(self, n: int) -> int:
        """The first of n new networks."""
        self.network_count += n
        return self.network_count - n

    def hosts(self, site: npt.NDArray[np.integer], kind: Longs | int) -> Longs:
        """One new link host on each site."""
        self._hosts.append((site.astype(np.int32), np.broadcast_to(np.asarray(kind, np.int32), (len(site),))))
        self.host_count += len(site)
        return np.arange(self.host_count - len(site), self.host_count)

    def mailboxes(
        self,
        site: npt.NDArray[np.integer],
        style: npt.NDArray[np.integer],
        member: Bools,
        network: npt.NDArray[np.integer],
        link: npt.NDArray[np.integer] | None = None,
    ) -> Longs:
        """One new mailbox for each entry."""
        n = len(site)
        host = self.rng.integers(0, HOSTS, n).astype(np.int32)
        shown = np.full(n, -1, np.int32) if link is None else link.astype(np.int32)
        whole = (site.astype(np.int32), style.astype(np.int32), member, network.astype(np.int32), host, shown)
        self._boxes.append(Mailboxes(*whole))
        self.mailbox_count += n
        return np.arange(self.mailbox_count - n, self.mailbox_count)

    def book(self) -> Mailboxes:
        """All mailboxes handed out so far."""
        names = ("site", "style", "member", "network", "host", "link")
        return Mailboxes(*(np.concatenate([getattr(box, name) for box in self._boxes]) for name in names))

    def site_owners(self) -> Ints:
        """The guilty group that owns each site, -1 for none."""
        return np.concatenate(self._owners)

    def host_sites(self) -> Ints:
        """The site of every link host."""
        return np.concatenate([site for site, _ in self._hosts])

    def texts(self, seed: int) -> tuple[Texts, pa.Array]:
        """What all numbers stand for, and the names of the sites."""
        book, namer = self.book(), Namer(len(self.book()) + self.site_count, seed)
        sites = namer.sites(self.site_count)
        keys = pc.binary_join_element_wise(_locals(book, namer), sites.take(pa.array(book.site)), "@")
        kinds = np.concatenate([kind for _, kind in self._hosts])
        pages = np.flatnonzero(kinds == PAGE)
        prefix = np.full(len(kinds), "www", dtype=object)
        prefix[pages] = np.asarray(namer.tokens(len(pages)), dtype=object)
        hosts = pc.binary_join_element_wise(pa.array(prefix, pa.string()), sites.take(pa.array(self.host_sites())), ".")
        last = pa.array([str(number + 1) for number in range(HOSTS)], pa.string())
        prefixes = network_prefixes(self.rng.random(self.network_count) < self.ipv6, seed * 7_919)
        return Texts(keys, hosts, prefixes, last), sites


def _locals(book: Mailboxes, namer: Namer) -> pa.Array:
    """Local parts; role words are numbered where a site has more mailboxes than there are words."""
    n = len(book)
    text = np.empty(n, dtype=object)
    for style, made in ((PERSON, namer.locals), (TOKEN, namer.tokens)):
        at = np.flatnonzero(book.style == style)
        text[at] = np.asarray(made(len(at)), dtype=object)
    at = np.flatnonzero(book.style == WORD)
    order = at[np.argsort(book.site[at], kind="stable")]
    site = book.site[order]
    new = np.r_[True, site[1:] != site[:-1]] if len(site) else np.empty(0, bool)
    place = np.arange(len(site)) - np.maximum.accumulate(np.where(new, np.arange(len(site)), 0))
    start = (site.astype(np.int64) * 7 + place) % len(WORDS)  # a site's first mailbox has any of the words
    words = pa.array(WORDS).take(pa.array(start))
    text[order] = np.asarray(pc.binary_join_element_wise(words, numbers(place // len(WORDS)), ""), dtype=object)
    return pa.array(text, pa.string())
