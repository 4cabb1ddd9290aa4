"""What made a node's log-odds: parts that sum to them, and the fewest kinds of evidence that keep it over the line."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gnn.calibrate import log_odds
from gnn.domain_risk import domain_risk
from gnn.explain.shapley import shapley, smallest_removal
from gnn.explain.silence import Coalitions, coalitions
from gnn.labels import Labels
from gnn.model import RiskModel
from gnn.prior import lent
from gnn.propagate import Propagated
from gnn.risk import Risk, from_verdicts
from graph.errors import ExplanationError
from graph.evidence import Evidence
from graph.values import Window

Array = NDArray[np.float64]
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

EXPLAINED_FROM = 0.5  # risk from which a node is given reasons, and under which `needed` evidence keeps it
COMPARED_WITH = 200  # unsuspected nodes at most, whose parts are worked out to know what is usual
TOLERANCE = 1e-6  # by which parts may miss the log-odds
ROUNDING = 1e-3  # the network's arithmetic is float32, summed in another order here
VERDICT, CAMPAIGN = "verdict", "campaign"
REFRESH_AGAIN = "Refresh again; if it stays so, what scored and what explains are of two versions"


@dataclass(frozen=True)
class Explained:
    """Nodes and what their log-odds are made of: `base` plus all `parts`, shape (nodes,) each.

    `needed` marks the smallest set of parts whose removal brings a node under the line; none where no removal does.
    """

    rows: Ids
    base: Array
    parts: dict[str, Array]
    needed: dict[str, Mask]

    def usual(self, part: str) -> float:
        """What a part adds to these nodes in the mean, 0 where it adds nothing to any."""
        return float(self.parts[part].mean()) if part in self.parts and len(self.rows) else 0.0


def suspected(risk: Array) -> Ids:
    """The nodes that are explained."""
    return np.flatnonzero(risk >= EXPLAINED_FROM)


def unsuspected(risk: Array) -> Ids:
    """At most `COMPARED_WITH` of the others, at even steps through the window's order; none if nothing is explained."""
    rows = np.flatnonzero(risk < EXPLAINED_FROM)
    count = min(COMPARED_WITH, len(rows)) if len(rows) < len(risk) else 0
    return rows[np.linspace(0, len(rows) - 1, count).astype(np.int64)]


def explained_senders(
    window: Window, propagated: Propagated, labels: Labels, model: RiskModel, risk: Risk, rows: Ids
) -> Explained:
    """The senders `rows`, and what keeps them over `EXPLAINED_FROM`.

    A kind of evidence gets its Shapley value in the network's calibrated log-odds, labels lent over it and its say
    through the prior included; own verdicts and the campaign add what they added. A verdict is no evidence and is
    never removed: it answers to what is left, as in scoring. A campaign goes with what it added. Raises
    ExplanationError where the model does not score a sender as `risk` says.

    Where risk was settled into the window, the network's log-odds are those of the model and of its student together.
    """
    picked = propagated.structure.at(rows).beside(lent(propagated, labels, rows))
    said, lifted = risk.from_verdicts[rows], risk.from_groups[rows]
    scored, student = risk.senders[rows] - said - lifted, risk.student
    parts = {VERDICT: said, CAMPAIGN: lifted}
    needed = {CAMPAIGN: np.zeros(len(rows), dtype=bool)}
    base = np.zeros(len(rows))
    for some in coalitions(picked, model, propagated.prior, student.model if student else None):
        at, values = some.rows, model.calibration.logits(some.margins, risk.prior)
        if student is not None and some.of_student is not None:
            values = student.beside(values, some.of_student)
        refuse_gaps("sender", window.senders, rows[at], values[:, -1], scored[at], ROUNDING)
        values[:, -1] = scored[at]
        judged = Labels(labels.malicious[rows[at], None], labels.benign[rows[at], None])
        totals = values + from_verdicts(judged, values)
        gone = smallest_removal(totals, log_odds(EXPLAINED_FROM), lifted[at])
        base[at] = values[:, 0]
        needed[CAMPAIGN][at] = gone[:, -1]
        _add(parts, needed, some, shapley(values), gone)
    return Explained(rows, base, parts, needed)


def explained_domains(window: Window, evidence: Evidence, labels: Labels, risk: Risk, rows: Ids) -> Explained:
    """The domains `rows`: as senders, by the network and the kinds of channels that domains have.

    What its users are suspected of is one kind, USERS, whatever made them suspect. Raises ExplanationError where the
    network does not score a domain as `risk` says.
    """
    found = domain_risk(risk.usage, evidence, risk.senders, risk.prior)
    scored = found.logits()[rows]
    parts = {VERDICT: from_verdicts(Labels(labels.malicious[rows], labels.benign[rows]), scored)}
    needed: dict[str, Mask] = {}
    base = np.zeros(len(rows))
    for some in coalitions(found.channels.at(rows), found.model, None):
        at, values = some.rows, found.model.calibration.logits(some.margins, found.prior)
        refuse_gaps("domain", window.domains, rows[at], values[:, -1], scored[at], ROUNDING)
        values[:, -1] = scored[at]
        judged = Labels(labels.malicious[rows[at], None], labels.benign[rows[at], None])
        gone = smallest_removal(values + from_verdicts(judged, values), log_odds(EXPLAINED_FROM), np.zeros(len(at)))
        base[at] = values[:, 0]
        _add(parts, needed, some, shapley(values), gone)
    return Explained(rows, base, parts, needed)


def _add(parts: dict[str, Array], needed: dict[str, Mask], some: Coalitions, adds: Array, gone: Mask) -> None:
    """Writes what each player of some rows adds, and whether it is needed, to these rows of all."""
    rows = len(parts[VERDICT])
    for place, name in enumerate(some.players):
        parts.setdefault(name, np.zeros(rows))[some.rows] = adds[:, place]
        needed.setdefault(name, np.zeros(rows, dtype=bool))[some.rows] = gone[:, place]


def refuse_gaps(kind: str, nodes: pa.Table, rows: Ids, sums: Array, scores: Array, allowed: float) -> None:
    """Raises ExplanationError for the node whose sum is furthest from its score, where that is further than allowed.

    `sums` and `scores` are log-odds of the rows `rows` of `nodes`.
    """
    gaps = np.nan_to_num(np.abs(sums - scores), nan=np.inf)
    if gaps.max(initial=0.0) <= allowed:
        return
    worst = int(gaps.argmax())
    raise ExplanationError(
        f"{kind} {nodes['key'][int(rows[worst])].as_py()}",
        f"its reasons sum to {sums[worst]:.7f}, its log-odds are {scores[worst]:.7f}: {gaps[worst]:.3g} apart",
        REFRESH_AGAIN,
    )
