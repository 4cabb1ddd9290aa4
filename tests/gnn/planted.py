"""Worlds in which gangs differ from honest strangers by one planted thing alone: what an explanation ought to name."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from windows import Letter, Report, letter, window

from gnn.labels import Labels
from gnn.prior import propagate_informed
from gnn.propagate import Propagated
from graph.evidence import Evidence, gather_evidence
from graph.values import Window

RELATIONS = ("linked_to", "sent_from", "carried", "address_at", "wrote_to", "cotargets")
KINDS = (*RELATIONS, "reports")
PEOPLE, QUIET, STRANGERS, HOMES, NETWORKS, SITES, TEXTS = 160, 40, 240, 4, 12, 10, 10
GANGS, GANG_SIZE, JUDGED = 10, 16, 10


@dataclass(frozen=True)
class Planted:
    """A window, labels of most of every gang and of some others, and the last member of each gang: what was planted
    on it (None where that is a list and no single artefact), by sender."""

    window: Window
    evidence: Evidence
    propagated: Propagated
    labels: Labels
    cause: dict[str, str | None]


def world(kind: str, seed: int, spared: bool = False) -> Planted:
    """People who know each other, strangers who write once, all sharing homes, networks, links and texts; and gangs of
    strangers who share one more thing. With `spared` the last member of each gang is a stranger like others.
    """
    letters, cause = _letters(kind, seed, spared)
    spare = set(cause) if spared else set()
    reported = [at for at, one in enumerate(letters) if one.sender.startswith("x") and one.sender not in spare]
    seen = window(letters, [Report(at, to) for at in reported for to in letters[at].to if kind == "reports"])
    evidence = gather_evidence(seen)
    keys = seen.senders["key"].to_pylist()
    gang = np.array([key.startswith("x") for key in keys])
    judged = np.array([key.startswith("x") and int(key.partition("@")[0].partition("-")[2]) < JUDGED for key in keys])
    cleared = np.array([sum(map(ord, key)) % 5 < 2 for key in keys]) & ~gang
    labels = Labels(judged.astype(np.float64), cleared.astype(np.float64))
    return Planted(seen, evidence, propagate_informed(seen, evidence), labels, cause)


def _letters(kind: str, seed: int, spared: bool) -> tuple[list[Letter], dict[str, str | None]]:
    """All letters, and what was planted on the last member of each gang."""
    rng = np.random.default_rng(seed)
    out = [one for person in range(PEOPLE) for one in _person(person, rng)]
    out += [letter(_quiet(one), _address(one), **_common(rng)) for one in range(QUIET)]
    out += [_stranger(f"s{number}", number, rng) for number in range(STRANGERS)]
    cause = {}
    for gang in range(GANGS):
        targets = [_address(int(victim)) for victim in rng.choice(PEOPLE, 6, replace=False)]
        for member in range(GANG_SIZE):
            last = member == GANG_SIZE - 1
            one = _stranger(f"x{gang}-{member}", member, rng)
            planted = one if spared and last else _with(one, kind, _artefact(kind, gang), targets)
            out.append(planted)
            if last:
                cause[planted.sender] = _artefact(kind, gang)
    return out, cause


def _address(person: int) -> str:
    return f"h{person}@home{person % HOMES}.example"


def _quiet(person: int) -> str:
    """One to whom only strangers write."""
    return f"q{person}@home{person % HOMES}.example"


def _common(rng: np.random.Generator) -> dict[str, Any]:
    """What anybody's letter shares with many others."""
    return {
        "day": int(rng.integers(9)),
        "hour": int(rng.integers(24)),
        "network": f"192.0.{rng.integers(NETWORKS)}.0/24",
        "sites": (f"site{rng.integers(SITES)}.example",),
        "text": f"text{rng.integers(TEXTS)}",
    }


def _person(person: int, rng: np.random.Generator) -> list[Letter]:
    friends = [_address((person + step) % PEOPLE) for step in (-1, 1, 2)]
    strangers = [_address(int(other)) for other in rng.choice(PEOPLE, 3, replace=False)]
    letters = [letter(_address(person), *friends, **_common(rng)) for _ in range(int(rng.integers(1, 4)))]
    if rng.random() < 0.5:
        letters.append(letter(_address(person), *strangers, **_common(rng)))
    return letters


def _stranger(name: str, number: int, rng: np.random.Generator) -> Letter:
    """One letter to people whom its sender does not know."""
    victims = [_address(int(one)) for one in rng.choice(PEOPLE, 5, replace=False)]
    quiet = _quiet(int(rng.integers(GANGS, QUIET)))
    return letter(f"{name}@home{number % HOMES}.example", quiet, *victims, **_common(rng))


def _artefact(kind: str, gang: int) -> str | None:
    return {
        "linked_to": f"shop{gang}.example",
        "sent_from": f"198.51.{gang}.0/24",
        "carried": f"scam{gang}",
        "address_at": f"evil{gang}.example",
        "wrote_to": _quiet(gang),
    }.get(kind)


def _with(one: Letter, kind: str, artefact: str | None, targets: list[str]) -> Letter:
    """The letter with the planted thing in it."""
    if kind == "cotargets":
        return replace(one, to=tuple(targets))
    if artefact is None:
        return one
    changed: dict[str, dict[str, Any]] = {
        "linked_to": {"sites": (artefact, *one.sites)},
        "sent_from": {"network": artefact},
        "carried": {"text": artefact},
        "address_at": {"sender": f"{one.sender.partition('@')[0]}@{artefact}"},
        "wrote_to": {"to": (artefact, *one.to[1:])},
    }
    return replace(one, **changed[kind])
