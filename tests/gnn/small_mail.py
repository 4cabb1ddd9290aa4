"""A small mail world in which a network can learn something: gangs that share links, people who answer."""

from dataclasses import dataclass

import numpy as np
from windows import Letter, Report, letter, window

from gnn.features import Channels
from gnn.fit import TrainOptions
from gnn.labels import Labels, Rows
from gnn.model import RiskModel
from gnn.propagate import Propagated, label_channels, propagate
from gnn.train import Order, train
from graph.evidence import Evidence, column, gather_evidence
from graph.values import Window

QUICK = TrainOptions(steps=20, members=2, width=16, check_every=10)
GANGS, GANG_SIZE, PEOPLE = 4, 12, 60


@dataclass(frozen=True)
class Lesson:
    """A window with all that a model needs, and the truth about its senders."""

    window: Window
    evidence: Evidence
    propagated: Propagated
    guilty: "np.ndarray[tuple[int], np.dtype[np.bool_]]"
    labels: Labels

    @property
    def no_domain_labels(self) -> Labels:
        return nothing_known(self.window.domains.num_rows)

    def lend(self, labels: Labels, rows: Rows | None = None) -> Channels:
        return label_channels(self.propagated, labels.malicious, labels.benign, rows)

    def fit(self, labels: Labels | None = None, options: TrainOptions = QUICK) -> RiskModel:
        started = column(self.window.senders.set_column(0, "t", self.window.senders["first_seen"].cast("int64")), "t")
        return train(self.propagated.structure, self.lend, labels or self.labels, Order.apart(started), options)


def rows_of_gang(lesson: Lesson, gang: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """The senders of one gang."""
    return np.flatnonzero([key.startswith(f"x{gang}-") for key in lesson.window.senders["key"].to_pylist()])


def nothing_known(rows: int) -> Labels:
    return Labels(np.zeros(rows), np.zeros(rows))


def lesson(letters: list[Letter] | None = None, reports: list[Report] | None = None) -> Lesson:
    """The world of `mail()`, with verdicts on two gangs and half of the people; keys of gangs start with x."""
    seen = window(letters if letters is not None else mail(), reports or [])
    evidence = gather_evidence(seen)
    keys = seen.senders["key"].to_pylist()
    guilty = np.array([key.startswith("x") for key in keys], dtype=bool)
    malicious = np.array([float(key.startswith(("x0", "x1"))) for key in keys])
    benign = np.array([float(key.startswith("h") and sum(map(ord, key)) % 2 == 0) for key in keys])
    return Lesson(seen, evidence, propagate(seen, evidence), guilty, Labels(malicious, benign))


def mail() -> list[Letter]:
    """Each gang: twelve one-shot senders, domains of their own, one link and network. People write to neighbours."""
    rng = np.random.default_rng(5)
    out = []
    for gang in range(GANGS):
        shared = {"sites": (f"shop{gang}.example",), "network": f"198.51.{gang}.0/24", "day": 1 + 2 * gang}
        for n in range(GANG_SIZE):
            victims = [f"h{v}@home.example" for v in rng.choice(PEOPLE, 3, replace=False)]
            out.append(letter(f"x{gang}-{n}@evil{gang}-{n}.example", *victims, hour=int(rng.integers(24)), **shared))
    for n in range(PEOPLE):
        friends = [f"h{(n + step) % PEOPLE}@home.example" for step in (1, 2)]
        for day in rng.choice(9, 3, replace=False):
            network = f"192.0.{n % 7}.0/24"
            out.append(letter(f"h{n}@home.example", *friends, day=int(day), hour=10 + n % 8, network=network))
        out.append(letter(f"h{n}@home.example", f"h{(n - 1) % PEOPLE}@home.example", day=int(rng.integers(9))))
    return out
