"""Planted causes: where one thing makes a sender risky, the reasons name it among the first three."""

import numpy as np
import planted
import pytest
from planted import KINDS, RELATIONS, Planted
from small_mail import nothing_known

from gnn.explain import EXPLAINED_FROM, reasons
from gnn.fit import TrainOptions
from gnn.model import RiskModel
from gnn.risk import Risk, judge
from gnn.settle import score_settled
from gnn.teach import teach
from graph.campaigns.find import FindOptions, find_groups

OPTIONS = TrainOptions(members=2)
FIRST, SEEDS = 3, (4, 5)
LEAST_PLANTS, LEAST_NAMED = 40, 0.95
LEAST_TELLING = (
    5  # relations that make somebody risky: shared recipients alone are too weak, as strangers share them too
)


def judged(world: Planted, model: RiskModel) -> Risk:
    nobody = nothing_known(world.window.domains.num_rows)
    risk = score_settled(world.propagated, world.evidence, world.labels, nobody, model, OPTIONS)
    return judge(risk, find_groups(world.evidence, risk.senders, FindOptions()), world.evidence, nobody)


def risks(world: Planted, risk: Risk) -> dict[str, float]:
    """Risk by the name before the @, which the planted thing does not change."""
    keys = [key.partition("@")[0] for key in world.window.senders["key"].to_pylist()]
    return dict(zip(keys, risk.sender_risk.tolist(), strict=True))


def named(kind: str, seed: int) -> list[bool]:
    """Whether the planted cause is among the first reasons: of each sender that is risky with it and not without it."""
    world, spared = planted.world(kind, seed=seed), planted.world(kind, seed=seed, spared=True)
    model = teach(world.window, world.propagated, world.labels, OPTIONS)
    risk = judged(world, model)
    nobody = nothing_known(world.window.domains.num_rows)
    rows = reasons(world.window, world.evidence, world.propagated, world.labels, nobody, model, risk).to_pylist()
    with_it, without = risks(world, risk), risks(spared, judged(spared, model))
    first = {(row["key"], row["relation"], row["artefact"]) for row in rows if 1 <= row["rank"] <= FIRST}
    return [
        (key, kind, artefact) in first
        for key, artefact in world.cause.items()
        if with_it[key.partition("@")[0]] >= EXPLAINED_FROM > without[key.partition("@")[0]]
    ]


@pytest.mark.slow
def test_the_planted_cause_is_among_the_first_three_reasons() -> None:
    found = {kind: [one for seed in SEEDS for one in named(kind, seed)] for kind in KINDS}
    assert sum(bool(found[kind]) for kind in RELATIONS) >= LEAST_TELLING
    together = np.concatenate(list(found.values()))
    assert len(together) >= LEAST_PLANTS
    assert together.mean() >= LEAST_NAMED, found
