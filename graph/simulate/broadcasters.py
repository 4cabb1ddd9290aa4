"""People who write to many: schools, franchises, clubs, sales, recruiters, private sellers, conferences.

Each function plans one kind. One by one many of them look like a sender of a campaign; none is.
"""

import numpy as np
import numpy.typing as npt

from graph.simulate.bulk import Desk, Issues, Mailings
from graph.simulate.ground import Ground
from graph.simulate.people import prints
from graph.simulate.rhythm import DAY, HOUR, pick, zipf
from graph.simulate.rows import CALENDAR, owners
from graph.simulate.stage import MINUTE, OFFICE_HOURS, TOLERATED, UNWANTED, WANTED, Stage, anytime

SMALLEST_REACH = 2.5  # mean recipients of a branch in a small world
SELLER_LINKED, SELLER_ANSWERED = 0.7, 0.1


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
    issues = anytime(stage, counts, stage.neighbours(people.town[like], counts, 0.8), times=2.0, together=True)
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
    return Mailings(ground, desk, anytime(stage, counts, stage.audience(int(counts.sum())), 1.4), stage.letters)


def sellers(stage: Stage, events: float) -> Mailings:
    """Private people who write to a few strangers over weeks, one by one, often with a link: one by one like a drip."""
    o, rng, ground, people = stage.options.bulk, stage.rng, stage.ground, stage.people
    n = max(4, round(events / o.offered / (1 + SELLER_ANSWERED)))
    like = rng.integers(0, len(people), n)
    pages = ground.new_pages(stage.web.page_sites[rng.integers(0, len(stage.web.page_sites), n)])
    popular = stage.web.popular[pick(rng, n, stage.web.cumulative)]
    own = ground.new_hosts(ground.new_sites(n))
    linked = rng.random(n) < SELLER_LINKED
    desk = Desk(
        ids=ground.people_at(people.freemail[pick(rng, n, zipf(len(people.freemail), 0.8))], "seller"),
        link_count=linked.astype(np.int32),
        links=np.choose(rng.integers(0, 3, n), [pages, popular, own])[linked].astype(np.int32),
        network_count=np.ones(n, np.int32),
        networks=people.home[like],
        annoyance=np.full(n, TOLERATED),
        answered=rng.choice([0.0, 2 * SELLER_ANSWERED], n),
    )
    counts = stage.lengths(n, o.offered, 0.7, least=2)
    lasts = (rng.uniform(0.1, 0.6, n) * stage.days.end).astype(np.int64)
    issues = Issues(
        ts=(rng.random(n) * (stage.days.end - lasts)).astype(np.int64),
        sender=np.arange(n, dtype=np.int32),
        first=np.cumsum(counts, dtype=np.int64) - counts,
        count=counts,
        lasts=lasts,
        fingerprint=prints(rng, n),
        audience=stage.neighbours(people.town[like], counts, 0.3),
    )
    return Mailings(ground, desk, issues, stage.letters)


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
    issues = anytime(stage, counts, audience, 1.5, together=True, channel=CALENDAR)
    return Mailings(ground, desk, issues, stage.letters)
