"""What makes two groups one campaign, fitted on simulated worlds (`graph.campaigns.same_campaign`). Knows no real mail.

The lessons are the pairs that the search itself meets: first on its way when every join is right, then on its own way,
mistakes included (dataset aggregation; Ross, Gordon, Bagnell 2011). `python -m gnn.teach_campaigns OUT` teaches it
anew. It takes its suspects from the prior of senders, so that is taught first; the network of domains listens to
campaigns, so that is taught last (`gnn.teach_prior`).
"""

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from gnn.lessons import TAUGHT, Seen, Worlds, nothing_known, some_known, views
from gnn.model import RiskModel
from gnn.prior import fitted_to, shipped
from gnn.risk import from_verdicts, sender_logits
from graph.campaigns.agglomerate import JoinOptions, agglomerate, worth_comparing
from graph.campaigns.find import FindOptions
from graph.campaigns.likeness import FIGURES, TYING_RELATIONS, Groups, Suspects, likeness, membership
from graph.campaigns.same_campaign import SameCampaign, scaled, shares_of_sizes
from graph.simulate.families import FAMILIES

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

RIGHT_FIRST = [FIGURES.index(f"{name}.best") for name in TYING_RELATIONS] + [
    FIGURES.index("cotargets.norm"),
    FIGURES.index("days.cosine"),
]  # which of several right joins comes first, before anything is taught


LEAST_SPREAD = 1e-3
LEAST_HALF = 3


@dataclass(frozen=True)
class CampaignOptions(Worlds):
    """The worlds, and how much of each is shown.

    `pairs`: of the same two campaigns, in one round of the search. `rows`: of one view of a world, so that no world
    drowns the others. `pure`: share of a group's members that must be of one campaign for it to teach anything.
    `members`: who are compared with the rest of their group. `cuts`: how often all campaigns are cut in two, for the
    search meets few pairs of large crowds. `penalty`: inverse strength of the ridge. `suspect`: log-odds above which
    the innocent are among the suspects. `join`: how far the search goes in lessons; how far it goes with what was
    learnt was chosen afterwards, on other worlds.
    """

    worlds: int = 72
    events: tuple[int, ...] = (150_000, 100_000, 25_000, 1_000_000)
    first_seed: int = 9_000
    as_preset: bool = True
    pairs: int = 60
    rows: int = 8_000
    members: int = 3_000
    cuts: int = 4
    pure: float = 0.7
    penalty: float = 0.3
    suspect: float = -1.0
    passes: int = 2
    join: JoinOptions = field(default_factory=lambda: JoinOptions(least=-0.5))


@dataclass(frozen=True)
class Pairs:
    """Figures of pairs, shape (pairs, figures), and whether they are one campaign."""

    figures: NDArray[np.float32]
    same: NDArray[np.bool_]


def teach_campaigns(
    options: CampaignOptions, prior: RiskModel, say: Callable[[str], None] = lambda line: None
) -> SameCampaign:
    """Fit on freshly simulated worlds; `prior` says who is suspect in them."""
    model: SameCampaign | None = None
    met: list[Pairs] = []
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for turn in range(options.passes):
            later = replace(options, first_seed=options.first_seed + turn * options.worlds)
            shown = partial(_world, later, prior, model)
            for number, found in enumerate(pool.map(shown, range(options.worlds // options.passes))):
                met += found
                say(f"campaigns, pass {turn + 1}, world {number + 1}: {sum(len(one.same) for one in found)} pairs")
            model = _fitted(met, options.penalty)
    assert model is not None
    return model


def _world(options: CampaignOptions, prior: RiskModel, model: SameCampaign | None, number: int) -> list[Pairs]:
    """What the search meets in a world, and in what a few mailboxes show of it."""
    found = []
    for at, seen in enumerate(views(options, number)):
        rng = np.random.default_rng([options.first_seed, number, at])
        fitted = fitted_to(seen.propagated.structure, prior)
        labels = nothing_known(seen) if number % 2 else some_known(seen, np.zeros(0, np.int64), rng)
        logits, _ = sender_logits(seen.propagated, labels, fitted)
        margins = logits + from_verdicts(labels, logits)
        guilty = np.where(seen.target > 0, FindOptions().most_fit, margins)  # nobody guilty is overlooked in lessons
        rows = np.flatnonzero(guilty > options.suspect)
        if len(rows) > 1 and (seen.campaign[rows] >= 0).any():
            found.append(met_on_the_way(seen, rows, model, options, rng))
    return found


def met_on_the_way(
    seen: Seen, rows: Ids, model: SameCampaign | None, options: CampaignOptions, rng: np.random.Generator
) -> Pairs:
    """The pairs that the search compares among the suspects `rows`, led by the truth or, where there is one, a model.

    Pairs of innocents and pairs with a group that is a mixture teach nothing and are left out.
    """
    campaign, suspects = seen.campaign[rows], Suspects.of(seen.propagated.burst, rows)
    parts: list[Pairs] = []

    def score(groups: Groups, i: Ids, j: Ids) -> Array:
        figures = likeness(groups, i, j)
        main, share = _main_campaign(groups, campaign)
        same = (main[i] == main[j]) & (main[i] >= 0)
        clear = (np.maximum(main[i], main[j]) >= 0) & (np.minimum(share[i], share[j]) >= options.pure)
        take = _some_of_each(main[i], main[j], clear, options.pairs, rng)
        parts.append(Pairs(figures[take].astype(np.float32), same[take]))
        return (
            np.where(same, 1 + figures[:, RIGHT_FIRST].sum(axis=1), -1.0) if model is None else model.log_odds(figures)
        )

    label = agglomerate(suspects, score, options.join, FindOptions().seed)
    groups = Groups.of(suspects, label)
    main, share = _main_campaign(groups, campaign)
    figures = membership(groups, Groups.of(suspects, np.arange(len(label), dtype=np.int64)))
    clear = ~np.isnan(figures).any(axis=1) & (share[label] >= options.pure) & (main[label] >= 0)
    take = rng.permutation(np.flatnonzero(clear))[: options.members]
    parts.append(Pairs(figures[take].astype(np.float32), campaign[take] == main[label[take]]))
    whole = _together(parts)
    some = np.sort(rng.permutation(len(whole.same))[: options.rows])
    met = Pairs(whole.figures[some], whole.same[some])
    return _together([met, *(cut_in_two(suspects, campaign, options.pairs, rng) for _ in range(options.cuts))])


def cut_in_two(suspects: Suspects, campaign: Ids, most: int, rng: np.random.Generator) -> Pairs:
    """Halves of campaigns against each other and against those of other campaigns, at most so many of the same two.

    A campaign is cut at random, by time, or by what its members use, so that the halves have nothing of one kind in
    common. Each half with three members or more.
    """
    label = 2 * (int(campaign.max()) + 1) + np.arange(len(campaign))  # the innocent are alone
    for number in np.unique(campaign[campaign >= 0]).tolist():
        rows = np.flatnonzero(campaign == number)
        label[rows] = 2 * number + _cut(suspects, rows, rng)
    label = np.unique(label, return_inverse=True)[1].astype(np.int64)
    groups = Groups.of(suspects, label)
    owner = np.full(len(groups), -1, np.int64)
    owner[label] = campaign
    i, j = worth_comparing(groups, FindOptions().join, rng)
    large = (groups.size[i] >= LEAST_HALF) & (groups.size[j] >= LEAST_HALF) & (owner[i] >= 0) & (owner[j] >= 0)
    i, j = i[large], j[large]
    take = _some_of_each(owner[i], owner[j], np.ones(len(i), dtype=bool), most, rng)
    return Pairs(likeness(groups, i[take], j[take]).astype(np.float32), (owner[i] == owner[j])[take])


def _cut(suspects: Suspects, rows: Ids, rng: np.random.Generator) -> Ids:
    """0 or 1 for each of the members `rows` of a campaign."""
    way = int(rng.integers(2 + len(suspects.kinds)))
    if way == 0:
        order = rng.random(len(rows))
    elif way == 1:
        order = suspects.days[rows] @ np.arange(suspects.days.shape[1])
    else:
        used = suspects.kinds[way - 2].used[rows]
        place = rng.permutation(used.shape[1])
        order = rng.random(len(rows)) * used.shape[1]
        uses = np.flatnonzero(np.diff(used.indptr))
        order[uses] = place[used.indices[used.indptr[uses]]]
    return np.asarray(order > np.quantile(order, rng.uniform(0.1, 0.9)), dtype=np.int64)


def _main_campaign(groups: Groups, campaign: Ids) -> tuple[Ids, Array]:
    """The campaign of most members of each group (−1: innocent), and their share."""
    count = np.zeros((len(groups), int(campaign.max()) + 2))
    np.add.at(count, (groups.label, campaign + 1), 1.0)
    return count.argmax(axis=1) - 1, count.max(axis=1) / groups.size


def _some_of_each(a: Ids, b: Ids, clear: NDArray[np.bool_], most: int, rng: np.random.Generator) -> Ids:
    """At random at most so many of the clear pairs between the same two campaigns."""
    order = rng.permutation(np.flatnonzero(clear))
    bunch = np.minimum(a, b)[order] * (int(max(a.max(initial=0), b.max(initial=0))) + 2) + np.maximum(a, b)[order]
    by_bunch = np.argsort(bunch, kind="stable")
    start = np.flatnonzero(np.append(True, np.diff(bunch[by_bunch]) != 0)) if len(order) else np.zeros(0, np.int64)
    within = np.arange(len(order)) - np.repeat(start, np.diff(np.append(start, len(order))))
    return np.sort(order[by_bunch[within < most]])


def _together(parts: list[Pairs]) -> Pairs:
    return Pairs(np.concatenate([part.figures for part in parts]), np.concatenate([part.same for part in parts]))


def _fitted(met: list[Pairs], penalty: float) -> SameCampaign:
    whole = _together(met)
    figures = whole.figures.astype(np.float64)
    mean, spread = figures.mean(axis=0), np.maximum(figures.std(axis=0), LEAST_SPREAD)
    own, share = scaled(figures, mean, spread), shares_of_sizes(figures)
    by_size = (own[:, None, :] * share[:, :, None]).reshape(len(own), -1)
    fitted = LogisticRegression(max_iter=1_000, C=penalty).fit(np.hstack([by_size, share[:, 1:]]), whole.same)
    told = fitted.coef_[0].astype(np.float64)
    weights, step = told[: by_size.shape[1]].reshape(share.shape[1], -1), told[by_size.shape[1] :]
    return SameCampaign(mean, spread, weights, float(fitted.intercept_[0]) + np.append(0.0, step))


def main() -> None:
    """`python -m gnn.teach_campaigns OUT [--families NAME…]`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="file to write, as graph/campaigns/same_campaign.json")
    parser.add_argument("--families", nargs="+", choices=list(FAMILIES), default=list(TAUGHT))
    given = parser.parse_args()
    teach_campaigns(CampaignOptions(families=tuple(given.families)), shipped(), print).write(given.out)


if __name__ == "__main__":
    main()
