"""Every number of the market world by name, and its presets. Draws nothing."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from zlib import crc32

import numpy as np

from graph.simulate.options import EPOCH, check_bounds, chosen

Dial = tuple[float, float]  # a number at hardness 0 and at hardness 1

PRESETS: dict[str, dict[str, Any]] = {
    "ordinary": {"hardness": 0.1},
    "hard": {"hardness": 0.5},
    "adversarial": {"hardness": 1.0},
    "scale": {"hardness": 0.3, "events": 10_000_000},
}


@dataclass(frozen=True)
class SocietyOptions:
    """Who lives there and how ties and threads grow."""

    people_per_event: float = 0.034  # people, of whom some are customers of the provider
    fewest_people: int = 260
    members: float = 0.68  # of private people: those with a mailbox at the provider
    town: int = 380  # mean people
    household: float = 2.3  # mean people
    employed: float = 0.5
    office_mail: float = 0.55  # of the employed: those who write from the employer's address
    staff: float = 24.0  # mean people of an employer
    hosted: float = 0.6  # employers whose mail is at the provider
    department: int = 8
    ties: int = 10  # most people that one person remembers
    closure: float = 0.7  # new ties to a friend's friend; the rest go where mail goes already
    new_ties: float = 0.004  # per person and day
    branching: float = 0.45  # mean answers a message brings about (Hawkes 1971)
    answer_hours: float = 1.6  # median
    answer_sigma: float = 1.4
    mobile: float = 0.35  # private mail sent through a mobile gateway
    forwarded: float = 0.02  # members whose mail reaches them through a forwarder
    unknown_address: float = 0.03  # events without a client address
    linked: float = 0.13
    small_talk: float = 0.08  # private messages so short that strangers write the same


@dataclass(frozen=True)
class RentalOptions:
    """What honest and dishonest people rent side by side."""

    hosters: int = 9
    ranges_per_hoster: int = 14  # /24s
    services: int = 7  # sending services, each with a pool of addresses and a tracking host
    pool: int = 5  # networks in a service's pool
    freemails: int = 5
    carriers: int = 10
    homes_per_network: float = 55.0
    ipv6: float = 0.35  # access networks that are /48
    short_hosts: int = 3
    page_hosts: int = 4
    popular_sites: int = 90
    lists: int = 8  # broker lists on offer
    list_reach: float = 0.16  # share of members on a broker list
    kits: int = 14  # template kits for crews
    kit_goals: int = 8  # purposes that each serves
    shop_kits: int = 7
    botnets: int = 3
    botnet_reach: float = 0.12  # share of access networks with an infected home
    proxy_pools: int = 2
    proxy_reach: float = 0.2


@dataclass(frozen=True)
class CrimeOptions:
    """Crews, their trade and their habits. A dial moves with the world's hardness."""

    share: float = 0.06  # of all events
    per_root: float = 0.075  # campaigns planned = this × sqrt(events)
    fewest: int = 8
    per_crew: float = 2.4  # campaigns a crew of mean size gets round to
    first: float = 0.06  # part of the span in which the first campaign may start
    last: float = 0.92
    most_senders: int = 5_000
    size_tail: float = 1.15  # Pareto exponent of the crews' money
    caution: Dial = (0.2, 1.8)  # weight of being hidden in every purchase
    shared: Dial = (0.25, 0.85)  # rented ranges that also hold honest tenants
    keeps: Dial = (0.85, 0.25)  # infrastructure kept from one campaign to the next
    variety: Dial = (0.4, 2.5)  # how many ranges, domains and texts the same money is spread over
    reacts: Dial = (0.35, 0.95)  # chance that a burnt sender makes a crew change something
    second_hand: float = 0.25  # chance that a lease is taken over from another crew
    warm_up: Dial = (0.05, 0.5)  # campaigns that begin with harmless mail
    cover: Dial = (0.0, 0.3)  # most harmless messages among a campaign's
    paid_reporters: Dial = (0.0, 0.012)  # members whose clicks are for sale
    popular_links: float = 0.15  # messages that also link a popular site


@dataclass(frozen=True)
class DeskOptions:
    """Who reports, and what a small team of analysts can do about it."""

    known_until: float = 0.6  # part of the span after which no verdict leaves the desk
    reporters: float = 0.22  # members who ever report
    zeal: float = 0.25  # their mean chance to report what annoys them fully
    cranks: float = 0.003  # members who report every bulk mail
    reporting: Dial = (1.0, 0.25)  # factor on every honest report
    rescued: float = 0.0005  # chance that a recipient of bulk mail says `not_junk`
    report_hours: float = 6.0  # median delay
    report_sigma: float = 1.3
    slowness: float = 0.6  # log-normal spread of people's own pace
    paid_zeal: float = 0.4
    capacity: Dial = (8.0, 5.0)  # verdicts a day, two at least = this × (events a day / 1,000) ** growth
    growth: float = 0.6  # the team grows more slowly than the mail does
    audits: float = 0.35  # share of the capacity spent on senders picked at random
    pivots: int = 3  # further members that one good case leads to
    domains: float = 0.35  # good cases after which the link domain is judged too
    missed: Dial = (0.03, 0.15)  # guilty senders and domains that are cleared
    accused: Dial = (0.004, 0.03)  # innocent ones that are condemned


@dataclass(frozen=True)
class MarketOptions:
    """One world. `events` is met within a few per cent; `hardness` runs from 0 (easy) to 1 (adversarial)."""

    events: int = 100_000
    seed: int = 1
    hardness: float = 0.1
    days: int = 35
    start: datetime = EPOCH
    chunk_events: int = 250_000  # rows in memory before they are written
    preset: str = "ordinary"
    society: SocietyOptions = field(default_factory=SocietyOptions)
    rentals: RentalOptions = field(default_factory=RentalOptions)
    crime: CrimeOptions = field(default_factory=CrimeOptions)
    desk: DeskOptions = field(default_factory=DeskOptions)

    def __post_init__(self) -> None:
        check_bounds(self.events, self.days, self.hardness, self.seed)

    def at(self, dial: Dial) -> float:
        """A dial's value in this world."""
        easy, hard = dial
        return easy + (hard - easy) * self.hardness

    def stream(self, name: str) -> np.random.Generator:
        """A stream of chance of its own for each part, so that one part's draws never move another's."""
        return np.random.Generator(np.random.SFC64([self.seed, crc32(f"market {name}".encode())]))

    def as_dict(self) -> dict[str, Any]:
        """Plain values for world.json."""
        return {**asdict(self), "start": self.start.isoformat()}


def load_market(
    preset: str = "ordinary",
    *,
    events: int | None = None,
    seed: int | None = None,
    hardness: float | None = None,
    days: int | None = None,
) -> MarketOptions:
    """The options of a named preset, with what the caller chose instead.

    Raises `RingleaderError` for an unknown preset or a value out of range.
    """
    given = chosen(preset, PRESETS, events=events, seed=seed, hardness=hardness, days=days)
    return MarketOptions(preset=preset, **PRESETS[preset] | given)
