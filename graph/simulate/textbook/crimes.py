"""The kinds of campaign, and the plans of a world's campaigns: who, how much, when, and which signals they keep."""

from dataclasses import dataclass

import numpy as np

from graph.simulate.rows import CALENDAR, CONTACTS, MAIL, Floats, Longs
from graph.simulate.textbook.clock import DAY
from graph.simulate.textbook.conventions import Conventions
from graph.simulate.textbook.options import TextbookOptions

Range = tuple[float, float]  # drawn log-uniformly

SIGNALS = ("targets", "network", "links", "fingerprint", "address", "hour")
FRESH, HIJACKED, OWN_DOMAIN = "fresh", "hijacked", "own_domain"
CAMPAIGNS_PER_ROOT = 0.05  # campaigns = this × sqrt(events): 70 of two million events
FEWEST_CAMPAIGNS = 6
FEWEST_ON_AVERAGE = 25  # senders of a campaign
SIZES = (3.0, 5000.0)  # senders
MOST_GUILTY = 0.35  # of all events
BUSIEST = 2.0  # factor on messages where the guilty are fewer than their share of the events
HEADSTART = 0.25  # part of the span before the first mailbox is hijacked
KEPT = (0.95, 0.35)  # chance that a campaign keeps a signal, at hardness 0 and 1
EARLY = 2  # campaigns that verdicts can be about
WELL_BEFORE = 0.6  # they begin in this part of the time in which verdicts are given
AGAIN = 0.45  # campaigns of an operator who ran one before


@dataclass(frozen=True)
class Crime:
    """A kind of campaign; shares and chances in 0…1."""

    name: str
    who: str
    messages: Range  # of one sender
    days: Range
    channel: int = MAIL
    linked: float = 1.0  # chance that a campaign of this kind links anything
    signals: tuple[str, ...] = SIGNALS  # those that it may share
    most: int = 5_000  # senders
    replies: Range = (0.0, 0.0)  # messages that are answered, drawn evenly
    honest: float = 0.0  # letters mixed in, for each guilty message


NO_ADDRESS = ("targets", "network", "links", "fingerprint", "hour")
CRIMES = (
    Crime("throwaway", FRESH, (1, 20), (0.2, 4)),
    Crime("hijacked", HIJACKED, (3, 30), (0.1, 3), linked=0.8, signals=NO_ADDRESS),
    Crime("calendar_spam", FRESH, (1, 10), (0.2, 5), channel=CALENDAR, linked=0.7),
    Crime("contact_spam", FRESH, (1, 10), (0.2, 5), channel=CONTACTS, linked=0.6),
    Crime("phishing", OWN_DOMAIN, (2, 30), (0.1, 2)),
    Crime("drip", FRESH, (3, 25), (14, 60), linked=0.8),
    Crime("camouflage", FRESH, (3, 15), (5, 40), honest=1.0),
    Crime("botnet", FRESH, (1, 1), (0.05, 2), linked=0.9),
    Crime("worm", HIJACKED, (4, 12), (1, 7), signals=("links", "fingerprint")),
    Crime("conversation", FRESH, (2, 20), (4, 40), linked=0.1, replies=(0.05, 0.4)),
    Crime("text_only", FRESH, (1, 10), (0.3, 10), linked=0.0, signals=("fingerprint",)),
    Crime("lone_phisher", OWN_DOMAIN, (20, 250), (0.2, 6), signals=("targets", "fingerprint", "hour"), most=4),
    Crime("snowshoe", OWN_DOMAIN, (1, 4), (0.5, 10), signals=NO_ADDRESS),
)


@dataclass(frozen=True)
class Campaign:
    """One campaign before anything is sent; moments and times in microseconds."""

    number: int
    operator: int
    crime: Crime
    senders: int
    events: int
    first: int
    lasts: int
    kept: tuple[str, ...]  # of SIGNALS, in their order
    linked: bool
    rotates: bool  # senders and infrastructure are changed after a verdict
    bridges: int  # senders that also write to and from an innocent group

    def keeps(self, signal: str) -> bool:
        return signal in self.kept


def plan_campaigns(options: TextbookOptions, customs: Conventions, innocent_senders: int) -> list[Campaign]:
    """The campaigns of a world with so many innocent senders."""
    rng, hard = options.stream("plan"), options.hardness
    share = customs.guilty_senders
    wanted = round(innocent_senders * share / (1 - share))
    events = min(max(customs.guilty * options.events, 1.5 * wanted), MOST_GUILTY * options.events)
    many = round(CAMPAIGNS_PER_ROOT * options.events**0.5 * rng.uniform(0.7, 1.4))
    n = max(FEWEST_CAMPAIGNS, min(many, wanted // FEWEST_ON_AVERAGE))
    weights = rng.dirichlet([1.0] * len(CRIMES))
    crimes = [CRIMES[at] for at in rng.choice(len(CRIMES), n, p=weights).tolist()]
    sizes = _sizes(rng, np.array([crime.most for crime in crimes]), min(wanted, events / 1.2))
    messages = np.array([float(_log(rng, crime.messages, 1)[0]) for crime in crimes])
    counts = np.maximum(np.round(sizes * np.maximum(messages, 1)), sizes)
    spare = counts - sizes
    scale = min(BUSIEST, max(events - sizes.sum(), 0.0) / max(spare.sum(), 1.0))
    counts = sizes + np.round(spare * scale).astype(np.int64)
    operators = _operators(rng, n)
    plans = []
    for number, crime in enumerate(crimes):
        lasts = min(float(_log(rng, crime.days, 1)[0]) * DAY, 0.9 * customs.span)
        earliest = HEADSTART * customs.span if crime.who == HIJACKED else 0.0
        known = number < EARLY
        latest = WELL_BEFORE * options.known_until * customs.span if known else customs.span - lasts
        first = rng.uniform(earliest, max(earliest, latest))
        linked = bool(rng.random() < crime.linked)
        early = first + lasts / 2 < options.known_until * customs.span
        can_rotate = early and sizes[number] >= 6 and crime.who != HIJACKED
        plans.append(
            Campaign(
                number=number,
                operator=operators[number],
                crime=crime,
                senders=int(sizes[number]),
                events=int(counts[number]),
                first=int(first),
                lasts=int(min(lasts, customs.span - first - 1)),
                kept=_kept(rng, hard, customs, crime, linked),
                linked=linked,
                rotates=bool(can_rotate and rng.random() < 0.05 + 0.5 * hard),
                bridges=int(rng.integers(1, 4)) if rng.random() < 0.5 * hard else 0,
            )
        )
    return plans


def _kept(rng: np.random.Generator, hard: float, customs: Conventions, crime: Crime, linked: bool) -> tuple[str, ...]:
    """The signals that a campaign keeps: one at least of those that anybody can see in this world."""
    hidden = {
        "fingerprint": customs.prints == "none",
        "network": customs.no_ip == 1,
        "address": customs.ids == "accounts",
        "links": not linked,
    }
    seen = [signal for signal in crime.signals if not hidden.get(signal, False)]
    easy, hardest = KEPT
    kept = {signal for signal in seen if rng.random() < easy + (hardest - easy) * hard}
    kept |= {str(rng.choice(seen or ["targets"]))} if not kept else set()
    return tuple(signal for signal in SIGNALS if signal in kept)


def _operators(rng: np.random.Generator, n: int) -> list[int]:
    """The first campaign of each campaign's operator."""
    first = list(range(n))
    for number in range(1, n):
        if rng.random() < AGAIN:
            first[number] = first[int(rng.integers(0, number))]
    return first


def _sizes(rng: np.random.Generator, most: Longs, total: float) -> Longs:
    """Log-uniform numbers of senders, from three up to whatever makes them about so many in all."""
    low, high = SIZES
    tops, place = np.geomspace(low, high, 200)[:, None], rng.random(len(most))
    tried = np.minimum(low * (tops / low) ** place, most).astype(np.int64)
    nearest: Longs = tried[np.argmin(np.abs(tried.sum(1) - total))]
    return nearest


def _log(rng: np.random.Generator, bounds: Range, n: int) -> Floats:
    low, high = bounds
    drawn: Floats = low * (high / low) ** rng.random(n)
    return drawn
