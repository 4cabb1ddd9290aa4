"""Every mailbox, site, link host and network of a world by number, with its text and its truth. Draws no behaviour."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graph.simulate.market.clock import Numbers
from graph.simulate.names import Bijection, Namer
from graph.simulate.paper import Texts
from graph.simulate.rows import NOBODY, Ints

HOST_NUMBERS = 254
_V4 = 15 << 16  # /24s of 240.0.0.0/4 (reserved, RFC 1112) below 255.0.0.0
_MOBILE = 1 << 14  # /24s of 100.64.0.0/10 (shared address space, RFC 6598)
_V6 = 1 << 28  # /48s of 3fff::/20 (documentation, RFC 9637)


class Column:
    """An array that grows at its end."""

    def __init__(self, kind: type) -> None:
        self._cells: Numbers = np.empty(1024, kind)
        self._size = 0

    def extend(self, values: Numbers | np.integer[Any] | int, n: int) -> None:
        """Appends n cells."""
        end = self._size + n
        if end > len(self._cells):
            self._cells = np.resize(self._cells, max(end, 2 * len(self._cells)))
        self._cells[self._size : end] = values
        self._size = end

    @property
    def cells(self) -> Numbers:
        """A view of what is there: writing to it writes to the column."""
        return self._cells[: self._size]

    def __len__(self) -> int:
        return self._size


class _Words:
    """Texts that are added in lots and read at once."""

    def __init__(self) -> None:
        self._lots: list[pa.Array] = []

    def add(self, texts: pa.Array) -> None:
        self._lots.append(texts)

    def all(self) -> pa.Array:
        if len(self._lots) != 1:
            self._lots = [pa.concat_arrays(self._lots) if self._lots else pa.array([], pa.string())]
        return self._lots[0]


class Directory:
    """Registers whoever and whatever appears; numbers are never reused.

    A mailbox has a `site` (-1 for account ids), a `role` (number of its archetype), a `network` its mail comes from by
    default, the `host` number there, the `campaign` that it belongs to (-1 for the innocent), and the `wave` of that
    campaign's senders, counted from 1: a crew that was found out begins a new one.
    """

    def __init__(self, capacity: int, seed: int) -> None:
        self._namer = Namer(capacity, seed)
        self._v4, self._mobile, self._v6 = (Bijection(size, seed * 7919) for size in (_V4, _MOBILE, _V6))
        self._keys, self._hosts, self._sites, self._prefixes = _Words(), _Words(), _Words(), _Words()
        self.archetypes: list[str] = []
        self.site, self.role, self.network, self.campaign, self.wave = (Column(np.int32) for _ in range(5))
        self.host = Column(np.uint8)
        self.site_campaign = Column(np.int32)
        self.front = Column(np.int32)  # a site's `www` host
        self.host_site = Column(np.int32)
        self._networks = 0

    # ---- mailboxes

    def role_of(self, archetype: str) -> int:
        """The number of an archetype."""
        if archetype not in self.archetypes:
            self.archetypes.append(archetype)
        return self.archetypes.index(archetype)

    def people(self, sites: Numbers, archetype: str, networks: Numbers) -> Ints:
        """A mailbox with a person's name at each site."""
        names = pc.binary_join_element_wise(self._namer.locals(len(sites)), self._at(sites), "@")
        return self._mailboxes(names, sites, archetype, networks)

    def desks(self, label: str, sites: Numbers, archetype: str, networks: Numbers) -> Ints:
        """A role's mailbox such as `orders@` at each site; a site has each label once."""
        names = pc.binary_join_element_wise(pa.scalar(label), self._at(sites), "@")
        return self._mailboxes(names, sites, archetype, networks)

    def relays(self, label: str, sites: Numbers, archetype: str, networks: Numbers) -> Ints:
        """An address made for one correspondence, such as `reply-1a2b3c4d@`, at each site."""
        local = pc.binary_join_element_wise(pa.scalar(label), self._namer.tokens(len(sites)), "-")
        return self._mailboxes(pc.binary_join_element_wise(local, self._at(sites), "@"), sites, archetype, networks)

    def accounts(self, n: int, archetype: str, networks: Numbers) -> Ints:
        """Account ids without a mail address."""
        names = pc.binary_join_element_wise(pa.scalar("acct"), self._namer.tokens(n), "-")
        return self._mailboxes(names, np.full(n, NOBODY), archetype, networks)

    def _at(self, sites: Numbers) -> pa.Array:
        return self._sites.all().take(pa.array(np.asarray(sites, np.int32)))

    def _mailboxes(self, names: pa.Array, sites: Numbers, archetype: str, networks: Numbers) -> Ints:
        first, n = len(self.site), len(names)
        numbers = np.arange(first, first + n, dtype=np.int32)
        self._keys.add(names)
        self.site.extend(sites, n)
        self.role.extend(self.role_of(archetype), n)
        self.network.extend(networks, n)
        self.host.extend(1 + numbers * 37 % HOST_NUMBERS, n)
        self.campaign.extend(NOBODY, n)
        self.wave.extend(0, n)
        return numbers

    def __len__(self) -> int:
        return len(self.site)

    # ---- sites and hosts

    def sites(self, n: int) -> Ints:
        """New registrable domains, each with its `www` host."""
        first = len(self.site_campaign)
        numbers = np.arange(first, first + n, dtype=np.int32)
        self._sites.add(self._namer.sites(n))
        self.site_campaign.extend(NOBODY, n)
        self.front.extend(self.hosts("www", numbers), n)
        return numbers

    def fronts(self, sites: Numbers) -> Ints:
        """The `www` host of each site."""
        return np.asarray(self.front.cells[sites], np.int32)

    def hosts(self, label: str, sites: Numbers) -> Ints:
        """A host under each site."""
        return self._add_hosts(pc.binary_join_element_wise(pa.scalar(label), self._at(sites), "."), sites)

    def pages(self, sites: Numbers) -> Ints:
        """A fresh page of its own host under each free-page site."""
        return self._add_hosts(pc.binary_join_element_wise(self._namer.tokens(len(sites)), self._at(sites), "."), sites)

    def _add_hosts(self, names: pa.Array, sites: Numbers) -> Ints:
        first = len(self.host_site)
        self._hosts.add(names)
        self.host_site.extend(sites, len(names))
        return np.arange(first, first + len(names), dtype=np.int32)

    def site_names(self) -> pa.Array:
        return self._sites.all()

    # ---- networks

    def networks(self, n: int, v6: Any = 0.0, rng: np.random.Generator | None = None) -> Ints:
        """New /24s, of which the share `v6` are /48s instead."""
        six = np.zeros(n, bool) if rng is None else rng.random(n) < v6
        k4, k6 = self._v4.next(int((~six).sum())), self._v6.next(int(six.sum()))
        texts = np.empty(n, object)
        texts[~six] = [f"{240 + (k >> 16)}.{k >> 8 & 255}.{k & 255}." for k in k4.tolist()]
        texts[six] = [f"3fff:{k >> 16:x}:{k & 65535:x}::" for k in k6.tolist()]
        return self._add_networks(texts)

    def gateways(self, n: int) -> Ints:
        """New networks of mobile carriers."""
        numbers = self._mobile.next(n).tolist()
        return self._add_networks(np.array([f"100.{64 + (k >> 8)}.{k & 255}." for k in numbers], object))

    def _add_networks(self, texts: Numbers) -> Ints:
        first = self._networks
        self._prefixes.add(pa.array(texts, pa.string()))
        self._networks += len(texts)
        return np.arange(first, self._networks, dtype=np.int32)

    # ---- on paper

    def texts(self) -> Texts:
        """What the numbers in rows stand for."""
        host_numbers = pa.array([str(number) for number in range(256)], pa.string())
        return Texts(self._keys.all(), self._hosts.all(), self._prefixes.all(), host_numbers)


def fitted(cells: Numbers, size: int) -> Numbers:
    """Cells with zeros (or False) behind them up to a size."""
    return np.concatenate([cells, np.zeros(max(0, size - len(cells)), cells.dtype)])
