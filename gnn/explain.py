"""Why a sender or domain is risky: what each kind of evidence adds, and the artefact behind it. Changes no score."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gnn.features import Channels
from gnn.labels import Labels
from gnn.model import ANCHOR_BLOCK, RiskModel
from gnn.network import PLAIN_SCALE
from gnn.prior import MARGIN_SCALE, prior_for
from gnn.propagate import Propagated, label_channels
from gnn.risk import Risk
from graph import schema
from graph.evidence import Evidence, Relation
from graph.values import Window

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

EXPLAINED_FROM = 0.5  # risk from which a node is given reasons
REASONS = 5
LEAST_CONTRIBUTION = 0.05

WORDS = {
    "linked_to": "links to {artefact}, as {others} other senders do, {share:.0%} of them risky",
    "sent_from": "sends from {artefact}, as {others} other senders do, {share:.0%} of them risky",
    "carried": "carries a text ({artefact}) that {others} other senders carry, {share:.0%} of them risky",
    "address_at": "has its address at {artefact}, as {others} other senders do, {share:.0%} of them risky",
    "wrote_to": "writes to {artefact}, to whom {others} other senders write, {share:.0%} of them risky",
    "cotargets": "shares far more targets than chance with {others} other senders, {share:.0%} of them risky",
    "behaviour": "its own rhythm, volume and answers look like a campaign sender's",
    "reports": "its own messages were reported",
    "campaign": "it belongs to a campaign whose senders are risky together",
    "verdict": "a verdict was given on it",
}


def reasons(
    window: Window,
    evidence: Evidence,
    propagated: Propagated,
    labels: Labels,
    model: RiskModel,
    risk: Risk,
) -> pa.Table:
    """Reasons of every sender and domain with risk of at least one half, rows as graph.schema.REASONS.

    A relation contributes what the log-odds lose when all its channels are silenced (occlusion, Zeiler & Fergus 2014,
    section 4); contributions are calibrated log-odds and need not add up, since relations overlap.
    """
    rows = np.flatnonzero(risk.sender_risk >= EXPLAINED_FROM)
    lent = label_channels(propagated, labels.malicious, labels.benign)
    whole = propagated.structure.beside(lent)
    picked = Channels(whole.values[rows], whole.names, whole.blocks)
    adds = contributions(picked, model, prior_for(propagated.structure))
    adds["verdict"] = risk.from_verdicts[rows]
    adds["campaign"] = risk.from_groups[rows]
    artefacts = {relation.name: _worst(relation, rows, risk.sender_risk) for relation in evidence.relations}
    keys = {r.name: getattr(window, r.nodes)["key"].to_pylist() for r in evidence.relations}
    found = [_sender_rows(window, rows, at, adds, artefacts, keys, evidence, risk) for at in range(len(rows))]
    found.append(_domain_rows(window, evidence, risk))
    return pa.Table.from_pylist([row for part in found for row in part], schema.REASONS)


def contributions(picked: Channels, model: RiskModel, prior: RiskModel) -> dict[str, Array]:
    """Calibrated log-odds that each relation adds to each row: names to arrays of shape (rows,).

    What the prior says is handed on to the relations that make it say so.
    """
    out = _silenced(picked, model)
    if out.pop(ANCHOR_BLOCK, None) is not None:
        trust = model.shape.anchor_scale / (MARGIN_SCALE * PLAIN_SCALE)
        for relation, value in _silenced(picked, prior).items():
            out[relation] = out.get(relation, 0.0) + trust * value
    return {relation: model.calibration.slope * value for relation, value in out.items()}


def _silenced(picked: Channels, model: RiskModel) -> dict[str, Array]:
    """What the margin of each row loses when all channels of a relation say nothing."""
    whole, nothing = model.normalised(picked), model.normalised(_nothing(picked))
    base = model.margins_of(whole)
    of_column = np.array([block.split(".")[0] for block in model.blocks])
    out: dict[str, Array] = {}
    for relation in dict.fromkeys(of_column.tolist()):
        silent = np.where(of_column == relation, nothing, whole)
        name = "behaviour" if relation == "style" else relation
        out[name] = out.get(name, 0.0) + base - model.margins_of(silent)
    return out


def _nothing(picked: Channels) -> Channels:
    """One row in which no channel says anything."""
    return Channels(np.zeros((1, len(picked.names)), np.float32), picked.names, picked.blocks)


def _worst(relation: Relation, rows: Ids, risk: Array) -> tuple[Ids, Ids, Array]:
    """For each row the artefact whose other users are riskiest and rarest: its id or −1, others, their mean risk."""
    used = relation.used
    degree, total = relation.degree, used.T @ risk
    artefact, others, share = np.full(len(rows), -1, np.int64), np.zeros(len(rows), np.int64), np.zeros(len(rows))
    cells = used[rows].tocoo()
    shared = degree[cells.col] > 1
    row, col = cells.row[shared], cells.col[shared]
    mean = (total[col] - risk[rows[row]]) / (degree[col] - 1)
    blame = mean * np.log(used.shape[0] / degree[col] + 1)
    order = np.lexsort((col, -blame, row))
    best = order[np.unique(row[order], return_index=True)[1]]
    artefact[row[best]], others[row[best]], share[row[best]] = col[best], degree[col[best]] - 1, mean[best]
    return artefact, others, share


def _sender_rows(
    window: Window,
    rows: Ids,
    at: int,
    adds: dict[str, Array],
    artefacts: dict[str, tuple[Ids, Ids, Array]],
    keys: dict[str, list[str]],
    evidence: Evidence,
    risk: Risk,
) -> list[dict[str, object]]:
    key = window.senders["key"][int(rows[at])].as_py()
    ranked = sorted(((float(value[at]), name) for name, value in adds.items()), reverse=True)
    found: list[dict[str, object]] = []
    for value, name in ranked:
        if value < LEAST_CONTRIBUTION or len(found) == REASONS:
            break
        artefact, others, share = _artefact(name, int(rows[at]), at, artefacts, keys, evidence, risk)
        if name in artefacts and artefact is None:
            continue  # the relation's emptiness spoke, and emptiness names nothing
        text = WORDS[name].format(artefact=artefact, others=others, share=share)
        found.append(_row("sender", key, len(found) + 1, name, artefact, value, text))
    return found


def _artefact(
    name: str,
    row: int,
    at: int,
    artefacts: dict[str, tuple[Ids, Ids, Array]],
    keys: dict[str, list[str]],
    evidence: Evidence,
    risk: Risk,
) -> tuple[str | None, int, float]:
    if name == "cotargets":
        peers = evidence.cotargets.indices[evidence.cotargets.indptr[row] : evidence.cotargets.indptr[row + 1]]
        return None, len(peers), float(risk.sender_risk[peers].mean()) if len(peers) else 0.0
    if name not in artefacts or artefacts[name][0][at] < 0:
        return None, 0, 0.0
    ids, others, share = artefacts[name]
    return keys[name][int(ids[at])], int(others[at]), float(share[at])


def _domain_rows(window: Window, evidence: Evidence, risk: Risk) -> list[dict[str, object]]:
    use = evidence.domain_users
    users = np.asarray(use.sum(axis=0)).ravel()
    rows = np.flatnonzero(risk.domain_risk >= EXPLAINED_FROM)
    total = use.T @ risk.sender_risk
    out = []
    for row in rows.tolist():
        key, count = window.domains["key"][row].as_py(), int(users[row])
        mean = float(total[row] / max(count, 1))
        text = f"{count} senders use it, their mean risk is {mean:.0%}"
        out.append(_row("domain", key, 1, "linked_to", key, float(risk.domains[row]), text))
    return out


def _row(
    kind: str, key: str, rank: int, relation: str, artefact: str | None, contribution: float, text: str
) -> dict[str, object]:
    return {
        "kind": kind,
        "key": key,
        "rank": rank,
        "relation": relation,
        "artefact": artefact,
        "contribution": contribution,
        "sentence": text[0].upper() + text[1:] + ".",
    }
