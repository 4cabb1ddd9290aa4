"""The numbers that one world draws for itself, before anybody lives in it. Hardness moves the guilty ones."""

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from graph.simulate.patterns.options import PatternOptions
from graph.simulate.patterns.roles import INNOCENT
from graph.simulate.rows import Floats, Longs

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LEAST_GUILTY = 150  # events
LEAST_PEOPLE = 150


def _even(low: float, high: float, hard: float = 0.0) -> Any:
    """A number drawn evenly; full hardness moves it by `hard`."""
    return field(metadata={"range": (low, high), "log": False, "hard": hard})


def _log(low: float, high: float) -> Any:
    """A number drawn log-uniformly."""
    return field(metadata={"range": (low, high), "log": True, "hard": 0.0})


@dataclass(frozen=True)
class Numbers:
    """One world's habits; shares and chances in 0…1, times in hours where not said otherwise."""

    span: int  # microseconds
    people: int
    shares: Floats  # of the events that are neither private nor guilty, by innocent role
    styles: Floats  # of addresses: persons' names, role words
    hours: Floats  # of the day, 24 weights
    outgoing: bool  # the provider also sees what its members send elsewhere
    largest: float  # part of a role's events that one group may take
    no_address: float  # events without a client address: some, or in some worlds all
    no_print: float  # events without a fingerprint, likewise
    muted: float  # factor on reports of the guilty
    # Everybody
    per_event: float = _log(0.012, 0.07)  # people
    private: float = _even(0.15, 0.55)  # share of all events that is personal mail
    guilty: float = _log(0.015, 0.15)  # share of all events
    members: float = _even(0.35, 0.9)  # people whose mailbox is at the provider
    community: float = _log(12, 250)  # mean people
    interests: float = _log(4, 60)
    inside: float = _even(0.5, 0.97)  # ties within one's own community
    activity: float = _even(0.6, 1.6)  # log-normal spread of how much people write
    loyalty: float = _even(0.4, 1.6)  # exponent over one's ties
    answered: float = _even(0.1, 0.6)  # personal messages that are answered
    answer_hours: float = _log(0.3, 15)
    copied: float = _even(0.0, 0.3)
    linked: float = _even(0.02, 0.4)  # personal messages with a link
    small_talk: float = _even(0.0, 0.2)  # personal messages as short as everybody's
    offices: float = _even(0.1, 0.7)  # communities that are an employer's
    ipv6: float = _even(0.0, 0.6)
    per_network: float = _log(4, 150)  # people behind one access network
    mobile: float = _even(0.0, 0.6)  # personal mail sent through a mobile gateway
    forwarded: float = _even(0.0, 0.08)  # people whose mail arrives through a forwarder
    weekend: float = _even(0.3, 1.1)  # weight of a day at the weekend
    # Groups
    local: float = _even(0.0, 0.5)  # groups whose own mailboxes are at the provider
    rented: float = _even(0.1, 0.7)  # groups that share infrastructure with others
    by_chance: float = _even(0.03, 0.3)  # signals that an innocent group shares though its role would not make it
    signals: float = _even(0.45, 0.7, -0.35)  # chance of every signal but one that a guilty group keeps it
    blur: float = _even(0.0, 0.2, 0.5)  # most purity that a guilty group gives up
    converse: float = _even(0.1, 0.3, 0.2)  # guilty groups that make people answer
    kept: float = _even(0.3, 0.9, -0.25)  # infrastructure that an operator uses again
    # What is learnt
    reporters: float = _log(0.12, 0.6)
    zeal: float = _log(0.3, 2.0)  # odds that a reporter reports what annoys fully
    rescued: float = _log(1e-5, 2e-3)  # bulk messages that a reporter calls `not_junk`
    poisoned: float = _even(0.0, 0.01, 0.05)  # innocent groups reported on purpose
    wrong: float = _even(0.0, 0.02, 0.06)  # verdicts that say the opposite
    judged: float = _even(0.6, 0.95, -0.3)  # early guilty groups that analysts look at
    audited: float = _log(0.005, 0.05)  # senders that they look at without a reason


def draw_numbers(options: PatternOptions) -> Numbers:
    """The numbers of one world, from wide distributions; nothing here depends on another family's defaults."""
    rng = options.stream("numbers")

    def log(low: float, high: float) -> float:
        return float(low * (high / low) ** rng.random())

    drawn = {}
    for known in fields(Numbers):
        if known.metadata:
            low, high = known.metadata["range"]
            value = log(low, high) if known.metadata["log"] else float(rng.uniform(low, high))
            drawn[known.name] = value + known.metadata["hard"] * options.hardness
    drawn["guilty"] = max(drawn["guilty"], LEAST_GUILTY / options.events)
    return Numbers(
        span=options.span,
        people=max(LEAST_PEOPLE, round(options.events * drawn["per_event"])),
        shares=rng.dirichlet([role.weight for role in INNOCENT]),
        styles=rng.dirichlet([1.5, 1.0]),
        hours=_day(rng),
        outgoing=bool(rng.random() < 0.7),
        largest=0.5 if rng.random() < 0.1 else log(0.02, 0.12),
        no_address=1.0 if rng.random() < 0.06 else rng.uniform(0, 0.12),
        no_print=1.0 if rng.random() < 0.12 else rng.uniform(0, 0.15),
        muted=log(0.5, 1.0) * (1 - 0.75 * options.hardness),
        **drawn,
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


def log_integers(rng: np.random.Generator, low: int, high: int, n: int) -> Longs:
    """n whole numbers from low to high, the smaller the likelier."""
    drawn: Longs = log_uniform(rng, np.full(n, float(low)), np.full(n, high + 0.999)).astype(np.int64)
    return drawn
