"""Whether one operator runs two campaigns: what each kind of evidence says, as log-odds. Links nothing by itself.

Log-odds are a sum over kinds of evidence, each with a most that it may say. The weights are set by hand, round, after
nine worlds of three simulated families: a list of victims or a text that two campaigns share is rarely an accident, a
rented network or a link domain changes hands, and an hour proves nothing. Campaigns that sleep are compared by the
traits of their last window.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from graph.campaigns.traits import ARTEFACT_RELATIONS, HOURS, TARGETS
from graph.campaigns.words import NOUNS, VERBS

Array = NDArray[np.float64]

PRIOR = -2.0  # log-odds that two campaigns have one operator, before anything is compared
MOST_SAID = {TARGETS: 5.5, "carried": 5.5, "sent_from": 3.0, "linked_to": 3.0, "address_at": 2.0, HOURS: 0.7}
FULL_SHARE = 0.2  # of the members of both campaigns use an artefact: then it says all it can
LEAST_COMPANY, FULL_COMPANY = 0.3, 0.6  # of an artefact's users outside one campaign, the share that the other has
FULL_OVERLAP = 20.0  # log-likelihood ratio of common targets against chance
FULL_COMMON = 0.3  # share of the shorter list that is common
USUAL_HOURS, SAME_HOURS = 0.7, 0.95  # cosines of two hour profiles
FULL_CAMPAIGNS = 0.6  # of those who carry a text are in campaigns: kits are sold, but a text is written once


@dataclass(frozen=True)
class Said:
    """What one kind of evidence says: `inside` and `other_inside` members and `others` share the `artefact`.

    Of targets and hours there is no artefact; `inside` are the targets in common.
    """

    relation: str
    artefact: str | None
    inside: int
    other_inside: int
    others: int
    log_odds: float


@dataclass(frozen=True)
class Link:
    """Two campaigns, in the order of their ids, and all that speaks for or against one operator."""

    campaign_id: str
    other_id: str
    said: tuple[Said, ...]

    @property
    def log_odds(self) -> float:
        """That one operator runs both."""
        return PRIOR + sum(one.log_odds for one in self.said)

    @property
    def confidence(self) -> float:
        """The same as a probability."""
        return float(1 / (1 + np.exp(-self.log_odds)))


@dataclass(frozen=True)
class Comparable:
    """Traits of campaigns by relation, and the chance that two draws of a target meet.

    `sizes`: senders of each campaign. `collision`: Σ p² over the recipients that have at most `MOST_WRITERS` writers,
    p being the share of all writers that a recipient has.
    """

    traits: Mapping[str, Mapping[str, dict[str, tuple[int, int]]]]  # relation -> campaign -> artefact -> inside, users
    sizes: Mapping[str, int]
    collision: float

    @staticmethod
    def of(traits: pa.Table, campaigns: pa.Table, collision: float) -> "Comparable":
        """From rows of graph.schema.TRAITS and CAMPAIGNS."""
        found: dict[str, dict[str, dict[str, tuple[int, int]]]] = {}
        columns = (traits[name].to_pylist() for name in traits.column_names)
        for campaign, relation, artefact, inside, users in zip(*columns, strict=True):
            found.setdefault(relation, {}).setdefault(campaign, {})[artefact] = (inside, users)
        sizes = zip(*(campaigns[name].to_pylist() for name in ("campaign_id", "senders")), strict=True)
        return Comparable(found, dict(sizes), collision)

    @cached_property
    def campaigns_share(self) -> Mapping[str, float]:
        """Share of each text's carriers who are in campaigns."""
        inside: dict[str, int] = {}
        carriers: dict[str, int] = {}
        for traits in self.traits.get("carried", {}).values():
            for text, (members, users) in traits.items():
                inside[text] = inside.get(text, 0) + members
                carriers[text] = max(carriers.get(text, 1), users)
        return {text: members / carriers[text] for text, members in inside.items()}

    @cached_property
    def hours(self) -> Mapping[str, tuple[Array, float]]:
        """The smoothed hours of each campaign that has some, shape (24,), and their Euclidean length."""
        smooth = {name: _smoothed(hours) for name, hours in self.traits.get(HOURS, {}).items()}
        return {name: (hours, float(np.linalg.norm(hours))) for name, hours in smooth.items()}


def compare(those: Comparable, campaign: str, other: str) -> Link:
    """What every kind of evidence says of two campaigns; kinds that one of them lacks are silent."""
    first, second = sorted((campaign, other))
    said = [_artefact(those, name, first, second) for name in ARTEFACT_RELATIONS]
    said += [_targets(those, first, second), _hours(those, first, second)]
    return Link(first, second, tuple(one for one in said if one is not None))


def surprise_of(common: int, expected: float) -> float:
    """Log-likelihood ratio O·log(O/E) − (O − E) of so many common targets, 0 where chance gives as many."""
    expected = max(expected, 1e-9)
    return float(common * np.log(common / expected) - (common - expected)) if common > expected else 0.0


def collision_of(users: NDArray[np.int64], most: int) -> float:
    """Chance that two targets drawn by their number of writers are the same, of those with at most `most` writers."""
    share = users / max(int(users.sum()), 1)
    return float(np.sum(share[users <= most] ** 2))


def _artefact(those: Comparable, relation: str, first: str, second: str) -> Said | None:
    """The artefact of a kind that says most; 0 where both have some and share none that counts."""
    of = those.traits.get(relation, {})
    mine, theirs = of.get(first), of.get(second)
    if not mine or not theirs:
        return None
    best = Said(relation, None, 0, 0, 0, 0.0)
    for artefact in sorted(mine.keys() & theirs.keys()):
        (a, users), (b, users_then) = mine[artefact], theirs[artefact]
        share = min(a / max(those.sizes[first], 1), b / max(those.sizes[second], 1))
        if relation == "carried":
            own = _between(those.campaigns_share[artefact], LEAST_COMPANY, FULL_CAMPAIGNS)
        else:
            own = _between(min(b / max(users - a, b), a / max(users_then - b, a)), LEAST_COMPANY, FULL_COMPANY)
        log_odds = MOST_SAID[relation] * own * min(share / FULL_SHARE, 1.0)
        if log_odds > best.log_odds:
            best = Said(relation, artefact, a, b, max(users, users_then, a + b) - a - b, log_odds)
    return best


def _targets(those: Comparable, first: str, second: str) -> Said | None:
    """Common targets against chance: O·log(O/E) − (O − E), as far as they are a real part of the shorter list."""
    of = those.traits.get(TARGETS, {})
    mine, theirs = of.get(first), of.get(second)
    if not mine or not theirs:
        return None
    common = len(mine.keys() & theirs.keys())
    surprise = surprise_of(common, len(mine) * len(theirs) * those.collision)
    part = common / min(len(mine), len(theirs))
    weight = min(surprise / FULL_OVERLAP, 1.0) * min(part / FULL_COMMON, 1.0)
    return Said(TARGETS, None, common, common, 0, float(weight * MOST_SAID[TARGETS]))


def _hours(those: Comparable, first: str, second: str) -> Said | None:
    if first not in those.hours or second not in those.hours:
        return None
    (a, length), (b, other_length) = those.hours[first], those.hours[second]
    cosine = float(a @ b / max(length * other_length, 1e-9))
    weight = min(max((cosine - USUAL_HOURS) / (SAME_HOURS - USUAL_HOURS), -1.0), 1.0)
    return Said(HOURS, None, 0, 0, 0, weight * MOST_SAID[HOURS])


def _smoothed(hours: Mapping[str, tuple[int, int]]) -> Array:
    """Events by hour, each lending half of itself to its neighbours: the turn of an hour separates nobody."""
    counts = np.zeros(24)
    for hour, (events, _) in hours.items():
        counts[int(hour)] = events
    return np.asarray(counts + (np.roll(counts, 1) + np.roll(counts, -1)) / 2)


def _between(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0)


def sentence(said: Said, senders: int, other_senders: int) -> str:
    """What one kind of evidence shows, in words made from its figures."""
    if said.relation == TARGETS:
        if not said.inside:
            return "They have no target in common."
        chance = "beyond chance" if said.log_odds > 0 else "no more than chance would have it"
        return f"They have {said.inside} target{'' if said.inside == 1 else 's'} in common, {chance}."
    if said.relation == HOURS:
        return f"They write at {'the same' if said.log_odds > 0 else 'different'} hours of the day."
    if said.artefact is None:
        return f"They share no {NOUNS[said.relation]} that is theirs rather than everybody's."
    verb = VERBS[said.relation].format(artefact=said.artefact)
    return (
        f"{said.inside} of {senders} senders of the one and {said.other_inside} of {other_senders} of the other "
        f"{verb}; {said.others or 'no'} other {'sender does' if said.others == 1 else 'senders do'}."
    )
