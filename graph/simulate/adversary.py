"""What makes a world hard: which shared signals a campaign keeps, what an operator burns, who is framed.

Turns the hardness dial into decisions; realises none of them (see `campaigns` and `labels`).
"""

from dataclasses import dataclass

import numpy as np

from graph.simulate.ground import Ground
from graph.simulate.options import WorldOptions
from graph.simulate.people import People
from graph.simulate.rhythm import pick
from graph.simulate.rows import Ints

RANGES, DOMAINS = 2.5, 2.5  # mean rented /24 and mean link domains of a campaign
LEAST_LIST = 12


def kept_signals(rng: np.random.Generator, shared: tuple[str, ...], options: WorldOptions) -> frozenset[str]:
    """Those of a campaign's shared signals that it does not hide; at least one."""
    share = options.crime.signals_kept.at(options.hardness)
    count = max(1, round(len(shared) * share))
    return frozenset(rng.permutation(np.asarray(shared))[:count].tolist())


@dataclass
class Operator:
    """Who runs campaigns. What it owns is `None` until needed, and again after it was burnt."""

    number: int
    hour: int
    targets: Ints | None = None
    networks: Ints | None = None
    sites: Ints | None = None
    freemail: Ints | None = None

    def burn(self, rng: np.random.Generator, chance: float) -> None:
        """Between two campaigns every piece of infrastructure is dropped with this chance."""
        for piece in ("targets", "networks", "sites", "freemail"):
            if rng.random() < chance:
                setattr(self, piece, None)
        if rng.random() < chance:
            self.hour = int(rng.integers(0, 24))

    def target_list(self, rng: np.random.Generator, people: People, size: int) -> Ints:
        """At least `size` users (all of them in a small world), the same ones as last time where they suffice."""
        size = min(max(size, LEAST_LIST), len(people.users))
        if self.targets is None or len(self.targets) < size:
            drawn = people.users[pick(rng, 2 * size, people.popularity)]
            self.targets = np.asarray(rng.permutation(np.unique(drawn)), np.int32)
        return self.targets[:size]

    def rented(self, rng: np.random.Generator, ground: Ground, hosters: Ints, among_innocents: float) -> Ints:
        """Neighbouring ranges of its own, or, with the chance `among_innocents`, room at shared hosters."""
        if self.networks is None:
            count = 1 + int(rng.poisson(RANGES - 1))
            shared = rng.random() < among_innocents
            self.networks = rng.permutation(hosters)[:count] if shared else ground.fixed_networks(count)
        return self.networks

    def domains(self, rng: np.random.Generator, ground: Ground) -> Ints:
        """Registered for links."""
        if self.sites is None:
            self.sites = ground.new_sites(1 + int(rng.poisson(DOMAINS - 1)))
        return self.sites

    def mail_sites(self, rng: np.random.Generator, people: People) -> Ints:
        """The one or two freemail services where it opens accounts."""
        if self.freemail is None:
            self.freemail = rng.permutation(people.freemail)[: 1 + int(rng.integers(0, 2))]
        return self.freemail
