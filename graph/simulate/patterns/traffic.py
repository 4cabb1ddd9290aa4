"""The messages of groups: every event takes each signal from its group's pool with the group's purity, or is its own.

Draws no plans and owns nothing; one pass over all events of all groups.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from graph.simulate.patterns.groups import OWN, POPULAR, Groups
from graph.simulate.patterns.identities import Pool
from graph.simulate.patterns.numbers import DAY, HOUR, Numbers, hours_of_day
from graph.simulate.patterns.plan import LINKS, NETWORK, PRINT, TARGETS, TIME
from graph.simulate.patterns.society import Society, answers, seen, write_to_friends
from graph.simulate.patterns.supply import HOSTS, Mailboxes
from graph.simulate.rows import MAIL, Floats, Ints, Longs, Rows, concat, make_rows, owners, spread

MOST_RECIPIENTS = 150
SMALL_TALK = 400  # different things that people say when they say next to nothing
PRINTS = 1 << 62  # fingerprints are below


def group_mail(rng: np.random.Generator, numbers: Numbers, society: Society, book: Mailboxes, groups: Groups) -> Rows:
    """All messages of all groups and the answers to them; column `campaign` is the group's number."""
    plan = groups.plan
    g = owners(plan.events)
    j = spread(np.zeros(len(plan), np.int64), plan.events)
    members = plan.members[g]
    uneven = (members * rng.random(len(g)) ** plan.skew[g]).astype(np.int64)
    m = groups.member_at[g] + np.where(j < members, j, uneven)
    place = (m - groups.member_at[g]) / members
    sender = groups.who.ids[m]
    ts, turn = _moments(rng, numbers, groups, g, m, place)
    to_count, to = _recipients(rng, numbers, society, groups, g, m, sender)
    link_count, link = _links(rng, society, book, groups, g, sender, turn)
    shared = rng.random(len(g)) < plan.purity[g, NETWORK]
    access = society.ground.access[rng.integers(0, len(society.ground.access), len(groups.who.ids))]
    away = groups.who.stolen[m] & groups.abroad[g]
    network = np.where(shared, _pick(groups.network, g, turn), np.where(away, access[m], book.network[sender]))
    same = (rng.random(len(g)) < plan.purity[g, PRINT]) & (rng.random(len(g)) > groups.mutation[g])
    rows = make_rows(
        ts,
        sender,
        to,
        to_count=to_count,
        link=link,
        link_count=link_count,
        network=network,
        host=np.where(shared | away, (book.host[sender] + rng.integers(0, 4, len(g))) % HOSTS, book.host[sender]),
        fingerprint=np.where(same, _scattered(_pick(groups.text, g, turn) + 1), 0),
        annoyance=plan.reports[g] * rng.lognormal(0, 0.4, len(g)),
        channel=np.where(rng.random(len(g)) < plan.aside[g], rng.integers(0, 3, len(g)), plan.channel[g]),
        campaign=g,
    )
    return concat([rows, _conversations(rng, numbers, society, book, groups, rows)])


def _moments(
    rng: np.random.Generator, numbers: Numbers, groups: Groups, g: Longs, m: Longs, place: Floats
) -> tuple[Longs, Floats]:
    """When each message is sent, and how far (0…1) its group has got through its infrastructure by then."""
    plan, n = groups.plan, len(g)
    own = rng.random(len(groups.who.ids))[m]  # when in the group's time this identity is about
    rotates = plan.waves[g] > 1
    begin = np.where(rotates, place, own) * (1 - plan.life[g])
    share = begin + plan.life[g] * rng.random(n)
    lasts = plan.lasts[g].astype(np.float64)
    raw = plan.first[g] + (lasts * share).astype(np.int64)
    long = lasts >= 2 * DAY
    together = rng.random(n) < plan.purity[g, TIME]
    days = np.maximum(lasts // DAY, 1)
    pulse = np.floor(share * groups.pulses[g])
    on_day = (plan.first[g] // DAY + np.floor((pulse + 0.5) / groups.pulses[g] * days)).astype(np.int64)
    day = np.where(together & long, on_day, raw // DAY)
    hour = groups.hour[g] + groups.width[g] * (rng.random(n) - 0.5)
    of_day = np.where(together, (hour % 24 * HOUR).astype(np.int64), hours_of_day(rng, numbers, n))
    ts = np.where(long, day * DAY + of_day, raw)
    turn = np.where(rotates, share, rng.random(n))
    return np.clip(ts, 0, numbers.span - 1), np.clip(turn, 0, 1 - 1e-9)


def _pick(pool: Pool, g: Longs, turn: Floats) -> Longs:
    """One of each group's pool: by turns where it rotates (`turn` is drawn evenly elsewhere)."""
    picked: Longs = pool[0][g] + (pool[1][g] * turn).astype(np.int64)
    return picked


def _recipients(
    rng: np.random.Generator, numbers: Numbers, society: Society, groups: Groups, g: Longs, m: Longs, sender: Ints
) -> tuple[Ints, Ints]:
    """People the sender knows, people on its part of the list, or with the rest of the purity anybody."""
    plan = groups.plan
    extra = rng.poisson((plan.recipients[g] - 1) * rng.lognormal(0, 0.4, len(g)))
    counts = np.minimum(1 + extra, MOST_RECIPIENTS).astype(np.int32)
    e = np.repeat(np.arange(len(g)), counts)
    ge, me, n = g[e], m[e], int(counts.sum())
    offset = rng.random(len(groups.who.ids))[me]
    share = (offset + groups.part[ge] * rng.random(n)) % 1.0
    to = groups.lists[_pick(groups.targets, ge, share)]
    listed = np.where(plan.purity[ge, TARGETS] > 0, plan.purity[ge, TARGETS], 1.0)
    stranger = rng.random(n) > listed
    to[stranger] = rng.choice(society.orders[-1], int(stranger.sum()))
    friend = np.flatnonzero((rng.random(n) < plan.ties[ge]) & (sender[e] < society.people))
    to[friend] = write_to_friends(rng, society, numbers, sender[e][friend])
    return counts, to


def _links(
    rng: np.random.Generator, society: Society, book: Mailboxes, groups: Groups, g: Longs, sender: Ints, turn: Floats
) -> tuple[Ints, Ints]:
    """The group's links, the identity's own or popular ones, none; and now and then a popular one on top."""
    popular, n = society.ground.popular, len(g)
    shared = rng.random(n) < groups.plan.purity[g, LINKS]
    bare = groups.bare_links[g]
    famous = popular[(len(popular) * rng.random((2, n)) ** 2.5).astype(np.int64)]
    own = np.where(book.link[sender] >= 0, book.link[sender], famous[0])
    first = np.where(shared, _pick(groups.link, g, turn), np.where(bare == OWN, own, famous[0]))
    has = shared | ((bare == OWN) | (bare == POPULAR)) & (rng.random(n) < 0.8)
    also = rng.random(n) < 0.12
    pairs = np.stack([first, famous[1]], axis=1)
    kept = np.stack([has, also], axis=1)
    return kept.sum(axis=1).astype(np.int32), pairs[kept].astype(np.int32)


def _conversations(
    rng: np.random.Generator, numbers: Numbers, society: Society, book: Mailboxes, groups: Groups, rows: Rows
) -> Rows:
    """What had been asked before, the answers, and what a group's identities write to those who answered."""
    plan = groups.plan
    arrived = seen(rows, numbers, book)
    asked = answers(rng, numbers, arrived, plan.prior[arrived.campaign], before=True)
    answered = answers(rng, numbers, arrived, plan.answers[arrived.campaign])
    onward = answers(rng, numbers, answered, np.full(len(answered), 0.4))
    guilty = np.full(len(book), -1, np.int32)
    guilty[groups.who.ids] = np.where(plan.guilty, np.arange(len(plan)), -1)[owners(plan.members)]
    onward = replace(onward, campaign=guilty[onward.sender])
    return dress(rng, numbers, society, book, concat([asked, answered, onward]))


def dress(rng: np.random.Generator, numbers: Numbers, society: Society, book: Mailboxes, rows: Rows) -> Rows:
    """Private messages with a connection, now and then a link, and the small talk that everybody writes alike."""
    n, ground = len(rows), society.ground
    mobile = rng.random(n) < numbers.mobile
    linked = rng.random(n) < numbers.linked
    pages = ground.popular[(len(ground.popular) * rng.random(n) ** 2.5).astype(np.int64)]
    shorter = rng.random(n) < 0.1
    talk = rng.random(n) < numbers.small_talk
    said = _scattered((SMALL_TALK * rng.random(n) ** 3).astype(np.int64) + (1 << 40))
    return replace(
        rows,
        network=np.where(mobile, rng.choice(ground.mobile, n), book.network[rows.sender]).astype(np.int32),
        host=np.where(mobile, rng.integers(0, HOSTS, n), book.host[rows.sender]).astype(np.int32),
        fingerprint=np.where(talk, said, 0),
        link_count=linked.astype(np.int32),
        link=np.where(shorter, rng.choice(ground.short, n), pages)[linked].astype(np.int32),
    )


def as_received(rng: np.random.Generator, numbers: Numbers, society: Society, rows: Rows) -> Rows:
    """Rows as the provider got them: through forwarders, some without an address, some without a fingerprint."""
    n = len(rows)
    first = rows.to[np.cumsum(rows.to_count) - rows.to_count]
    forwarder = society.forwarder[np.minimum(first, society.people - 1)]
    through = (forwarder >= 0) & (first < society.people) & (rows.channel == MAIL)
    network = np.where(through, forwarder, rows.network)
    own = _scattered((1 << 41) + np.arange(n))
    fingerprint = np.where(rows.fingerprint == 0, own, rows.fingerprint)
    return replace(
        rows,
        network=np.where(rng.random(n) < numbers.no_address, -1, network).astype(np.int32),
        fingerprint=np.where(rng.random(n) < numbers.no_print, 0, fingerprint),
    )


def _scattered(number: npt.NDArray[np.int64]) -> Longs:
    """Fingerprints that look alike for nothing but equal numbers (Knuth's multiplicative hash)."""
    scattered: Longs = (number * 0x5851F42D4C957F2D) & (PRINTS - 1)
    return np.where(scattered == 0, 1, scattered)
