"""The kinds of legitimate senders, each planned in one function: who they are, whom they reach, what they share."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graph.simulate.bulk import Desk, Invitations, Issues, Mailings, Notices
from graph.simulate.ground import Ground
from graph.simulate.options import WorldOptions
from graph.simulate.people import Correspondence, People, Web, prints
from graph.simulate.rhythm import DAY, HOUR, SECOND, WEEK_DAYS, Days, moments, pick, zipf
from graph.simulate.rows import CALENDAR, CONTACTS, Floats, Ints, Longs, Rows, concat, make_rows, owners, spread

MINUTE = 60 * SECOND
WEEK = WEEK_DAYS * DAY
OFFICE_HOURS = (7, 17)
# Chance that a recipient of average zeal reports one message as junk: what people do to mail they asked for, half
# asked for, and did not ask for.
SMALLEST_REACH = 2.5  # mean recipients of a branch in a small world
NOTES = 5  # templates of one company
WANTED, TOLERATED, UNWANTED = 0.0004, 0.0015, 0.006


@dataclass(frozen=True)
class Stage:
    """What every planner may use."""

    ground: Ground
    options: WorldOptions
    people: People
    web: Web
    letters: Correspondence
    days: Days  # the whole span
    rng: np.random.Generator

    @property
    def weeks(self) -> float:
        return self.days.last / WEEK_DAYS

    def audience(self, n: int) -> Ints:
        """n users, busy ones more often."""
        return self.people.users[pick(self.rng, n, self.people.popularity)]

    def neighbours(self, towns: npt.NDArray[np.integer], counts: npt.NDArray[np.integer], share: float) -> Ints:
        """For each town `counts` users of it, and for the rest (1 - share) users from anywhere."""
        people, row = self.people, owners(counts)
        first, last = people.town_first[towns[row]], people.town_first[towns[row] + 1]
        local = people.town_users[np.minimum(first + self.rng.integers(0, np.maximum(last - first, 1)), last.max() - 1)]
        away = (self.rng.random(len(row)) >= share) | (last == first)
        return np.where(away, self.audience(len(row)), local).astype(np.int32)

    def lengths(self, n: int, mean: float, sigma: float, least: int = 2) -> Ints:
        """n log-normal sizes with that mean, at most the number of users."""
        drawn = self.rng.lognormal(np.log(mean) - sigma**2 / 2, sigma, n)
        return np.clip(drawn, least, len(self.people.users)).astype(np.int32)


def newsletters(stage: Stage, events: float) -> Mailings:
    """Brands of which most send through a few services: shared networks and one tracking domain a service."""
    return _brands(stage, events, "newsletter", stage.options.bulk.brands_per_service, TOLERATED)


def political(stage: Stage, events: float) -> Mailings:
    """Mailers that all use one vendor, and annoy more."""
    return _brands(stage, events, "political", 1_000_000, UNWANTED)


def _brands(stage: Stage, events: float, archetype: str, per_service: int, annoyance: float) -> Mailings:
    o, rng, ground = stage.options.bulk, stage.rng, stage.ground
    n = max(4, round(events / (o.audience * o.issues_per_week * stage.weeks)))
    sites = ground.new_sites(n)
    services = max(1, n // per_service)
    service = pick(rng, n, zipf(services, 0.6))
    tracking = ground.new_hosts(ground.new_sites(services), "click")
    pools = ground.fixed_networks(services * 4).reshape(services, 4)
    own = rng.random(n) < o.own_hosting
    single = ground.fixed_networks(n)
    networks = np.where(own[:, None], single[:, None], pools[service]).astype(np.int32)
    links = np.stack([ground.new_hosts(sites), np.where(own, ground.new_hosts(sites, "go"), tracking[service])], 1)
    desk = Desk(
        ids=ground.roles_at(sites, "news", archetype),
        link_count=np.full(n, 2, np.int32),
        links=links.ravel(),
        network_count=np.full(n, 4, np.int32),
        networks=networks.ravel(),
        annoyance=annoyance * rng.lognormal(0, 0.8, n),
        answered=np.zeros(n),
    )
    counts = stage.lengths(n, events / n / (o.issues_per_week * stage.weeks), o.audience_sigma)
    audience = stage.audience(int(counts.sum()))
    return Mailings(ground, desk, _weekly(stage, counts, audience, o.issues_per_week, 2 * HOUR), stage.letters)


def _weekly(stage: Stage, counts: Ints, audience: Ints, per_week: float, lasts: int) -> Issues:
    """Every sender has a weekday and an hour of its own and skips or doubles some weeks."""
    rng, n = stage.rng, len(counts)
    number = np.maximum(1, rng.poisson(per_week * stage.weeks, n))
    sender = owners(number)
    slot = rng.integers(0, WEEK_DAYS, n) * DAY + rng.integers(5, 20, n) * HOUR
    week = (rng.random(len(sender)) * stage.weeks).astype(np.int64)
    second = rng.integers(0, 2, len(sender)) * 3 * DAY
    ts = week * WEEK + (slot[sender] + second) % WEEK + rng.integers(0, 20 * MINUTE, len(sender))
    ts = np.where(ts < stage.days.end, ts, ts % stage.days.end)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return Issues(
        ts=ts,
        sender=sender.astype(np.int32),
        first=starts[sender],
        count=counts[sender],
        lasts=np.full(len(sender), lasts, np.int64),
        fingerprint=prints(rng, len(sender)),
        audience=audience,
    )


def companies(stage: Stage, events: float) -> Notices:
    """Shops, banks, carriers: receipts and notes from an own or a rented service."""
    o, rng, ground = stage.options.bulk, stage.rng, stage.ground
    n = max(6, round(events / o.customers))
    sites = ground.new_sites(n)
    services = max(1, n // 25)
    pools = ground.fixed_networks(services * 2).reshape(services, 2)
    hosted = stage.web.hosters[rng.integers(0, len(stage.web.hosters), n)]
    alone = np.where(rng.random(n) < 0.5, hosted, ground.fixed_networks(n))
    own = np.stack([alone, alone], 1)
    rented = rng.random(n) < 0.6
    desk = Desk(
        ids=ground.roles_at(sites, "service", "company"),
        link_count=np.ones(n, np.int32),
        links=ground.new_hosts(sites),
        network_count=np.full(n, 2, np.int32),
        networks=np.where(rented[:, None], pools[rng.integers(0, services, n)], own).astype(np.int32).ravel(),
        annoyance=WANTED * rng.lognormal(0, 0.8, n),
        answered=np.zeros(n),
    )
    volume = rng.lognormal(0, 1.3, n)
    counts = np.clip(volume / volume.sum() * events / 3, 3, len(stage.people.users)).astype(np.int32)
    templates = prints(rng, n * NOTES).reshape(n, NOTES)
    ready_made = prints(rng, o.shop_systems * NOTES).reshape(o.shop_systems, NOTES)
    bought = np.flatnonzero(rng.random(n) < o.shop_system_use)
    templates[bought] = ready_made[rng.integers(0, o.shop_systems, len(bought))]
    return Notices(ground, desk, volume, counts, stage.audience(int(counts.sum())), templates, "machine")


def social(stage: Stage, events: float) -> Notices:
    """A few large networks; a quarter of their notices comes from a mailbox made up for that notice alone."""
    rng, ground = stage.rng, stage.ground
    n, token_share = 5, 0.25
    sites = ground.new_sites(n)
    desk = Desk(
        ids=ground.roles_at(sites, "notify", "social"),
        link_count=np.ones(n, np.int32),
        links=ground.new_hosts(sites),
        network_count=np.full(n, 8, np.int32),
        networks=ground.fixed_networks(n * 8),
        annoyance=np.full(n, WANTED),
        answered=np.zeros(n),
    )
    users = stage.people.users
    tokens = ground.tokens_at(np.resize(sites, max(2, int(events * token_share))), "reply-", "social")
    counts = np.full(n, len(users) // 2 + 1, np.int32)
    customers = np.concatenate([rng.permutation(users)[: counts[0]] for _ in range(n)])
    templates = prints(rng, n * 40).reshape(n, 40)
    volume = 1.0 / np.arange(1, n + 1)
    return Notices(ground, desk, volume, counts, customers, templates, "private", tokens, token_share)


def schools(stage: Stage, events: float) -> Mailings:
    """Teachers of one school: its domain and network, parents of one town, the same day before the holidays."""
    return _groups(stage, events, "school", stage.options.bulk.school_staff, reach=12.0, local=0.92, own_site=True)


def franchises(stage: Stage, events: float) -> Mailings:
    """Branches of one brand: the brand's site and template, one offer at one hour, each in its own connection."""
    return _groups(stage, events, "franchise", stage.options.bulk.branches, reach=14.0, local=0.7, own_site=False)


def _groups(
    stage: Stage, events: float, archetype: str, size: float, reach: float, local: float, own_site: bool
) -> Mailings:
    """Innocent senders that share domain, hour, template and town. A group writes once or twice in the span."""
    rng, ground, people = stage.rng, stage.ground, stage.people
    times = max(1, round(stage.weeks / 3))
    n = max(2, round(events / (size * reach * times)))
    reach = max(SMALLEST_REACH, min(reach, events / (size * times * n)))
    staff = np.maximum(4, rng.poisson(size, n)).astype(np.int32)
    group = owners(staff)
    m = len(group)
    towns = len(people.town_first) - 1
    town = rng.integers(0, towns, n)
    brand = ground.new_sites(n)
    network = np.where(own_site, ground.fixed_networks(n)[group], people.home[rng.integers(0, len(people), m)])
    desk = Desk(
        ids=ground.people_at(brand[group], archetype),
        link_count=np.ones(m, np.int32),
        links=ground.new_hosts(brand)[group],
        network_count=np.ones(m, np.int32),
        networks=network.astype(np.int32),
        annoyance=np.full(m, WANTED if own_site else TOLERATED),
        answered=np.full(m, 0.06 if own_site else 0.01),
    )
    counts = stage.lengths(m, reach, 0.5)
    home = town[group] if own_site else (town[group] + rng.integers(0, 4, m)) % towns
    audience = stage.neighbours(home, counts, local)
    sender = np.tile(np.arange(m), times)
    hour = rng.integers(*OFFICE_HOURS, n)[group]
    day = (rng.integers(0, stage.days.last, (times, n)))[:, group].ravel()
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    issues = Issues(
        ts=day * DAY + hour[sender] * HOUR + rng.integers(0, 90 * MINUTE, len(sender)),
        sender=sender.astype(np.int32),
        first=starts[sender],
        count=counts[sender],
        lasts=np.full(len(sender), 20 * MINUTE, np.int64),
        fingerprint=prints(rng, times * n).reshape(times, n)[:, group].ravel(),
        audience=audience,
    )
    return Mailings(ground, desk, issues, stage.letters)


def clubs(stage: Stage, events: float) -> Mailings:
    """Private people who invite many at once: one message, all recipients in it, a page of a free host."""
    o, rng, ground, people = stage.options.bulk, stage.rng, stage.ground, stage.people
    n = max(3, round(events / 2.0 / (1 + o.club_invited * 0.05)))
    like = rng.integers(0, len(people), n)
    desk = Desk(
        ids=ground.people_at(people.freemail[pick(rng, n, zipf(len(people.freemail), 0.8))], "club"),
        link_count=np.ones(n, np.int32),
        links=ground.new_pages(stage.web.page_sites[rng.integers(0, len(stage.web.page_sites), n)]),
        network_count=np.ones(n, np.int32),
        networks=people.home[like],
        annoyance=np.full(n, WANTED),
        answered=np.full(n, 0.05),
    )
    counts = stage.lengths(n, o.club_invited, 0.6, least=5)
    issues = _anytime(stage, counts, stage.neighbours(people.town[like], counts, 0.8), times=2.0, together=True)
    return Mailings(ground, desk, issues, stage.letters)


def outreach(stage: Stage, events: float) -> Mailings:
    """Cold sales mail to strangers: own domain, the tracking domain of a sales tool, many complaints. Not abuse."""
    o, rng, ground = stage.options.bulk, stage.rng, stage.ground
    n = max(3, round(events / o.prospects / 1.4))
    return _writers(stage, n, "outreach", o.prospects, max(1, n // 20), UNWANTED, 0.02, rng.random(n) < 0.5, ground)


def recruiters(stage: Stage, events: float) -> Mailings:
    """Agents of many firms, all of whose links run over one tracking domain."""
    o, ground = stage.options.bulk, stage.ground
    n = max(6, round(events / o.candidates / 1.5))
    trackers = max(1, n // o.agents_per_tracker)
    return _writers(stage, n, "recruiter", o.candidates, trackers, TOLERATED, 0.08, np.zeros(n, bool), ground)


def _writers(
    stage: Stage,
    n: int,
    archetype: str,
    reach: float,
    trackers: int,
    annoyance: float,
    answered: float,
    own_network: npt.NDArray[np.bool_],
    ground: Ground,
) -> Mailings:
    """People at firms who write to strangers one by one through a shared tool."""
    rng, people = stage.rng, stage.people
    firms = max(2, n // 3)
    sites, firm = ground.new_sites(firms), rng.integers(0, firms, n)
    tracking = ground.new_hosts(ground.new_sites(trackers), "t")
    vendors = ground.fixed_networks(max(2, trackers * 2))
    rented = vendors[rng.integers(0, len(vendors), n)]
    desk = Desk(
        ids=ground.people_at(sites[firm], archetype),
        link_count=np.full(n, 2, np.int32),
        links=np.stack([ground.new_hosts(sites)[firm], tracking[pick(rng, n, zipf(trackers, 0.7))]], 1).ravel(),
        network_count=np.ones(n, np.int32),
        networks=np.where(own_network, people.home[rng.integers(0, len(people), n)], rented).astype(np.int32),
        annoyance=np.full(n, annoyance),
        answered=np.full(n, answered),
    )
    counts = stage.lengths(n, reach, 0.7, least=3)
    return Mailings(ground, desk, _anytime(stage, counts, stage.audience(int(counts.sum())), 1.4), stage.letters)


def _anytime(
    stage: Stage, counts: Ints, audience: Ints, times: float, together: bool = False, channel: int = 0
) -> Issues:
    """Mailings on any day at office hours, each sender about `times` of them, spread over some hours."""
    rng, n = stage.rng, len(counts)
    sender = owners(1 + rng.poisson(times - 1, n))
    m = len(sender)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    hour = rng.integers(*OFFICE_HOURS, m)
    return Issues(
        ts=rng.integers(0, stage.days.last, m) * DAY + hour * HOUR + rng.integers(0, HOUR, m),
        sender=sender.astype(np.int32),
        first=starts[sender],
        count=counts[sender],
        lasts=np.full(m, 5 * HOUR, np.int64),
        fingerprint=prints(rng, m),
        audience=audience,
        together=together,
        channel=channel,
    )


def conferences(stage: Stage, events: float) -> Mailings:
    """Organisers who invite strangers by calendar: one by one what calendar spam looks like."""
    o, rng, ground = stage.options.bulk, stage.rng, stage.ground
    n = max(3, round(events / 1.5))
    sites = ground.new_sites(n)
    desk = Desk(
        ids=ground.roles_at(sites, "events", "conference"),
        link_count=np.ones(n, np.int32),
        links=ground.new_hosts(sites),
        network_count=np.ones(n, np.int32),
        networks=stage.web.hosters[rng.integers(0, len(stage.web.hosters), n)],
        annoyance=np.full(n, TOLERATED),
        answered=np.full(n, 0.02),
    )
    counts = np.minimum(stage.lengths(n, o.invited, 0.7, least=8), 200).astype(np.int32)
    audience = stage.audience(int(counts.sum()))
    issues = _anytime(stage, counts, audience, 1.5, together=True, channel=CALENDAR)
    return Mailings(ground, desk, issues, stage.letters)


def sign_ups(stage: Stage, events: float) -> Mailings:
    """Subscription bombing: within an hour honest services confirm to one victim what a stranger typed in."""
    o, rng, ground, people = stage.options.bulk, stage.rng, stage.ground, stage.people
    n = max(20, round(events / 2))
    sites = ground.new_sites(n)
    desk = Desk(
        ids=ground.roles_at(sites, "welcome", "sign_up"),
        link_count=np.ones(n, np.int32),
        links=ground.new_hosts(sites),
        network_count=np.ones(n, np.int32),
        networks=stage.web.hosters[rng.integers(0, len(stage.web.hosters), n)],
        annoyance=np.full(n, UNWANTED),
        answered=np.zeros(n),
    )
    victims = max(1, round(events / o.bombed))
    each = max(3, min(n, round(events / victims)))
    sender = np.concatenate([rng.permutation(n)[:each] for _ in range(victims)])
    hour = np.repeat(rng.integers(0, stage.days.last * 24, victims), each)
    victim = rng.integers(0, len(people.users), victims)
    issues = Issues(
        ts=hour * HOUR + rng.integers(0, HOUR, len(sender)),
        sender=sender.astype(np.int32),
        first=np.repeat(np.arange(victims), each),
        count=np.ones(len(sender), np.int32),
        lasts=np.full(len(sender), MINUTE, np.int64),
        fingerprint=prints(rng, n)[sender],
        audience=people.users[victim],
    )
    return Mailings(ground, desk, issues, stage.letters)


def teams(stage: Stage, events: float) -> Invitations:
    """Weekly meetings of neighbours in a circle."""
    o, rng, people = stage.options.bulk, stage.rng, stage.people
    per_team = stage.weeks * (1 + Invitations.ACCEPTED * (o.team - 1))
    n = max(2, round(events / per_team))
    sizes = np.clip(rng.poisson(o.team, n), 3, 20).astype(np.int32)
    leaders = rng.integers(0, len(people) - 20, n).astype(np.int32)
    slot = rng.integers(0, 5, n) * DAY + rng.integers(7, 17, n) * HOUR + rng.integers(0, 2, n) * 30 * MINUTE
    return Invitations(stage.letters, leaders, sizes, slot - slot % SECOND, prints(rng, n))


WRITTEN_BACK = 0.004  # chance that a member answers a post privately


class Lists:
    """Mailing lists: a member posts, all others receive it from the list's server, some of them write back."""

    def __init__(self, stage: Stage, events: float) -> None:
        o, rng, ground, people = stage.options.bulk, stage.rng, stage.ground, stage.people
        n = max(2, round(events / 25.0))
        sites = ground.new_sites(max(1, n // 6))
        self.stage = stage
        self.counts = np.minimum(stage.lengths(n, o.list_members, 0.7, least=6), o.list_recipients).astype(np.int32)
        self.first = np.concatenate([[0], np.cumsum(self.counts)[:-1]])
        self.members = rng.integers(0, len(people), int(self.counts.sum()))
        users = np.flatnonzero(people.user)
        outside = ~people.user[self.members] & (rng.random(len(self.members)) < 0.8)
        self.members[outside] = users[rng.integers(0, len(users), int(outside.sum()))]
        self.links = ground.new_hosts(sites, "lists")[np.arange(n) % len(sites)]
        self.networks = stage.web.hosters[rng.integers(0, len(stage.web.hosters), len(sites))][
            np.arange(n) % len(sites)
        ]
        self.cumulative = np.cumsum(rng.lognormal(0, 1.0, n))

    def emit(self, rng: np.random.Generator, days: Days, events: int) -> Rows:
        people = self.stage.people
        events = round(events / (1 + WRITTEN_BACK * float(self.counts.mean())))
        which = pick(rng, events, self.cumulative)
        post = (rng.random(events) ** 2 * self.counts[which]).astype(np.int64)  # a few members write most
        author = self.members[self.first[which] + post]
        to = self.members[spread(self.first[which], self.counts[which])]
        row = owners(self.counts[which])
        kept = (to != author[row]) & people.user[to]
        counts = np.bincount(row[kept], minlength=events).astype(np.int32)
        rows = make_rows(
            moments(rng, events, days, "private", people.zone[author]),
            people.ids[author],
            people.ids[to[kept]],
            to_count=counts,
            link=self.links[which],
            network=self.networks[which],
            host=which % 250 + 1,
            fingerprint=prints(rng, events),
            annoyance=WANTED / 4,
        )
        rows = rows.take(np.flatnonzero(counts))
        return concat([rows, self.stage.letters.answers(rng, rows, WRITTEN_BACK)])


class Cards:
    """Contact cards: people share one with a friend, accounts of other services with somebody they met."""

    ACCOUNTS = 0.3
    LINKED = 0.6  # share of accounts whose card names the site of a firm, which colleagues name too

    def __init__(self, stage: Stage, events: float) -> None:
        self.stage = stage
        self.accounts = stage.ground.accounts(max(5, round(events * self.ACCOUNTS / 2.5)), "account")
        n = len(self.accounts)
        self.like = stage.rng.integers(0, len(stage.people), n)
        firms = stage.ground.new_sites(max(2, n // 4))
        self.links = stage.ground.new_hosts(firms)[stage.rng.integers(0, len(firms), n)]
        self.linked = stage.rng.random(n) < self.LINKED
        self.prints = prints(stage.rng, n)

    def emit(self, rng: np.random.Generator, days: Days, events: int) -> Rows:
        people, letters = self.stage.people, self.stage.letters
        person = pick(rng, events, people.activity)
        foreign = rng.random(events) < self.ACCOUNTS
        account = rng.integers(0, len(self.accounts), events)
        person = np.where(foreign, self.like[account], person)
        friend = people.contacts[person, rng.integers(0, people.contacts.shape[1], events)]
        met = np.where(foreign | ~people.user[friend], -1, people.ids[friend])
        to = np.where(met < 0, people.users[pick(rng, events, people.popularity)], met)
        network, host = letters.connection(rng, person)
        linked = foreign & self.linked[account]
        return make_rows(
            moments(rng, events, days, "private", people.zone[person]),
            np.where(foreign, self.accounts[account], people.ids[person]),
            to,
            network=network,
            host=host,
            link=self.links[account[linked]],
            link_count=linked.astype(np.int32),
            fingerprint=np.where(linked, self.prints[account], prints(rng, events)),
            annoyance=WANTED,
            channel=CONTACTS,
        )


Population = Mailings | Notices | Invitations | Lists | Cards
PLANNERS: dict[str, Callable[[Stage, float], Population]] = {
    "newsletters": newsletters,
    "political": political,
    "companies": companies,
    "social": social,
    "schools": schools,
    "franchises": franchises,
    "clubs": clubs,
    "outreach": outreach,
    "recruiters": recruiters,
    "conferences": conferences,
    "sign_ups": sign_ups,
    "teams": teams,
    "lists": Lists,
    "contacts": Cards,
}
__all__ = ["PLANNERS", "Floats", "Longs", "Population", "Stage"]
