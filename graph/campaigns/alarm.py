"""Joins that a person should see first: held back where one artefact carries them, or a campaign swallows a crowd.

Knows the groups of now and the campaigns of before; gives no ids and no words. Two campaigns that the search joins
are looked at for what their senders use in common. Where that is a single artefact (a hub that nobody discounted, a
domain planted to make an innocent group look guilty) or nothing at all (a few in the middle who write as both do), they
stay apart and an alarm asks. A verdict on the alarm answers it: `malicious` means one campaign, `benign` two.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise, product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from graph.campaigns.find import Partition
from graph.campaigns.identity import Known
from graph.campaigns.likeness import TYING_RELATIONS
from graph.campaigns.warm import last_groups
from graph.evidence import Evidence
from graph.schema import ALARM_APART, ALARM_OPEN, BENIGN, MALICIOUS, TIME
from graph.values import Window

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

ESTABLISHED = ("active", "confirmed")  # found at two refreshes, or known to a person
BENIGN_GROUP = "dismissed"
SHARED_TARGETS = "cotargets"
MERGE, GROWTH = "merge", "growth"
ID_BYTES = 10


@dataclass(frozen=True)
class AlarmOptions:
    """When a join is held back; with `hold` false none is, and none asks.

    `moved`: share of an earlier campaign's senders that a group must hold to count as taking it over. `joining`: share
    of the senders of either side that must use an artefact for it to join them; `private`: share of its users who must
    be in campaigns, or it is a hub and joins nobody; `artefacts`: so many make a join that needs no person. `growth`
    and `crowd`: how many senders, in multiples of the campaign and in all, who were there at the last refresh and in
    no campaign, make a growth that does. A benign group is held to `benign_growth` and `benign_crowd`, whoever comes:
    what hides in it was never looked at.
    """

    hold: bool = True
    moved: float = 0.3
    joining: float = 0.1
    private: float = 0.3
    artefacts: int = 2
    growth: float = 2.0
    crowd: int = 100
    benign_growth: float = 0.5
    benign_crowd: int = 3


@dataclass(frozen=True)
class Join:
    """What two sets of senders use in common: `artefacts` in all, and the one that most use.

    `artefact` is an id among the relation's nodes, −1 for shared targets; `relation` is None where nothing is common.
    `users`: senders of either side who use it.
    """

    artefacts: int
    relation: str | None = None
    artefact: int = -1
    users: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Alarm:
    """Two groups that the search had as one and that are kept apart; `kind` and `state` are words of this module."""

    kind: str
    group: int
    other: int
    join: Join
    state: str


@dataclass(frozen=True)
class Held:
    """A partition in which what must be asked about first is still apart."""

    partition: Partition
    alarms: tuple[Alarm, ...] = ()


def alarm_id(first: str, second: str) -> str:
    """The id of the question whether two campaigns are one; the same for as long as they are two."""
    digest = hashlib.blake2b("\n".join(sorted((first, second))).encode(), digest_size=ID_BYTES).digest()
    return "a-" + base64.b32encode(digest).decode().lower()


def hold_back(
    window: Window,
    evidence: Evidence,
    partition: Partition,
    known: Known | None,
    judged: Mapping[str, str],
    options: AlarmOptions,
) -> Held:
    """The partition with every join undone that needs a person; `judged`: newest verdicts on campaigns and alarms."""
    if known is None or not options.hold:
        return Held(partition)
    guard = _Guard(_past(window, known, judged), evidence, _private(evidence, partition, options), options)
    label, found = partition.group.copy(), []
    for senders in _by_group(partition):
        for kind, base, other, state in guard.questions(senders):
            label[other] = label.max() + 1
            found.append((kind, base, other, state))
    group = _numbered(label)
    alarms = tuple(
        Alarm(kind, int(group[base[0]]), int(group[other[0]]), guard.join(base, other), state)
        for kind, base, other, state in found
        if state
    )
    return Held(Partition(group, partition.weight), alarms)


@dataclass(frozen=True)
class _Past:
    """The campaigns of before: `of[s]` the number of sender s's or −1, `size[c]` senders of c in the window."""

    names: Sequence[str]
    states: Sequence[str]
    of: Ids
    size: Ids
    there: Mask  # senders whom the last refresh saw
    judged: Mapping[str, str]
    asked: frozenset[str]  # growths that wait for an answer

    def firm(self, campaign: int) -> bool:
        """Whether a campaign is more than a find of the last refresh."""
        return self.states[campaign] in (*ESTABLISHED, BENIGN_GROUP)

    def answer(self, one: int, other: int) -> str | None:
        """What was decided on two campaigns: a verdict, `open` where it is still asked, None where it never was."""
        name = alarm_id(self.names[one], self.names[other])
        return self.judged.get(name, ALARM_OPEN if name in self.asked else None)

    def benign(self, campaigns: Sequence[int]) -> bool:
        return any(self.states[campaign] == BENIGN_GROUP for campaign in campaigns)


@dataclass(frozen=True)
class _Part:
    """Senders of one group that continue these earlier campaigns, at first one."""

    campaigns: tuple[int, ...]
    senders: Ids


Question = tuple[str, Ids, Ids, str]  # kind, senders that stay, senders held back, state or "" where nobody is asked


@dataclass(frozen=True)
class _Guard:
    past: _Past
    evidence: Evidence
    private: Mapping[str, Mask]
    options: AlarmOptions

    def questions(self, senders: Ids) -> Iterator[Question]:
        """What of one group must be held back, piece by piece."""
        parts = self._parts(senders)
        if not parts:
            return
        joined, closed = self._joined(parts)
        loose = np.setdiff1d(senders, np.concatenate([part.senders for part in joined]))
        sides = self._sides(joined, loose)
        whole = [np.union1d(part.senders, side) for part, side in zip(joined, sides, strict=True)]
        crowds = [self._crowd(part, side) for part, side in zip(joined, sides, strict=True)]
        for at in range(1, len(joined)):
            pairs = (frozenset(pair) for pair in product(joined[0].campaigns, joined[at].campaigns))
            yield (
                MERGE,
                joined[0].senders,
                whole[at],
                next((closed[pair] for pair in pairs if pair in closed), ALARM_OPEN),
            )
        for part, crowd in zip(joined, crowds, strict=True):  # after the merges: a crowd leaves the part it came to
            if len(crowd):
                yield GROWTH, part.senders, crowd, ALARM_OPEN

    def _parts(self, senders: Ids) -> list[_Part]:
        """Earlier campaigns that the group takes over and that may not be joined without a look, the largest first."""
        past = self.past
        campaigns, counts = np.unique(past.of[senders][past.of[senders] >= 0], return_counts=True)
        moved = [
            int(c) for c, n in zip(campaigns, counts, strict=True) if n >= 2 and n >= self.options.moved * past.size[c]
        ]
        asked = {c for pair in combinations(moved, 2) if past.answer(*pair) is not None for c in pair}
        parts = [_Part((c,), senders[past.of[senders] == c]) for c in moved if past.firm(c) or c in asked]
        return sorted(parts, key=lambda part: (-len(part.senders), part.campaigns))

    def _joined(self, parts: list[_Part]) -> tuple[list[_Part], dict[frozenset[int], str]]:
        """Parts that belong together without a question, made one; and the state of pairs that were decided."""
        closed: dict[frozenset[int], str] = {}
        pairs = []
        for one, other in combinations(range(len(parts)), 2):
            a, b = parts[one].campaigns[0], parts[other].campaigns[0]
            answer = self.past.answer(a, b)
            if answer == MALICIOUS:
                pairs.append((np.inf, one, other))
            elif answer is not None:
                closed[frozenset((a, b))] = ALARM_APART if answer == BENIGN else ALARM_OPEN
            elif self.past.benign((a, b)):
                closed[frozenset((a, b))] = ""
            else:
                common = self.join(parts[one].senders, parts[other].senders).artefacts
                if common >= self.options.artefacts:
                    pairs.append((common, one, other))
        home = list(range(len(parts)))
        for _, one, other in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
            both = [at for at, root in enumerate(home) if root in (home[one], home[other])]
            together = [parts[at].campaigns[0] for at in both]
            if not any(frozenset(pair) in closed for pair in combinations(together, 2)):
                for at in both:
                    home[at] = min(home[one], home[other])
        made = []
        for root in sorted(set(home)):
            mine = [part for part, of in zip(parts, home, strict=True) if of == root]
            campaigns = tuple(part.campaigns[0] for part in mine)
            made.append(_Part(campaigns, np.sort(np.concatenate([part.senders for part in mine]))))
        return made, closed

    def join(self, left: Ids, right: Ids) -> Join:
        """What two sets of senders use in common."""
        found: dict[tuple[str, int], tuple[float, str, tuple[int, int], bool]] = {}
        least = [max(self.options.joining * len(side), min(2, len(side))) for side in (left, right)]
        for name in TYING_RELATIONS:
            relation = self.evidence.relation(name)
            (a, n), (b, m) = (np.unique(relation.counts[s].indices, return_counts=True) for s in (left, right))
            common, i, j = np.intersect1d(a, b, assume_unique=True, return_indices=True)
            for artefact, x, y in zip(common.tolist(), n[i].tolist(), m[j].tolist(), strict=True):
                if x >= least[0] and y >= least[1]:
                    share = min(x / len(left), y / len(right))
                    private = bool(self.private[name][artefact])
                    found.setdefault((relation.nodes, artefact), (share, name, (x, y), private))
        ties = self.evidence.cotargets[left][:, right]
        x, y = int((np.diff(ties.indptr) > 0).sum()), len(np.unique(ties.indices))
        if x >= least[0] and y >= least[1]:
            found["", -1] = min(x / len(left), y / len(right)), SHARED_TARGETS, (x, y), True
        if not found:
            return Join(0)
        best = max(found, key=lambda key: (found[key][3], found[key][0], key))
        _, relation_name, users, _ = found[best]
        return Join(sum(private for *_, private in found.values()), relation_name, best[1], users)

    def _sides(self, parts: list[_Part], loose: Ids) -> list[Ids]:
        """Loose senders to the part whose artefacts they share most, the larger one in doubt."""
        if len(parts) == 1:
            return [loose]
        score = np.zeros((len(loose), len(parts)))
        for name in TYING_RELATIONS:
            relation = self.evidence.relation(name)
            rarity = np.log(max(relation.counts.shape[0], 2) / np.maximum(relation.degree, 1))
            mine = relation.counts[loose] > 0
            for at, part in enumerate(parts):
                users = np.bincount(relation.counts[part.senders].indices, minlength=relation.counts.shape[1])
                score[:, at] += mine @ (rarity * users / len(part.senders))
        for at, part in enumerate(parts):
            score[:, at] += np.asarray(self.evidence.cotargets[loose][:, part.senders].sum(axis=1)).ravel() / len(
                part.senders
            )
        best = score.argmax(axis=1) if len(loose) else np.zeros(0, dtype=np.int64)
        return [loose[best == at] for at in range(len(parts))]

    def _crowd(self, part: _Part, joining: Ids) -> Ids:
        """Those who join a campaign, where they are too many to go unseen."""
        benign = self.past.benign(part.campaigns)
        if not any(self.past.firm(campaign) for campaign in part.campaigns):
            return joining[:0]
        crowd = joining if benign else joining[self.past.there[joining]]
        times = self.options.benign_growth if benign else self.options.growth
        least = self.options.benign_crowd if benign else self.options.crowd
        return crowd if len(crowd) >= least and len(crowd) > times * len(part.senders) else joining[:0]


def _past(window: Window, known: Known, judged: Mapping[str, str]) -> _Past:
    names = sorted(known.campaigns["campaign_id"].to_pylist())
    states = known.states()
    of = last_groups(known, window)
    asked = [
        row["alarm_id"] for row in known.alarms.to_pylist() if row["kind"] == GROWTH and row["state"] == ALARM_OPEN
    ]
    return _Past(
        names=names,
        states=[states[name] for name in names],
        of=of,
        size=np.bincount(of[of >= 0], minlength=len(names)).astype(np.int64),
        there=_there(window, known),
        judged=judged,
        asked=frozenset(asked),
    )


def _there(window: Window, known: Known) -> Mask:
    """Senders whose first event the last refresh saw."""
    if known.as_of is None:
        return np.zeros(window.senders.num_rows, dtype=bool)
    seen = pc.less_equal(window.senders["first_seen"], pa.scalar(known.as_of, TIME))
    return np.asarray(pc.fill_null(seen, False).to_numpy(zero_copy_only=False), dtype=bool)


def _private(evidence: Evidence, partition: Partition, options: AlarmOptions) -> dict[str, Mask]:
    """Of each relation the artefacts whose users are campaign members to a good part."""
    members = np.flatnonzero(partition.group >= 0)
    out = {}
    for name in TYING_RELATIONS:
        relation = evidence.relation(name)
        inside = np.bincount(relation.counts[members].indices, minlength=relation.counts.shape[1])
        out[name] = inside >= options.private * relation.degree
    return out


def _by_group(partition: Partition) -> list[Ids]:
    """Senders of each group, sorted."""
    order = np.argsort(partition.group, kind="stable")
    bounds = np.searchsorted(partition.group[order], np.arange(partition.count + 1))
    return [order[low:high] for low, high in pairwise(bounds)]


def _numbered(label: Ids) -> Ids:
    """Groups numbered in the order of their first member, −1 as it is."""
    kept = label[label >= 0]
    order = {one: at for at, one in enumerate(dict.fromkeys(kept.tolist()))}
    return np.array([order.get(one, -1) for one in label.tolist()], dtype=np.int64)
