"""The common ground of a world: mailboxes, sites, hosts and networks as numbered registers. Knows no behaviour."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from graph.simulate.names import Namer
from graph.simulate.options import WorldOptions
from graph.simulate.rows import Bools, Ints

# Addresses nobody routes: RFC 1112 class E for everything fixed, RFC 6598 for mobile gateways, RFC 3849 for IPv6.
_CLASS_E, _CGNAT = 240 << 16, (100 << 16) | (64 << 8)  # as numbers of /24
_BLOCK = 16  # /24 in one /20: ranges rented together lie together
_BLOCKS = (1 << 20) // _BLOCK
_SIX_FIRST = 256  # host numbers from here on are IPv6 interface ids
_SIX_HOSTS = 1 << 16
_CARRIER_NETS = 64 << 8  # /24 in 100.64.0.0/10


class Ground:
    """Registers grow while a world is planned; ids are positions. `archetypes` numbers the roles of mailboxes."""

    def __init__(self, options: WorldOptions, rng: np.random.Generator) -> None:
        self.rng = rng
        self.namer = Namer(options.events + 50_000, int(rng.integers(1 << 30)))
        self.archetypes: list[str] = []
        self._keys: list[pa.Array] = []
        self._roles: list[npt.NDArray[np.int16]] = []
        self._mail_sites: list[Ints] = []
        self._sites: list[pa.Array] = []
        self._hosts: list[pa.Array] = []
        self._host_sites: list[Ints] = []
        self._prefixes: list[str] = []
        self._six: list[bool] = []
        self._six_known: Bools = np.empty(0, bool)
        self._blocks = rng.permutation(_BLOCKS)
        self._sixes = rng.permutation(1 << 16)
        self.mailboxes = self.sites = self.hosts = 0
        self._taken_blocks = self._taken_sixes = self._taken_carriers = 0

    # ---- mailboxes

    def people_at(self, sites: npt.NDArray[np.integer], archetype: str) -> Ints:
        """Mailboxes with a person's name, one at each given site."""
        return self._mailboxes(self.namer.locals(len(sites)), sites, archetype)

    def roles_at(self, sites: npt.NDArray[np.integer], role: str, archetype: str) -> Ints:
        """Mailboxes such as `news@…`; at most one of a role at a site."""
        return self._mailboxes(pa.array([role] * len(sites), pa.string()), sites, archetype)

    def tokens_at(self, sites: npt.NDArray[np.integer], prefix: str, archetype: str) -> Ints:
        """Mailboxes such as `notify-1f00c3d2@…`."""
        return self._mailboxes(pc.binary_join_element_wise(prefix, self.namer.tokens(len(sites)), ""), sites, archetype)

    def accounts(self, n: int, archetype: str) -> Ints:
        """Account ids without an address."""
        keys = pc.binary_join_element_wise("acct-", self.namer.tokens(n), "")
        return self._register(keys, np.full(n, -1, np.int32), archetype)

    def _mailboxes(self, local: pa.Array, sites: npt.NDArray[np.integer], archetype: str) -> Ints:
        at = np.asarray(sites, np.int32)
        return self._register(pc.binary_join_element_wise(local, self.site_names(at), "@"), at, archetype)

    def _register(self, keys: pa.Array, sites: Ints, archetype: str) -> Ints:
        n = len(keys)
        ids = np.arange(self.mailboxes, self.mailboxes + n, dtype=np.int32)
        self._keys.append(keys)
        self._mail_sites.append(sites)
        self._roles.append(np.full(n, self.role(archetype), np.int16))
        self.mailboxes += n
        return ids

    def role(self, archetype: str) -> int:
        if archetype not in self.archetypes:
            self.archetypes.append(archetype)
        return self.archetypes.index(archetype)

    # ---- sites and hosts

    def new_sites(self, n: int) -> Ints:
        """Registrable domains."""
        self._sites.append(self.namer.sites(n))
        self.sites += n
        return np.arange(self.sites - n, self.sites, dtype=np.int32)

    def site_names(self, sites: npt.NDArray[np.integer]) -> pa.Array:
        return self._joined(self._sites).take(pa.array(sites))

    def new_hosts(self, sites: npt.NDArray[np.integer], label: str = "www") -> Ints:
        """One host `label.site` for each site; an empty label is the site itself."""
        names = self.site_names(sites)
        return self._add_hosts(pc.binary_join_element_wise(label, names, ".") if label else names, sites)

    def new_pages(self, sites: npt.NDArray[np.integer]) -> Ints:
        """Free pages: a fresh host under each given site."""
        names = pc.binary_join_element_wise(self.namer.tokens(len(sites)), self.site_names(sites), ".")
        return self._add_hosts(names, sites)

    def _add_hosts(self, names: pa.Array, sites: npt.NDArray[np.integer]) -> Ints:
        n = len(sites)
        self._hosts.append(names)
        self._host_sites.append(np.asarray(sites, np.int32))
        self.hosts += n
        return np.arange(self.hosts - n, self.hosts, dtype=np.int32)

    # ---- networks

    def fixed_networks(self, n: int) -> Ints:
        """/24 networks in neighbouring runs, as offices, services and rented ranges have them."""
        blocks = -(-n // _BLOCK)
        at = np.arange(self._taken_blocks, self._taken_blocks + blocks) % _BLOCKS
        self._taken_blocks += blocks
        nets = (self._blocks[at][:, None] * _BLOCK + np.arange(_BLOCK)).ravel()[:n] + _CLASS_E
        return self._add_networks([_four(net) for net in nets.tolist()], six=False)

    def access_networks(self, n: int, ipv6: float) -> Ints:
        """An access provider's networks: /24 and, for the share `ipv6`, /48."""
        sixes = min(int(n * ipv6), len(self._sixes) - self._taken_sixes)
        four = self.fixed_networks(n - sixes)
        at = self._sixes[self._taken_sixes : self._taken_sixes + sixes]
        self._taken_sixes += sixes
        six = self._add_networks([f"2001:db8:{net:x}::" for net in at.tolist()], six=True)
        return np.asarray(self.rng.permutation(np.concatenate([four, six])), np.int32)

    def carrier_networks(self, n: int) -> Ints:
        """Mobile gateways behind shared addresses."""
        first = self._taken_carriers
        self._taken_carriers += n
        return self._add_networks([_four(_CGNAT + (first + k) * 61 % _CARRIER_NETS) for k in range(n)], six=False)

    def _add_networks(self, prefixes: list[str], six: bool) -> Ints:
        first = len(self._prefixes)
        self._prefixes.extend(prefixes)
        self._six.extend([six] * len(prefixes))
        return np.arange(first, first + len(prefixes), dtype=np.int32)

    def host_in(self, rng: np.random.Generator, networks: npt.NDArray[np.integer]) -> Ints:
        """An address in each network."""
        six = self.is_six[networks]
        four = rng.integers(1, 255, len(networks))
        return np.where(six, _SIX_FIRST + (four * 257 + networks) % _SIX_HOSTS, four).astype(np.int32)

    @property
    def is_six(self) -> Bools:
        if len(self._six_known) != len(self._six):
            self._six_known = np.asarray(self._six, bool)
        return self._six_known

    # ---- names of all

    @property
    def keys(self) -> pa.Array:
        return self._joined(self._keys)

    @property
    def roles(self) -> npt.NDArray[np.int16]:
        return np.concatenate(self._roles)

    @property
    def mail_sites(self) -> Ints:
        """The site of each mailbox's address, -1 for an account."""
        return np.concatenate(self._mail_sites)

    @property
    def host_names(self) -> pa.Array:
        return self._joined(self._hosts)

    @property
    def host_sites(self) -> Ints:
        return np.concatenate(self._host_sites)

    @property
    def prefixes(self) -> pa.Array:
        return pa.array(self._prefixes, pa.string())

    def _joined(self, parts: list[pa.Array]) -> pa.Array:
        if len(parts) > 1:
            parts[:] = [pa.concat_arrays(parts)]
        return parts[0]


def host_texts() -> pa.Array:
    """The text of every host number: what follows the network's prefix in an address."""
    four: Sequence[str] = [str(k) for k in range(_SIX_FIRST)]
    return pa.array([*four, *(f"{k:x}" for k in range(_SIX_HOSTS))], pa.string())


def _four(net: int) -> str:
    return f"{net >> 16}.{net >> 8 & 255}.{net & 255}."
