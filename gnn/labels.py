"""What people decided about senders and domains, as numbers. Knows verdicts; does not know features."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from graph.schema import BENIGN, MALICIOUS

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
Said = tuple[str, float]  # a verdict and its weight
CAMPAIGN_WEIGHT = 0.5  # a verdict on a campaign says less of each member than a verdict on the member
HALF_LIFE_DAYS = 90.0  # in which a verdict loses half of what it can lose
LASTING = 0.5  # of a verdict's weight: nobody took it back, however old it is
GRAIN = 256  # weights are multiples of 1/GRAIN, which float64 adds without rounding: a pool less oneself is exact


@dataclass(frozen=True)
class Labels:
    """Known labels of one node kind: weight for and against, both 0 where nothing is known, shape (nodes,)."""

    malicious: Array
    benign: Array

    @property
    def known(self) -> NDArray[np.bool_]:
        """Rows on which the evidence leans to one side."""
        return np.asarray(self.malicious != self.benign)

    @property
    def target(self) -> Array:
        """1 malicious, 0 benign; meaningless where not `known`."""
        return (self.malicious > self.benign).astype(np.float64)

    @property
    def weight(self) -> Array:
        """How far the labels of a row agree and how fresh they are, 0 to 1: conflicting sources weaken each other."""
        return np.abs(self.malicious - self.benign) / np.maximum(np.maximum(self.malicious, self.benign), 1.0)

    @property
    def own(self) -> NDArray[np.bool_]:
        """Rows with verdicts of their own that lean to one side; what a campaign's lend is at most CAMPAIGN_WEIGHT."""
        return np.asarray(self.known & (self.malicious + self.benign > CAMPAIGN_WEIGHT))

    def hiding(self, rows: Rows) -> "Labels":
        """The same labels with some rows forgotten."""
        malicious, benign = self.malicious.copy(), self.benign.copy()
        malicious[rows] = benign[rows] = 0.0
        return Labels(malicious, benign)


def labels_of(
    kind: str,
    keys: pa.ChunkedArray,
    verdicts: pa.Table,
    as_of: datetime,
    members: pa.Table | None = None,
    half_life_days: float = HALF_LIFE_DAYS,
) -> Labels:
    """Labels of the nodes `keys` from the verdicts known at `as_of`.

    The newest verdict of each source counts, the less the older it is (`freshness`), so that of two sources that
    disagree the one that spoke last is followed. A verdict on a campaign counts half for its members (`members`: rows
    as graph.schema.MEMBERS, from the snapshot that the verdict was given on), unless the node has one of its own.
    """
    newest = _newest(verdicts, as_of, half_life_days)
    direct = _tally({(k, key): by for (k, key), by in newest.items() if k == kind})
    lent = _from_campaigns(kind, newest, members)
    index = {key: at for at, key in enumerate(keys.to_pylist())} if direct or lent else {}
    malicious, benign = np.zeros(len(keys)), np.zeros(len(keys))
    for key, (bad, good) in {**lent, **direct}.items():
        if key in index:
            malicious[index[key]], benign[index[key]] = bad, good
    return Labels(malicious, benign)


def freshness(age: timedelta, half_life_days: float) -> float:
    """Weight of a verdict of this age: from 1 down to just above LASTING, half of the way in a half-life."""
    left = float(0.5 ** (age / timedelta(days=half_life_days)))
    return max(round((LASTING + (1 - LASTING) * left) * GRAIN), int(LASTING * GRAIN) + 1) / GRAIN


def _newest(verdicts: pa.Table, as_of: datetime, half_life_days: float) -> dict[tuple[str, str], dict[str, Said]]:
    """Of each (kind, key): the newest verdict of each source, and its weight."""
    rows = [row for row in verdicts.to_pylist() if row["ts"] <= as_of]
    newest: dict[tuple[str, str], dict[str, Said]] = defaultdict(dict)
    for row in sorted(rows, key=lambda row: (row["ts"], row["verdict"])):
        newest[row["kind"], row["key"]][row["source"]] = row["verdict"], freshness(as_of - row["ts"], half_life_days)
    return newest


def _tally(newest: dict[tuple[str, str], dict[str, Said]]) -> dict[str, tuple[float, float]]:
    tally = {}
    for (_, key), by in newest.items():
        bad = sum(weight for verdict, weight in by.values() if verdict == MALICIOUS)
        good = sum(weight for verdict, weight in by.values() if verdict == BENIGN)
        tally[key] = (bad / len(by), good / len(by))
    return tally


def _from_campaigns(
    kind: str, newest: dict[tuple[str, str], dict[str, Said]], members: pa.Table | None
) -> dict[str, tuple[float, float]]:
    judged = _tally({where: by for where, by in newest.items() if where[0] == "campaign"})
    if members is None or not judged:
        return {}
    lent = {}
    for row in members.to_pylist():
        if row["kind"] == kind and row["role"] != "target" and row["campaign_id"] in judged:
            bad, good = judged[row["campaign_id"]]
            share = CAMPAIGN_WEIGHT * row["weight"]
            lent[row["key"]] = (bad * share, good * share)
    return lent
