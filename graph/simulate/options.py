"""What a world is made of: every number of the simulator by name, read from presets. Draws nothing."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any

from graph.errors import RingleaderError

PRESETS = ("ordinary", "hard", "adversarial", "scale")
EPOCH = datetime(2025, 3, 3, tzinfo=UTC)  # a Monday, long enough ago that no reader takes it for the future
SMALLEST_WORLD = 2_500  # below, the least of every kind would crowd out everything else
FEWEST_DAYS = 14  # two weeks: labels need a past, the test a future


@dataclass(frozen=True)
class Dial:
    """A number that moves with the world's hardness, from `easy` (hardness 0) to `hard` (hardness 1)."""

    easy: float
    hard: float

    def at(self, hardness: float) -> float:
        return self.easy + (self.hard - self.easy) * hardness


OFF = Dial(0.0, 0.0)


@dataclass(frozen=True)
class Share:
    """How the events divide; the values are scaled to sum to one."""

    people: float = 0.30  # private and office mail, threads included
    strangers: float = 0.02  # people who write once or twice to somebody they do not know
    lists: float = 0.03  # mailing lists: members' posts to all members
    newsletters: float = 0.25  # brands on a few sending services
    political: float = 0.02  # mailers of one vendor, often reported
    companies: float = 0.17  # receipts, shipping notes, passwords
    social: float = 0.08  # social networks' notifications and invitations
    schools: float = 0.02  # teachers of one school, same week, same town
    franchises: float = 0.02  # branches of one brand, same offer, same hour
    clubs: float = 0.01  # private people who invite many
    outreach: float = 0.012  # cold sales mail
    recruiters: float = 0.012  # agents of many firms on one tracking domain
    sellers: float = 0.02  # private people who offer something to strangers over weeks
    teams: float = 0.025  # office calendars, with answers
    conferences: float = 0.004  # calendar invitations to many strangers
    contacts: float = 0.01  # contact cards
    sign_ups: float = 0.002  # subscription bombing: confirmations of many honest services to one victim
    campaigns: float = 0.05  # everything malicious


@dataclass(frozen=True)
class People:
    """Who there is and how they correspond."""

    users_per_event: float = 0.03  # mailboxes at the provider
    outsiders_per_user: float = 0.45  # correspondents elsewhere
    community: float = 60.0  # mean people in a town's circle
    rewired: float = 0.12  # contacts outside the circle (Watts and Strogatz 1998)
    contacts: int = 10  # regular correspondents of one person
    loyalty: float = 0.9  # Zipf exponent over a person's contacts
    activity_sigma: float = 1.1  # log-normal spread of how much people write
    answered: float = 0.42  # chance that a private message is answered
    answer_hours: float = 3.0  # median delay of an answer
    answer_sigma: float = 1.3
    copied: float = 0.15  # share of private messages with further recipients
    linked: float = 0.15  # share of private messages with a link
    short: float = 0.08  # share of private messages as short as everybody's ("ok, thanks"): shared fingerprints
    office: float = 0.4  # people who write from an organisation's address
    forwarded: float = 0.015  # mailboxes whose mail arrives through a forwarder's network
    no_address: float = 0.04  # events without a client address


@dataclass(frozen=True)
class Web:
    """The sites and networks that everybody shares."""

    popular_sites: int = 120
    popularity: float = 1.1  # Zipf exponent
    shorteners: int = 4
    free_hosts: int = 4  # anyone can have a page there
    free_page_use: float = 0.25  # share of private links that go to a shortener or a free page
    also_popular: float = 0.15  # share of bulk messages, guilty or not, that also link a popular site
    people_per_network: float = 60.0  # customers seen in one /24 or /48 of an access provider
    ipv6: float = 0.3  # share of access networks that are /48
    hosters: int = 40  # networks of shared hosting, where clubs and criminals rent side by side
    carriers: int = 24  # mobile gateways, each used by thousands
    mobile: float = 0.3  # share of private mail sent through one


@dataclass(frozen=True)
class Bulk:
    """Legitimate senders who write to many."""

    audience: float = 120.0  # mean subscribers of a newsletter
    audience_sigma: float = 1.2
    issues_per_week: float = 1.2
    brands_per_service: int = 14
    own_hosting: float = 0.25  # brands that send from their own network
    customers: float = 60.0  # mean events a company sends
    shop_systems: int = 6  # ready-made shops whose notes all look alike
    shop_system_use: float = 0.4  # share of companies that use one
    list_members: float = 24.0
    list_recipients: int = 60  # most recipients of one post
    school_staff: float = 14.0
    branches: float = 18.0
    club_invited: float = 25.0
    prospects: float = 30.0  # strangers a cold sender writes to
    candidates: float = 14.0  # people a recruiter writes to
    offered: float = 8.0  # strangers a private seller writes to
    agents_per_tracker: int = 40  # recruiters that share one tracking domain
    invited: float = 60.0  # recipients of a conference invitation
    team: float = 8.0
    bombed: float = 40.0  # confirmations that hit one victim


@dataclass(frozen=True)
class Hidden:
    """For each signal the chance that a campaign whose kind shares it does not, whatever else it keeps."""

    targets: Dial = OFF
    network: Dial = OFF
    links: Dial = OFF
    hour: Dial = OFF
    address: Dial = OFF
    fingerprint: Dial = OFF


@dataclass(frozen=True)
class Crime:
    """Campaigns and their operators. A dial that is off leaves the world of a seed as it was."""

    campaigns_per_root: float = 0.05  # campaigns = this × sqrt(events), at least two of each kind
    campaigns_per_operator: float = 2.0
    size_sigma: float = 0.8  # log-normal spread of the campaigns' volumes
    fewest_senders: int = 3
    most_senders: int = 5_000
    late: float = 0.45  # share of campaigns that start after the last verdict
    signals_kept: Dial = Dial(1.0, 0.4)  # share of its shared signals that a campaign keeps
    most_signals: Dial = Dial(6.0, 6.0)  # and never more of them than this
    hidden: Hidden = field(default_factory=Hidden)
    burnt: Dial = Dial(0.2, 0.9)  # chance that an operator drops a piece of infrastructure between campaigns
    residential: Dial = Dial(0.0, 0.7)  # without shared networks: home connections instead of many rented ranges
    shared_hosting: Dial = Dial(0.1, 0.5)  # rented ranges that lie at a hoster of innocents
    own_links: Dial = Dial(0.1, 0.6)  # without shared links: a domain a sender instead of free pages
    free_hosting: Dial = OFF  # campaigns that would link domains of their own and link free pages instead
    honest_cover: Dial = Dial(0.0, 0.35)  # share of non-disposable senders that also write honest mail
    bridges: Dial = OFF  # campaigns with senders that also write as members of an innocent group
    rotation: Dial = OFF  # campaigns that change senders and infrastructure right after a verdict; not stolen accounts


@dataclass(frozen=True)
class Labels:
    """What the provider gets to know, and how wrong it is."""

    known_until: float = 0.62  # share of the span after which no verdict is given
    campaigns_judged: Dial = Dial(0.9, 0.6)  # share of early campaigns with any verdict
    senders_judged: Dial = Dial(0.3, 0.12)  # share of a judged campaign's senders
    most_judged: int = 40  # verdicts on one campaign's senders
    domains_judged: float = 0.3  # share of a judged campaign's own domains
    innocents_judged: float = 0.02  # share of innocent senders and domains with a benign verdict
    delay_hours: float = 36.0  # median time from first message to verdict
    delay_sigma: float = 0.8
    wrong: Dial = Dial(0.0, 0.06)  # verdicts that say the opposite
    reporters: float = 0.2  # share of users who ever report
    reporting: Dial = Dial(1.0, 0.2)  # factor on every true report of abuse
    mistaken: float = 0.5  # factor on reports against annoying but innocent mail
    rescued: float = 0.0006  # chance that a recipient of bulk mail says `not_junk`
    suppressed: Dial = OFF  # share of what is said for the innocent that never arrives
    puppets: Dial = Dial(0.0, 0.02)  # share of users whose reports an adversary buys
    puppet_zeal: float = 0.5  # chance that such a user reports a message of a framed sender
    puppet_favour: float = 0.1  # chance that it says `not_junk` of a guilty one
    poisoned: Dial = Dial(0.0, 0.04)  # share of innocent bulk senders reported on purpose
    report_hours: float = 5.0
    report_sigma: float = 1.2


@dataclass(frozen=True)
class WorldOptions:
    """One world. `events` is met within a few per cent; `hardness` runs from 0 (easy) to 1 (adversarial)."""

    events: int = 100_000
    seed: int = 1
    hardness: float = 0.1
    days: int = 35
    start: datetime = EPOCH
    chunk_events: int = 250_000  # rows in memory at once
    preset: str = "ordinary"
    share: Share = field(default_factory=Share)
    people: People = field(default_factory=People)
    web: Web = field(default_factory=Web)
    bulk: Bulk = field(default_factory=Bulk)
    crime: Crime = field(default_factory=Crime)
    labels: Labels = field(default_factory=Labels)

    def __post_init__(self) -> None:
        check_bounds(self.events, self.days, self.hardness, self.seed)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for world.json."""
        return {**asdict(self), "start": self.start.isoformat()}


def load_preset(
    name: str = "ordinary",
    *,
    events: int | None = None,
    seed: int | None = None,
    hardness: float | None = None,
    days: int | None = None,
) -> WorldOptions:
    """The options of a named preset, with what the caller chose instead.

    Raises `RingleaderError` for an unknown preset or a value out of range.
    """
    given = chosen(name, PRESETS, events=events, seed=seed, hardness=hardness, days=days)
    text = files("graph.simulate").joinpath("presets", f"{name}.toml").read_text(encoding="utf-8")
    return replace(from_table(tomllib.loads(text)), preset=name, **given)


def from_table(table: Mapping[str, Any]) -> WorldOptions:
    """Options from a TOML table: top-level keys and one section for each group; a dial is `[easy, hard]`."""
    options: WorldOptions = _filled(WorldOptions(), table, "world")
    return options


def _filled(default: Any, table: Mapping[str, Any], where: str) -> Any:
    known = {f.name for f in fields(default)}
    for name in table:
        check(f"{where}.{name}", name in known, "there is no such option")
    return replace(default, **{name: _value(getattr(default, name), value, name) for name, value in table.items()})


def _value(default: Any, value: Any, name: str) -> Any:
    if isinstance(default, Dial):
        pair = isinstance(value, list) and len(value) == 2
        check(name, pair, "a dial is a pair [easy, hard]")
        return Dial(*map(float, value))
    return _filled(default, value, name) if isinstance(value, Mapping) else type(default)(value)


def chosen(preset: str, known: Iterable[str], **numbers: float | None) -> dict[str, Any]:
    """The numbers that the caller of a preset chose instead. Raises RingleaderError for a preset that is not known."""
    if preset not in known:
        raise RingleaderError(f"preset {preset!r}", "there is no such preset", f"Use one of {', '.join(known)}")
    return {name: value for name, value in numbers.items() if value is not None}


def check_bounds(events: int, days: int, hardness: float, seed: int) -> None:
    """What every family of worlds asks of these. Raises RingleaderError that names the first one out of range."""
    check("events", events >= SMALLEST_WORLD, f"a world needs at least {SMALLEST_WORLD} events")
    check("days", days >= FEWEST_DAYS, f"a world needs at least {FEWEST_DAYS} days")
    check("hardness", 0.0 <= hardness <= 1.0, "hardness lies between 0 and 1")
    check("seed", seed >= 0, "a seed is not negative")


def check(thing: str, holds: bool, reason: str) -> None:
    if not holds:
        raise RingleaderError(f"simulator option {thing}", reason, "Correct it and run again")
