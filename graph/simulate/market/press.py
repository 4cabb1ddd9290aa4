"""Those who write one thing to many: newsletters, schools, branches, conferences. What they are is in `trades`."""

from dataclasses import dataclass

import numpy as np

from graph.simulate.market.clock import HOUR, Day, Numbers, moments
from graph.simulate.market.rentals import fingerprints
from graph.simulate.market.stage import Credit, Stage
from graph.simulate.market.trades import Press
from graph.simulate.rows import CALENDAR, MAIL, Ints, Rows, make_rows, no_rows, owners, spread, starts_of

INVITED = 12  # recipients of one invitation
VENDORS = 12  # agents share one tracking host in about so many vendors
WIDE = 0.9  # log-normal spread of audiences


@dataclass(frozen=True)
class House:
    """All senders of one trade, in groups that follow one another: arrays by sender, audiences ragged."""

    senders: Ints
    group: Ints
    networks: Numbers  # (senders, k): a message leaves from any of them
    links: tuple[Ints, ...]  # hosts by sender, one array for each link of a message
    audience_count: Ints
    audience: Ints


class Presses:
    """One trade. Groups take turns, so that each comes back after about the same time."""

    def __init__(self, stage: Stage, trade: Press, share: float) -> None:
        self.stage, self.trade = stage, trade
        self.credit = Credit()
        self.house = open_house(stage, trade, share * stage.options.events)
        self.size = np.bincount(self.house.group)  # senders of a group
        self.first = starts_of(self.size)[:-1]
        self.starts = starts_of(self.house.audience_count)
        self.messages = np.bincount(self.house.group, -(-self.house.audience_count // trade.to))
        self.deck: list[int] = []
        self.kits = stage.rng.choice(stage.rentals.shop_kits.ravel(), len(self.size))

    def act(self, day: Day, quota: float) -> Rows:
        grown = (day.number + 1) / self.stage.options.days if self.trade.grows else 1.0
        groups = self._turns(self.credit.add(quota), grown)
        rows = self._issues(day, groups, grown) if len(groups) else no_rows()
        self.credit.spend(len(rows))
        return rows

    def _turns(self, due: float, grown: float) -> Numbers:
        """Whose turn it is today."""
        groups: list[int] = []
        while due > 0:
            if not self.deck:
                self.deck = self.stage.rng.permutation(len(self.size)).tolist()
            groups.append(self.deck.pop())
            due -= max(1.0, self.messages[groups[-1]] * grown)
        return np.array(groups, np.int64)

    def _issues(self, day: Day, groups: Numbers, grown: float) -> Rows:
        """An issue of each group: every sender of it to the sender's own audience."""
        trade, house, rng = self.trade, self.house, self.stage.rng
        sender = spread(self.first[groups], self.size[groups])
        issue = owners(self.size[groups])
        calendar = rng.random(len(groups)) < trade.calendar
        reached = np.maximum((house.audience_count[sender] * grown).astype(np.int32), 1)
        step = np.where(calendar[issue], max(trade.to, INVITED), trade.to)
        messages = -(-reached // step)
        row = owners(messages)
        n = len(row)
        count = step[row]
        count[np.cumsum(messages) - 1] = reached - (messages - 1) * step
        begin = moments(rng, day, trade.habit, len(groups))[issue] + rng.exponential(0.4 * HOUR, len(sender))
        ts = np.minimum(begin[row] + rng.exponential(trade.hours * HOUR, n), day.end - 1).astype(np.int64)
        which = sender[row]
        return make_rows(
            ts, house.senders[which], house.audience[spread(self.starts[sender], reached)], to_count=count,
            network=house.networks[which, rng.integers(0, house.networks.shape[1], n)],
            host=self.stage.directory.host.cells[house.senders[which]],
            fingerprint=self._texts(groups, issue, row), annoyance=trade.annoyance,
            link=self._links(which), link_count=np.full(n, len(house.links)),
            channel=np.where(calendar[issue[row]], CALENDAR, MAIL),
        )  # fmt: skip

    def _texts(self, groups: Numbers, issue: Numbers, row: Numbers) -> Numbers:
        rng = self.stage.rng
        match self.trade.text:
            case "issue":
                return np.asarray(fingerprints(rng, len(groups))[issue[row]])
            case "sender":
                return np.asarray(fingerprints(rng, len(issue))[row])
            case "kit":
                return np.asarray(self.kits[groups[issue[row]]])
        return fingerprints(rng, len(row))

    def _links(self, which: Numbers) -> Numbers:
        if not self.house.links:
            return np.empty(0, np.int32)
        return np.stack([hosts[which] for hosts in self.house.links], axis=1).ravel()


def open_house(stage: Stage, trade: Press, budget: float) -> House:
    """As many senders of a trade as its share of the mail feeds."""
    rng = stage.rng
    per_message = trade.to if trade.calendar == 0 else 1
    mean = trade.reach / per_message * trade.issues
    groups = max(1, round(budget / mean / trade.group))
    n = groups * trade.group
    group = np.repeat(np.arange(groups), trade.group).astype(np.int32)
    most = max(4.0, 0.4 * budget * per_message / trade.group)
    reach = np.clip(trade.reach * np.exp(rng.normal(-(WIDE**2) / 2, WIDE, n)), 3, most)
    audiences = [_audience(stage, trade, group[at], int(reach[at])) for at in range(n)]
    sites, senders, networks = _addresses(stage, trade, group)
    return House(
        senders=senders,
        group=group,
        networks=networks,
        links=_hosts(stage, trade, sites, group),
        audience_count=np.array([len(audience) for audience in audiences], np.int32),
        audience=np.concatenate(audiences),
    )


def _audience(stage: Stage, trade: Press, group: int, reach: int) -> Ints:
    society, rng = stage.society, stage.rng
    match trade.audience:
        case "town":
            towns = society.town[-1] + 1
            town = group % towns if trade.archetype == "school" else int(rng.integers(towns))
            pool = society.townsfolk(town)
        case "list":
            pool = stage.rentals.lists[int(rng.integers(len(stage.rentals.lists)))]
        case _:
            pool = society.members
    pool = pool if len(pool) else society.members
    reach = min(reach, len(pool))
    if trade.audience == "followers":
        pool = np.unique(pool[(len(pool) * rng.random(reach) ** 1.5).astype(np.int64)])
        return np.asarray(rng.permutation(pool), np.int32)
    return np.asarray(rng.choice(pool, reach, replace=False), np.int32)


def _addresses(stage: Stage, trade: Press, group: Ints) -> tuple[Ints, Ints, Numbers]:
    """Each sender's site, mailbox and networks."""
    directory, rng, n = stage.directory, stage.rng, len(group)
    if trade.home == "person":
        senders = rng.choice(stage.society.members, n, replace=n > len(stage.society.members)).astype(np.int32)
        directory.role.cells[senders] = directory.role_of(trade.archetype)
        return directory.site.cells[senders], senders, directory.network.cells[senders][:, None]
    networks = _networks(stage, trade, group)
    if trade.home == "freemail":
        at = rng.integers(0, len(stage.rentals.freemail_sites), n)
        networks = stage.rentals.freemail_networks[at]
        sites = stage.rentals.freemail_sites[at]
    else:
        sites = directory.sites(group[-1] + 1)[group] if trade.home == "shared" else directory.sites(n)
    if trade.home in ("freemail", "shared"):
        return sites, directory.people(sites, trade.archetype, networks[:, 0]), networks
    return sites, directory.desks(trade.label, sites, trade.archetype, networks[:, 0]), networks


def _networks(stage: Stage, trade: Press, group: Ints) -> Numbers:
    rng, rentals, n = stage.rng, stage.rentals, len(group)
    match trade.via:
        case "service":
            own = rng.random(n) < 0.2
            pools = rentals.pools[rng.integers(0, len(rentals.pools), n)]
            pools[own] = stage.directory.networks(int(own.sum()))[:, None]
            return pools
        case "own":
            return stage.directory.networks(int(group[-1]) + 1)[group][:, None]
        case "freemail":
            return rentals.freemail_networks[rng.integers(0, len(rentals.freemail_networks), n)]
    return rentals.ranges(rng, n)[:, None]


def _hosts(stage: Stage, trade: Press, sites: Ints, group: Ints) -> tuple[Ints, ...]:
    """The hosts that each sender's messages link."""
    rng, directory, rentals, n = stage.rng, stage.directory, stage.rentals, len(sites)
    own = directory.fronts(np.maximum(sites, 0))
    match trade.link:
        case "own":
            return (own,)
        case "page":
            return (directory.pages(rng.choice(rentals.page_sites, n)),)
        case "short":
            return (rng.choice(rentals.short_hosts, n),)
        case "both":
            return own, rng.choice(rentals.trackers, n)
        case "tracker" if trade.via == "service":
            return (rng.choice(rentals.trackers, n),)
        case "tracker":
            vendors = directory.fronts(directory.sites(max(1, int(group[-1] + 1) // VENDORS)))
            return (vendors[rng.integers(0, len(vendors), group[-1] + 1)][group].astype(np.int32),)
    return ()
