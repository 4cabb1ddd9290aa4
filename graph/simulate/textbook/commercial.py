"""Innocent mail of organisations: companies, shops, newsletters, schools, agents, notices, and bombed victims.

Each kind takes a stage and a number of events and gives about so many rows.
"""

import numpy as np

from graph.simulate.rows import CALENDAR, CONTACTS, MAIL, Longs, Rows, concat
from graph.simulate.textbook.clock import HOUR
from graph.simulate.textbook.private import answers
from graph.simulate.textbook.registry import CLICK, PERSON
from graph.simulate.textbook.stage import Stage, places

BOOKINGS = 0.15  # shops that put appointments into calendars
CARDS = 0.1  # agents who share their contact
POOL = 6  # most networks of a sending service
BOMBED = 80  # mean confirmations that one victim gets


def companies(s: Stage, n: int) -> Rows:
    """Clerks of one company write to those of a few partners, and get answers."""
    letters = max(1, round(n / 1.3))
    sizes = s.sizes(letters, s.mean(15, 150))
    count = len(sizes)
    site, network = s.registry.sites(count), s.registry.networks(count)
    staff = 1 + s.rng.poisson(4, count)
    firm, _ = places(staff)
    clerk = s.registry.accounts(site[firm], PERSON, network[firm])
    first = np.cumsum(staff) - staff
    g, _ = places(sizes)
    partner = (g + 1 + s.rng.integers(0, 3, letters)) % count
    sender, to = (clerk[first[of] + s.rng.integers(0, staff[of])] for of in (g, partner))
    link = np.where(s.rng.random(letters) < 0.3, s.link_hosts(site)[g], -1)
    rows = s.mail(s.clock.anytime(s.rng, letters), sender, to, link=link, bulk=False)
    return concat([rows, answers(s, rows, 0.3)])


def transactional(s: Stage, n: int) -> Rows:
    """Shops send receipts and shipping notes to their customers, each by its own template."""
    sizes = s.sizes(n, s.mean(20, 200))
    g, _ = places(sizes)
    site = s.registry.sites(len(sizes))
    shop = s.senders(site, s.homes(len(sizes)))
    customers = s.town.lists(s.rng, sizes // 2)
    text = np.where(s.rng.random(len(g)) < 0.5, s.registry.texts(len(sizes))[g], 0)
    channel = np.where(s.rng.random(len(sizes)) < BOOKINGS, CALENDAR, MAIL)[g]
    ts, link = s.clock.anytime(s.rng, n), s.tracked(s.link_hosts(site), g)
    return s.mail(ts, shop[g], customers.any(s.rng, g), link=link, text=text, channel=channel)


def newsletters(s: Stage, n: int) -> Rows:
    """Brands write to their subscribers week after week from where they are at home."""
    sizes = s.sizes(n, s.mean(40, 400))
    site = s.registry.sites(len(sizes))
    brand = s.senders(site, s.homes(len(sizes)))
    s.brands.append(brand)
    return _issues(s, sizes, brand, s.link_hosts(site), None, s.customs.bulk_reported)


def service_newsletters(s: Stage, n: int) -> Rows:
    """Brands on a few sending services: networks, and mostly the tracking domain, are the service's."""
    sizes = s.sizes(n, s.mean(40, 400))
    return _on_services(s, sizes, int(s.rng.integers(1, 5)), s.customs.bulk_reported)


def political(s: Stage, n: int) -> Rows:
    """Many committees on one vendor, who write to overlapping lists and annoy."""
    return _on_services(s, s.sizes(n, s.mean(30, 200)), 1, 8 * s.customs.bulk_reported)


def _on_services(s: Stage, sizes: Longs, services: int, annoyance: float) -> Rows:
    pools = [s.registry.networks(int(s.rng.integers(1, POOL + 1))) for _ in range(services)]
    tracking = s.registry.hosts(s.registry.sites(services), CLICK)
    of = s.rng.integers(0, services, len(sizes))
    site = s.registry.sites(len(sizes))
    hosts = np.where(s.rng.random(len(sizes)) < 0.8, tracking[of], s.link_hosts(site))
    g, _ = places(sizes)
    turn = s.rng.random(len(g))
    width, pool = max(map(len, pools)), np.zeros((services, POOL), np.int64)
    for number, networks in enumerate(pools):
        pool[number, :width] = np.resize(networks, width)
    network = pool[of[g], (turn * width).astype(np.int64)]
    brand = s.senders(site, pool[of, 0])
    s.brands.append(brand)
    return _issues(s, sizes, brand, hosts, network, annoyance)


def _issues(
    s: Stage, sizes: Longs, sender: Longs, hosts: Longs, network: Longs | None, annoyance: float, day: int = 7
) -> Rows:
    """Group g's sender writes `sizes[g]` messages, issue by issue to the same list at the same hour."""
    g, _ = places(sizes)
    count = s.batched(len(g))
    issues = s.rng.integers(1, max(2, s.clock.days // day + 1), len(sizes))
    lists = s.town.lists(s.rng, np.ceil(sizes * count.mean() / issues))
    at = (np.cumsum(count) - count) - (np.cumsum(count) - count)[(np.cumsum(sizes) - sizes)[g]]
    row, place = places(count)
    issue = at // lists.size[g]
    first, hour = s.rng.integers(0, s.clock.days, len(sizes)), s.clock.working_hour(s.rng, len(sizes))
    ts = s.clock.appointed(s.rng, first[g] + day * issue, hour[g], 45)
    text = s.registry.texts(int(sizes.sum()))[(np.cumsum(sizes) - sizes)[g] + issue]
    to = lists.turn(g[row], at[row] + place)
    link = s.tracked(hosts, g)
    return s.mail(ts, sender[g], to, to_count=count, link=link, network=network, text=text, annoyance=annoyance)


def schools(s: Stage, n: int) -> Rows:
    """Teachers of one school write to the parents of one town, all in the same hour of the week."""
    return _branches(s, n, s.mean(60, 300), s.rng.integers(3, 20, 4096), local=True)


def franchises(s: Stage, n: int) -> Rows:
    """Branches of one brand, each in a town of its own, send the same offer on the same day."""
    return _branches(s, n, s.mean(100, 500), s.rng.integers(4, 40, 4096), local=False)


def _branches(s: Stage, n: int, mean: float, branches: Longs, *, local: bool) -> Rows:
    """Brands of several senders on one domain, each sender with its own list."""
    sizes = s.sizes(n, mean)
    count = np.minimum(np.resize(branches, len(sizes)), sizes)
    brand, _ = places(count)
    site, network = s.registry.sites(len(sizes)), s.homes(len(sizes))
    sender = s.registry.accounts(site[brand], PERSON, network[brand])
    g, j = places(sizes)
    b = (np.cumsum(count) - count)[g] + j % count[g]
    town = s.rng.integers(0, len(s.town.first), len(sender))
    lists = s.town.lists(
        s.rng, s.rng.integers(4, 40, len(sender)), town[np.cumsum(count) - count][brand] if local else town
    )
    turn = j // count[g]
    wave = turn // lists.size[b]
    day, hour = s.rng.integers(0, s.clock.days, len(sizes)), s.clock.working_hour(s.rng, len(sizes))
    ts = s.clock.appointed(s.rng, day[g] + 7 * wave, hour[g], 60)
    text = s.registry.texts(len(sizes))[g]
    link = s.link_hosts(site)[g]
    return s.mail(ts, sender[b], lists.turn(b, turn), link=link, text=text, annoyance=0.3 * s.customs.bulk_reported)


def outreach(s: Stage, n: int) -> Rows:
    """Sellers of one firm write to strangers, with a follow-up; few answer."""
    return _agents(s, n, s.mean(20, 120), shared_tracker=False)


def recruiters(s: Stage, n: int) -> Rows:
    """Agents of many firms write to strangers; all of them link one tracking domain."""
    return _agents(s, n, s.mean(8, 60), shared_tracker=True)


def _agents(s: Stage, n: int, mean: float, *, shared_tracker: bool) -> Rows:
    letters = max(1, round(n / 1.1))
    sizes = s.sizes(letters, mean)
    g, j = places(sizes)
    firm = s.rng.integers(0, max(1, len(sizes) // 3), len(sizes))
    site, network = s.registry.sites(int(firm.max()) + 1), s.homes(int(firm.max()) + 1)
    agent = s.registry.accounts(site[firm], PERSON, network[firm])
    known = s.town.lists(s.rng, np.ceil(sizes / 1.5))
    tracker = s.registry.hosts(s.registry.sites(1), CLICK)
    hosts = tracker[np.zeros(len(sizes), np.int64)] if shared_tracker else s.link_hosts(site)[firm]
    text = s.registry.texts(len(sizes))[g]
    ts = s.clock.anytime(s.rng, letters)
    link = s.tracked(hosts, g)
    annoyance = 10 * s.customs.bulk_reported
    channel = np.where(s.rng.random(len(sizes)) < CARDS, CONTACTS, MAIL)[g]
    to = known.turn(g, j)
    rows = s.mail(ts, agent[g], to, link=link, text=text, annoyance=annoyance, channel=channel)
    return concat([rows, answers(s, rows, 0.1)]) if s.customs.outgoing else rows


def conferences(s: Stage, n: int) -> Rows:
    """Organisers put a date into the calendars of many who do not know them."""
    sizes = s.sizes(n, s.mean(20, 150))
    site = s.registry.sites(len(sizes))
    organiser = s.senders(site, s.homes(len(sizes)))
    g, j = places(sizes)
    invited = s.town.lists(s.rng, sizes)
    start = s.clock.anytime(s.rng, len(sizes))[g]
    ts = s.clock.between(s.rng, start, np.minimum(start + 6 * HOUR, s.clock.span))
    link = np.where(s.rng.random(len(sizes)) < 0.6, s.link_hosts(site), -1)[g]
    text = s.registry.texts(len(sizes))[g]
    return s.mail(ts, organiser[g], invited.turn(g, j), link=link, text=text, channel=CALENDAR)


def notifications(s: Stage, n: int) -> Rows:
    """A few social networks tell people what others did; each from one address, or from one for every member."""
    nets = int(s.rng.integers(1, 4))
    site, network = s.registry.sites(nets), s.registry.networks(nets)
    of = s.rng.integers(0, nets, n)
    if s.rng.random() < 0.5:
        sender = s.senders(site, network)[of]
    else:
        member = s.sizes(n, s.mean(1.05, 6))
        g, _ = places(member)
        of = of[: len(member)][g]
        sender = s.registry.accounts(
            site[of[np.cumsum(member) - member]], PERSON, network[of[np.cumsum(member) - member]]
        )[g]
    fans = s.town.lists(s.rng, np.array([max(5, s.town.people // 2)]))
    to = fans.any(s.rng, np.zeros(n, np.int64))
    text = s.registry.texts(nets * 5)[of * 5 + s.rng.integers(0, 5, n)]
    return s.mail(s.clock.anytime(s.rng, n), sender, to, link=s.tracked(s.link_hosts(site), of), text=text)


def subscription_bombs(s: Stage, n: int) -> Rows:
    """Honest newsletters confirm, within hours, what somebody else signed a victim up for."""
    sizes = s.sizes(n, BOMBED)
    g, _ = places(sizes)
    unheard_of = max(2, n // 3)
    fresh = s.senders(s.registry.sites(unheard_of), s.homes(unheard_of))
    letter = np.concatenate([*s.brands, fresh])
    site = s.registry.book().site[letter]
    of = s.rng.integers(0, len(letter), n)
    victim = s.town.anybody(s.rng, len(sizes))
    start = s.clock.anytime(s.rng, len(sizes))[g]
    ts = s.clock.between(s.rng, start, np.minimum(start + 12 * HOUR, s.clock.span))
    text = s.registry.texts(len(letter))[of]
    return s.mail(ts, letter[of], victim[g], link=s.link_hosts(site)[of], text=text, annoyance=0.02)
