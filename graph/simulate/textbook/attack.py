"""The messages of campaigns: every signal that a campaign keeps is the same for all senders, every other is not."""

from dataclasses import dataclass, field, replace

import numpy as np

from graph.simulate.rows import Bools, Ints, Longs, Rows
from graph.simulate.textbook.clock import DAY, HOUR
from graph.simulate.textbook.crimes import FRESH, HIJACKED, OWN_DOMAIN, Campaign
from graph.simulate.textbook.kits import CONTACTS, Kit, Workshop
from graph.simulate.textbook.private import answers, letters
from graph.simulate.textbook.registry import BARE, PERSON, ROLE, UNIQUE
from graph.simulate.textbook.stage import Stage, places
from graph.simulate.textbook.victims import Victims

FREEMAIL, OWN, COMMON = range(3)  # where fresh mailboxes are
BRIDGE_LETTERS = 8  # that a bridge and an innocent group exchange


@dataclass
class Crimes:
    """What campaigns did: their rows, the letters around them, and what the verdicts and the truth need to know."""

    guilty: list[Rows] = field(default_factory=list)
    innocent: list[Rows] = field(default_factory=list)
    wave: dict[int, int] = field(default_factory=dict)  # by account, of campaigns that rotate
    bridges: list[int] = field(default_factory=list)
    burnt: list[tuple[int, int]] = field(default_factory=list)  # account, and when it is judged


def run_campaigns(s: Stage, plans: list[Campaign], hardness: float, past: Rows) -> Crimes:
    """All campaigns, in the order of their numbers. `past`: the people's letters."""
    crimes, workshop, victims = Crimes(), Workshop(s, hardness), Victims(s, past)
    for plan in plans:
        kit = workshop.equip(plan)
        if plan.crime.name == "worm":
            crimes.guilty.append(_worm(s, plan, kit, victims))
        elif plan.rotates:
            _two_waves(s, plan, kit, workshop, victims, crimes)
        else:
            _strike(s, plan, kit, victims, crimes)
    return crimes


def _two_waves(s: Stage, plan: Campaign, kit: Kit, shop: Workshop, victims: Victims, crimes: Crimes) -> None:
    """The second half begins with fresh senders and means when one of the first half has been judged."""
    half = replace(plan, senders=plan.senders // 2, events=plan.events // 2, lasts=plan.lasts // 2)
    later = replace(
        plan, senders=plan.senders - half.senders, events=plan.events - half.events, first=plan.first + half.lasts + 1,
        lasts=half.lasts,
    )  # fmt: skip
    for wave, (part, means) in enumerate(((half, kit), (later, shop.replace(plan, kit))), 1):
        senders = _strike(s, part, means, victims, crimes)
        crimes.wave |= dict.fromkeys(senders.tolist(), wave)
        if wave == 1:
            crimes.burnt.append((int(senders[0]), later.first - 1))


def _strike(s: Stage, plan: Campaign, kit: Kit, victims: Victims, crimes: Crimes) -> Longs:
    """One wave: returns its senders."""
    senders, own_site = _senders(s, plan, kit, victims)
    if not len(senders):
        return senders
    n = max(plan.events, len(senders))
    j = np.r_[np.arange(len(senders)), s.rng.integers(0, len(senders), n - len(senders))]
    ts = _moments(s, plan, n)
    count = s.batched(n)
    row, _ = places(count)
    rows = s.mail(
        ts,
        senders[j],
        _recipients(s, plan, kit, senders[j[row]], j[row], len(senders)),
        to_count=count,
        link=_links(s, plan, kit, j, own_site),
        network=_networks(s, plan, kit, senders, j),
        text=s.rng.choice(kit.texts, n) if plan.keeps("fingerprint") else s.registry.texts(len(senders))[j],
        annoyance=s.customs.spam_reported * s.rng.lognormal(0.0, 0.4),
        channel=plan.crime.channel,
        campaign=plan.number,
    )
    crimes.guilty.append(rows)
    crimes.innocent.extend(_around(s, plan, senders, rows, crimes))
    return senders


def _senders(s: Stage, plan: Campaign, kit: Kit, victims: Victims) -> tuple[Longs, Longs]:
    """The accounts, and for each a site of its own to link, -1 where it has none."""
    n, rng = plan.senders, s.rng
    if plan.crime.who == HIJACKED:
        people = victims.take(n, plan.first).astype(np.int64)
        return people, np.full(len(people), -1)
    free = rng.choice(s.town.freemail, n)
    style = int(rng.choice(3, p=s.customs.throwaway)) if plan.crime.who == FRESH else OWN
    own = np.full(n, -1)
    if plan.keeps("address"):
        site = np.full(n, free[0]) if style == FREEMAIL else rng.choice(kit.sites, n)
    elif style == FREEMAIL:
        site = free
    else:
        own = s.registry.sites(max(1, n // 2) if style == COMMON or plan.crime.name == "snowshoe" else n, plan.number)
        own = site = np.resize(own, n)
    network = rng.choice(s.town.access, n) if rng.random() < 0.5 else s.registry.networks(n)
    as_firm = plan.crime.who == OWN_DOMAIN and rng.random() < 0.5
    return s.registry.accounts(site, ROLE if as_firm else PERSON, network), own


def _moments(s: Stage, plan: Campaign, n: int) -> Longs:
    """Some hour on some days in common, or any time while the campaign lasts."""
    end = plan.first + plan.lasts
    if not plan.keeps("hour"):
        return s.clock.between(s.rng, np.full(n, plan.first), np.full(n, end))
    width = s.rng.uniform(0.2, 3) * HOUR
    days = max(1, plan.lasts // DAY)
    pulses = s.rng.integers(0, days, max(1, int(s.rng.integers(1, days + 1)))) * DAY
    late: Longs = (s.rng.random(n) * min(width, plan.lasts)).astype(np.int64)
    return np.minimum(plan.first + s.rng.choice(pulses, n) + late, end)


def _recipients(s: Stage, plan: Campaign, kit: Kit, sender: Longs, j: Longs, senders: int) -> Ints:
    """Those on the list, the sender's own contacts where it is stolen, or anybody."""
    n, rng = len(j), s.rng
    if plan.crime.who == HIJACKED and (kit.source == CONTACTS or not plan.keeps("targets")):
        friend = s.town.friends(rng, sender)
        return np.where(friend < s.town.people, friend, s.town.anybody(rng, n))
    if not plan.keeps("targets"):
        return s.town.anybody(rng, n)
    place = rng.random(n)
    part = (j + place) / senders if s.customs.partition else place
    found: Ints = kit.targets[(part * len(kit.targets)).astype(np.int64)]
    return found


def _links(s: Stage, plan: Campaign, kit: Kit, j: Longs, own_site: Longs) -> Longs | None:
    """The campaign's hosts, or of each sender its own site, a free page, or what everybody links."""
    if not plan.linked:
        return None
    if plan.keeps("links"):
        return s.tracked(kit.hosts, s.rng.integers(0, len(kit.hosts), len(j)))
    n = len(own_site)
    if (own_site >= 0).all():
        return s.link_hosts(own_site)[j]
    way = s.rng.random()
    if way < 0.4:
        return s.registry.hosts(s.rng.choice(s.town.pages, n), UNIQUE)[j]
    if way < 0.75:
        return s.registry.hosts(s.registry.sites(n, plan.number), BARE)[j]
    return s.town.sites_seen(s.rng, len(j))


def _networks(s: Stage, plan: Campaign, kit: Kit, senders: Longs, j: Longs) -> Longs | None:
    """The campaign's range, message by message; or where each account is, through people's homes, or hosters."""
    if plan.keeps("network"):
        return s.rng.choice(kit.networks, len(j))
    if plan.crime.name == "botnet" or s.rng.random() < 0.35:
        return s.rng.choice(s.town.access, len(senders))[j]
    return None


def _around(s: Stage, plan: Campaign, senders: Longs, rows: Rows, crimes: Crimes) -> list[Rows]:
    """Answers of those who fall for it, harmless letters of the senders, and their ties to an innocent group."""
    rng, parts = s.rng, []
    low, high = plan.crime.replies
    if high and s.customs.outgoing:
        parts.append(answers(s, rows, float(rng.uniform(low, high))))
    if plan.crime.honest:
        n = round(plan.crime.honest * plan.events)
        ts = rng.integers(max(0, plan.first - 7 * DAY), plan.first + plan.lasts, n)
        parts += _exchange(s, ts, rng.choice(senders, n), s.town.anybody(rng, n), 0.2)
    if plan.bridges and plan.crime.who == FRESH:
        bridge = rng.permutation(senders)[: plan.bridges]
        member = s.town.neighbours(rng, np.full(BRIDGE_LETTERS * len(bridge), rng.integers(0, len(s.town.first))))
        parts += _exchange(s, s.clock.anytime(rng, len(member)), np.resize(bridge, len(member)), member, 0.6)
        crimes.bridges.extend(bridge.tolist())
    return parts


def _exchange(s: Stage, ts: Longs, sender: Longs, to: Ints, answered: float) -> list[Rows]:
    """Harmless letters, and the answers to them where the provider sees what its people send."""
    rows = letters(s, ts, sender, to)
    return [rows, answers(s, rows, answered)] if s.customs.outgoing else [rows]


def _worm(s: Stage, plan: Campaign, kit: Kit, victims: Victims) -> Rows:
    """Whoever is taken over writes to contacts within the hour; some of these are taken over in turn."""
    people, since = victims.spread(plan.senders, plan.first, plan.lasts)
    inside: Bools = since < s.clock.span
    people, since = people[inside], since[inside]
    each = max(1, plan.events // max(1, plan.senders))
    j = np.repeat(np.arange(len(people)), each)
    friend = s.town.friends(s.rng, people[j])
    kept = friend < s.town.people
    j, friend = j[kept], friend[kept]
    ts = np.minimum(since[j] + (s.rng.random(len(j)) * HOUR).astype(np.int64), s.clock.span - 1)
    own = np.full(len(people), -1)
    text = s.rng.choice(kit.texts, len(j)) if plan.keeps("fingerprint") else s.registry.texts(len(people))[j]
    link = _links(s, plan, kit, j, own)
    annoyance = s.customs.spam_reported
    return s.mail(ts, people[j], friend, link=link, text=text, annoyance=annoyance, campaign=plan.number)
