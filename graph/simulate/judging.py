"""Verdicts on the guilty: how many of a campaign's senders are judged, when, and how often wrongly. Writes no table."""

from dataclasses import dataclass

import numpy as np

from graph.simulate.options import WorldOptions
from graph.simulate.rhythm import DAY, delays
from graph.simulate.rows import Bools, Ints, Longs

LEAST_JUDGED = 1


@dataclass(frozen=True)
class Judgement:
    """Verdicts on senders, one entry each: mailbox id, microseconds into the span, and whether it says malicious."""

    senders: Ints
    ts: Longs
    bad: Bools

    def of(self, senders: Ints) -> "Judgement":
        """The verdicts on these senders."""
        kept = np.isin(self.senders, senders)
        return Judgement(self.senders[kept], self.ts[kept], self.bad[kept])


def labels_end(options: WorldOptions) -> int:
    """Microseconds into the span after which no verdict is given."""
    return int(options.days * options.labels.known_until) * DAY


def looked_at(rng: np.random.Generator, options: WorldOptions, senders: Ints) -> Ints:
    """Those of a campaign's senders whom analysts judge; at least one."""
    o = options.labels
    drawn = rng.binomial(len(senders), o.senders_judged.at(options.hardness))
    return rng.permutation(senders)[: min(o.most_judged, max(LEAST_JUDGED, drawn))]


def judged(rng: np.random.Generator, options: WorldOptions, senders: Ints, first: Longs) -> Judgement:
    """Verdicts on some of these senders, each later than that sender's first malicious message (`first`)."""
    o = options.labels
    chosen = looked_at(rng, options, np.arange(len(senders), dtype=np.int32))
    ts = first[chosen] + delays(rng, len(chosen), o.delay_hours, o.delay_sigma)
    bad = rng.random(len(chosen)) >= o.wrong.at(options.hardness)
    known = ts < labels_end(options)
    return Judgement(senders[chosen][known], ts[known], bad[known])


def joined(parts: list[Judgement]) -> Judgement:
    """All verdicts of all parts."""
    none = Judgement(np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, bool))
    senders, ts, bad = ([getattr(part, name) for part in [none, *parts]] for name in ("senders", "ts", "bad"))
    return Judgement(np.concatenate(senders), np.concatenate(ts), np.concatenate(bad))
