"""One campaign: who writes how much on which day, and what changes when it is noticed. Buys through its supplier."""

import numpy as np

from graph.simulate.market.clock import HOUR, Day, Numbers, moments
from graph.simulate.market.offers import GOALS
from graph.simulate.market.rentals import fingerprints
from graph.simulate.market.supply import Supplier
from graph.simulate.rows import (
    CALENDAR,
    CONTACTS,
    MAIL,
    Bools,
    Ints,
    Rows,
    make_rows,
    no_rows,
    without_repeats,
)

LASTS = {"blast": (1, 4), "waves": (2, 6), "office": (4, 13), "drip": (8, 26)}  # days, by pace
AHEAD = {"blast": 1.0, "waves": 1.2, "office": 2.0, "drip": 4.0}  # senders held for so many days' messages
MUTATED = 0.45  # messages of a mutated text that no longer match
FEWEST = 3  # senders
INVITED = 8  # most recipients of an invitation
COPIED = 0.3  # campaigns whose messages go to several at once
MOST_COPIES = 15
HARMLESS = 0.01  # annoyance of what is sent for cover
LONE_MOST = 45  # messages from one address of a crew of one


class Campaign:
    """What a crew does with one template, one list and one goal."""

    def __init__(self, supplier: Supplier, volume: int, day: Day, warm_days: int) -> None:
        self.supplier = supplier
        self.stage, self.crew, self.plan = supplier.stage, supplier.crew, supplier.plan
        self.number = supplier.number
        self.goal = GOALS[self.plan.goal]
        self.volume = self.left = volume
        self.opens = self.first_day = day.number + warm_days
        self.schedule = self._days(self.first_day)
        self.networks = supplier.lease(volume, False)
        self.hosts = supplier.hosts(volume, False)
        self.copies = int(self.stage.rng.integers(2, MOST_COPIES)) if self.stage.rng.random() < COPIED else 1
        self.targets = supplier.targets(volume * self.copies)
        self.texts = supplier.texts()
        self.live: Ints = np.empty(0, np.int32)
        self.room: Numbers = np.empty(0, np.int64)  # messages that each live sender has left
        self.hit: Numbers = np.empty(0, np.int32)
        self.seeds: Ints = self.stage.rng.choice(self.stage.society.members, 5)
        self.recruited = 0
        self.begun = False
        self.wave = 1
        cover = self.stage.options.at(self.stage.options.crime.cover)
        self.cover = float(self.stage.rng.uniform(0, cover)) * self.crew.skill  # share of harmless messages
        self.once_more = float(self.stage.rng.uniform(0.02, 0.5))  # one-shot senders that write again
        self.cursor = 0
        self.burst = int(self.stage.rng.integers(2, 20)) * HOUR
        self.own_site = self.plan.identity in ("domains", "tenant") and bool(self.stage.rng.random() < 0.5)

    def _days(self, first: int) -> Numbers:
        """Weights of the coming days, from the first on."""
        low, high = LASTS[self.plan.pace]
        n = int(self.stage.rng.integers(low, high))
        n = max(1, min(n, self.stage.options.days - first))
        weights: Numbers = np.ones(n)
        if self.plan.pace == "office":
            weekday = (self.stage.options.start.weekday() + first + np.arange(n)) % 7
            weights = np.where(weekday < 5, 1.0, 0.03)
        if self.plan.pace == "blast":
            weights = 0.35 ** np.arange(n)
        return weights

    @property
    def name(self) -> str:
        return f"c{self.number:04d}"

    @property
    def over(self) -> bool:
        return self.left <= 0

    # ---- a day's work

    def send(self, day: Day) -> Rows:
        """The messages of one day."""
        if day.number < self.opens:
            return self._warm_up(day)
        n = self._due(day)
        if n == 0:
            return no_rows()
        self._man(n)
        senders = self._senders(n)
        if not len(senders):
            self.left = 0
            return no_rows()
        self.begun = True
        self.left -= len(senders)
        self.crew.money += len(senders) * (0.4 * self.goal.worth - self.plan.price)
        return self._messages(day, senders)

    def _due(self, day: Day) -> int:
        at = day.number - self.first_day
        if self.over or day.number < self.crew.quiet_until or at < 0:
            return 0
        weights = self.schedule[at:]
        if len(weights) <= 1:
            return self.left
        share = self.left * weights[0] / weights.sum()
        least = 0 if self.begun else FEWEST
        return min(self.left, max(least, int(share + self.stage.rng.random())))

    def _man(self, n: int) -> None:
        """Holds enough senders for today and the days ahead."""
        wanted = min(self.left, max(n, int(n * AHEAD[self.plan.pace])))
        most = self.stage.options.crime.most_senders
        for _ in range(4):
            missing = wanted - int(self.room.sum())
            if missing <= 0 and len(self.live) >= min(FEWEST, n):
                return
            k = max(FEWEST - len(self.live), -(-missing // max(1, int(self._capacity(200).mean()))))
            if self.crew.lone:
                k = min(k, 5 - len(self.live))
            k = min(k, most - self.recruited)
            if k <= 0:
                return
            self._recruit(k)

    def _recruit(self, k: int) -> None:
        got = self.supplier.senders(k, self.networks, self.hit)
        self.stage.directory.wave.cells[got] = self.wave
        self.recruited += len(got)
        self.live = np.concatenate([self.live, got])
        self.room = np.concatenate([self.room, self._capacity(len(got))])

    def _capacity(self, n: int) -> Numbers:
        """Messages that a new sender is good for."""
        rng = self.stage.rng
        if self.crew.lone:
            return np.full(n, max(1, min(LONE_MOST, -(-self.volume // 4))))
        match self.plan.burst:
            case "once":
                again = rng.random(n) < self.once_more
                room = 1 + again + (again & (rng.random(n) < 0.25))
            case "few":
                room = 3 + rng.poisson(4, n)
            case _:
                room = 12 + rng.poisson(24, n)
        return np.asarray(np.minimum(room, max(1, self.volume // FEWEST)))

    def _senders(self, n: int) -> Ints:
        """Who writes each of today's messages."""
        slots = self.stage.rng.permutation(np.repeat(np.arange(len(self.live)), self.room))[:n]
        if not self.begun:  # the first day: everybody of a small crew shows up
            few = min(FEWEST, len(self.live), len(slots))
            slots[:few] = np.arange(few)
        self.room = np.maximum(self.room - np.bincount(slots, minlength=len(self.live)), 0)
        senders = np.asarray(self.live[slots], np.int32)
        kept = self.room > 0
        self.live, self.room = self.live[kept], self.room[kept]
        return senders

    def _messages(self, day: Day, senders: Ints) -> Rows:
        rng, n = self.stage.rng, len(senders)
        channel = {"mail": MAIL, "calendar": CALENDAR, "contacts": CONTACTS}[self.plan.channel]
        most = {MAIL: self.copies, CALENDAR: max(INVITED, self.copies), CONTACTS: 1}[channel]
        count = rng.integers(1, most + 1, n).astype(np.int32)
        to = self._recipients(senders, count)
        if self.plan.goal == "malware":
            self.hit = to[to < self.stage.society.size][-5_000:]
        harmless = rng.random(n) < self.cover
        link, link_count = self._links(senders, harmless)
        annoyance = self.goal.annoyance * (0.6 if self.plan.identity == "stolen" else 1.0)
        return without_repeats(
            make_rows(
                self._times(day, to[np.cumsum(count) - 1]),
                senders,
                to,
                to_count=count,
                network=self.origin(senders),
                host=self._host_numbers(senders),
                fingerprint=np.where(harmless, fingerprints(rng, n), self._texts(n)),
                annoyance=np.where(harmless, HARMLESS, annoyance),
                link=link,
                link_count=link_count,
                channel=channel,
                campaign=self.number,
            )
        )

    def _recipients(self, senders: Ints, count: Ints) -> Numbers:
        rng, society = self.stage.rng, self.stage.society
        n = int(count.sum())
        to = self.targets[(self.cursor + np.arange(n)) % len(self.targets)]
        self.cursor += n
        if self.plan.targets == "address_book":
            known = society.ties[np.repeat(senders, count), rng.integers(0, society.ties.shape[1], n)]
            to = np.where(society.member[known], known, to)
        return to

    def _times(self, day: Day, to: Numbers) -> Numbers:
        rng, zone, n = self.stage.rng, self.stage.society.zone, len(to)
        match self.plan.pace:
            case "blast":
                begin = int(rng.integers(0, 22)) * HOUR
                return day.start + (begin + rng.exponential(self.burst / 3, n).astype(np.int64)) % (24 * HOUR)
            case "waves":  # at each target's own mid-morning
                local = (9 - zone[to]) % 24 * HOUR + rng.exponential(0.8 * HOUR, n).astype(np.int64)
                return day.start + local % (24 * HOUR)
            case "office":
                return moments(rng, day, "office", n, zone[to])
        return moments(rng, day, "private", n, self.crew.zone)

    def origin(self, senders: Ints) -> Numbers:
        """The networks that messages leave from."""
        own = self.stage.directory.network.cells[senders]
        if self.plan.route in ("webmail", "owner", "installs") or not len(self.networks):
            return own
        return self.stage.rng.choice(self.networks, len(senders))

    def _host_numbers(self, senders: Ints) -> Numbers:
        if self.plan.route in ("ranges", "pool"):
            return self.stage.rng.integers(2, 40, len(senders))
        return self.stage.directory.host.cells[senders]

    def _texts(self, n: int) -> Numbers:
        rng, fresh = self.stage.rng, fingerprints(self.stage.rng, n)
        if not len(self.texts):
            return fresh
        text = rng.choice(self.texts, n)
        return np.where(rng.random(n) < MUTATED, fresh, text) if self.plan.text == "mutated" else text

    def _links(self, senders: Ints, harmless: Bools) -> tuple[Numbers, Numbers]:
        """Its own link in most messages, and now and then another one beside it."""
        rng, n = self.stage.rng, len(senders)
        if not len(self.hosts):
            return np.empty(0, np.int32), np.zeros(n, np.int32)
        beside = ~harmless & (rng.random(n) < self.stage.options.crime.popular_links)
        count = np.where(harmless, 0, 1 + beside)
        own = self.hosts[senders % len(self.hosts)]
        other = self.stage.rentals.popular_hosts(rng, n)
        if self.plan.identity == "tenant":  # the service puts its tracking host beside every link
            beside, other = ~harmless, np.full(n, self.stage.rentals.tracker_of(self.networks))
            count = np.where(harmless, 0, 2)
        if self.own_site:
            own = self.stage.directory.fronts(self.stage.directory.site.cells[senders])
        links = np.empty(int(count.sum()), np.int32)
        ends = np.cumsum(count)
        links[(ends - count)[~harmless]] = own[~harmless]
        links[ends[beside] - 1] = other[beside]
        return links, count

    def _warm_up(self, day: Day) -> Rows:
        """Harmless mail to a few friends of the house, so that the senders are no strangers when it begins."""
        self._man(max(FEWEST, self.left // 8))
        rng = self.stage.rng
        senders = self.live[rng.random(len(self.live)) < 0.5]
        n = len(senders)
        self.left = max(FEWEST**2, self.left - n)
        return make_rows(
            moments(rng, day, "private", n, self.crew.zone), senders, rng.choice(self.seeds, n),
            network=self.origin(senders), host=self._host_numbers(senders), fingerprint=fingerprints(rng, n),
            campaign=self.number,
        )  # fmt: skip

    # ---- being noticed

    def lose(self, judged: Numbers) -> int:
        """Gives up the senders on whom a verdict fell (a mask by mailbox); returns how many."""
        burnt = judged[self.live]
        self.live, self.room = self.live[~burnt], self.room[~burnt]
        return int(burnt.sum())

    def change(self, what: str, day: Day) -> None:
        """One way of not being found again so soon."""
        rng = self.stage.rng
        self.wave += what != "quiet"
        match what:
            case "domains":
                self.hosts = self.supplier.hosts(self.left, True)
            case "routes":
                self.networks = self.supplier.lease(self.left, True)
            case "text":
                self.texts = self.supplier.texts() if self.plan.text != "kit" else fingerprints(rng, 1)
            case "senders":
                self.live, self.room = self.live[:0], self.room[:0]
            case "quiet":
                pause = int(rng.integers(2, 6))
                self.crew.quiet_until = day.number + 1 + pause
                self.first_day = max(self.first_day, min(self.first_day + pause, self.stage.options.days - 2))
