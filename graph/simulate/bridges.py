"""Bridge senders: guilty ones that also write as members of an innocent group do. Decides not who is one."""

from collections.abc import Sequence

import numpy as np

from graph.simulate.bulk import Mailings
from graph.simulate.ground import Ground
from graph.simulate.rhythm import HOUR
from graph.simulate.rows import Floats, Ints, Longs, Rows, concat, make_rows, starts_of

GROUPED = ("schools", "franchises", "recruiters")  # populations whose senders share a brand or a tracking domain
BRIDGE_MESSAGES = 6.0
AROUND = 2 * HOUR  # after the group's own mailing


def bridge_mail(rng: np.random.Generator, ground: Ground, groups: Sequence[Mailings], senders: Ints, end: int) -> Rows:
    """Messages of `senders`, all to the audience of one innocent group: its links, networks, texts and hours.

    They are no abuse by themselves and bear no campaign; those after `end` (microseconds) are left out.
    """
    mailings = groups[int(rng.integers(0, len(groups)))]
    issues = _issues_of_group(rng, mailings)
    parts = [_copies(rng, ground, mailings, issues, int(sender)) for sender in senders]
    rows = concat(parts)
    return rows.take(np.flatnonzero(rows.ts < end))


def _issues_of_group(rng: np.random.Generator, mailings: Mailings) -> Longs:
    """Numbers of the issues of all who share their last link with a sender drawn at random."""
    desk, issues = mailings.desk, mailings.issues
    last = desk.links[starts_of(desk.link_count)[1:] - 1]
    shared = last[issues.sender[rng.integers(0, len(issues))]]
    return np.flatnonzero(last[issues.sender] == shared)


def _copies(rng: np.random.Generator, ground: Ground, mailings: Mailings, group: Longs, sender: int) -> Rows:
    """Messages of one bridge: each like some issue of the group, to one of those whom that issue reaches."""
    issues, desk = mailings.issues, mailings.desk
    issue = group[rng.integers(0, len(group), 1 + int(rng.poisson(BRIDGE_MESSAGES - 1)))]
    n = len(issue)
    like = issues.sender[issue]
    reached = issues.first[issue] + (rng.random(n) * issues.count[issue]).astype(np.int64)
    network, host = desk.address(rng, ground, like)
    link_count, link = desk.links_of(like)
    annoyance: Floats = desk.annoyance[like]
    return make_rows(
        issues.ts[issue] + rng.integers(0, AROUND, n),
        np.full(n, sender),
        issues.audience[reached],
        network=network,
        host=host,
        link=link,
        link_count=link_count,
        fingerprint=issues.fingerprint[issue],
        annoyance=annoyance,
    )
