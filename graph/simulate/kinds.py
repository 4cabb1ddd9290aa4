"""The kinds of campaigns and what each is like when it hides nothing. Numbers only; nothing is drawn here."""

from dataclasses import dataclass

from graph.simulate.rows import CALENDAR, CONTACTS, MAIL

SIGNALS = ("targets", "network", "links", "hour", "address", "fingerprint")


@dataclass(frozen=True)
class Style:
    """What a kind of campaign is like. `weight` is how common it is, `volume` how large against others.

    `senders`: fresh (free mail), owned (own domains), hijacked, account. `messages`: mean of each sender, 0 for
    one-shot senders. `days`: shortest and longest run. `burst`: hours in which a sender writes all it writes, 0 for
    spread over the run. `links`: own, free or none. `annoyance`: chance of a report by a recipient of average zeal.
    """

    senders: str
    messages: float
    days: tuple[float, float]
    burst: float
    links: str
    signals: tuple[str, ...]
    recipients: float = 1.0
    channel: int = MAIL
    annoyance: float = 0.03
    answered: float = 0.0
    weight: float = 1.0
    volume: float = 1.0
    cover: bool = False
    spreads: bool = False  # along the victims' contacts
    residential: bool = False  # never on rented ranges

    @property
    def disposable(self) -> bool:
        """Whether senders have no life of their own to show: one-shot ones, and accounts that belong to others."""
        return self.messages == 0 or self.senders == "hijacked"


NO_ADDRESS = ("targets", "network", "links", "hour", "fingerprint")
KINDS: dict[str, Style] = {
    "throwaway": Style("fresh", 0, (2, 9), 3, "own", SIGNALS, weight=2.0, volume=1.5),
    "hijacked": Style("hijacked", 12, (2, 8), 8, "own", NO_ADDRESS, annoyance=0.02, weight=1.5),
    "calendar": Style("fresh", 3, (3, 12), 24, "own", SIGNALS, recipients=9, channel=CALENDAR),
    "contact_share": Style("account", 5, (3, 12), 24, "own", NO_ADDRESS, channel=CONTACTS, annoyance=0.015),
    "phishing": Style("owned", 14, (1, 5), 6, "own", SIGNALS, annoyance=0.05, weight=1.5, volume=1.5),
    "drip": Style("fresh", 9, (14, 24), 0, "own", SIGNALS, annoyance=0.02),
    "popular_links": Style("fresh", 5, (3, 10), 12, "free", ("targets", "network", "hour", "address", "fingerprint")),
    "fingerprint_only": Style("fresh", 0, (2, 8), 3, "none", ("targets", "fingerprint"), residential=True),
    "botnet": Style(
        "fresh", 0, (1, 5), 2, "own", ("links", "hour", "fingerprint"), weight=0.6, volume=2.5, residential=True
    ),
    "camouflage": Style("fresh", 10, (4, 12), 48, "own", SIGNALS, cover=True, annoyance=0.02, weight=0.8),
    "worm": Style("hijacked", 7, (3, 9), 2, "free", ("fingerprint",), spreads=True, weight=0.5),
    "conversation": Style("fresh", 8, (6, 20), 0, "none", ("targets", "network", "hour", "fingerprint"), answered=0.12),
}
