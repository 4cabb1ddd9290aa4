"""Honest people who look like something else: strangers, reunions, fads that spread, floods of sign-ups, meetings."""

import numpy as np

from graph.simulate.market.clock import HOUR, Day, Numbers, delays, moments
from graph.simulate.market.letters import Letters, unfold
from graph.simulate.market.rentals import fingerprints
from graph.simulate.market.stage import Credit, Stage
from graph.simulate.rows import CALENDAR, MAIL, Rows, concat, make_rows, no_rows, owners


class OneTime:
    """People outside who write to a member once, and perhaps once more: about an advertisement, a lost key."""

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
        to = members[rng.integers(0, len(members), n)][again]
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


class Floods:
    """Somebody enters one victim's address into hundreds of honest sign-up forms within the hour."""

    def __init__(self, stage: Stage, share: float) -> None:
        self.stage = stage
        self.credit = Credit()
        budget = max(20, int(share * stage.options.events / 3))
        sites = stage.directory.sites(budget)
        self.senders = stage.directory.desks("confirm", sites, "sign_up", stage.rentals.ranges(stage.rng, budget))
        self.texts = fingerprints(stage.rng, 25)

    def act(self, day: Day, quota: float) -> Rows:
        due, rng, directory = self.credit.add(quota), self.stage.rng, self.stage.directory
        n = int(np.clip(rng.lognormal(np.log(55), 0.6), 12, len(self.senders)))
        if due < n / 2:
            return no_rows()
        self.credit.spend(n)
        senders = rng.choice(self.senders, n, replace=False)
        ts = np.minimum(moments(rng, day, "always", 1) + rng.exponential(0.7 * HOUR, n), day.end - 1)
        return make_rows(
            ts, senders, np.full(n, rng.choice(self.stage.society.members)), network=directory.network.cells[senders],
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
        due = self.credit.add(quota if day.working else 0.1 * quota)
        parts = [no_rows()]
        sent = 0
        while sent < due and len(self.firms):
            parts.append(self._meeting(day))
            sent += len(parts[-1])
        self.credit.spend(sent)
        return concat(parts)

    def _meeting(self, day: Day) -> Rows:
        society, rng = self.stage.society, self.stage.rng
        firm = self.firms[min(int(np.searchsorted(self.shares, rng.random())), len(self.firms) - 1)]
        staff = society.staff_of(int(firm))
        size = min(len(staff), 2 + int(rng.poisson(self.stage.options.society.department - 3)))
        begin = int(rng.integers(0, len(staff) - size + 1))
        people = rng.permutation(staff[begin : begin + size])
        who, guests = people[0], people[1:]
        answers = guests[rng.random(len(guests)) < 0.55]
        called = int(moments(rng, day, "office", 1, int(society.zone[who]))[0])
        times = np.minimum(called + delays(rng, len(answers), 1.0, 1.2), day.end - 1)
        sender = np.concatenate([[who], answers])
        to = np.concatenate([guests, np.full(len(answers), who)])
        count = np.concatenate([[len(guests)], np.ones(len(answers), np.int64)])
        return make_rows(
            np.concatenate([[called], times]), sender, to, to_count=count, network=self.letters.origin(sender),
            host=self.stage.directory.host.cells[sender], fingerprint=fingerprints(rng, len(sender)), channel=CALENDAR,
        )  # fmt: skip
