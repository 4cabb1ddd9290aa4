"""Machines for legitimate senders who write to many: planned issues to an audience, notices, invitations.

What each kind of sender is like (schools, newsletters, recruiters) is planned in `senders`; nothing here knows kinds.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from graph.simulate.ground import Ground
from graph.simulate.people import Correspondence
from graph.simulate.rhythm import DAY, Days, moments, pick
from graph.simulate.rows import CALENDAR, MAIL, Floats, Ints, Longs, Rows, concat, make_rows, owners, spread, starts_of

A_DAY = Days(0, 1, 0)


@dataclass(frozen=True)
class Desk:
    """How senders look from outside; ragged columns are aligned with `ids`.

    `links` are the hosts in every message, `networks` the pool that a message may leave from.
    """

    ids: Ints
    link_count: Ints
    links: Ints
    network_count: Ints
    networks: Ints
    annoyance: Floats  # chance that a recipient of average zeal reports a message
    answered: Floats  # chance that a recipient answers

    def __len__(self) -> int:
        return len(self.ids)

    def links_of(self, sender: npt.NDArray[np.integer]) -> tuple[Ints, Ints]:
        count = self.link_count[sender]
        return count, self.links[spread(starts_of(self.link_count)[sender], count)]

    def address(self, rng: np.random.Generator, ground: Ground, sender: npt.NDArray[np.integer]) -> tuple[Ints, Ints]:
        """A network of the sender's pool and an address in it."""
        nth = (rng.random(len(sender)) * self.network_count[sender]).astype(np.int64)
        network = self.networks[starts_of(self.network_count)[sender] + nth]
        return network, ground.host_in(rng, network)


@dataclass(frozen=True)
class Issues:
    """Mailings: issue i goes from desk row `sender[i]` to `audience[first[i] : first[i] + count[i]]`.

    `lasts` is how long the machine takes to send it (microseconds); `together` puts all recipients into one message.
    """

    ts: Longs
    sender: Ints
    first: Longs
    count: Ints
    lasts: Longs
    fingerprint: Longs
    audience: Ints
    together: bool = False
    channel: int = MAIL

    def __len__(self) -> int:
        return len(self.ts)


class Mailings:
    """Sends planned issues when their time comes."""

    def __init__(self, ground: Ground, desk: Desk, issues: Issues, letters: Correspondence) -> None:
        self.ground = ground
        self.desk = desk
        self.issues = issues
        self.letters = letters

    def emit(self, rng: np.random.Generator, days: Days, events: int) -> Rows:
        """The issues that start within `days`; `events` was settled when they were planned."""
        due = np.flatnonzero((self.issues.ts >= days.start) & (self.issues.ts < days.end))
        rows = self._together(rng, due) if self.issues.together else self._apart(rng, due)
        chance = self.desk.answered
        if not chance.any():
            return rows
        by_id = np.zeros(self.ground.mailboxes)
        by_id[self.desk.ids] = chance
        return concat([rows, self.letters.answers(rng, rows, by_id[rows.sender])])

    def planned(self) -> float:
        """Events that the issues will bring, answers expected included."""
        count = self.issues.count
        return float((count * self.desk.answered[self.issues.sender] + (1 if self.issues.together else count)).sum())

    def _apart(self, rng: np.random.Generator, due: Longs) -> Rows:
        issues = self.issues
        of = due[owners(issues.count[due])]
        to = issues.audience[spread(issues.first[due], issues.count[due])]
        ts = issues.ts[of] + (rng.random(len(of)) * issues.lasts[of]).astype(np.int64)
        slow = np.flatnonzero(issues.lasts[of] > DAY)  # written by hand, so at the hours of people
        ts[slow] = np.maximum(ts[slow] // DAY * DAY + moments(rng, len(slow), A_DAY, "private"), issues.ts[of[slow]])
        return self._rows(rng, ts, of, to, np.ones(len(of), np.int32))

    def _together(self, rng: np.random.Generator, due: Longs) -> Rows:
        issues = self.issues
        to = issues.audience[spread(issues.first[due], issues.count[due])]
        return self._rows(rng, issues.ts[due], due, to, issues.count[due])

    def _rows(self, rng: np.random.Generator, ts: Longs, issue: Longs, to: Ints, to_count: Ints) -> Rows:
        sender = self.issues.sender[issue]
        network, host = self.desk.address(rng, self.ground, sender)
        link_count, link = self.letters.with_popular(rng, *self.desk.links_of(sender))
        return make_rows(
            ts,
            self.desk.ids[sender],
            to,
            to_count=to_count,
            link=link,
            link_count=link_count,
            network=network,
            host=host,
            fingerprint=self.issues.fingerprint[issue],
            annoyance=self.desk.annoyance[sender],
            channel=self.issues.channel,
        )


class Notices:
    """Messages to one customer at a time, whenever the customer does something.

    `tokens` are mailboxes that a network makes up for single notices (one each), used for the share `token_share`.
    """

    def __init__(
        self,
        letters: Correspondence,
        ground: Ground,
        desk: Desk,
        volume: Floats,
        customer_count: Ints,
        customers: Ints,
        templates: Longs,
        habit: str,
        tokens: Ints | None = None,
        token_share: float = 0.0,
    ) -> None:
        self.letters = letters
        self.ground = ground
        self.desk = desk
        self.cumulative = np.cumsum(volume)
        self.customer_count = customer_count
        self.customers = customers
        self.first = starts_of(customer_count)
        self.prints = templates  # one row of fingerprints for each sender
        self.habit = habit
        self.tokens = np.empty(0, np.int32) if tokens is None else tokens
        self.token_share = token_share
        self.used = 0

    def emit(self, rng: np.random.Generator, days: Days, events: int) -> Rows:
        sender = pick(rng, events, self.cumulative)
        nth = (rng.random(events) * self.customer_count[sender]).astype(np.int64)
        network, host = self.desk.address(rng, self.ground, sender)
        link_count, link = self.letters.with_popular(rng, *self.desk.links_of(sender))
        return make_rows(
            moments(rng, events, days, self.habit),
            self._from(rng, sender),
            self.customers[self.first[sender] + nth],
            link=link,
            link_count=link_count,
            network=network,
            host=host,
            fingerprint=self.prints[sender, rng.integers(0, self.prints.shape[1], events)],
            annoyance=self.desk.annoyance[sender],
        )

    def _from(self, rng: np.random.Generator, sender: Longs) -> Ints:
        ids = self.desk.ids[sender].copy()
        single = np.flatnonzero(rng.random(len(ids)) < self.token_share)[: len(self.tokens) - self.used]
        ids[single] = self.tokens[self.used : self.used + len(single)]
        self.used += len(single)
        return ids


class Invitations:
    """Recurring meetings of teams, with answers of those invited (calendar events both ways)."""

    ACCEPTED = 0.35

    def __init__(self, letters: Correspondence, teams: Ints, sizes: Ints, slot: Longs, fingerprint: Longs) -> None:
        self.letters = letters
        self.leader = teams  # row of the first member in the table of people
        self.sizes = sizes
        self.slot = slot  # microseconds into the week
        self.fingerprint = fingerprint

    def emit(self, rng: np.random.Generator, days: Days, events: int) -> Rows:
        week = 7 * 24 * 3_600_000_000
        weeks = np.arange(days.start // week, days.end // week + 1)
        ts = (weeks[:, None] * week + self.slot).ravel()
        team = np.tile(np.arange(len(self.slot)), len(weeks))
        due = (ts >= days.start) & (ts < days.end)
        ts, team = ts[due], team[due]
        people = self.letters.people
        others = self.sizes[team] - 1
        to = people.ids[spread(self.leader[team] + 1, others)]
        network, host = self.letters.connection(rng, self.leader[team])
        meet = self.letters.web.meetings
        rows = make_rows(
            ts,
            people.ids[self.leader[team]],
            to,
            to_count=others,
            link=meet[team % len(meet)],
            network=network,
            host=host,
            fingerprint=self.fingerprint[team],
            channel=CALENDAR,
        )
        return concat([rows, self._accepted(rng, rows)])

    def planned(self, weeks: float) -> float:
        """Events that the meetings will bring in so many weeks, answers expected included."""
        return float(weeks * (1 + self.ACCEPTED * (self.sizes - 1)).sum())

    def _accepted(self, rng: np.random.Generator, rows: Rows) -> Rows:
        replies = self.letters.answers(rng, rows, self.ACCEPTED)
        return make_rows(
            replies.ts, replies.sender, replies.to, network=replies.network, host=replies.host, channel=CALENDAR
        )
