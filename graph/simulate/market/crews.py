"""Crews: what they own, how they choose, what they can pay. Sends nothing.

A crew has money, skill, tastes and a stock of rented things; it chooses the parts of its next campaign one by one.
"""

from dataclasses import dataclass, field

import numpy as np

from graph.simulate.market.offers import FITS, GOALS, IMPOSSIBLE, NEEDS, OFFERS, ONLY
from graph.simulate.market.options import MarketOptions
from graph.simulate.market.society import ZONES
from graph.simulate.rows import Ints

TASTE = 0.8  # spread of lasting likings
WHIM = 0.5  # spread of those of one moment
LONE = 0.22  # crews of one person, who hold three to five addresses at a time
DEAR = 9.0  # how much of its purse a crew minds spending


@dataclass(frozen=True)
class Plan:
    """What a crew settled on."""

    goal: str
    channel: str
    identity: str
    route: str
    lure: str
    text: str
    pace: str
    targets: str
    burst: str

    @property
    def kind(self) -> str:
        """Goal and means in one word, for the truth."""
        return f"{self.goal}_by_{self.identity}"

    @property
    def signals(self) -> list[str]:
        """What its senders have in common, for the truth."""
        shared = {
            "address": self.identity in ("domains", "tenant", "hacked_sites"),
            "fingerprint": self.text != "personal",
            "hour": self.pace in ("blast", "waves"),
            "links": self.lure not in ("plain", "attachment"),
            "network": self.route not in ("webmail", "owner"),
            "targets": self.targets in ("list", "staff"),
        }
        return [name for name, there in shared.items() if there]

    @property
    def price(self) -> float:
        """What a message costs."""
        return sum(offers[getattr(self, choice)].price for choice, offers in OFFERS.items())


@dataclass
class Crew:
    """One operator. `stock` holds what it rents now: networks and hosts by the name of the offer."""

    number: int
    lone: bool
    weight: float  # its share of the trade
    skill: float  # 0 to 1: how much it notices and how fast it reacts
    money: float
    caution: float
    zone: int
    tastes: dict[str, float]
    kit: int
    list_number: int
    quiet_until: int = 0
    campaigns: int = 0
    stock: dict[str, Ints] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"o{self.number:03d}"

    def plan(self, rng: np.random.Generator, volume: float) -> Plan:
        """Chooses goal and means for about `volume` messages."""
        goal = self._pick(rng, {name: 6.0 * goal.worth for name, goal in GOALS.items()})
        chosen = [goal]
        purse = max(self.money, 0.2) / max(volume, 1.0)
        for choice, offers in OFFERS.items():
            appeal = {
                name: offer.allure + self.caution * offer.secrecy - DEAR * offer.price / (purse + offer.price) * 0.5
                for name, offer in offers.items()
                if NEEDS.get(name, name) in (*chosen, name)
            }
            chosen.append(self._pick(rng, {name: value + _fit(choice, name, chosen) for name, value in appeal.items()}))
        return Plan(*chosen)

    def _pick(self, rng: np.random.Generator, appeal: dict[str, float]) -> str:
        noise = rng.gumbel(0.0, WHIM, len(appeal))
        return max(zip(appeal, noise, strict=True), key=lambda at: appeal[at[0]] + self.tastes[at[0]] + at[1])[0]


def _fit(choice: str, name: str, chosen: list[str]) -> float:
    ruled_out = 0.0
    for other in chosen:
        allowed = ONLY.get(other)
        if allowed and name not in allowed and any(one in OFFERS[choice] for one in allowed):
            ruled_out += IMPOSSIBLE
        ruled_out += FITS.get((other, name), 0.0)
    return ruled_out


def found_crews(options: MarketOptions, campaigns: int, rng: np.random.Generator) -> list[Crew]:
    """A few rich crews and many poor ones."""
    crime = options.crime
    n = max(3, round(campaigns / crime.per_crew))
    weights = rng.pareto(crime.size_tail, n) + 0.25
    caution = options.at(crime.caution)
    names = [*GOALS, *(name for offers in OFFERS.values() for name in offers)]
    crews = []
    for number in range(n):
        skill = float(rng.beta(2, 2))
        crews.append(
            Crew(
                number=number,
                lone=bool(rng.random() < LONE),
                weight=float(min(weights[number], 12.0)),
                skill=skill,
                money=float(weights[number] * options.events * crime.share / n * rng.lognormal(np.log(0.06), 0.7)),
                caution=caution * (0.4 + 1.2 * skill),
                zone=int(rng.choice(ZONES)),
                tastes=dict(zip(names, rng.normal(0, TASTE, len(names)).tolist(), strict=True)),
                kit=int(rng.integers(options.rentals.kits)),
                list_number=int(rng.integers(options.rentals.lists)),
            )
        )
    return crews
