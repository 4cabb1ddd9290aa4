"""What every kind of mail needs at hand: chance, conventions, people, clock and registry; one way to write a row."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from graph.simulate.rows import MAIL, NO_PRINT, Floats, Longs, Rows, make_rows, owners
from graph.simulate.textbook.clock import Clock
from graph.simulate.textbook.conventions import Conventions
from graph.simulate.textbook.registry import BARE, HOSTS, ROLE, UNIQUE, WWW, Registry
from graph.simulate.textbook.town import Town

Whole = npt.NDArray[np.integer]
PRINTS = 1 << 62  # fingerprints are below
MOST_RECIPIENTS = 100
NO_LINK = -1
PERSONAL_ANNOYANCE = 1e-5


@dataclass(frozen=True)
class Stage:
    """One world while it is being written."""

    rng: np.random.Generator
    customs: Conventions
    clock: Clock
    registry: Registry
    town: Town
    brands: list[Longs] = field(default_factory=list)  # accounts of newsletters that were written so far

    def sizes(self, total: int, mean: float) -> Longs:
        """Whole numbers from 1 on that sum to `total`, as unequal as this world's counts are."""
        n = int(np.clip(round(total / mean), 1, max(total, 1)))
        weight = self._weights(n, mean)
        return 1 + self.rng.multinomial(max(total - n, 0), weight / weight.sum())

    def _weights(self, n: int, mean: float) -> Floats:
        match self.customs.counts:
            case "equal":
                return np.ones(n)
            case "poisson":
                return 0.1 + self.rng.poisson(mean, n).astype(np.float64)
            case "geometric":
                return self.rng.exponential(1.0, n)
            case _:
                return self.rng.lognormal(0.0, 1.3, n)

    def mean(self, low: float, high: float) -> float:
        """A mean for one kind of things in this world."""
        return float(low * (high / low) ** self.rng.random())

    def mail(
        self,
        ts: Whole,
        sender: Whole,
        to: Whole,
        *,
        to_count: Whole | None = None,
        link: Whole | None = None,
        network: Whole | None = None,
        text: Whole | None = None,
        annoyance: npt.NDArray[np.float64] | float = PERSONAL_ANNOYANCE,
        channel: npt.NDArray[np.integer] | int = MAIL,
        campaign: int = -1,
        bulk: bool = True,
    ) -> Rows:
        """Rows as the provider sees them. `link`: a host or -1, `text`: what is written, 0 for words of one's own,
        `network`: where not sent from the sender's usual one."""
        n, book = len(ts), self.registry.book()
        links = np.full((n, 2), NO_LINK, np.int64)
        if link is not None:
            links[:, 0] = link
            also = bulk & (links[:, 0] >= 0) & (self.rng.random(n) < self.customs.footers)
            links[also, 1] = self.town.sites_seen(self.rng, int(also.sum()))
        usual = book.network[sender]
        away = usual if network is None else network
        host = np.where(away == usual, book.host[sender], self.rng.integers(0, HOSTS, n))
        return make_rows(
            ts,
            sender,
            to,
            to_count=to_count,
            link=links[links >= 0],
            link_count=(links >= 0).sum(1),
            network=np.where(self.rng.random(n) < self.customs.no_ip, -1, away),
            host=host,
            fingerprint=self._prints(np.zeros(n, np.int64) if text is None else text),
            annoyance=annoyance,
            channel=channel,
            campaign=campaign,
        )

    def _prints(self, text: Whole) -> Longs:
        """Fingerprints: those of one text are alike but for mutations, words of one's own have one where all have."""
        n = len(text)
        if self.customs.prints == "none":
            return np.full(n, NO_PRINT)
        own = self.rng.integers(1, PRINTS, n)
        common = (text.astype(np.int64) * 0x5851F42D4C957F2D) & (PRINTS - 1)  # Knuth's multiplicative hash
        same = (text > 0) & (self.rng.random(n) >= self.customs.mutation)
        return np.where(same, common, own if self.customs.prints == "all" else np.where(text > 0, own, NO_PRINT))

    def batched(self, n: int, most: int = MOST_RECIPIENTS) -> Longs:
        """Recipients of each of n bulk messages."""
        mean = self.customs.batch
        drawn = np.ones(n, np.int64) if mean == 1 else 1 + self.rng.poisson(mean - 1, n)
        return np.minimum(drawn, most)

    def homes(self, n: int) -> Longs:
        """Networks of n small senders: on shared hosting, or one each."""
        hosted = self.rng.random(n) < self.customs.hosted
        return np.where(hosted, self.rng.choice(self.town.hosters, n), self.registry.networks(n))

    def senders(self, site: Whole, network: Whole) -> Longs:
        """One bulk sender on each site."""
        return self.registry.accounts(site, ROLE, network)

    def link_hosts(self, site: Whole) -> Longs:
        """The host of each site that bulk mail links, in this world's convention."""
        return self.registry.hosts(site, WWW if self.customs.host == "www" else BARE)

    def tracked(self, hosts: Longs, g: Whole) -> Longs:
        """The link of each message of group `g`; where that is the convention, a sub-domain of its own for each."""
        if self.customs.host != "tracking":
            return hosts[g]
        return self.registry.hosts(self.registry.host_sites()[hosts[g]], UNIQUE)


def places(counts: Whole) -> tuple[Longs, Longs]:
    """For every one of all counts its group, and its place 0, 1, … within the group."""
    g = owners(np.asarray(counts))
    return g, np.arange(len(g)) - (np.cumsum(counts) - counts)[g]
