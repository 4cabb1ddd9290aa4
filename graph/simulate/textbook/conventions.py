"""The conventions of one world: how addresses, links, networks, hours, reports and verdicts are done there.

Categories are drawn as well as numbers, so that two seeds differ as the simulators of two authors would.
"""

from dataclasses import dataclass

import numpy as np

from graph.simulate.rows import Floats
from graph.simulate.textbook.options import TextbookOptions

LEAST_PEOPLE = 120
LISTED_WORLD = 2_000_000  # events of the world that the numbers of verdicts below are for
FEWEST_VERDICTS = 20
NOBODY_REPORTS = 0.12  # of worlds


@dataclass(frozen=True)
class Conventions:
    """One world's conventions; shares and chances lie in 0…1, times are in hours where not said otherwise."""

    span: int  # microseconds
    # Addresses
    people: int  # mailboxes at the provider
    providers: int  # mail domains of private people
    offices: float  # communities that are a company with a domain of its own
    ids: str  # `addresses`, `users` (people at the provider are plain ids), `accounts` (everybody is)
    naming: str  # local parts: `names`, `numbers`, `tokens`
    throwaway: Floats  # chances that fresh guilty mailboxes are at free-mail, at own domains, at one of the campaign
    # What the provider sees
    prints: str  # fingerprints: `none`, `bulk`, `all`
    mutation: float  # copies of one text that get a fingerprint of their own
    no_ip: float  # events without an address
    ipv6: float  # networks
    access: str  # people's networks: `homes`, `offices` (one a community), `nat` (few), `egress` (the provider's own)
    outgoing: bool  # mail of its people to the outside
    batch: float  # mean recipients of a bulk message
    # Links
    linked: float  # personal messages with a link
    popular: int  # hosts that everybody links
    zipf: float
    host: str  # of bulk links: `bare`, `www`, `tracking` (a sub-domain for every recipient)
    footers: float  # bulk messages that also link a popular host
    # Time
    hours: Floats  # 24 weights
    weekend: float  # weight of a day at the weekend
    # People
    community: float  # mean members
    inside: float  # contacts in one's own community
    contacts: int  # of one person
    outsiders: float  # correspondents elsewhere, for each person
    counts: str  # how unequal things are: `equal`, `poisson`, `geometric`, `lognormal`
    replies: float  # chance that a personal message is answered
    reply_hours: float
    forwarded: float  # people whose mail comes through a forwarder
    hosted: float  # small senders on shared hosting
    # Shares
    personal: float  # of innocent events
    guilty: float  # of all events
    guilty_senders: float  # of all senders
    # Campaigns
    sources: Floats  # target lists: bought, community, directory, random, contacts
    shared_pool: float  # campaigns that rent networks where innocents are
    partition: bool  # a campaign's senders share the list out among them
    # What is learnt
    reporters: float
    spam_reported: float  # by a reporter
    bulk_reported: float
    rescued: float  # bulk mail that a reporter calls `not_junk`
    poisoned: float  # innocent bulk senders that are reported on purpose
    whitewashed: float  # guilty messages that a bought reporter calls `not_junk`
    verdicts: int
    found: float  # verdicts that are spent on the guilty
    whole_campaigns: bool  # analysts judge campaigns one by one, not a sample of what is reported
    wrong: float  # verdicts that say the opposite


def draw_conventions(options: TextbookOptions) -> Conventions:
    """The conventions of one world; hardness moves only reports, verdicts and what campaigns rent."""
    rng, hard = options.stream("conventions"), options.hardness

    def even(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    def log(low: float, high: float) -> float:
        return float(low * (high / low) ** rng.random())

    def one(**chances: float) -> str:
        return str(rng.choice(list(chances), p=list(chances.values())))

    def seldom(chance: float, value: float) -> float:
        return value if rng.random() < chance else 0.0

    silent = rng.random() < NOBODY_REPORTS
    scale = (options.events / LISTED_WORLD) ** 0.5
    return Conventions(
        span=options.span,
        people=max(LEAST_PEOPLE, round(options.events * log(0.012, 0.08))),
        providers=int(rng.integers(1, 6)),
        offices=seldom(0.7, even(0.05, 0.8)),
        ids=one(addresses=0.7, users=0.15, accounts=0.15),
        naming=one(names=0.5, numbers=0.3, tokens=0.2),
        throwaway=rng.dirichlet([1.0, 1.0, 1.0]),
        prints=one(none=0.2, bulk=0.35, all=0.45),
        mutation=seldom(0.8, log(0.003, 0.6)),
        no_ip=1.0 if rng.random() < 0.1 else seldom(0.4, even(0.0, 0.4)),
        ipv6=seldom(0.5, even(0.0, 0.7)),
        access=one(homes=0.4, offices=0.2, nat=0.2, egress=0.2),
        outgoing=rng.random() < 0.6,
        batch=1.0 if rng.random() < 0.6 else log(1.2, 20),
        linked=seldom(0.9, even(0.02, 0.4)),
        popular=round(log(5, 300)),
        zipf=even(0.5, 1.6),
        host=one(bare=0.35, www=0.35, tracking=0.3),
        footers=seldom(0.5, even(0.0, 0.5)),
        hours=_hours(one(flat=0.25, sine=0.4, peaks=0.35), even(7, 11)),
        weekend=1.0 if rng.random() < 0.35 else even(0.05, 0.8),
        community=log(8, 200),
        inside=even(0.5, 1.0),
        contacts=int(rng.integers(4, 16)),
        outsiders=seldom(0.7, log(0.05, 0.8)),
        counts=one(equal=0.2, poisson=0.25, geometric=0.3, lognormal=0.25),
        replies=even(0.1, 0.6),
        reply_hours=log(0.3, 12),
        forwarded=seldom(0.6, even(0.005, 0.06)),
        hosted=even(0.0, 0.7),
        personal=even(0.2, 0.65),
        guilty=log(0.015, 0.22),
        guilty_senders=log(0.005, 0.35),
        sources=rng.dirichlet([1.0] * 5),
        shared_pool=min(1.0, even(0.0, 0.4) + 0.4 * hard),
        partition=rng.random() < 0.5,
        reporters=0.0 if silent else log(0.02, 0.6),
        spam_reported=log(0.03, 0.7) * (1 - 0.7 * hard),
        bulk_reported=log(1e-5, 1e-2),
        rescued=log(1e-5, 3e-3),
        poisoned=even(0.0, 0.01) + seldom(0.7, 0.06 * hard),
        whitewashed=seldom(0.5, 0.05 * hard),
        verdicts=max(FEWEST_VERDICTS, round(log(20, 2_500) * scale)),
        found=even(0.12, 0.7),
        whole_campaigns=silent or rng.random() < 0.5,
        wrong=even(0.0, 0.02) + even(0.0, 0.06) * hard,
    )


def _hours(law: str, peak: float) -> Floats:
    """Weights of the hours of the day: all alike, a sine, or a peak before noon and one seven hours later."""
    at = np.arange(24)
    if law == "flat":
        return np.full(24, 1 / 24)
    if law == "sine":
        weights = 1.05 + np.cos((at - peak - 5) * np.pi / 12)
    else:
        weights = 0.1 + np.exp(-(((at - peak) / 2) ** 2)) + np.exp(-(((at - peak - 7) / 2) ** 2))
    scaled: Floats = weights / weights.sum()
    return scaled
