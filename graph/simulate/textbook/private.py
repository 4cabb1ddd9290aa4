"""Innocent mail of people: letters, lists, clubs, calendars, cards, and strangers who write once.

Each kind takes a stage and a number of events and gives about so many rows.
"""

import numpy as np

from graph.simulate.rows import CALENDAR, CONTACTS, MAIL, Floats, Longs, Rows, concat
from graph.simulate.textbook.clock import DAY, HOUR
from graph.simulate.textbook.registry import PERSON, UNIQUE
from graph.simulate.textbook.stage import Stage, Whole, places

TURNS = 5  # most messages of a thread
SMALL_TALK = 200  # different things that people say in a word
LIST_RECIPIENTS = 60
MEETING_LINKS = 0.5  # meetings that link where they are held


def personal(s: Stage, n: int) -> Rows:
    """n letters to contacts and of the threads that come of them, in a random order."""
    parts, missing = [], n
    while missing > 0:
        rows = _threads(s, missing + 20)
        parts.append(rows.take(s.rng.permutation(len(rows))[:missing]))
        missing -= len(parts[-1])
    return concat(parts)


def _threads(s: Stage, n: int) -> Rows:
    """About n letters and answers, as far as the provider sees them."""
    first = max(1, round(n * (1 - s.customs.replies)))
    sender = s.town.writers(s.rng, first)
    parts = [letters(s, s.clock.anytime(s.rng, first), sender, s.town.friends(s.rng, sender))]
    for _ in range(TURNS):
        parts.append(answers(s, parts[-1], s.customs.replies))
    rows = concat(parts)
    return rows.take(np.flatnonzero(s.customs.outgoing | (rows.to < s.town.people)))  # one recipient each


def letters(s: Stage, ts: Whole, sender: Whole, to: Whole, channel: int = MAIL) -> Rows:
    """Messages of one's own words to one recipient each; some link what everybody links or a free page."""
    n = len(ts)
    linked = s.rng.random(n) < s.customs.linked
    link = np.where(linked, s.town.sites_seen(s.rng, n), -1)
    paged = np.flatnonzero(linked & (s.rng.random(n) < 0.06))
    link[paged] = s.registry.hosts(s.rng.choice(s.town.pages, len(paged)), UNIQUE)
    text = _small_talk(s, n)
    return s.mail(ts, sender, to, link=link, text=text, channel=channel, bulk=False)


def _small_talk(s: Stage, n: int) -> Longs:
    """The same few words that many say; nothing where only bulk mail has fingerprints."""
    said = (s.rng.random(n) < 0.05) & (s.customs.prints == "all")
    return np.where(said, (1 << 30) + s.rng.integers(0, SMALL_TALK, n), 0)


def answers(s: Stage, rows: Rows, chance: float | Floats) -> Rows:
    """What first recipients write back within the span."""
    on = np.flatnonzero((s.rng.random(len(rows)) < chance) & (rows.to_count > 0))
    ts = rows.ts[on] + (s.rng.exponential(s.customs.reply_hours * HOUR, len(on))).astype(np.int64) + 60_000_000
    inside = ts < s.clock.span
    on, ts = on[inside], ts[inside]
    first = (np.cumsum(rows.to_count) - rows.to_count)[on]
    to, sender = rows.sender[on], rows.to[first]
    return s.mail(ts, sender, to, bulk=False) if len(on) else rows.take(on)


def mailing_lists(s: Stage, n: int) -> Rows:
    """Members write to all members; the mail comes from the list's host."""
    posts = s.sizes(n, s.mean(20, 150))
    g, _ = places(posts)
    members = s.rng.integers(5, LIST_RECIPIENTS, len(posts))
    local = s.rng.random(len(posts)) < 0.5
    community = np.where(local, s.rng.integers(0, len(s.town.first), len(posts)), -1)
    lists = s.town.lists(s.rng, members, community)
    row, place = places(lists.size[g])
    sender = lists.any(s.rng, g)
    host = s.registry.networks(len(posts))
    return s.mail(s.clock.anytime(s.rng, n), sender, lists.turn(g[row], place), to_count=lists.size[g], network=host[g])


def clubs(s: Stage, n: int) -> Rows:
    """A private person invites a few dozen of the town, again and again."""
    sizes = s.sizes(n, s.mean(6, 40))
    g, j = places(sizes)
    organiser = s.town.anybody(s.rng, len(sizes))
    guests = s.town.lists(s.rng, s.rng.integers(4, 30, len(sizes)), s.town.community[organiser])
    meeting = j // guests.size[g]
    day, hour = s.rng.integers(0, s.clock.days, len(sizes)), s.clock.working_hour(s.rng, len(sizes))
    ts = s.clock.appointed(s.rng, day[g] + 7 * meeting, hour[g], 30)
    page = s.registry.hosts(s.rng.choice(s.town.pages, len(sizes)), UNIQUE)
    link = np.where(s.rng.random(len(sizes)) < 0.4, page, -1)[g]
    return s.mail(ts, organiser[g], guests.turn(g, j), link=link, text=s.registry.texts(len(sizes))[g], bulk=False)


def team_calendars(s: Stage, n: int) -> Rows:
    """Weekly meetings of a few colleagues, all of them invited at once."""
    sizes = s.sizes(n, s.mean(3, 10))
    g, j = places(sizes)
    host = s.town.anybody(s.rng, len(sizes))
    team = s.town.lists(s.rng, s.rng.integers(1, 10, len(sizes)), s.town.community[host])
    row, place = places(team.size[g])
    day, hour = s.rng.integers(0, s.clock.days, len(sizes)), s.clock.working_hour(s.rng, len(sizes))
    ts = s.clock.appointed(s.rng, day[g] + 7 * j, hour[g], 20)
    linked = s.rng.random(len(sizes)) < MEETING_LINKS
    link = np.where(linked, s.town.sites_seen(s.rng, len(sizes)), -1)[g]
    to = team.turn(g[row], place)
    return s.mail(ts, host[g], to, to_count=team.size[g], link=link, channel=CALENDAR, bulk=False)


def contact_cards(s: Stage, n: int) -> Rows:
    """People share a contact with people they know."""
    sender = s.town.anybody(s.rng, n)
    ts = s.clock.anytime(s.rng, n)
    return letters(s, ts, sender, s.town.friends(s.rng, sender), CONTACTS)


def strangers(s: Stage, n: int) -> Rows:
    """First contacts: somebody unknown writes to one person and is seldom heard of again."""
    writes = 1 + (s.rng.random(n) < 0.15)
    g, _ = places(writes[: int(np.searchsorted(np.cumsum(writes), n)) + 1])
    fresh = people_elsewhere(s, int(g[-1]) + 1)
    to = s.town.anybody(s.rng, len(fresh))
    rows = letters(s, s.clock.anytime(s.rng, len(g)), fresh[g], to[g])
    return _with_answers(s, rows, n, 0.3)


def marketplace(s: Stage, n: int) -> Rows:
    """Buyers ask sellers; the market's relay gives everybody an address of its own on its domain."""
    market = s.registry.sites(int(s.rng.integers(1, 4)))
    network = s.registry.networks(len(market))
    asks = s.sizes(n, s.mean(1.1, 3.0))
    g, _ = places(asks)
    at = s.rng.integers(0, len(market), len(asks))
    buyer = s.registry.accounts(market[at], PERSON, network[at])
    sellers = s.town.lists(s.rng, np.array([max(5, n // 6)]))
    to = sellers.any(s.rng, np.zeros(len(g), np.int64))
    start = s.clock.anytime(s.rng, len(asks))
    ts = s.clock.between(s.rng, start[g], np.minimum(start[g] + 3 * DAY, s.clock.span))
    link = s.link_hosts(market)[at[g]]
    rows = s.mail(ts, buyer[g], to, link=link, text=s.registry.texts(len(market))[at[g]])
    return _with_answers(s, rows, n, 0.5)


def people_elsewhere(s: Stage, n: int) -> Longs:
    """Fresh mailboxes at free-mail, each on somebody's home or mobile network."""
    home = s.rng.choice(s.town.access, n)
    return s.registry.accounts(s.rng.choice(s.town.freemail, n), PERSON, home)


def _with_answers(s: Stage, rows: Rows, n: int, chance: float) -> Rows:
    """n of the rows and of the answers to them, where the provider sees what its people send."""
    if not s.customs.outgoing:
        return rows
    kept = rows.take(np.arange(min(len(rows), max(1, round(n / (1 + chance))))))
    return concat([kept, answers(s, kept, chance)])
