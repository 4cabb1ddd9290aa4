"""People: who they are, whom they know, and the private and office mail that flows between them. Knows no bulk mail."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from graph.simulate.ground import Ground
from graph.simulate.options import WorldOptions
from graph.simulate.rhythm import Days, delays, moments, pick, zipf
from graph.simulate.rows import (
    Bools,
    Floats,
    Ints,
    Longs,
    Rows,
    concat,
    make_rows,
    owners,
    spread,
    starts_of,
)

# Steps along the circle of a community to a person's regular contacts: a ring lattice, so that friends know each other.
RING = (1, -1, 2, -2, 3, -3, 4, -4, 6, -6, 8, -8, 11, -11, 15, -15)
ZONES = (-8, -5, 0, 1, 1, 5)  # hours east of UTC of the towns
LEAST_CIRCLE = 20
PROVIDER_SITES, FREEMAIL_SITES = 2, 9
STAFF = 25.0  # mean people of one organisation
LONGEST_THREAD = 5
MOST_COPIED = 6
SHORT_PRINTS = 12  # "ok", "thanks", …: content that everybody writes
PRINT_RANGE = np.int64(1) << 62


@dataclass(frozen=True)
class Web:
    """Sites for everybody: hosts by falling popularity, shorteners, free pages."""

    popular: Ints
    shorteners: Ints
    page_sites: Ints
    pages: Ints
    meetings: Ints
    hosters: Ints  # networks of shared hosting
    cumulative: Floats


@dataclass(frozen=True)
class People:
    """Everybody with a mailbox; arrays are aligned, one entry a person; ids are mailbox ids.

    `circle_first` and `circle_size` give the contiguous community, `contacts` the regular correspondents (as rows
    of this table), `user` whether the mailbox is at the provider, `home` the network and `home_host` the address.
    """

    ids: Ints
    user: Bools
    zone: Ints
    town: Ints
    circle_first: Ints
    circle_size: Ints
    contacts: Ints
    activity: Floats
    home: Ints
    home_host: Ints
    office: Ints
    carriers: Ints
    users: Ints  # mailbox ids of the provider's users
    town_users: Ints  # the same, grouped by town …
    town_first: Longs  # … and where each town begins
    freemail: Ints
    popularity: Floats  # running sum of the users' odds to be on a list

    def __len__(self) -> int:
        return len(self.ids)


def plan_web(ground: Ground, options: WorldOptions) -> Web:
    web = options.web
    popular = ground.new_hosts(ground.new_sites(web.popular_sites))
    shorteners = ground.new_hosts(ground.new_sites(web.shorteners), "")
    page_sites = ground.new_sites(web.free_hosts)
    pages = ground.new_pages(np.resize(page_sites, web.free_hosts * 8 + options.events // 2_000))
    meetings = ground.new_hosts(ground.new_sites(3), "meet")
    hosters = ground.fixed_networks(web.hosters)
    return Web(popular, shorteners, page_sites, pages, meetings, hosters, zipf(len(popular), web.popularity))


def plan_people(ground: Ground, options: WorldOptions, rng: np.random.Generator) -> People:
    """Towns of circles of people, their addresses, contacts and networks."""
    o = options.people
    users = max(60, round(options.events * o.users_per_event))
    n = round(users * (1 + o.outsiders_per_user))
    circle, first, size = _circles(n, o.community, rng)
    town = circle // 3  # three circles a town
    user = rng.random(n) < 1 / (1 + o.outsiders_per_user)
    site, office = _addresses(n, circle, user, ground, options, rng)
    ids = ground.people_at(site, "person")
    home = _homes(n, town, ground, options, rng)
    user_rows = np.flatnonzero(user)
    towns = int(town.max()) + 1
    return People(
        ids=ids,
        user=user,
        zone=np.asarray(ZONES)[town % len(ZONES)].astype(np.int32),
        town=town,
        circle_first=first,
        circle_size=size,
        contacts=_contacts(n, first, size, options, rng),
        activity=np.cumsum(rng.lognormal(0, o.activity_sigma, n)),
        home=home,
        home_host=ground.host_in(rng, home),
        office=office,
        carriers=ground.carrier_networks(options.web.carriers),
        users=ids[user_rows],
        town_users=ids[user_rows],
        town_first=np.searchsorted(town[user_rows], np.arange(towns + 1)).astype(np.int64),
        freemail=np.unique(site[~user & (office < 0)]),
        popularity=np.cumsum(rng.lognormal(0, o.activity_sigma, len(user_rows))),
    )


def _circles(n: int, mean: float, rng: np.random.Generator) -> tuple[Ints, Ints, Ints]:
    sizes = np.maximum(LEAST_CIRCLE, rng.lognormal(np.log(mean), 0.5, 2 + 2 * n // LEAST_CIRCLE)).astype(np.int64)
    ends = np.cumsum(sizes)
    count = max(1, int(np.searchsorted(ends, n - LEAST_CIRCLE)))
    firsts = np.concatenate([[0], ends[: count - 1]])
    sizes = np.diff(np.append(firsts, n))
    circle = np.repeat(np.arange(count), sizes)
    return circle.astype(np.int32), firsts[circle].astype(np.int32), sizes[circle].astype(np.int32)


def _addresses(
    n: int, circle: Ints, user: Bools, ground: Ground, options: WorldOptions, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Site of everybody's address and the network of the office, -1 for those without one."""
    provider, freemail = ground.new_sites(PROVIDER_SITES), ground.new_sites(FREEMAIL_SITES)
    private = np.where(user, provider[pick(rng, n, zipf(PROVIDER_SITES, 1.5))], freemail[pick(rng, n, zipf(9, 1.0))])
    firms = max(1, int(n * options.people.office / STAFF))
    sites, networks = ground.new_sites(firms), ground.fixed_networks(firms)
    # Colleagues sit near each other in a circle, so that office mail and private mail overlap.
    firm = (np.arange(n) * firms // n + circle) % firms
    employed = rng.random(n) < options.people.office
    site = np.where(employed, sites[firm], private).astype(np.int32)
    return site, np.where(employed, networks[firm], -1).astype(np.int32)


def _homes(n: int, town: Ints, ground: Ground, options: WorldOptions, rng: np.random.Generator) -> Ints:
    """A home network for everybody: neighbours in a town share its access networks."""
    web = options.web
    networks = ground.access_networks(max(4, int(n / web.people_per_network)), web.ipv6)
    towns = int(town.max()) + 1
    each = max(2, -(-len(networks) // towns))
    homes: Ints = networks[(town * each + rng.integers(0, each, n)) % len(networks)]
    return homes


def _contacts(n: int, first: Ints, size: Ints, options: WorldOptions, rng: np.random.Generator) -> Ints:
    """Rows of each person's contacts: ring neighbours of the circle, some rewired to anybody."""
    o = options.people
    steps = np.asarray(RING[: o.contacts])
    seat = np.arange(n)[:, None] - first[:, None]
    near = first[:, None] + (seat + steps) % size[:, None]
    far = (np.arange(n)[:, None] + rng.integers(1, n, near.shape)) % n
    chosen: Ints = np.where(rng.random(near.shape) < o.rewired, far, near).astype(np.int32)
    return chosen


class Correspondence:
    """Private and office mail with copies, threads, links and the networks people move between."""

    def __init__(self, people: People, web: Web, options: WorldOptions) -> None:
        self.people = people
        self.web = web
        self.options = options
        self._loyal = zipf(options.people.contacts, options.people.loyalty)

    def emit(self, rng: np.random.Generator, days: Days, events: int) -> Rows:
        """About `events` messages, threads included; answers may fall after `days`."""
        o, people = self.options.people, self.people
        outside = 1 - people.user.mean()
        opened = events / sum(o.answered**k for k in range(LONGEST_THREAD)) / (1 - outside**2)
        author = pick(rng, rng.poisson(opened), people.activity)
        to = people.contacts[author, pick(rng, len(author), self._loyal)].astype(np.int64)
        seen = people.user[author] | people.user[to]
        author, to = author[seen], to[seen]
        ts = moments(rng, len(author), days, "private", people.zone[author])
        parts = [self._messages(rng, ts, author, to, copies=True)]
        for _ in range(1, LONGEST_THREAD):
            answered = rng.random(len(ts)) < o.answered
            ts = ts[answered] + delays(rng, int(answered.sum()), o.answer_hours, o.answer_sigma)
            author, to = to[answered], author[answered]
            parts.append(self._messages(rng, ts, author, to, copies=False))
        return concat(parts)

    def answers(self, rng: np.random.Generator, rows: Rows, chance: npt.ArrayLike) -> Rows:
        """Answers of some of the recipients (people) to the senders of `rows`; `chance` one, or one a row."""
        each = np.broadcast_to(np.asarray(chance, float), (len(rows),))
        row = owners(rows.to_count)
        said = np.flatnonzero(rng.random(len(row)) < each[row])
        by = np.minimum(np.searchsorted(self.people.ids, rows.to[said]), len(self.people) - 1)
        human = self.people.ids[by] == rows.to[said]
        said, by = said[human], by[human]
        ts = rows.ts[row[said]] + delays(rng, len(said), self.options.people.answer_hours, 1.0)
        network, host = self.connection(rng, by)
        return make_rows(
            ts, rows.to[said], rows.sender[row[said]], network=network, host=host, fingerprint=prints(rng, len(said))
        )

    def connection(self, rng: np.random.Generator, person: npt.NDArray[np.integer]) -> tuple[Ints, Ints]:
        """Network and address people write from now: home, phone or office."""
        people, n = self.people, len(person)
        network, host = people.home[person].copy(), people.home_host[person].copy()
        where = rng.random(n)
        phone = where < self.options.web.mobile
        network[phone] = people.carriers[rng.integers(0, len(people.carriers), int(phone.sum()))]
        host[phone] = rng.integers(1, 255, int(phone.sum()))
        desk = (where > 0.65) & (people.office[person] >= 0)
        network[desk] = people.office[person[desk]]
        host[desk] = 10
        network[rng.random(n) < self.options.people.no_address] = -1
        return network, host

    def private_links(self, rng: np.random.Generator, n: int) -> tuple[Ints, Ints]:
        """Counts and hosts of the links in n private messages."""
        o, web = self.options, self.web
        count = (rng.random(n) < o.people.linked).astype(np.int32)
        linked = int(count.sum())
        hosts = web.popular[pick(rng, linked, web.cumulative)]
        free = rng.random(linked) < o.web.free_page_use
        pool = np.concatenate([np.repeat(web.shorteners, max(1, len(web.pages) // 6)), web.pages])
        hosts[free] = pool[rng.integers(0, len(pool), int(free.sum()))]
        return count, hosts

    def with_popular(self, rng: np.random.Generator, count: Ints, links: Ints) -> tuple[Ints, Ints]:
        """The same ragged links, and in some messages a popular site behind them."""
        more = rng.random(len(count)) < self.options.web.also_popular
        total = (count + more).astype(np.int32)
        joined = np.empty(int(total.sum()), np.int32)
        extra = np.zeros(len(joined), bool)
        extra[np.cumsum(total)[more] - 1] = True
        joined[~extra] = links
        joined[extra] = self.web.popular[pick(rng, int(more.sum()), self.web.cumulative)]
        return total, joined

    def _messages(
        self,
        rng: np.random.Generator,
        ts: Longs,
        author: npt.NDArray[np.integer],
        to: npt.NDArray[np.integer],
        copies: bool,
    ) -> Rows:
        o, people, n = self.options.people, self.people, len(ts)
        network, host = self.connection(rng, author)
        link_count, link = self.private_links(rng, n)
        rows = make_rows(
            ts,
            people.ids[author],
            people.ids[to],
            network=network,
            host=host,
            link=link,
            link_count=link_count,
            fingerprint=self._private_prints(rng, n),
        )
        return self._copied(rng, rows, author, o.copied) if copies else rows

    def _private_prints(self, rng: np.random.Generator, n: int) -> Longs:
        found = prints(rng, n)
        short = rng.random(n) < self.options.people.short
        found[short] = 1 + rng.integers(0, SHORT_PRINTS, int(short.sum())) * 7_919
        return found

    def _copied(self, rng: np.random.Generator, rows: Rows, author: npt.NDArray[np.integer], share: float) -> Rows:
        """Further contacts in copy; nobody elsewhere is seen when the author is elsewhere too."""
        people = self.people
        extra = np.where(rng.random(len(rows)) < share, rng.integers(1, MOST_COPIED, len(rows)), 0)
        width = people.contacts.shape[1]
        extra = np.minimum(extra, width - 1)
        row = owners(extra)
        rank = (spread(np.zeros(len(extra)), extra) + rng.integers(0, width, len(rows))[row]) % width
        more = people.contacts[author[row], rank]
        fine = (people.user[author[row]] | people.user[more]) & (people.ids[more] != rows.to[row])
        counts = 1 + np.bincount(row[fine], minlength=len(rows)).astype(np.int32)
        to = np.empty(int(counts.sum()), np.int32)
        starts = starts_of(counts)
        lead = np.zeros(len(to), bool)
        lead[starts[:-1]] = True
        to[lead], to[~lead] = rows.to, people.ids[more[fine]]
        return replace(rows, to_count=counts, to=to)


class Strangers:
    """People who write once or twice to somebody they do not know: questions, offers, mistakes."""

    TWICE, ANSWERED = 0.3, 0.3
    _per_head = (1 + TWICE) * (1 + ANSWERED)

    def __init__(self, ground: Ground, letters: Correspondence, events: float, rng: np.random.Generator) -> None:
        self.letters = letters
        people = letters.people
        n = max(5, round(events / self._per_head))
        self.like = rng.integers(0, len(people), n)  # lives where this person lives
        self.ids = ground.people_at(people.freemail[pick(rng, n, zipf(len(people.freemail), 0.8))], "stranger")
        self.used = 0

    def emit(self, rng: np.random.Generator, days: Days, events: int) -> Rows:
        n = min(round(events / self._per_head), len(self.ids) - self.used)
        who = np.arange(self.used, self.used + n)
        self.used += n
        who = np.repeat(who, 1 + (rng.random(n) < self.TWICE))
        people = self.letters.people
        network, host = self.letters.connection(rng, self.like[who])
        link_count, link = self.letters.private_links(rng, len(who))
        to = people.users[pick(rng, len(who), people.popularity)]
        ts = moments(rng, len(who), days, "private", people.zone[self.like[who]])
        rows = make_rows(
            ts,
            self.ids[who],
            to,
            network=network,
            host=host,
            link=link,
            link_count=link_count,
            fingerprint=prints(rng, len(who)),
            annoyance=0.001,
        )
        return concat([rows, self.letters.answers(rng, rows, self.ANSWERED)])


def prints(rng: np.random.Generator, n: int) -> Longs:
    """Fingerprints of contents nobody else wrote."""
    return rng.integers(1 << 40, PRINT_RANGE, n, dtype=np.int64)
