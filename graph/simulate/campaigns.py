"""Campaigns: how one becomes senders, domains and messages. Knows neither labels nor files."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from graph.simulate.adversary import Adversary, Operator
from graph.simulate.bridges import bridge_mail
from graph.simulate.bulk import Mailings
from graph.simulate.judging import Judgement, joined
from graph.simulate.kinds import KINDS, Style
from graph.simulate.people import Correspondence, prints
from graph.simulate.rhythm import DAY, HOUR, SECOND, pick
from graph.simulate.rows import Bools, Ints, Longs, Rows, concat, make_rows, no_rows, owners, spread
from graph.simulate.stage import Stage

ONE_SHOT = np.cumsum((0.88, 0.09, 0.03))  # one, two or three messages; nine real spam senders in ten write once
HITS = 4.0  # how often a shared target list is gone through
FORETHOUGHT = 2  # days before a first campaign starts
VARIANTS = 2.0  # mean templates of a campaign
UNLIKE = 0.1  # share of messages whose fingerprint fits no template
HABIT = 1.2 * HOUR  # spread around an operator's hour
COVER_MESSAGES = 14.0  # honest messages of a sender that hides among them
COVER_ANSWERED = 0.3
TALKED_ROUND = 0.005  # annoyance of a swindler whom one has answered
WORTH_STEALING = 0.75  # hijacked accounts are among the busiest: they have a past and contacts
MOST_HIJACKED = 0.06  # share of all people


@dataclass(frozen=True)
class Campaign:
    """One campaign as the truth knows it; `sites` are registrable domains that exist for it alone.

    `events`, `first` and `last` (microseconds into the span) are those of its malicious messages. `signals` are what
    its senders share, `waves` says for each sender in which set of senders and infrastructure it is, counted from 1,
    `bridges` are senders that write as members of an innocent group too, `verdicts` what analysts say where that
    decided its course.
    """

    name: str
    operator: str
    kind: str
    senders: Ints
    sites: Ints
    first: int
    last: int
    events: int
    signals: tuple[str, ...]
    waves: Ints
    bridges: Ints
    verdicts: Judgement | None


@dataclass
class Underworld:
    """All campaigns of a world: the truth about them and their rows, in order of time."""

    campaigns: list[Campaign] = field(default_factory=list)
    rows: Rows = field(default_factory=no_rows)


@dataclass(frozen=True)
class Plan:
    """What is decided about a campaign before anything is sent."""

    number: int
    kind: str
    style: Style
    operator: Operator
    events: float
    start: int
    length: int
    kept: frozenset[str]
    links: str  # own, free or none
    most_senders: int


@dataclass(frozen=True)
class Act:
    """What a campaign does with one set of senders and infrastructure: `network` and `host` of each sender."""

    rows: Rows
    senders: Ints
    network: Ints
    host: Ints
    sites: Ints

    def first_messages(self) -> Longs:
        """When each sender wrote first (microseconds); of senders whose ids ascend."""
        first = np.full(len(self.senders), np.iinfo(np.int64).max)
        np.minimum.at(first, np.searchsorted(self.senders, self.rows.sender), self.rows.ts)
        return first

    def only(self, kept: Bools) -> "Act":
        """The rows marked, and the senders that still write."""
        rows = self.rows.take(np.flatnonzero(kept))
        writes = np.isin(self.senders, rows.sender)
        return Act(rows, self.senders[writes], self.network[writes], self.host[writes], self.sites)


def plan_underworld(stage: Stage, adversary: Adversary, groups: Sequence[Mailings], events: float) -> Underworld:
    """Operators, their campaigns in order of time, and every malicious message; `groups` may get bridges."""
    crime, rng = stage.options.crime, stage.rng
    kinds = _kinds(stage)
    n = len(kinds)
    volume = np.asarray([KINDS[kind].volume for kind in kinds]) * rng.lognormal(0, crime.size_sigma, n)
    budget = volume / volume.sum() * events
    starts, lengths = _schedule(stage, kinds)
    chiefs = [Operator(k, int(rng.integers(0, 24))) for k in range(max(2, round(n / crime.campaigns_per_operator)))]
    workshop = _Workshop(stage, adversary, groups)
    world = Underworld()
    parts = []
    for number, k in enumerate(np.argsort(starts, kind="stable").tolist()):
        chief = chiefs[int(rng.integers(0, len(chiefs)))]
        chief.burn(rng, crime.burnt.at(stage.options.hardness))
        style = KINDS[kinds[k]]
        kept = adversary.kept_signals(rng.permutation(np.asarray(style.signals)).tolist())
        links = "free" if adversary.hosts_freely() and style.links == "own" else style.links
        plan = Plan(
            number=number,
            kind=kinds[k],
            style=style,
            operator=chief,
            events=budget[k],
            start=int(starts[k]),
            length=int(lengths[k]),
            kept=kept,
            links=links,
            most_senders=crime.most_senders,
        )
        campaign, rows = workshop.realise(plan)
        world.campaigns.append(campaign)
        parts.append(rows)
    rows = concat(parts)
    world.rows = rows.take(np.argsort(rows.ts, kind="stable"))
    return world


def _kinds(stage: Stage) -> list[str]:
    """Two of every kind, the first early and the second late, and further ones by their weight."""
    crime, rng = stage.options.crime, stage.rng
    wanted = round(crime.campaigns_per_root * stage.options.events**0.5)
    names = list(KINDS)
    weights = np.cumsum([KINDS[name].weight for name in names])
    more = pick(rng, max(0, wanted - 2 * len(names)), weights)
    return names + names + [names[k] for k in more.tolist()]


def _schedule(stage: Stage, kinds: list[str]) -> tuple[Longs, Longs]:
    """Start and length of every campaign in microseconds; early ones begin while verdicts are still given."""
    options, rng, n = stage.options, stage.rng, len(kinds)
    early = np.arange(n) < len(KINDS)
    early[2 * len(KINDS) :] = rng.random(n - 2 * len(KINDS)) >= options.crime.late
    shortest, longest = np.asarray([KINDS[kind].days for kind in kinds], float).T
    length = rng.uniform(shortest, longest)
    known = options.days * options.labels.known_until
    first = np.where(early, FORETHOUGHT, known)
    last = np.where(early, known - 3.0, options.days - np.minimum(length, 4.0))
    start = first + rng.random(n) * np.maximum(last - first, 0.5)
    length = np.minimum(length, options.days - start)
    return (start * DAY).astype(np.int64), (length * DAY).astype(np.int64)


class _Workshop:
    """Turns plans into rows; remembers which people are already hijacked."""

    def __init__(self, stage: Stage, adversary: Adversary, groups: Sequence[Mailings]) -> None:
        self.stage = stage
        self.adversary = adversary
        self.groups = groups
        people = stage.people
        weight = np.diff(people.activity, prepend=0.0)
        able = np.flatnonzero(weight > np.quantile(weight, WORTH_STEALING))
        self.pool = stage.rng.permutation(able)[: max(12, int(MOST_HIJACKED * len(people)))]
        self.spared = np.ones(len(people), bool)

    def realise(self, plan: Plan) -> tuple[Campaign, Rows]:
        acts, ends, verdicts = self._acts(plan)
        abuse = concat([act.rows for act in acts])
        around = [self._surroundings(plan, act, end) for act, end in zip(acts, ends, strict=True)]
        bridges, bridging = self._bridges(plan, acts[-1])
        rows = concat([abuse, *(rows for part in around for rows in part), bridging])
        guilty = rows.ts[(rows.campaign == plan.number) & (rows.ts < self.stage.days.end)]
        campaign = Campaign(
            name=f"c{plan.number:04d}",
            operator=f"o{plan.operator.number:03d}",
            kind=plan.kind,
            senders=np.concatenate([act.senders for act in acts]),
            sites=np.unique(np.concatenate([act.sites for act in acts])),
            first=int(guilty.min()),
            last=int(guilty.max()),
            events=len(guilty),
            signals=tuple(signal for signal in plan.style.signals if signal in plan.kept),
            waves=1 + np.repeat(np.arange(len(acts), dtype=np.int32), [len(act.senders) for act in acts]),
            bridges=bridges,
            verdicts=verdicts,
        )
        return campaign, rows

    # ---- one set of senders after the other

    def _acts(self, plan: Plan) -> tuple[list[Act], list[int], Judgement | None]:
        """A campaign's acts, when each falls silent, and the verdicts that it reacts to (`None`: to none).

        Right after a verdict what was judged ends, and the messages left come from another set of senders. A campaign
        too small for another set, or with stolen accounts, which nobody has in store, stays as it is.
        """
        act, never = self._act(plan), np.iinfo(np.int64).max
        if plan.style.senders == "hijacked" or not self.adversary.rotates():
            return [act], [never], None
        acts: list[Act] = []
        ends: list[int] = []
        verdicts: list[Judgement] = []
        judged = self.adversary.is_judged()
        while judged:
            found = self.adversary.verdicts(act.senders, act.first_messages())
            alarm = self.adversary.alarm(found)
            after = None if alarm is None else self._after(plan, act, alarm)
            verdicts.append(found if after is None else found.of(after[0].senders))
            if alarm is None or after is None:
                break
            ended, plan, act = after
            acts.append(ended)
            ends.append(alarm)
        return [*acts, act], [*ends, never], joined(verdicts)

    def _after(self, plan: Plan, act: Act, moment: int) -> tuple[Act, Plan, Act] | None:
        """What an act was until `moment`, and the plan and act that replace the rest of it; `None` where too small."""
        fewest = self.stage.options.crime.fewest_senders
        ended = act.only(act.rows.ts < moment)
        left = len(act.rows) - len(ended.rows)
        room = plan.most_senders - len(ended.senders)
        if not len(ended.rows) or min(left, room) < fewest:
            return None
        plan.operator.move()
        length = max(plan.start + plan.length - moment, HOUR)
        plan = replace(plan, start=moment, length=length, events=left, most_senders=room)
        fresh = self._act(plan)
        ts = np.where(fresh.rows.ts < moment, fresh.rows.ts + DAY, fresh.rows.ts)  # not at its hour of the day before
        fresh = replace(fresh, rows=replace(fresh.rows, ts=ts)).only(ts < self.stage.days.end)
        return (ended, plan, fresh) if len(fresh.senders) >= fewest else None

    def _act(self, plan: Plan) -> Act:
        rng, style = self.stage.rng, plan.style
        counts = self._messages(plan)
        victims = self._victims(plan, len(counts)) if style.senders == "hijacked" else np.empty(0, np.int64)
        counts = counts[: len(victims)] if style.senders == "hijacked" else counts
        senders, mail_sites = self._senders(plan, victims, len(counts))
        by = owners(counts)
        to_count, to = self._recipients(plan, by, victims)
        network, host = self._network(plan, by, victims, len(counts))
        link_count, link, link_sites = self._links(plan, by, len(counts))
        rows = make_rows(
            self._times(plan, counts),
            senders[by],
            to,
            to_count=to_count,
            link=link,
            link_count=link_count,
            network=network,
            host=host,
            fingerprint=self._prints(plan, len(by)),
            annoyance=style.annoyance * rng.lognormal(0, 0.5),
            channel=style.channel,
            campaign=plan.number,
        )
        first = np.cumsum(counts) - counts
        return Act(rows, senders, network[first], host[first], np.concatenate([mail_sites, link_sites]))

    # ---- who

    def _messages(self, plan: Plan) -> Longs:
        """Messages of each sender; their number follows from the campaign's volume."""
        rng, crime, style = self.stage.rng, self.stage.options.crime, plan.style
        mean = 1.15 if style.messages == 0 else style.messages
        n = int(np.clip(round(plan.events / mean), crime.fewest_senders, plan.most_senders))
        if style.messages == 0:
            return 1 + pick(rng, n, ONE_SHOT)
        return np.asarray(1 + rng.poisson(min(mean, max(1.0, plan.events / n)) - 1, n), np.int64)

    def _victims(self, plan: Plan, n: int) -> Longs:
        """Rows of hijacked people, each in one campaign only; a worm takes friends of friends."""
        least = self.stage.options.crime.fewest_senders
        free = self.pool[self.spared[self.pool]]
        n = max(least, min(n, len(free) // 3))
        chosen = self._chain(free[0], n) if plan.style.spreads else free[:n]
        self.spared[chosen] = False
        return np.asarray(chosen, np.int64)

    def _chain(self, seed: int, n: int) -> Longs:
        """Breadth first along contacts from a first victim."""
        contacts = self.stage.people.contacts
        order = [int(seed)]
        seen = {int(seed)}
        for at in range(n):
            if len(order) >= n or at >= len(order):
                break
            friends = [k for k in contacts[order[at]].tolist() if k not in seen and self.spared[k]]
            seen.update(friends)
            order.extend(dict.fromkeys(friends))
        return np.asarray(order[:n], np.int64)

    def _senders(self, plan: Plan, victims: Longs, n: int) -> tuple[Ints, Ints]:
        """Mailbox ids, and the sites registered for their addresses."""
        stage, none = self.stage, np.empty(0, np.int32)
        rng, ground, people = stage.rng, stage.ground, stage.people
        if plan.style.senders == "hijacked":
            return people.ids[victims], none
        if plan.style.senders == "account":
            return ground.accounts(n, plan.kind), none
        if plan.style.senders == "owned":
            sites = plan.operator.domains(rng, ground) if "address" in plan.kept else ground.new_sites(n)
            return ground.people_at(sites[np.arange(n) % len(sites)], plan.kind), sites
        choice = plan.operator.mail_sites(rng, people) if "address" in plan.kept else people.freemail
        return ground.people_at(choice[rng.integers(0, len(choice), n)], plan.kind), none

    # ---- to whom

    def _recipients(self, plan: Plan, by: Longs, victims: Longs) -> tuple[Ints, Ints]:
        """Ragged recipients of each message, distinct within a message."""
        rng, people, style = self.stage.rng, self.stage.people, plan.style
        n = len(by)
        count = 1 + rng.poisson(style.recipients - 1, n)
        if style.spreads:
            return np.ones(n, np.int32), self._contacts_of(victims[by])
        pool: Ints
        if "targets" in plan.kept:
            pool = plan.operator.target_list(rng, people, round(count.sum() / HITS))
        else:
            pool = np.unique(people.users[pick(rng, 2 * int(count.sum()) + 50, people.popularity)])
            pool = np.asarray(rng.permutation(pool), np.int32)
        each: Ints = np.minimum(count, len(pool)).astype(np.int32)
        return each, pool[spread(rng.integers(0, len(pool), n), each) % len(pool)]

    def _contacts_of(self, person: Longs) -> Ints:
        rng, people = self.stage.rng, self.stage.people
        friend = people.contacts[person, rng.integers(0, people.contacts.shape[1], len(person))]
        stranger = people.users[rng.integers(0, len(people.users), len(person))]
        return np.where(people.user[friend], people.ids[friend], stranger).astype(np.int32)

    # ---- when

    def _times(self, plan: Plan, counts: Longs) -> Longs:
        rng, style, n = self.stage.rng, plan.style, len(counts)
        by = owners(counts)
        begin = np.sort(rng.random(n)) if style.spreads else rng.random(n)
        if style.burst:
            within = np.minimum(style.burst * HOUR, plan.length / 2)
            ts = begin[by] * (plan.length - within) + rng.random(len(by)) * within
        else:
            ts = rng.random(len(by)) * plan.length
        ts = plan.start + ts.astype(np.int64)
        if "hour" in plan.kept:
            clock = plan.operator.hour * HOUR + rng.normal(0, HABIT, len(by)).astype(np.int64)
            ts = ts - ts % DAY + clock % DAY
        return np.asarray(np.clip(ts, 0, self.stage.days.end - SECOND), np.int64)

    # ---- from where

    def _network(self, plan: Plan, by: Longs, victims: Longs, n: int) -> tuple[Ints, Ints]:
        """One network a sender."""
        stage = self.stage
        rng, ground, people, crime = stage.rng, stage.ground, stage.people, stage.options.crime
        residential = plan.style.residential or rng.random() < crime.residential.at(stage.options.hardness)
        if "network" in plan.kept and not plan.style.residential:
            shared = crime.shared_hosting.at(stage.options.hardness)
            pool = plan.operator.rented(rng, ground, stage.web.hosters, shared)
            base = pool[rng.integers(0, len(pool), n)]
        elif len(victims):
            return people.home[victims][by], people.home_host[victims][by]
        elif residential:
            base = people.home[rng.integers(0, len(people), n)]
        else:
            base = ground.fixed_networks(n)
        return base[by], ground.host_in(rng, base)[by]

    # ---- with what

    def _links(self, plan: Plan, by: Longs, n: int) -> tuple[Ints, Ints, Ints]:
        """Ragged hosts of each message, and the sites registered for them."""
        stage, none = self.stage, np.empty(0, np.int32)
        rng, ground, crime = stage.rng, stage.ground, stage.options.crime
        if plan.links == "none":
            return np.zeros(len(by), np.int32), none, none
        sites = none
        if plan.links == "free":
            hosts = self._pages(n if "links" not in plan.kept else 3)
        elif "links" in plan.kept:
            sites = plan.operator.domains(rng, ground)
            hosts = ground.new_hosts(sites)
        elif rng.random() < crime.own_links.at(stage.options.hardness):
            sites = ground.new_sites(n)
            hosts = ground.new_hosts(sites)
        else:
            hosts = self._pages(n)
        first = hosts[by % len(hosts)]
        return *stage.letters.with_popular(rng, np.ones(len(by), np.int32), first), sites

    def _pages(self, n: int) -> Ints:
        """Fresh pages of free hosts, and shorteners."""
        stage, web = self.stage, self.stage.web
        pages = stage.ground.new_pages(web.page_sites[stage.rng.integers(0, len(web.page_sites), n)])
        short = web.shorteners[stage.rng.integers(0, len(web.shorteners), n)]
        return np.where(stage.rng.random(n) < 0.3, short, pages).astype(np.int32)

    def _prints(self, plan: Plan, n: int) -> Longs:
        rng = self.stage.rng
        unique = prints(rng, n)
        if "fingerprint" not in plan.kept:
            return unique
        templates = prints(rng, 1 + int(rng.poisson(VARIANTS - 1)))
        shared = templates[rng.integers(0, len(templates), n)]
        return np.where(rng.random(n) < UNLIKE, unique, shared)

    # ---- what surrounds it

    def _surroundings(self, plan: Plan, act: Act, end: int) -> list[Rows]:
        """Answers that a scam gets and gives, and honest mail that covers the rest; its senders end at `end`."""
        rng, letters = self.stage.rng, self.stage.letters
        parts = []
        if plan.style.answered:
            replies = letters.answers(rng, act.rows, plan.style.answered)
            parts += [replies, self._replied(plan, replies, act)]
        hidden = self.stage.options.crime.honest_cover.at(self.stage.options.hardness)
        if plan.style.cover or (not plan.style.disposable and hidden):
            parts.append(self._cover(letters, act, 1.0 if plan.style.cover else hidden))
        return [rows.take(np.flatnonzero((rows.ts < end) | ~np.isin(rows.sender, act.senders))) for rows in parts]

    def _bridges(self, plan: Plan, act: Act) -> tuple[Ints, Rows]:
        """Senders that tie the campaign to an innocent group, and what they write as if they belonged to it."""
        stage = self.stage
        chosen = np.empty(0, np.int32) if plan.style.disposable else self.adversary.bridges(act.senders)
        if not len(chosen):
            return chosen, no_rows()
        return chosen, bridge_mail(self.adversary.rng, stage.ground, self.groups, chosen, stage.days.end)

    def _replied(self, plan: Plan, replies: Rows, act: Act) -> Rows:
        """The swindler answers back."""
        rng = self.stage.rng
        by = np.searchsorted(act.senders, replies.to)
        ts = replies.ts + rng.integers(HOUR, 20 * HOUR, len(replies))
        return make_rows(
            ts,
            replies.to,
            replies.sender,
            network=act.network[by],
            host=act.host[by],
            fingerprint=prints(rng, len(ts)),
            annoyance=TALKED_ROUND,
            campaign=plan.number,
        )

    def _cover(self, letters: Correspondence, act: Act, share: float) -> Rows:
        """Honest mail of guilty senders, over the whole span, often answered."""
        rng, people, n_senders = self.stage.rng, self.stage.people, len(act.senders)
        count = np.where(rng.random(n_senders) < share, rng.poisson(COVER_MESSAGES, n_senders), 0)
        by = owners(count)
        n = len(by)
        circle = rng.integers(0, len(people.users), n_senders)
        near = (circle[by] + rng.integers(0, 12, n)) % len(people.users)
        link_count, link = letters.private_links(rng, n)
        rows = make_rows(
            rng.integers(0, self.stage.days.end, n),
            act.senders[by],
            people.users[near],
            network=act.network[by],
            host=act.host[by],
            link=link,
            link_count=link_count,
            fingerprint=prints(rng, n),
        )
        return concat([rows, letters.answers(rng, rows, COVER_ANSWERED)])
