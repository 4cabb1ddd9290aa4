"""People's own mail: threads that answer themselves, lists, cards of new friends. Knows no firms and no crews."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from graph.simulate.market.clock import Day, Numbers, delays, moments
from graph.simulate.market.rentals import fingerprints
from graph.simulate.market.society import Slots, befriend
from graph.simulate.market.stage import Credit, Stage, drawn, shares_of
from graph.simulate.rows import (
    CONTACTS,
    Rows,
    concat,
    make_rows,
    no_rows,
    owners,
    spread,
    starts_of,
    without_repeats,
)

MOST_COPIED = 5
COPIED = 0.13  # messages with further recipients
ANSWERS_ALL = 0.3  # answers to those that go to everybody
PAGE_USE = 0.2  # private links that are free pages or shortened
LIST_POSTS = 90  # of one mailing list over the world
ANSWERED = 1.6  # posts that answer one
REMEMBERED = 20_000  # recent recipients that popularity is judged by


def unfold(first: Rows, answer: Callable[[Rows], Rows], end: int) -> tuple[Rows, Rows]:
    """Messages with the answers they bring about, those before `end` and those that come later (unanswered yet)."""
    now, later, wave = [no_rows()], [no_rows()], first
    while len(wave):
        due = wave.ts < end
        now.append(wave.take(np.flatnonzero(due)))
        later.append(wave.take(np.flatnonzero(~due)))
        wave = answer(now[-1])
    return concat(now), concat(later)


class Letters:
    """Everybody's private and office mail. A message brings about answers, and answers answers (Hawkes 1971)."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.credit = Credit()
        self.pending = no_rows()
        self.slots = Slots(stage.society.ties.shape[1])
        self.writers = shares_of(stage.society.liveliness)
        self.recent: Numbers = np.empty(0, np.int32)
        self.pages = stage.directory.pages(np.repeat(stage.rentals.page_sites, 12))

    def act(self, day: Day, quota: float) -> Rows:
        wants, rng = self.stage.options.society, self.stage.rng
        cards = self._cards(day)
        due = self.pending.ts < day.end
        answers = self.pending.take(np.flatnonzero(due))
        fresh = max(0, int((self.credit.add(quota) - len(answers) - len(cards)) * (1 - wants.branching)))
        first = concat([answers, self._first(day, drawn(rng, self.writers, fresh))])
        rows, later = unfold(first, self._answers, day.end)
        self.pending = concat([self.pending.take(np.flatnonzero(~due)), later])
        self.recent = np.concatenate([self.recent, rows.to])[-REMEMBERED:]
        self.credit.spend(len(rows) + len(cards))
        return concat([rows, cards])

    def _first(self, day: Day, who: Numbers) -> Rows:
        """Messages that nobody asked for."""
        society, rng = self.stage.society, self.stage.rng
        n = len(who)
        extra = np.where(rng.random(n) < COPIED, rng.integers(1, MOST_COPIED, n), 0)
        count = (1 + extra).astype(np.int32)
        to = society.ties[np.repeat(who, count), self.slots.draw(rng, int(count.sum()))]
        ts = np.where(
            society.office[who],
            moments(rng, day, "office", n, society.zone[who]),
            moments(rng, day, "private", n, society.zone[who]),
        )
        return without_repeats(self._dressed(make_rows(ts, who, to, to_count=count)))

    def _dressed(self, rows: Rows) -> Rows:
        """With an address, a text and perhaps a link."""
        wants, rentals, rng = self.stage.options.society, self.stage.rentals, self.stage.rng
        n = len(rows)
        short = rng.random(n) < wants.small_talk
        text = np.where(short, rng.choice(rentals.small_talk, n), fingerprints(rng, n))
        links = (~short & (rng.random(n) < wants.linked)).astype(np.int32)
        return replace(
            rows,
            network=self.origin(rows.sender),
            host=self.stage.directory.host.cells[rows.sender].astype(np.int32),
            fingerprint=text,
            link_count=links,
            link=self._links(int(links.sum())),
        )

    def _links(self, n: int) -> Numbers:
        rng, rentals = self.stage.rng, self.stage.rentals
        free = np.concatenate([self.pages, rentals.short_hosts])
        used = rng.random(n) < PAGE_USE
        return np.where(used, rng.choice(free, n), rentals.popular_hosts(rng, n)).astype(np.int32)

    def origin(self, who: Numbers) -> Numbers:
        """The networks people write from just now: theirs, or a mobile gateway."""
        society, rng, gateways = self.stage.society, self.stage.rng, self.stage.rentals.gateways
        roams = society.member[who] & ~society.office[who] & (rng.random(len(who)) < self.stage.options.society.mobile)
        carrier = gateways[(society.town[who] + rng.integers(0, 2, len(who))) % len(gateways)]
        return np.where(roams, carrier, self.stage.directory.network.cells[who]).astype(np.int32)

    def _answers(self, rows: Rows) -> Rows:
        wants, rng = self.stage.options.society, self.stage.rng
        asked = rows.take(np.flatnonzero(rng.random(len(rows)) < wants.branching))
        n = len(asked)
        if n == 0:
            return no_rows()
        at = starts_of(asked.to_count)[:-1]
        who = asked.to[at]
        everybody = (rng.random(n) < ANSWERS_ALL) & (asked.to_count > 1)
        to = asked.to.copy()
        to[at] = asked.sender
        kept = np.repeat(everybody, asked.to_count)
        kept[at] = True
        count = np.bincount(owners(asked.to_count)[kept], minlength=n)
        ts = asked.ts + delays(rng, n, wants.answer_hours, wants.answer_sigma)
        return self._dressed(make_rows(ts, who, to[kept], to_count=count))

    def _cards(self, day: Day) -> Rows:
        """Ties that grow today; a friend who brings two together often sends a card."""
        wants, society, rng = self.stage.options.society, self.stage.society, self.stage.rng
        n = rng.poisson(wants.new_ties * society.size)
        who, _, friend = befriend(rng, society, n, wants.closure, self.recent)
        send = (friend >= 0) & (rng.random(len(who)) < 0.6)
        send &= society.member[np.maximum(friend, 0)]
        friend, who = friend[send], who[send]
        ts = moments(rng, day, "private", len(who), society.zone[friend])
        return make_rows(
            ts, friend, who, network=self.origin(friend), host=self.stage.directory.host.cells[friend], channel=CONTACTS
        )


class Posts:
    """Mailing lists: a member's post reaches all members through the list's own host, and posts are answered there."""

    def __init__(self, stage: Stage, share: float) -> None:
        self.stage = stage
        self.credit = Credit()
        society, rng = stage.society, stage.rng
        n = max(2, int(share * stage.options.events / LIST_POSTS))
        self.hosts = rng.choice(stage.rentals.hosting.ravel(), n)
        self.archives = stage.directory.hosts("lists", stage.directory.sites(n))
        sizes = np.minimum((6 + rng.pareto(1.2, n) * 8).astype(np.int64), min(60, len(society.members)))
        self.sizes, self.starts = sizes, starts_of(sizes)[:-1]
        self.members = np.concatenate([rng.choice(society.members, size, replace=False) for size in sizes.tolist()])

    def act(self, day: Day, quota: float) -> Rows:
        rng = self.stage.rng
        threads = int(self.credit.add(quota) / (1 + ANSWERED) + rng.random())
        posts = 1 + rng.poisson(ANSWERED, threads)
        lists = np.repeat(rng.integers(0, len(self.sizes), threads), posts)
        pause = delays(rng, len(lists), 0.5, 1.0)
        since = np.cumsum(pause) - np.repeat(np.cumsum(pause)[starts_of(posts)[:-1]], posts)
        ts = np.minimum(np.repeat(moments(rng, day, "private", threads), posts) + since, day.end - 1)
        self.credit.spend(len(ts))
        return self._posts(ts, lists)

    def _posts(self, ts: Numbers, lists: Numbers) -> Rows:
        """A post to each of the lists, by one of the few who write there most."""
        rng, n, size = self.stage.rng, len(lists), self.sizes[lists]
        writer = self.starts[lists] + np.minimum(rng.geometric(0.25, n) - 1, size - 1)
        reader = spread(self.starts[lists], size)
        others = reader[reader != np.repeat(writer, size)]
        linked = (rng.random(n) < 0.5).astype(np.int32)
        return make_rows(
            ts, self.members[writer], self.members[others], to_count=size - 1, network=self.hosts[lists],
            host=1 + lists % 250, fingerprint=fingerprints(rng, n), link=self.archives[lists[linked > 0]],
            link_count=linked,
        )  # fmt: skip
