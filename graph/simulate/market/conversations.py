"""Victims who write back, and the crews that answer them. Begins no conversation."""

import numpy as np

from graph.simulate.market.campaign import Campaign
from graph.simulate.market.clock import Numbers
from graph.simulate.market.rentals import fingerprints
from graph.simulate.market.stage import Stage
from graph.simulate.rows import Rows, concat, make_rows, no_rows

GOES_ON = 0.5  # chance, beside that of a first answer, that a victim who answered once answers again
ANSWERED = 0.75  # victims' messages that the crew answers


def talk(campaigns: list[Campaign], stage: Stage, rows: Rows, delays_of: Numbers) -> Rows:
    """Answers to `rows`: victims write back to those who draw them in, and these answer everything.

    `delays_of` is how long each answer takes.
    """
    parts = [no_rows()]
    for number in np.unique(rows.campaign[rows.campaign >= 0]).tolist():
        campaign = campaigns[number]
        if campaign.goal.talks:
            at = np.flatnonzero(rows.campaign == number)
            parts.append(_answers(campaign, stage, rows.take(at), delays_of[at]))
    return concat(parts)


def _answers(campaign: Campaign, stage: Stage, rows: Rows, wait: Numbers) -> Rows:
    rng, owner = stage.rng, stage.directory.campaign.cells
    to = rows.to[np.cumsum(rows.to_count) - 1]
    guilty = owner[rows.sender] == campaign.number
    chance = np.where(guilty, campaign.goal.talks + np.where(rows.annoyance == 0, GOES_ON, 0.0), ANSWERED)
    at = np.flatnonzero((rng.random(len(rows)) < chance) & (rows.sender != to))
    writers, readers = to[at], rows.sender[at]
    own = owner[writers] == campaign.number
    campaign.left = max(0, campaign.left - int(own.sum())) if campaign.begun else campaign.left
    network = stage.directory.network.cells[writers].copy()
    network[own] = campaign.origin(writers[own])
    return make_rows(
        rows.ts[at] + wait[at], writers, readers, network=network, host=stage.directory.host.cells[writers],
        fingerprint=fingerprints(rng, len(at)), campaign=campaign.number,
    )  # fmt: skip
