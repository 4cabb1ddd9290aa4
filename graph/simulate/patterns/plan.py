"""Plans of groups: how large, how long, sharing what how purely, drawn for innocents and guilty by the same hand.

Numbers only: who joins and what they own is found later. One entry of an array is one group.
"""

from dataclasses import dataclass, replace

import numpy as np

from graph.simulate.patterns.numbers import DAY, Numbers, log_uniform
from graph.simulate.patterns.options import PatternOptions
from graph.simulate.patterns.roles import AUDIENCES, ROLES, SIGNALS, Role
from graph.simulate.rows import Bools, Floats, Ints, Longs

TARGETS, NETWORK, LINKS, PRINT, ADDRESS, TIME = range(len(SIGNALS))
FEWEST_GUILTY = 4  # groups; fewer teach nothing
SMALLEST_CAP = 25.0  # events that the largest group of a role may have in the smallest world


@dataclass(frozen=True)
class Plan:
    """G groups before anybody has joined: how much, when, and which signals with which purity."""

    role: Ints  # of ROLES
    members: Longs
    events: Longs
    first: Longs
    lasts: Longs  # microseconds
    purity: Floats  # (G, 6) of SIGNALS, 0 where it is not shared
    audience: Ints  # of AUDIENCES
    focus: Floats  # recipients from the block that its audience is drawn from
    recurrence: Floats
    ties: Floats
    answers: Floats
    prior: Floats
    reports: Floats
    recipients: Floats
    life: Floats
    waves: Ints  # identities and infrastructure follow one another in so many; 1 where they do not
    channel: Ints
    aside: Floats  # messages on any other channel
    skew: Floats  # how unevenly identities write
    operator: Ints  # the first group of the same operator

    @property
    def guilty(self) -> Bools:
        """Guilty groups; they come first."""
        first: Bools = self.role == 0
        return first

    def __len__(self) -> int:
        return len(self.role)


def plan_groups(options: PatternOptions, numbers: Numbers) -> Plan:
    """Who is in the world: the guilty first, then innocents by role, each role within its share of the events."""
    rng = options.stream("plan")
    budget = {0: numbers.guilty * options.events}
    rest = (1 - numbers.guilty - numbers.private) * options.events
    budget |= {number: rest * share for number, share in enumerate(numbers.shares.tolist(), 1)}
    return _joined([_plan(rng, options, numbers, role, events) for role, events in budget.items()])


def _joined(plans: list[Plan]) -> Plan:
    return Plan(**{name: np.concatenate([getattr(plan, name) for plan in plans]) for name in Plan.__annotations__})


def _plan(rng: np.random.Generator, options: PatternOptions, numbers: Numbers, number: int, budget: float) -> Plan:
    """Groups of one role until its events are used up."""
    role, guilty, most = ROLES[number], number == 0, max(SMALLEST_CAP, budget * numbers.largest)
    n = int(20 + budget / 12)

    def drawn(name: str) -> Floats:
        low, high = getattr(role, name)
        return log_uniform(rng, np.full(n, low, float), np.full(n, high, float))

    answers, prior = drawn("answers"), drawn("prior")
    if guilty:
        answers = np.where(rng.random(n) < numbers.converse, rng.uniform(0.01, 0.3, n), answers)
    messages = np.where(rng.random(n) < role.one_shot, 1.0, drawn("messages"))
    identities = drawn("identities")
    cost = 1 + answers + prior
    over = np.maximum(identities * messages * cost / most, 1.0)
    messages = np.maximum(messages / over ** rng.random(n), 1.0)
    identities = np.minimum(identities, most / (messages * cost))
    members = np.maximum(np.round(identities), role.identities[0]).astype(np.int64)
    events = np.maximum(members, np.round(members * np.maximum(messages, 1))).astype(np.int64)
    until = max(int(np.searchsorted(np.cumsum(events * cost), budget)), FEWEST_GUILTY if guilty else 0)
    lasts = np.minimum(drawn("days") * DAY, 0.98 * numbers.span)
    first = rng.random(n) * (numbers.span - lasts) if not guilty else rng.uniform(0.02, 0.96, n) * numbers.span
    lasts = np.minimum(lasts, numbers.span - first)
    channel = rng.choice(3, n, p=role.channels).astype(np.int32)
    plan = Plan(
        role=np.full(n, number, np.int32),
        members=members,
        events=events,
        first=first.astype(np.int64),
        lasts=lasts.astype(np.int64),
        purity=_purity(rng, numbers, role, n, guilty),
        audience=rng.choice(len(AUDIENCES), n, p=role.audience).astype(np.int32),
        focus=rng.uniform(0.4, 1.0, n),
        recurrence=drawn("recurrence"),
        ties=drawn("ties"),
        answers=answers,
        prior=prior,
        reports=_reports(rng, numbers, drawn("reports"), guilty),
        recipients=drawn("recipients"),
        life=drawn("life"),
        waves=np.where(rng.random(n) < role.rotation, rng.integers(2, 6, n), 1).astype(np.int32),
        channel=channel,
        aside=np.where(rng.random(n) < 0.2, rng.uniform(0, 0.4, n), 0.0),
        skew=np.where(rng.random(n) < 0.4, 1.0, rng.uniform(1, 3, n)),
        operator=np.full(n, -1, np.int32),
    )
    short = Plan(**{name: getattr(plan, name)[:until] for name in Plan.__annotations__})
    return replace(short, operator=_operators(rng, until)) if guilty else short


def _purity(rng: np.random.Generator, numbers: Numbers, role: Role, n: int, guilty: bool) -> Floats:
    """Which signals each group shares, and the chance that a message (or an address) goes along."""
    if guilty:
        shared = rng.random((n, len(SIGNALS))) < numbers.signals
        shared[np.arange(n), rng.integers(0, len(SIGNALS), n)] = True
    else:
        natural = np.array([signal in role.natural for signal in SIGNALS])
        likely = np.where(natural, rng.uniform(0.5, 1.0, (n, 1)), numbers.by_chance if role.natural else 0.0)
        shared = rng.random((n, len(SIGNALS))) < likely
    exact = rng.random((n, len(SIGNALS))) < 0.4
    purity = np.where(exact, 1.0, 1 - 0.6 * rng.random((n, len(SIGNALS))) ** 2)
    if guilty:
        purity = purity * (1 - numbers.blur * np.maximum(rng.uniform(-1, 1, (n, len(SIGNALS))), 0))
    return np.where(shared, purity, 0.0)


def _reports(rng: np.random.Generator, numbers: Numbers, drawn: Floats, guilty: bool) -> Floats:
    """Annoyance of a message; a few innocents are reported on purpose, as often as the guilty."""
    if guilty:
        return drawn * numbers.muted
    return np.where(rng.random(len(drawn)) < numbers.poisoned, rng.uniform(0.05, 0.5, len(drawn)), drawn)


def _operators(rng: np.random.Generator, n: int) -> Ints:
    """The first group of each group's operator: half of them are run by somebody who ran one before."""
    first = np.arange(n, dtype=np.int32)
    for number in range(1, n):
        if rng.random() < 0.5:
            first[number] = first[rng.integers(0, number)]
    return first
