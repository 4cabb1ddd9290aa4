"""What campaigns work with: networks, domains, texts and target lists; an operator keeps some of it for the next."""

from dataclasses import dataclass

import numpy as np

from graph.simulate.rows import Ints, Longs
from graph.simulate.textbook.crimes import Campaign
from graph.simulate.textbook.registry import BARE, UNIQUE, WWW
from graph.simulate.textbook.stage import Stage

BOUGHT, COMMUNITY, DIRECTORY, RANDOM, CONTACTS = range(5)
FREE_PAGES = (0.1, 0.5)  # chance that a campaign links pages on free hosting, at hardness 0 and 1
BURNT = (0.2, 0.8)  # chance that a piece is not used again, likewise
MOST_NETWORKS = 24


@dataclass(frozen=True)
class Kit:
    """One campaign's means; `source` is where its targets come from."""

    networks: Longs
    sites: Longs
    hosts: Longs  # link hosts
    texts: Longs
    targets: Ints  # people
    source: int


class Workshop:
    """Buys kits, and keeps the last of each operator."""

    def __init__(self, stage: Stage, hardness: float) -> None:
        self._s, self._hard = stage, hardness
        people, lists = stage.town.people, int(stage.rng.integers(2, 8))
        self._brokers = stage.town.lists(stage.rng, stage.rng.uniform(0.03, 0.4, lists) * people)
        self._last: dict[int, Kit] = {}

    def equip(self, plan: Campaign) -> Kit:
        """A kit for a campaign; some pieces are those of the operator's last one."""
        new, old = self._buy(plan), self._last.get(plan.operator)
        kit = new if old is None else self._some_of(old, new)
        self._last[plan.operator] = kit
        return kit

    def replace(self, plan: Campaign, kit: Kit) -> Kit:
        """Everything anew but the targets."""
        new = self._buy(plan)
        return Kit(new.networks, new.sites, new.hosts, new.texts, kit.targets, kit.source)

    def _at(self, dial: tuple[float, float]) -> float:
        easy, hard = dial
        return easy + (hard - easy) * self._hard

    def _some_of(self, old: Kit, new: Kit) -> Kit:
        again = self._s.rng.random(4) >= self._at(BURNT)
        mail, web, text, list_ = (old if each else new for each in again.tolist())
        return Kit(mail.networks, web.sites, web.hosts, text.texts, list_.targets, list_.source)

    def _buy(self, plan: Campaign) -> Kit:
        s = self._s
        rng, few = s.rng, max(1, min(MOST_NETWORKS, plan.senders // 3))
        n = int(rng.integers(1, few + 1))
        shared = rng.random() < s.customs.shared_pool
        networks = rng.choice(s.town.hosters, n) if shared else s.registry.networks(n)
        sites = s.registry.sites(int(rng.integers(1, 4)), plan.number)
        if rng.random() < self._at(FREE_PAGES):
            hosts = s.registry.hosts(rng.choice(s.town.pages, int(rng.integers(1, 5))), UNIQUE)
        else:
            hosts = s.registry.hosts(sites, int(rng.choice([BARE, WWW])))
        source = int(rng.choice(5, p=s.customs.sources))
        return Kit(
            networks, sites, hosts, s.registry.texts(int(rng.integers(1, 5))), self._targets(plan, source), source
        )

    def _targets(self, plan: Campaign, source: int) -> Ints:
        s, people = self._s, self._s.town.people
        rng = s.rng
        recurrence = 6 ** rng.random()
        n = int(np.clip(plan.events * s.customs.batch / recurrence, min(5, people), max(5, 0.8 * people)))
        start = int(rng.integers(0, people))
        if source == BOUGHT:
            list_ = int(rng.integers(0, len(self._brokers.size)))
            return self._brokers.turn(np.full(n, list_), start + np.arange(n))
        if source == COMMUNITY:
            begin = int(s.town.first[s.town.community[start]])
            return ((begin + np.arange(n)) % people).astype(np.int32)
        if source == DIRECTORY:
            order: Ints = np.argsort(s.town.directory).astype(np.int32)
            return order[(start + np.arange(n)) % people]
        if source == CONTACTS:
            known = s.town.contacts[s.town.writers(rng, 1 + 2 * n // s.customs.contacts)].ravel()
            known = known[known < people][:n]
            return known if len(known) else s.town.anybody(rng, n)
        return s.town.anybody(rng, n)
