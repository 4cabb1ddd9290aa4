"""Honest people who look like something else: strangers, reunions, fads that spread, floods of sign-ups, meetings."""

from dataclasses import dataclass

import numpy as np

from graph.simulate.market.clock import HOUR, Day, Numbers, delays, moments
from graph.simulate.market.letters import Letters, unfold
from graph.simulate.market.rentals import fingerprints
from graph.simulate.market.stage import Credit, Stage
from graph.simulate.rows import CALENDAR, MAIL, Rows, concat, make_rows, no_rows, owners, spread

FAMOUS_DAYS = 0.12  # days on which somebody is famous
ACCEPTED = 0.55  # invitations to a meeting that are answered


class OneTime:
    """People outside who write to a member once, and perhaps once more: about an advertisement, a lost key.

    Now and then somebody is in everybody's mouth for a day, and strangers by the dozen write to that one person.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.credit = Credit()

    def act(self, day: Day, quota: float) -> Rows:
        rng, rentals, directory = self.stage.rng, self.stage.rentals, self.stage.directory
        n = int(self.credit.add(quota) / 1.15)
        at = rng.integers(0, len(rentals.freemail_sites), n)
        networks = rentals.freemail_networks[at, rng.integers(0, rentals.freemail_networks.shape[1], n)]
        writers = directory.people(rentals.freemail_sites[at], "one_time", networks)
        again = np.repeat(np.arange(n), 1 + (rng.random(n) < 0.15))
        self.credit.spend(len(again))
        members = self.stage.society.members
        to = members[rng.integers(0, len(members), n)]
        if rng.random() < FAMOUS_DAYS:
            to[rng.random(n) < rng.uniform(0.2, 0.6)] = rng.choice(members)
        to = to[again]
        linked = (rng.random(len(again)) < 0.08).astype(np.int32)
        return make_rows(
            moments(rng, day, "private", len(again)), writers[again], to, network=networks[again],
            host=directory.host.cells[writers[again]], fingerprint=fingerprints(rng, len(again)), annoyance=0.004,
            link=rentals.popular_hosts(rng, int(linked.sum())), link_count=linked,
        )  # fmt: skip


class Reunions:
    """Somebody invites forty people of long ago, once: to a page, or straight into their calendars."""

    def __init__(self, stage: Stage, letters: Letters) -> None:
        self.stage, self.letters = stage, letters
        self.credit = Credit()

    def act(self, day: Day, quota: float) -> Rows:
        parts = [no_rows()]
        while self.credit.add(quota) > 0:
            quota = 0.0
            rows = self._invitation(day)
            self.credit.spend(len(rows))
            parts.append(rows)
        return concat(parts)

    def _invitation(self, day: Day) -> Rows:
        society, rng, directory = self.stage.society, self.stage.rng, self.stage.directory
        host = society.members[rng.integers(0, len(society.members), 1)]
        directory.role.cells[host] = directory.role_of("reunion")
        n = int(np.clip(rng.lognormal(np.log(32), 0.5), 8, min(90, len(society.members) // 2)))
        guests = rng.choice(society.members, n, replace=False)
        calendar = rng.random() < 0.4
        step = n if calendar else int(rng.integers(1, 8))
        count = np.full(-(-n // step), step)
        count[-1] = n - step * (len(count) - 1)
        page = directory.pages(rng.choice(self.stage.rentals.page_sites, 1))
        writers = np.repeat(host, len(count))
        begin = moments(rng, day, "private", 1)
        ts = np.minimum(begin + np.sort(rng.exponential(0.5 * HOUR, len(count))), day.end - 1)
        return make_rows(
            ts, writers, guests, to_count=count, network=self.letters.origin(writers),
            host=directory.host.cells[writers], fingerprint=int(fingerprints(rng, 1)[0]),
            annoyance=0.01, link=np.repeat(page, len(count)), channel=CALENDAR if calendar else MAIL,
        )  # fmt: skip


class Fads:
    """A new site that people pass on to their friends, who pass it on: innocent, fresh, and spreading like a worm."""

    def __init__(self, stage: Stage, letters: Letters) -> None:
        self.stage, self.letters = stage, letters
        self.credit = Credit()
        self.pending = no_rows()

    def act(self, day: Day, quota: float) -> Rows:
        due = self.pending.ts < day.end
        waiting = self.pending.take(np.flatnonzero(due))
        later = [self.pending.take(np.flatnonzero(~due))]
        room = self.credit.add(quota)
        if len(waiting) < room:
            waiting = concat([waiting, self._seed(day)])
        rows, after = unfold(waiting, self._passed_on, day.end)
        self.pending = concat([*later, after])
        self.credit.spend(len(rows))
        return rows

    def _seed(self, day: Day) -> Rows:
        rng, society = self.stage.rng, self.stage.society
        n = int(rng.integers(2, 6))
        who = rng.integers(0, society.size, n)
        site = self.stage.directory.sites(1)
        ts = moments(rng, day, "private", n, society.zone[who])
        return self._shared(ts, who, np.repeat(self.stage.directory.fronts(site), n))

    def _shared(self, ts: Numbers, who: Numbers, link: Numbers) -> Rows:
        society, rng = self.stage.society, self.stage.rng
        to = society.ties[who, rng.integers(0, society.ties.shape[1], len(who))]
        return make_rows(
            ts, who, to, network=self.letters.origin(who), host=self.stage.directory.host.cells[who],
            fingerprint=fingerprints(rng, len(who)), link=link,
        )  # fmt: skip

    def _passed_on(self, rows: Rows) -> Rows:
        rng = self.stage.rng
        eager = self.credit.left > -50  # a fad that went far enough runs dry
        copies = rng.poisson(0.95 if eager else 0.3, len(rows))
        at = owners(copies)
        return self._shared(rows.ts[at] + delays(rng, len(at), 3.0, 1.2), rows.to[at], rows.link[at])


@dataclass(frozen=True)
class Flood:
    """One victim's bad hour."""

    victim: int
    services: int
    first: int
    last: int


class Floods:
    """Somebody enters one victim's address into hundreds of honest sign-up forms within the hour."""

    def __init__(self, stage: Stage, share: float) -> None:
        self.stage = stage
        self.credit = Credit()
        budget = max(20, int(share * stage.options.events / 3))
        sites = stage.directory.sites(budget)
        self.senders = stage.directory.desks("confirm", sites, "sign_up", stage.rentals.ranges(stage.rng, budget))
        self.texts = fingerprints(stage.rng, 25)
        self.log: list[Flood] = []

    def act(self, day: Day, quota: float) -> Rows:
        due, rng, directory = self.credit.add(quota), self.stage.rng, self.stage.directory
        n = int(np.clip(rng.lognormal(np.log(55), 0.6), 12, len(self.senders)))
        if due < n / 2:
            return no_rows()
        self.credit.spend(n)
        senders = rng.choice(self.senders, n, replace=False)
        ts = np.minimum(moments(rng, day, "always", 1) + rng.exponential(0.7 * HOUR, n), day.end - 1)
        victim = int(rng.choice(self.stage.society.members))
        self.log.append(Flood(victim, n, int(ts.min()), int(ts.max())))
        return make_rows(
            ts.astype(np.int64), senders, np.full(n, victim), network=directory.network.cells[senders],
            host=directory.host.cells[senders], annoyance=0.15,
            fingerprint=np.where(rng.random(n) < 0.5, rng.choice(self.texts, n), fingerprints(rng, n)),
            link=directory.fronts(directory.site.cells[senders]),
        )  # fmt: skip


class Meetings:
    """Departments call meetings by calendar; those invited answer by calendar."""

    def __init__(self, stage: Stage, letters: Letters) -> None:
        self.stage, self.letters = stage, letters
        self.credit = Credit()
        sizes = np.diff(stage.society.staff_starts)
        self.firms = np.flatnonzero((sizes >= 3) & stage.society.employer_hosted)
        self.shares = np.cumsum(sizes[self.firms]) / max(1, sizes[self.firms].sum())

    def act(self, day: Day, quota: float) -> Rows:
        society, rng = self.stage.society, self.stage.rng
        due = self.credit.add(quota if day.working else 0.1 * quota)
        mean = self.stage.options.society.department
        n = int(due / (1 + ACCEPTED * (mean - 2)) + rng.random()) if len(self.firms) else 0
        firm = self.firms[np.minimum(np.searchsorted(self.shares, rng.random(n)), len(self.firms) - 1)]
        staff = society.staff_starts[firm + 1] - society.staff_starts[firm]
        size = np.minimum(staff, 2 + rng.poisson(mean - 3, n))
        begin = society.staff_starts[firm] + (rng.random(n) * (staff - size + 1)).astype(np.int64)
        caller = begin + (rng.random(n) * size).astype(np.int64)
        rows = self._meetings(day, spread(begin, size), size, caller)
        self.credit.spend(len(rows))
        return rows

    def _meetings(self, day: Day, seats: Numbers, size: Numbers, caller: Numbers) -> Rows:
        """A call for each meeting, and the answers to it; `seats` are all who belong to it, the caller too."""
        society, rng = self.stage.society, self.stage.rng
        who = society.staff[caller]
        meeting = owners(size)
        guest = seats != caller[meeting]
        called = moments(rng, day, "office", len(size), society.zone[who])
        answers = np.flatnonzero(guest & (rng.random(len(seats)) < ACCEPTED))
        at = meeting[answers]
        times = np.minimum(called[at] + delays(rng, len(at), 1.0, 1.2), day.end - 1)
        invited, accepted = society.staff[seats[guest]], society.staff[seats[answers]]
        calls = self._sent(called, who, invited, size - 1)
        return concat([calls, self._sent(times, accepted, who[at], np.ones(len(at)))])

    def _sent(self, ts: Numbers, who: Numbers, to: Numbers, count: Numbers) -> Rows:
        return make_rows(
            ts, who, to, to_count=count, network=self.letters.origin(who),
            host=self.stage.directory.host.cells[who], fingerprint=fingerprints(self.stage.rng, len(who)),
            channel=CALENDAR,
        )  # fmt: skip
