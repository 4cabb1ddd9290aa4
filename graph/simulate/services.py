"""Organisations that write by machine: newsletters, political mailers, companies, social networks, sign-ups.

Each function plans one kind: who they are, whom they reach, what they share. Knows no people who write by hand.
"""

import numpy as np

from graph.simulate.bulk import Desk, Issues, Mailings, Notices
from graph.simulate.people import prints
from graph.simulate.rhythm import HOUR, pick, zipf
from graph.simulate.stage import MINUTE, TOLERATED, UNWANTED, WANTED, Stage, weekly

NOTES = 5  # templates of one company
SOCIAL_NOTES = 40  # templates of one social network


def newsletters(stage: Stage, events: float) -> Mailings:
    """Brands of which most send through a few services: shared networks and one tracking domain a service."""
    return _brands(stage, events, "newsletter", stage.options.bulk.brands_per_service, TOLERATED)


def political(stage: Stage, events: float) -> Mailings:
    """Mailers that all use one vendor, and annoy more."""
    return _brands(stage, events, "political", 1_000_000, UNWANTED)


def _brands(stage: Stage, events: float, archetype: str, per_service: int, annoyance: float) -> Mailings:
    o, rng, ground = stage.options.bulk, stage.rng, stage.ground
    n = max(4, round(events / (o.audience * o.issues_per_week * stage.weeks)))
    sites = ground.new_sites(n)
    services = max(1, n // per_service)
    service = pick(rng, n, zipf(services, 0.6))
    tracking = ground.new_hosts(ground.new_sites(services), "click")
    pools = ground.fixed_networks(services * 4).reshape(services, 4)
    own = rng.random(n) < o.own_hosting
    single = ground.fixed_networks(n)
    networks = np.where(own[:, None], single[:, None], pools[service]).astype(np.int32)
    links = np.stack([ground.new_hosts(sites), np.where(own, ground.new_hosts(sites, "go"), tracking[service])], 1)
    desk = Desk(
        ids=ground.roles_at(sites, "news", archetype),
        link_count=np.full(n, 2, np.int32),
        links=links.ravel(),
        network_count=np.full(n, 4, np.int32),
        networks=networks.ravel(),
        annoyance=annoyance * rng.lognormal(0, 0.8, n),
        answered=np.zeros(n),
    )
    counts = stage.lengths(n, events / n / (o.issues_per_week * stage.weeks), o.audience_sigma)
    audience = stage.audience(int(counts.sum()))
    return Mailings(ground, desk, weekly(stage, counts, audience, o.issues_per_week, 2 * HOUR), stage.letters)


def companies(stage: Stage, events: float) -> Notices:
    """Shops, banks, carriers: receipts and notes from an own or a rented service."""
    o, rng, ground = stage.options.bulk, stage.rng, stage.ground
    n = max(6, round(events / o.customers))
    sites = ground.new_sites(n)
    services = max(1, n // 25)
    pools = ground.fixed_networks(services * 2).reshape(services, 2)
    hosted = stage.web.hosters[rng.integers(0, len(stage.web.hosters), n)]
    alone = np.where(rng.random(n) < 0.5, hosted, ground.fixed_networks(n))
    own = np.stack([alone, alone], 1)
    rented = rng.random(n) < 0.6
    desk = Desk(
        ids=ground.roles_at(sites, "service", "company"),
        link_count=np.ones(n, np.int32),
        links=ground.new_hosts(sites),
        network_count=np.full(n, 2, np.int32),
        networks=np.where(rented[:, None], pools[rng.integers(0, services, n)], own).astype(np.int32).ravel(),
        annoyance=WANTED * rng.lognormal(0, 0.8, n),
        answered=np.zeros(n),
    )
    volume = rng.lognormal(0, 1.3, n)
    counts = np.clip(volume / volume.sum() * events / 3, 3, len(stage.people.users)).astype(np.int32)
    templates = prints(rng, n * NOTES).reshape(n, NOTES)
    ready_made = prints(rng, o.shop_systems * NOTES).reshape(o.shop_systems, NOTES)
    bought = np.flatnonzero(rng.random(n) < o.shop_system_use)
    templates[bought] = ready_made[rng.integers(0, o.shop_systems, len(bought))]
    return Notices(stage.letters, ground, desk, volume, counts, stage.audience(int(counts.sum())), templates, "machine")


def social(stage: Stage, events: float) -> Notices:
    """A few large networks; a quarter of their notices comes from a mailbox made up for that notice alone."""
    rng, ground = stage.rng, stage.ground
    n, token_share = 5, 0.25
    sites = ground.new_sites(n)
    desk = Desk(
        ids=ground.roles_at(sites, "notify", "social"),
        link_count=np.ones(n, np.int32),
        links=ground.new_hosts(sites),
        network_count=np.full(n, 8, np.int32),
        networks=ground.fixed_networks(n * 8),
        annoyance=np.full(n, WANTED),
        answered=np.zeros(n),
    )
    users = stage.people.users
    tokens = ground.tokens_at(np.resize(sites, max(2, int(events * token_share))), "reply-", "social")
    counts = np.full(n, len(users) // 2 + 1, np.int32)
    customers = np.concatenate([rng.permutation(users)[: counts[0]] for _ in range(n)])
    templates = prints(rng, n * SOCIAL_NOTES).reshape(n, SOCIAL_NOTES)
    volume = 1.0 / np.arange(1, n + 1)
    return Notices(stage.letters, ground, desk, volume, counts, customers, templates, "private", tokens, token_share)


def sign_ups(stage: Stage, events: float) -> Mailings:
    """Subscription bombing: within an hour honest services confirm to one victim what a stranger typed in."""
    o, rng, ground, people = stage.options.bulk, stage.rng, stage.ground, stage.people
    n = max(20, round(events / 2))
    sites = ground.new_sites(n)
    desk = Desk(
        ids=ground.roles_at(sites, "welcome", "sign_up"),
        link_count=np.ones(n, np.int32),
        links=ground.new_hosts(sites),
        network_count=np.ones(n, np.int32),
        networks=stage.web.hosters[rng.integers(0, len(stage.web.hosters), n)],
        annoyance=np.full(n, UNWANTED),
        answered=np.zeros(n),
    )
    victims = max(1, round(events / o.bombed))
    each = max(3, min(n, round(events / victims)))
    sender = np.concatenate([rng.permutation(n)[:each] for _ in range(victims)])
    hour = np.repeat(rng.integers(0, stage.days.last * 24, victims), each)
    victim = rng.integers(0, len(people.users), victims)
    issues = Issues(
        ts=np.minimum(hour * HOUR + rng.integers(0, HOUR, len(sender)), stage.days.end - MINUTE),  # all within the span
        sender=sender.astype(np.int32),
        first=np.repeat(np.arange(victims), each),
        count=np.ones(len(sender), np.int32),
        lasts=np.full(len(sender), MINUTE, np.int64),
        fingerprint=prints(rng, n)[sender],
        audience=people.users[victim],
    )
    return Mailings(ground, desk, issues, stage.letters)
