"""Those who write to one at a time when something happened: shops, services, networks. What they are is in `trades`."""

import numpy as np

from graph.simulate.market.clock import Day, Numbers, moments
from graph.simulate.market.rentals import fingerprints
from graph.simulate.market.stage import Credit, Stage, drawn, shares_of
from graph.simulate.market.trades import Counter
from graph.simulate.rows import NO_PRINT, Ints, Rows, make_rows

NETWORKS = 3  # of a big service's own
TAIL = 1.1  # Pareto exponent of a sender's trade


class Counters:
    """One trade: senders with customers who come back."""

    def __init__(self, stage: Stage, trade: Counter, share: float) -> None:
        self.stage, self.trade = stage, trade
        self.credit = Credit()
        self.senders, self.networks = self._open(max(1, round(share * stage.options.events / trade.mean)))
        n, rng = len(self.senders), stage.rng
        self.site = np.maximum(stage.directory.site.cells[self.senders], 0)
        self.shares = shares_of(rng.pareto(TAIL, n) + 0.5)
        self.offset = rng.integers(0, 1 << 40, n)
        self.notes = self._templates(n)

    def _open(self, n: int) -> tuple[Ints, Numbers]:
        directory, rng, trade = self.stage.directory, self.stage.rng, self.trade
        society = self.stage.society
        if trade.home == "employer":
            big = np.argsort(-np.diff(society.staff_starts) * society.employer_hosted, kind="stable")[:n]
            networks = society.employer_networks[big][:, None]
            self.employers = big
            return directory.desks(trade.label, society.employer_sites[big], trade.archetype, networks[:, 0]), networks
        sites = -(-n // trade.senders_per_site)
        if trade.via == "own":
            networks = directory.networks(sites * NETWORKS).reshape(sites, NETWORKS)
        else:
            networks = self.stage.rentals.ranges(rng, sites)[:, None]
        if trade.home == "account":
            self.account_sites = directory.sites(n)
            return directory.accounts(n, trade.archetype, networks[:, 0]), networks
        owned = directory.sites(sites)
        if trade.home == "desk":
            return directory.desks(trade.label, owned, trade.archetype, networks[:, 0]), networks
        at = rng.integers(0, sites, n)
        return directory.relays(trade.label, owned[at], trade.archetype, networks[at, 0]), networks[at]

    def _templates(self, n: int) -> Numbers:
        """(senders, notes): the texts of each; senders of one site share them, and users of one shop system too."""
        trade, rng = self.trade, self.stage.rng
        if not trade.notes:
            return np.zeros((n, 1), np.int64)
        _, site = np.unique(self.site, return_inverse=True)
        grouped = site if trade.senders_per_site > 1 else np.arange(n)
        notes = fingerprints(rng, (int(grouped.max()) + 1, trade.notes))[grouped]
        if trade.kit:
            kits = self.stage.rentals.shop_kits
            uses = rng.random(n) < trade.kit
            notes[uses] = kits[rng.integers(0, len(kits), int(uses.sum()))]
        return notes

    def act(self, day: Day, quota: float) -> Rows:
        trade, rng, directory = self.trade, self.stage.rng, self.stage.directory
        n = self.credit.add(quota)
        self.credit.spend(n)
        which = drawn(rng, self.shares, n)
        sender = self.senders[which]
        text = self.notes[which, rng.integers(0, self.notes.shape[1], n)]
        text = np.where((text == NO_PRINT) | (rng.random(n) < 0.3), fingerprints(rng, n), text)
        linked = (rng.random(n) < trade.linked).astype(np.int32)
        return make_rows(
            moments(rng, day, trade.habit, n), sender, self._customers(which),
            network=self.networks[which, rng.integers(0, self.networks.shape[1], n)], host=directory.host.cells[sender],
            fingerprint=text, annoyance=trade.annoyance, link=self._hosts(which)[linked > 0], link_count=linked,
            channel=trade.channel,
        )  # fmt: skip

    def _hosts(self, which: Numbers) -> Numbers:
        sites = self.account_sites if self.trade.home == "account" else self.site
        return self.stage.directory.fronts(sites[which])

    def _customers(self, which: Numbers) -> Numbers:
        """Each sender's customers are a set of its own, some of whom come often."""
        society, rng, n = self.stage.society, self.stage.rng, len(which)
        if self.trade.home == "employer":
            firm = self.employers[which]
            begin, end = society.staff_starts[firm], society.staff_starts[firm + 1]
            picked = begin + (rng.random(n) * (end - begin)).astype(np.int64)
            return np.asarray(society.staff[np.minimum(picked, len(society.staff) - 1)])
        customer = rng.exponential(self.trade.regulars, n).astype(np.int64)
        return np.asarray(society.members[(self.offset[which] + customer * 7_919) % len(society.members)])
