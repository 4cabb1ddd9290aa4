"""The numbers that one world draws for itself, before anybody lives in it. Hardness moves the guilty ones."""

from dataclasses import dataclass

import numpy as np

from graph.simulate.patterns.options import PatternOptions
from graph.simulate.patterns.roles import INNOCENT
from graph.simulate.rows import Floats, Longs

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True)
class Numbers:
    """One world's habits; shares and chances in 0…1, times in hours where not said otherwise."""

    span: int  # microseconds
    people: int
    members: float  # people whose mailbox is at the provider
    community: float  # mean people
    interests: int
    inside: float  # ties within one's own community
    activity: float  # log-normal spread of how much people write
    loyalty: float  # exponent over one's ties
    private: float  # share of all events that is personal mail
    guilty: float  # share that is guilty
    shares: Floats  # of the rest, by innocent role
    largest: float  # part of a role's events that one group may take
    answered: float  # personal messages that are answered
    answer_hours: float
    copied: float
    linked: float  # personal messages with a link
    small_talk: float  # personal messages as short as everybody's
    outgoing: bool  # the provider also sees what its members send elsewhere
    local: float  # groups whose own mailboxes are at the provider
    offices: float  # communities that are an employer's
    ipv6: float
    per_network: float  # people behind one access network
    mobile: float  # personal mail sent through a mobile gateway
    forwarded: float  # people whose mail arrives through a forwarder
    no_address: float  # events without a client address
    no_print: float  # events without a fingerprint
    rented: float  # groups that share infrastructure with others
    styles: Floats  # of addresses: persons' names, role words
    by_chance: float  # signals that an innocent group shares though its role would not make it
    hours: Floats  # of the day, 24 weights
    weekend: float  # weight of a day at the weekend
    reporters: float
    zeal: float  # their mean chance to report what annoys fully
    rescued: float  # bulk messages that a reporter calls `not_junk`
    signals: float  # chance of every signal after the first that a guilty group keeps it
    blur: float  # most purity that a guilty group gives up
    muted: float  # factor on reports of the guilty
    converse: float  # guilty groups that make people answer
    kept: float  # infrastructure that an operator uses again
    poisoned: float  # innocent groups reported on purpose
    wrong: float  # verdicts that say the opposite
    judged: float  # early guilty groups that analysts look at
    audited: float  # innocent senders that they look at


def draw_numbers(options: PatternOptions) -> Numbers:
    """The numbers of one world, from wide distributions; nothing here depends on another family's defaults."""
    rng, hard = options.stream("numbers"), options.hardness

    def log(low: float, high: float) -> float:
        return float(low * (high / low) ** rng.random())

    def even(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    return Numbers(
        span=options.days * DAY,
        people=max(150, round(options.events * log(0.012, 0.07))),
        members=even(0.35, 0.9),
        community=log(12, 250),
        interests=int(log(4, 60)),
        inside=even(0.5, 0.97),
        activity=even(0.6, 1.6),
        loyalty=even(0.4, 1.6),
        private=even(0.15, 0.55),
        guilty=max(log(0.015, 0.15), 150 / options.events),
        shares=rng.dirichlet([role.weight for role in INNOCENT]),
        largest=0.5 if rng.random() < 0.15 else log(0.02, 0.15),
        answered=even(0.1, 0.6),
        answer_hours=log(0.3, 15),
        copied=even(0.0, 0.3),
        linked=even(0.02, 0.4),
        small_talk=even(0.0, 0.2),
        outgoing=bool(rng.random() < 0.7),
        local=even(0.0, 0.5),
        offices=even(0.1, 0.7),
        ipv6=even(0.0, 0.6),
        per_network=log(4, 150),
        mobile=even(0.0, 0.6),
        forwarded=even(0.0, 0.08),
        no_address=1.0 if rng.random() < 0.06 else even(0.0, 0.12),
        no_print=1.0 if rng.random() < 0.12 else even(0.0, 0.15),
        rented=even(0.1, 0.7),
        styles=rng.dirichlet([1.5, 1.0]),
        by_chance=even(0.03, 0.3),
        hours=_day(rng),
        weekend=even(0.3, 1.1),
        reporters=log(0.1, 0.5),
        zeal=log(0.15, 0.8),
        rescued=log(1e-5, 2e-3),
        signals=even(0.45, 0.7) - 0.35 * hard,
        blur=even(0.0, 0.2) + 0.5 * hard,
        muted=log(0.5, 1.0) * (1 - 0.75 * hard),
        converse=even(0.1, 0.3) + 0.2 * hard,
        kept=even(0.3, 0.9) - 0.25 * hard,
        poisoned=even(0.0, 0.01) + 0.05 * hard,
        wrong=even(0.0, 0.02) + 0.06 * hard,
        judged=even(0.6, 0.95) - 0.3 * hard,
        audited=log(0.005, 0.05),
    )


def _day(rng: np.random.Generator) -> Floats:
    """Weights of the hours: a random hill over a random floor."""
    at, peak, width = np.arange(24), rng.uniform(9, 19), rng.uniform(2.5, 6)
    away = np.minimum(np.abs(at - peak), 24 - np.abs(at - peak))
    hill: Floats = np.exp(-0.5 * (away / width) ** 2) + rng.uniform(0.02, 0.4)
    weights: Floats = hill / hill.sum()
    return weights


def log_uniform(rng: np.random.Generator, low: Floats, high: Floats) -> Floats:
    """One log-uniform number for each pair of bounds."""
    drawn: Floats = low * (high / low) ** rng.random(len(low))
    return drawn


def hours_of_day(rng: np.random.Generator, numbers: Numbers, n: int) -> Longs:
    """Microseconds into a day, along the world's hours."""
    hour = np.searchsorted(np.cumsum(numbers.hours)[:-1], rng.random(n))
    return ((hour + rng.random(n)) * HOUR).astype(np.int64)
