"""The honest firms, offices and societies: what each writes, from where, to whom. Tables only; nothing acts here.

Shares are of all honest events and are scaled to sum to one with those of the people (`PEOPLE`).
"""

from dataclasses import dataclass
from typing import Literal

Home = Literal["own", "shared", "freemail", "person", "fresh"]
Via = Literal["service", "hosting", "own", "freemail", "person"]
Audience = Literal["followers", "town", "list", "anyone"]
Link = Literal["own", "tracker", "both", "page", "short", "none"]
Text = Literal["issue", "sender", "kit", "each"]
Habit = Literal["private", "office", "machine", "always"]

PEOPLE = {
    "letters": 0.30,
    "posts": 0.012,
    "meetings": 0.03,
    "one_time": 0.015,
    "reunions": 0.004,
    "viral": 0.012,
    "bombed": 0.003,
}


@dataclass(frozen=True)
class Press:
    """Those who write one thing to many. A group writes on the same day."""

    archetype: str
    share: float
    reach: float  # mean audience of a sender
    issues: float  # times a sender writes over the world
    home: Home  # whose address: an own site, one for the group, a free mailbox, a private person, a new domain
    via: Via
    audience: Audience
    link: Link
    text: Text  # new each issue, or for each sender, a kit's, or personal
    annoyance: float  # chance that a zealous recipient reports it
    group: int = 1
    to: int = 1  # recipients of one message
    label: str = "info"
    calendar: float = 0.0  # issues that go out as invitations
    habit: Habit = "office"
    hours: float = 1.0  # mean time that an issue takes
    grows: bool = False  # the audience is gathered as the world goes on


@dataclass(frozen=True)
class Counter:
    """Those who write to one at a time, when something happened."""

    archetype: str
    share: float
    mean: float  # messages of a sender over the world
    home: Literal["desk", "relay", "account", "employer"]
    via: Via
    notes: int  # texts it has; 0 for personal ones
    linked: float
    annoyance: float
    label: str = "service"
    senders_per_site: int = 1
    kit: float = 0.0  # senders that use a ready-made shop system
    regulars: float = 25.0  # customers that come again and again
    channel: int = 0
    habit: Habit = "machine"


PRESSES = (
    Press("newsletter", 0.190, 110, 6, "own", "service", "followers", "both", "issue", 0.03, label="news"),
    Press("campaigner", 0.018, 160, 4, "own", "service", "list", "tracker", "issue", 0.12, group=3, label="team"),
    Press("marketer", 0.020, 130, 3, "own", "service", "list", "tracker", "issue", 0.14, label="offers"),
    Press("association", 0.014, 28, 3, "person", "person", "town", "page", "issue", 0.004, to=14, habit="private"),
    Press("school", 0.014, 24, 4, "shared", "own", "town", "own", "issue", 0.003, group=7, label="class", hours=3.0),
    Press("parish", 0.009, 30, 3, "freemail", "freemail", "town", "none", "issue", 0.003, group=6, to=10),
    Press("franchise", 0.018, 45, 3, "own", "hosting", "town", "tracker", "kit", 0.05, group=11, label="branch"),
    Press("start_up", 0.009, 70, 5, "fresh", "hosting", "followers", "both", "issue", 0.04, label="hello", grows=True),
    Press("conference", 0.008, 70, 2, "fresh", "hosting", "list", "own", "issue", 0.07, label="chair", calendar=0.5),
    Press("recruiter", 0.010, 22, 3, "own", "hosting", "anyone", "tracker", "each", 0.05, label="talent", hours=5.0),
    Press("estate_agent", 0.009, 26, 3, "own", "hosting", "town", "tracker", "sender", 0.02, label="homes"),
    Press("outreach", 0.012, 34, 3, "fresh", "freemail", "list", "none", "kit", 0.14, label="growth", hours=5.0),
)

COUNTERS = (
    Counter("shop", 0.130, 70, "desk", "hosting", 5, 0.85, 0.004, label="orders", kit=0.45),
    Counter("security_notice", 0.040, 420, "desk", "own", 3, 0.45, 0.003, label="security", regulars=400),
    Counter("social_notice", 0.055, 5, "relay", "own", 6, 1.0, 0.015, label="notice", senders_per_site=4_000),
    Counter(
        "marketplace", 0.018, 1.7, "relay", "own", 0, 0.2, 0.004, label="reply", senders_per_site=9_000, regulars=3
    ),
    Counter("booking", 0.014, 30, "account", "hosting", 2, 0.6, 0.004, channel=1, habit="office"),
    Counter("robot", 0.045, 110, "employer", "own", 6, 0.9, 0.001, label="tickets", habit="office"),
    Counter("directory_app", 0.005, 4, "account", "hosting", 1, 0.0, 0.01, channel=2, habit="private"),
)
