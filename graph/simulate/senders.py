"""Every kind of legitimate sender by name, and the three that are neither service nor broadcaster."""

from collections.abc import Callable

import numpy as np

from graph.simulate.broadcasters import clubs, conferences, franchises, outreach, recruiters, schools, sellers
from graph.simulate.bulk import Invitations, Mailings, Notices
from graph.simulate.people import prints
from graph.simulate.rhythm import DAY, HOUR, SECOND, Days, moments, pick
from graph.simulate.rows import CONTACTS, Rows, concat, make_rows, owners, spread
from graph.simulate.services import companies, newsletters, political, sign_ups, social
from graph.simulate.stage import MINUTE, WANTED, Stage

WRITTEN_BACK = 0.004  # chance that a member answers a post privately


def teams(stage: Stage, events: float) -> Invitations:
    """Weekly meetings of neighbours in a circle."""
    o, rng, people = stage.options.bulk, stage.rng, stage.people
    per_team = stage.weeks * (1 + Invitations.ACCEPTED * (o.team - 1))
    n = max(2, round(events / per_team))
    sizes = np.clip(rng.poisson(o.team, n), 3, 20).astype(np.int32)
    leaders = rng.integers(0, len(people) - 20, n).astype(np.int32)
    slot = rng.integers(0, 5, n) * DAY + rng.integers(7, 17, n) * HOUR + rng.integers(0, 2, n) * 30 * MINUTE
    return Invitations(stage.letters, leaders, sizes, slot - slot % SECOND, prints(rng, n))


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
        self.activity = np.cumsum(stage.rng.lognormal(0, 1.0, n))

    def emit(self, rng: np.random.Generator, days: Days, events: int) -> Rows:
        people, letters = self.stage.people, self.stage.letters
        person = pick(rng, events, people.activity)
        foreign = rng.random(events) < self.ACCOUNTS
        account = pick(rng, events, self.activity)
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
    "sellers": sellers,
    "teams": teams,
    "lists": Lists,
    "contacts": Cards,
}
