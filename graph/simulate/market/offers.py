"""What crews can choose between, with prices and what each choice is good for. Nothing is bought here.

A crew's way of working is not picked from a list of ways: it follows from one choice after another (goal, whose
addresses, which route, which lure, what text, what pace, whom), each by its price, its secrecy, the crew's tastes, and
what fits what was chosen before: a multinomial logit (McFadden 1974). Prices are in the same coin as `Goal.worth`.
"""

from dataclasses import dataclass

IMPOSSIBLE = -99.0


@dataclass(frozen=True)
class Goal:
    """What a message may earn."""

    worth: float  # per message that arrives
    phish: bool = False  # recipients see that somebody is after their data or money
    talks: float = 0.0  # chance that a recipient writes back
    annoyance: float = 0.8


GOALS = {
    "credentials": Goal(0.16, phish=True),
    "fake_shop": Goal(0.07),
    "advance_fee": Goal(0.09, phish=True, talks=0.05, annoyance=0.6),
    "romance": Goal(0.15, talks=0.12, annoyance=0.35),
    "invoice": Goal(0.17, phish=True, talks=0.04, annoyance=0.3),
    "malware": Goal(0.14),
    "crypto": Goal(0.12, annoyance=0.7),
    "gift_survey": Goal(0.08, annoyance=0.7),
}


@dataclass(frozen=True)
class Offer:
    """One thing that can be chosen: `price` a message, `secrecy` the part of it that nobody can tie to anything."""

    price: float
    secrecy: float
    allure: float = 0.0  # what it gains beside secrecy


# The choices in the order in which a crew makes them.
OFFERS: dict[str, dict[str, Offer]] = {
    "channel": {"mail": Offer(0, 0, 1.9), "calendar": Offer(0, 0, 0.2), "contacts": Offer(0, 0, -0.5)},
    "identity": {
        "free_mailboxes": Offer(0.010, 0.4),  # opened in bulk at other providers
        "local_mailboxes": Offer(0.020, 0.5),  # opened in bulk at this provider
        "domains": Offer(0.006, 0.2, 0.4),  # some senders on each, so that one costs little a message
        "bots": Offer(0.004, 0.5),
        "stolen": Offer(0.040, 0.8, -0.7),
        "tenant": Offer(0.008, 0.3),  # a trial account at a sending service
        "accounts": Offer(0.004, 0.3),
        "hacked_sites": Offer(0.012, 0.6, -0.4),
    },
    "route": {
        "ranges": Offer(0.004, 0.1),
        "proxies": Offer(0.020, 0.7),
        "installs": Offer(0.006, 0.5),
        "webmail": Offer(0.0, 0.6),
        "pool": Offer(0.0, 0.5),
        "owner": Offer(0.002, 0.9),
    },
    "lure": {
        "own_link": Offer(0.004, 0.0, 0.8),
        "free_page": Offer(0.001, 0.4, 0.3),
        "short_link": Offer(0.0, 0.6),
        "hacked_page": Offer(0.010, 0.5, 0.2),
        "attachment": Offer(0.002, 0.7, -0.2),
        "plain": Offer(0.0, 0.9, -0.5),
    },
    "text": {
        "kit": Offer(0.0, 0.0, 0.7),
        "own": Offer(0.002, 0.1, 0.5),
        "spun": Offer(0.004, 0.4, 0.1),
        "mutated": Offer(0.006, 0.6),
        "personal": Offer(0.015, 1.0, -0.4),
    },
    "pace": {
        "blast": Offer(0, 0.0, 1.0),
        "waves": Offer(0, 0.1, 0.4),
        "office": Offer(0, 0.3, 0.1),
        "drip": Offer(0, 0.7, -0.2),
    },
    "targets": {
        "list": Offer(0.004, 0.2, 0.8),
        "scraped": Offer(0.001, 0.6, 0.1),
        "staff": Offer(0.008, 0.4, -0.2),
        "address_book": Offer(0.0, 0.8),
    },
    "burst": {"once": Offer(0.010, 0.7, 0.2), "few": Offer(0.003, 0.4, 0.5), "many": Offer(0.0, 0.0, 0.2)},
}

# What goes with what (and what does not): added to an offer once the other was chosen.
FITS: dict[tuple[str, str], float] = {
    ("credentials", "own_link"): 0.8,
    ("credentials", "hacked_page"): 0.7,
    ("credentials", "plain"): -2.0,
    ("fake_shop", "own_link"): 1.0,
    ("fake_shop", "domains"): 0.8,
    ("fake_shop", "plain"): IMPOSSIBLE,
    ("fake_shop", "attachment"): -1.0,
    ("advance_fee", "plain"): 2.5,
    ("advance_fee", "free_mailboxes"): 1.5,
    ("romance", "plain"): 3.0,
    ("romance", "free_mailboxes"): 1.2,
    ("romance", "drip"): 2.0,
    ("romance", "blast"): -2.0,
    ("romance", "personal"): 0.8,
    ("romance", "many"): 0.6,
    ("romance", "once"): -2.0,
    ("romance", "bots"): IMPOSSIBLE,
    ("romance", "tenant"): -2.0,
    ("romance", "hacked_sites"): -2.0,
    ("romance", "accounts"): -1.0,
    ("invoice", "plain"): 1.2,
    ("invoice", "attachment"): 1.2,
    ("invoice", "staff"): 2.2,
    ("invoice", "office"): 1.5,
    ("invoice", "personal"): 1.0,
    ("invoice", "bots"): -1.5,
    ("invoice", "accounts"): -1.0,
    ("malware", "attachment"): 1.5,
    ("malware", "address_book"): 1.5,
    ("malware", "stolen"): 1.0,
    ("gift_survey", "short_link"): 0.8,
    ("crypto", "attachment"): 0.6,
    ("calendar", "accounts"): 2.0,
    ("calendar", "hacked_sites"): IMPOSSIBLE,
    ("calendar", "tenant"): IMPOSSIBLE,
    ("calendar", "bots"): IMPOSSIBLE,
    ("contacts", "own_link"): -0.5,
    ("bots", "once"): 1.8,
    ("bots", "many"): IMPOSSIBLE,
    ("free_mailboxes", "once"): 0.6,
    ("accounts", "once"): 0.8,
    ("domains", "once"): -0.5,
    ("tenant", "many"): 1.2,
    ("tenant", "once"): IMPOSSIBLE,
    ("stolen", "address_book"): 1.6,
    # who has a password only writes from elsewhere; who has the machine writes from its home
    **{(goal, "owner"): -2.0 for goal in GOALS if goal != "malware"},
    ("stolen", "once"): IMPOSSIBLE,
    ("stolen", "many"): 0.8,
}
# What rules out all other offers of a choice.
ONLY: dict[str, tuple[str, ...]] = {
    "free_mailboxes": ("webmail",),
    "local_mailboxes": ("ranges", "proxies", "installs"),
    "domains": ("ranges", "proxies"),
    "bots": ("installs",),
    "stolen": ("owner", "proxies", "ranges"),
    "tenant": ("pool",),
    "accounts": ("ranges", "proxies", "installs"),
    "hacked_sites": ("owner",),
    "contacts": ("accounts", "local_mailboxes"),
}
NEEDS = {"address_book": "stolen"}  # an offer that only exists beside another
