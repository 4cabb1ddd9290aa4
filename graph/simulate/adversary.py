"""What makes a world hard: which shared signals a campaign keeps, what an operator burns, who is framed.

Turns the dials into decisions; realises none of them (see `campaigns`, `bridges` and `labels`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graph.simulate.ground import Ground
from graph.simulate.judging import Judgement, judged
from graph.simulate.options import Dial, WorldOptions
from graph.simulate.people import People
from graph.simulate.rhythm import HOUR, pick
from graph.simulate.rows import Ints, Longs

RANGES, DOMAINS = 2.5, 2.5  # mean rented /24 and mean link domains of a campaign
LEAST_LIST = 12
MORE_BRIDGES = 0.03  # share of the senders that are bridges, beside the first, where a campaign has any
REACTION = HOUR  # mean time from a verdict to the last message of what it gave away


class Adversary:
    """Decides for each campaign what it does against detection.

    Draws from a stream `rng` of its own, so that a dial that is off leaves everything else as it was.
    """

    def __init__(self, options: WorldOptions, rng: np.random.Generator) -> None:
        self.options = options
        self.rng = rng

    def kept_signals(self, order: Sequence[str]) -> frozenset[str]:
        """Those of a campaign's shared signals, in the order of its liking, that it does not hide.

        At least one is kept, unless each by itself is hidden.
        """
        crime, hardness = self.options.crime, self.options.hardness
        wanted = round(min(len(order) * crime.signals_kept.at(hardness), crime.most_signals.at(hardness)))
        shown = [signal for signal in order if not self._does(getattr(crime.hidden, signal))]
        return frozenset(shown[: max(1, wanted)])

    def hosts_freely(self) -> bool:
        """Whether a campaign links free pages where others have domains of their own."""
        return self._does(self.options.crime.free_hosting)

    def rotates(self) -> bool:
        """Whether it changes senders and infrastructure right after a verdict."""
        return self._does(self.options.crime.rotation)

    def bridges(self, senders: Ints) -> Ints:
        """Those of its senders that also write as members of an innocent group."""
        if not self._does(self.options.crime.bridges):
            return np.empty(0, np.int32)
        return self.rng.permutation(senders)[: 1 + int(self.rng.binomial(len(senders), MORE_BRIDGES))]

    def is_judged(self) -> bool:
        """Whether analysts come across a campaign that rotates."""
        return self._does(self.options.labels.campaigns_judged)

    def verdicts(self, senders: Ints, first: Longs) -> Judgement:
        """The verdicts that a campaign that rotates has to fear; `first` as in `judging.judged`."""
        return judged(self.rng, self.options, senders, first)

    def alarm(self, verdicts: Judgement) -> int | None:
        """When it moves on (microseconds into the span): soon after the first verdict that says malicious."""
        if not verdicts.bad.any():
            return None
        return int(verdicts.ts[verdicts.bad].min()) + int(self.rng.exponential(REACTION))

    def _does(self, dial: Dial) -> bool:
        return bool(self.rng.random() < dial.at(self.options.hardness))


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

    def move(self) -> None:
        """Right after a verdict everything that could be known is dropped; the list of victims is not."""
        self.networks = self.sites = self.freemail = None

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
