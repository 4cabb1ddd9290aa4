"""What a plan buys: senders, networks, hosts, targets, texts. Decides nothing; marks what it buys as owned."""

from dataclasses import dataclass, field

import numpy as np

from graph.simulate.market.clock import Numbers
from graph.simulate.market.crews import Crew, Plan
from graph.simulate.market.offers import GOALS
from graph.simulate.market.rentals import fingerprints
from graph.simulate.market.stage import Stage, as_ints
from graph.simulate.rows import NOBODY, Ints

HONEST_SITES = ("shop", "franchise", "start_up", "recruiter", "estate_agent", "sign_up")  # badly kept web sites
CRAMMED = 6  # senders on one domain of a crew that does not spread itself


@dataclass
class SecondHand:
    """Leases that crews gave up and others may take over."""

    lots: dict[str, list[Ints]] = field(default_factory=dict)

    def give(self, kind: str, things: Ints) -> None:
        self.lots.setdefault(kind, []).append(things)

    def take(self, kind: str, rng: np.random.Generator) -> Ints | None:
        lots = self.lots.get(kind)
        return lots.pop(int(rng.integers(len(lots)))) if lots else None


@dataclass(frozen=True)
class Supplier:
    """Serves one campaign of one crew."""

    stage: Stage
    crew: Crew
    plan: Plan
    number: int  # the campaign's
    second_hand: SecondHand

    # ---- senders

    def senders(self, n: int, networks: Ints, hit: Numbers) -> Ints:
        """About n mailboxes to write from, on leased `networks` where the route has any.

        `hit` are people who were written to before, for what spreads by itself.
        """
        rng, directory = self.stage.rng, self.stage.directory
        origin = rng.choice(networks, n) if len(networks) else np.full(n, NOBODY)
        match self.plan.identity:
            case "stolen":
                got = self._stolen(n, hit)
            case "accounts":
                got = directory.accounts(n, "accounts", origin)
            case "free_mailboxes":
                got = self._free_mailboxes(n)
            case "local_mailboxes":
                sites = rng.choice(self.stage.society.provider_sites, n)
                got = directory.people(sites, "local_mailboxes", origin)
            case "bots":
                got = self._bots(n, origin)
            case "hacked_sites":
                got = self._hacked(n)
            case _:
                got = self._own_domains(n, origin)
        directory.campaign.cells[got] = self.number
        return got

    def _stolen(self, n: int, hit: Numbers) -> Ints:
        society, rng, campaign = self.stage.society, self.stage.rng, self.stage.directory.campaign.cells
        spreads = self.plan.goal == "malware" and len(hit)
        pool = rng.choice(hit, 2 * n) if spreads else rng.integers(0, society.size, 2 * n)
        pool = np.concatenate([pool, rng.integers(0, society.size, 2 * n)])
        free = pool[(pool < society.size) & (campaign[pool] == NOBODY)]
        _, first = np.unique(free, return_index=True)
        return as_ints(free[np.sort(first)][:n])

    def _free_mailboxes(self, n: int) -> Ints:
        rng, rentals = self.stage.rng, self.stage.rentals
        liked = (self.crew.number + (rng.random(n) < 0.3)) % len(rentals.freemail_sites)
        networks = rentals.freemail_networks[liked, rng.integers(0, rentals.freemail_networks.shape[1], n)]
        return self.stage.directory.people(rentals.freemail_sites[liked], "free_mailboxes", networks)

    def _bots(self, n: int, origin: Numbers) -> Ints:
        """Infected homes that write under forged addresses."""
        rng, rentals = self.stage.rng, self.stage.rentals
        forged = rng.random(n) < 0.35
        sites = rng.choice(rentals.freemail_sites, n)
        sites[forged] = self.stage.directory.site.cells[self._honest(int(forged.sum()))]
        return self.stage.directory.people(sites, "bots", origin)

    def _hacked(self, n: int) -> Ints:
        directory = self.stage.directory
        owners = self._honest(max(1, -(-n // 3)))[np.arange(n) // 3]
        return directory.people(directory.site.cells[owners], "hacked_sites", directory.network.cells[owners])

    def _honest(self, n: int) -> Ints:
        """Mailboxes of honest firms on sites that are easily broken into."""
        directory = self.stage.directory
        roles = [directory.role_of(name) for name in HONEST_SITES]
        open_doors = np.flatnonzero(np.isin(directory.role.cells, roles))
        return as_ints(self.stage.rng.choice(open_doors, n))

    def _own_domains(self, n: int, origin: Numbers) -> Ints:
        """Mailboxes on domains bought for this, a lot at a time, or on those of a trial account."""
        directory, rng, plan = self.stage.directory, self.stage.rng, self.plan
        crammed = max(1, round(CRAMMED / self.variety())) if plan.identity == "domains" else 3
        sites = directory.sites(-(-n // crammed))
        directory.site_campaign.cells[sites] = self.number
        at = sites[rng.integers(0, len(sites), n)]
        return directory.people(at, plan.identity, origin)

    def variety(self) -> float:
        """How widely the crew spreads itself."""
        return self.stage.options.at(self.stage.options.crime.variety) * (0.5 + self.crew.skill)

    # ---- routes

    def lease(self, volume: float, anew: bool) -> Ints:
        """Networks to send from, none where the sender's own will do; kept from earlier campaigns unless `anew`."""
        if self.plan.route in ("webmail", "owner"):
            return np.empty(0, np.int32)
        crime, rng = self.stage.options.crime, self.stage.rng
        held = self.crew.stock.get(self.plan.route)
        if held is not None and not anew and rng.random() < self.stage.options.at(crime.keeps):
            return held
        got = self._lease(volume)
        self.crew.stock[self.plan.route] = got
        return got

    def _lease(self, volume: float) -> Ints:
        rng, rentals = self.stage.rng, self.stage.rentals
        match self.plan.route:
            case "proxies":
                return self._some(rentals.proxies[int(rng.integers(len(rentals.proxies)))], volume)
            case "installs":
                return self._some(rentals.botnets[int(rng.integers(len(rentals.botnets)))], volume)
            case "pool":
                return as_ints(rentals.pools[int(rng.integers(len(rentals.pools)))])
        return self._ranges(volume)

    def _some(self, networks: Ints, volume: float) -> Ints:
        n = min(len(networks), int(8 + volume * self.stage.rng.uniform(0.2, 0.9)))
        return as_ints(self.stage.rng.choice(networks, n, replace=False))

    def _ranges(self, volume: float) -> Ints:
        crime, rng = self.stage.options.crime, self.stage.rng
        if rng.random() < crime.second_hand:
            used = self.second_hand.take("ranges", rng)
            if used is not None:
                return used
        n = max(1, min(400, round(self.variety() * rng.uniform(0.5, 1.5) * (1 + volume**0.4 / 4))))
        shared = rng.random(n) < self.stage.options.at(crime.shared)
        networks = self.stage.rentals.ranges(rng, n)
        networks[~shared] = self.stage.directory.networks(int((~shared).sum()))
        return networks

    # ---- lures

    def hosts(self, volume: float, anew: bool) -> Ints:
        """Hosts to link, none for what does without; kept from earlier campaigns unless `anew`."""
        rng, rentals, directory = self.stage.rng, self.stage.rentals, self.stage.directory
        n = max(1, round(self.variety() * rng.uniform(0.5, 1.5) * (1 + volume**0.35 / 3)))
        match self.plan.lure:
            case "own_link":
                return self._own_hosts(min(n, 150), anew)
            case "free_page":
                return directory.pages(rng.choice(rentals.page_sites, n))
            case "short_link":
                return rng.choice(rentals.short_hosts, 1)
            case "hacked_page":
                return directory.fronts(directory.site.cells[self._honest(n)])
        return np.empty(0, np.int32)

    def _own_hosts(self, n: int, anew: bool) -> Ints:
        crime, rng, directory = self.stage.options.crime, self.stage.rng, self.stage.directory
        held = self.crew.stock.get("own_link")
        if held is not None and not anew and rng.random() < self.stage.options.at(crime.keeps):
            return held
        used = self.second_hand.take("own_link", rng) if rng.random() < crime.second_hand else None
        if used is None:
            sites = directory.sites(n)
            directory.site_campaign.cells[sites] = self.number
            used = directory.fronts(sites)
        self.crew.stock["own_link"] = used
        return used

    # ---- targets and texts

    def targets(self, volume: float) -> Ints:
        """Members to write to, in the order in which they are written to."""
        society, rng = self.stage.society, self.stage.rng
        match self.plan.targets:
            case "list":
                pool = self.stage.rentals.lists[self.crew.list_number]
            case "staff":
                pool = self._staff()
            case _:
                pool = society.members
        n = int(max(12, volume * rng.uniform(0.4, 1.2)))
        return as_ints(rng.permutation(pool)[:n])

    def _staff(self) -> Ints:
        """Everybody who works at one or two employers, or any member where no employer has its mail here."""
        society, rng = self.stage.society, self.stage.rng
        sizes = np.diff(society.staff_starts) * society.employer_hosted
        if not sizes.any():
            return society.members
        firms = rng.choice(len(sizes), 2, p=sizes / sizes.sum())
        return np.unique(np.concatenate([society.staff_of(int(firm)) for firm in firms]))

    def texts(self) -> Numbers:
        """The texts that its messages are drawn from; none where each is written by itself."""
        rng, plan = self.stage.rng, self.plan
        match plan.text:
            case "kit":
                return self.stage.rentals.kits[self.crew.kit, [list(GOALS).index(plan.goal)]]
            case "spun":
                return fingerprints(rng, int(rng.integers(5, 9 + int(12 * self.variety()))))
            case "personal":
                return np.empty(0, np.int64)
        return fingerprints(rng, 1)
