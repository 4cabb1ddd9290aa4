"""Typed propagation: what the neighbours over each relation tell about a sender, by sparse products computed once.

A sender never sees its own signal or label: every pool is taken over the *other* users of an artefact (leave one out).
Decoupled from learning as in SIGN (Frasca et al. 2020, arXiv:2004.11198) and NARS (Yu et al. 2020, arXiv:2011.09679).
The module knows tables and matrices; it does not know what the network makes of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch_geometric.data import HeteroData

from gnn.features import Channels, channels, co_user_signals, report_signals, sender_channels, span_days
from gnn.label_free import label_free_by_relation
from gnn.model import RiskModel
from gnn.rates import overall_rate, report_rate
from gnn.reporters import Reports, trust, with_lent
from gnn.usage import Usage, usage_of
from graph.burst import burst_of
from graph.evidence import Evidence, Floats, column, gather_evidence
from graph.values import Window

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

FEW = 20  # a signal of fewer than one sender in so many is summed over those alone
PRIOR_STRENGTH = 2.0  # pseudo-labels behind the prior in every pooled label rate
LABEL_PRIOR = 0.1
REPORT_MESSAGES = 5.0  # messages behind a sender's own report rate
BURST = "burst"
CROWD, CORE = "crowd", "core"  # the block of a relation's crowd, and its channel of how dense that is
CHURNING = ("address_at", "sent_from")  # what a sender throws away first


@dataclass(frozen=True)
class Pool:
    """One relation, ready for leave-one-out pooling over the edges of some senders, its rows.

    `users` is sender × artefact (ones) of everybody, `used` the rows of it that are asked about, `sender` their places.
    `row[e]` is the row of edge e, `others[e]` how many others use its artefact, `weight[e]` the artefact's rarity
    log(n / d), 0 where nobody else uses it. Edges are in row order, so that rows can be reduced in place.
    """

    name: str
    users: sp.csr_matrix
    used: sp.csr_matrix
    sender: Rows
    row: Rows
    others: Array
    weight: Array

    @staticmethod
    def of(name: str, users: sp.csr_matrix) -> "Pool":
        """The pool of a sender × artefact matrix, a row for every sender."""
        degree = np.bincount(users.indices, minlength=users.shape[1]).astype(np.float64)
        others = degree[users.indices] - 1
        rarity = np.log(max(users.shape[0], 2) / np.maximum(degree[users.indices], 1))
        weight = np.where(others > 0, np.maximum(rarity, 0.05), 0.0)
        return Pool(name, users, users, np.arange(users.shape[0]), _rows_of(users), others, weight)

    def at(self, rows: Rows | None) -> "Pool":
        """The edges of some rows, which are numbered in the order given; all of them by default."""
        if rows is None:
            return self
        counts = np.diff(self.used.indptr)[rows]
        first = np.repeat(self.used.indptr[rows] - np.cumsum(counts) + counts, counts)
        edges = first + np.arange(counts.sum())
        used = self.used[rows]
        return replace(
            self,
            used=used,
            sender=self.sender[rows],
            row=_rows_of(used),
            others=self.others[edges],
            weight=self.weight[edges],
        )

    def total(self, signal: Array) -> Array:
        """A signal of senders, shape (senders,), summed over each artefact's users, shape (artefacts,)."""
        some = np.flatnonzero(signal)
        if len(some) * FEW > len(signal):
            return np.asarray(self.users.T @ signal)
        return np.asarray(self.users[some].T @ signal[some])

    def others_sum(self, signal: Array) -> Array:
        """For every edge the signal summed over the artefact's other users, shape (edges,)."""
        return self.total(signal)[self.used.indices] - signal[self.sender][self.row]

    def mean(self, edge_values: Array) -> Array:
        """Rarity-weighted mean over a row's edges, shape (rows,); 0 where there is none."""
        total = np.bincount(self.row, weights=self.weight, minlength=self.used.shape[0])
        return np.bincount(self.row, weights=self.weight * edge_values, minlength=self.used.shape[0]) / np.maximum(
            total, 1e-9
        )

    def most(self, edge_values: Array) -> Array:
        """Largest value over a row's shared edges, shape (rows,); 0 where there is none."""
        out = np.zeros(self.used.shape[0])
        values = np.where(self.weight > 0, edge_values, -np.inf)
        filled = np.flatnonzero(np.diff(self.used.indptr))
        if len(filled):
            out[filled] = np.maximum.reduceat(values, self.used.indptr[filled])
        return np.where(np.isfinite(out), out, 0.0)

    def ties(self) -> Array:
        """Summed rarity of a row's shared artefacts: how much evidence there is at all, shape (rows,)."""
        return np.bincount(self.row, weights=self.weight, minlength=self.used.shape[0]).astype(np.float64)


@dataclass(frozen=True)
class Propagated:
    """A window ready to learn from: the typed graph, its relations ready for pooling, and every channel that needs no
    label (rows = senders).

    `cotargets` is sender × sender; `burst` is the evidence of the senders' bursts alone, which is what ties campaigns;
    `usage` is how its domains are used; `prior` is an earlier opinion, ready for this window's channels, or None.
    `reports` is who reported whom, None where nobody knows.
    """

    data: HeteroData
    pools: tuple[Pool, ...]
    cotargets: sp.csr_matrix
    structure: Channels
    burst: Evidence
    usage: Usage
    prior: RiskModel | None = None
    reports: Reports | None = None


def propagate(window: Window, evidence: Evidence) -> Propagated:
    """Everything about a window that does not change with the labels, computed once."""
    own = sender_channels(window, evidence)
    data = carrier(window, evidence, own)
    every = pools(data)
    cotargets = _matrix(data, ("sender", "cotargets", "sender"))
    whole = structure(window, evidence, data, every, own)
    inner = burst_of(window)
    burst = evidence if inner is window else gather_evidence(inner)
    of_burst = whole if inner is window else _structure_of(inner, burst)
    whole = whole.beside(*_density(window))
    together = whole.beside(of_burst.without({"reports"}).within(BURST))  # reports are about the whole
    return Propagated(data, every, cotargets, together, burst, usage_of(window, evidence), reports=Reports.of(window))


def _density(window: Window) -> Iterator[Channels]:
    """How dense and synchronous the crowd of each relation is that a sender acts in: what needs no label at all."""
    for relation, score in label_free_by_relation(window).items():
        yield channels({CORE: score}, f"{relation}.{CROWD}")


def density_of(structure: Channels) -> Array:
    """How dense the crowds are that a sender acts in, those of all relations together, shape (senders,)."""
    columns = [name.endswith(f".{CROWD}.{CORE}") for name in structure.names]
    return np.asarray(structure.values[:, columns].sum(axis=1), dtype=np.float64)


def _structure_of(window: Window, evidence: Evidence) -> Channels:
    own = sender_channels(window, evidence)
    data = carrier(window, evidence, own)
    return structure(window, evidence, data, pools(data), own)


def carrier(window: Window, evidence: Evidence, own: Channels) -> HeteroData:
    """The typed graph: own channels on senders, degrees on artefacts, an edge type a relation, co-targeting too."""
    data = HeteroData()
    data["sender"].x = torch.from_numpy(own.values)
    for relation in evidence.relations:
        data[relation.nodes].x = torch.from_numpy(_artefact_columns(getattr(window, relation.nodes)))
        cells = relation.counts.tocoo()
        data["sender", relation.name, relation.nodes].edge_index = _edge_index(cells)
        data["sender", relation.name, relation.nodes].edge_attr = torch.from_numpy(cells.data)
    cells = evidence.cotargets.tocoo()
    data["sender", "cotargets", "sender"].edge_index = _edge_index(cells)
    data["sender", "cotargets", "sender"].edge_attr = torch.from_numpy(cells.data)
    return data


def pools(data: HeteroData) -> tuple[Pool, ...]:
    """A pool for every sender-to-artefact relation of the graph."""
    return tuple(
        Pool.of(name, _matrix(data, (source, name, target), ones=True))
        for source, name, target in data.edge_types
        if source != target
    )


def structure(window: Window, evidence: Evidence, data: HeteroData, every: tuple[Pool, ...], own: Channels) -> Channels:
    """Everything that needs no label: own channels, and what shape of crowd shares each relation with the sender."""
    found: list[Channels] = []
    users, reports = co_user_signals(window), report_signals(window)
    for pool in every:
        found.append(_crowd(pool, data, users, evidence))
        if pool.name != "wrote_to":
            found.append(_churn(pool, evidence))
        found.append(_reported(pool, reports))
    return own.beside(*found, _cotarget_structure(evidence, users, reports))


def label_channels(propagated: Propagated, malicious: Array, benign: Array, rows: Rows | None = None) -> Channels:
    """Known labels lent to some senders, all by default, over every relation, one and two hops.

    Never a row's own over one hop. `malicious` and `benign` are label weights by sender, 0 where unknown. Over two hops
    a row's own label can come back through a neighbour: callers that train on labelled rows hide those rows' labels
    fold by fold (`gnn.train.cross_fitted`).
    """
    cotarget = _lent_cotarget(propagated.cotargets, malicious, benign)
    near = [_most_lent(pool, malicious, benign) for pool in propagated.pools]
    first = np.max([*near, cotarget["mean"]], axis=0)
    asked = [pool.at(rows) for pool in propagated.pools]
    lent = []
    for pool in asked:
        columns = _lent(pool, malicious, benign)
        far = pool.others_sum(first) / np.maximum(pool.others, 1)
        columns["two_hops"] = pool.mean(far)
        columns["two_hops_most"] = pool.most(far)
        lent.append(channels(columns, f"{pool.name}.labels"))
    if propagated.reports is not None:
        lent.append(_trusted(propagated.reports, asked, rows, malicious, benign))
    return channels(_of(rows, cotarget), "cotargets.labels").beside(*lent)


def _of(rows: Rows | None, columns: dict[str, Array]) -> dict[str, Array]:
    return columns if rows is None else {name: values[rows] for name, values in columns.items()}


def _rows_of(used: sp.csr_matrix) -> Rows:
    return np.repeat(np.arange(used.shape[0]), np.diff(used.indptr))


def _edge_index(cells: sp.coo_matrix) -> torch.Tensor:
    return torch.from_numpy(np.stack([cells.row, cells.col]).astype(np.int64))


def _matrix(data: HeteroData, edge: tuple[str, str, str], ones: bool = False) -> sp.csr_matrix:
    store: Any = data[edge]
    row, col = store.edge_index.numpy()
    weight = np.ones(len(row)) if ones else store.edge_attr.numpy().astype(np.float64)
    shape = (data[edge[0]].x.shape[0], data[edge[2]].x.shape[0])
    return sp.csr_matrix((weight, (row, col)), shape=shape)


def _artefact_columns(table: Any) -> Floats:
    columns = [np.log1p(column(table, "events")), np.log1p(column(table, "senders")), np.log1p(span_days(table))]
    return np.stack(columns, axis=1).astype(np.float32)


def _crowd(pool: Pool, data: HeteroData, users: dict[str, Array], evidence: Evidence) -> Channels:
    nodes = next(target for _, name, target in data.edge_types if name == pool.name)
    artefact = data[nodes].x.numpy().astype(np.float64)[pool.used.indices]
    some = np.maximum(pool.others, 1)
    columns = {f"others.{name}": pool.mean(pool.others_sum(signal) / some) for name, signal in users.items()}
    columns["ties"] = np.log1p(pool.ties())
    columns["crowd"] = pool.mean(np.log1p(pool.others))
    columns["crowd_most"] = pool.most(np.log1p(pool.others))
    columns["rarest"] = pool.most(pool.weight)
    columns["events_a_user"] = pool.mean(artefact[:, 0] - np.log1p(pool.others))
    columns["life"] = pool.mean(artefact[:, 2])
    if pool.name != "wrote_to":  # recipients are met through co-targeting, where days are no evidence by themselves
        columns["synchrony"] = pool.mean(_synchrony(pool, evidence.days))
        columns["same_hours"] = pool.mean(_synchrony(pool, evidence.hours))
    return channels(columns, f"{pool.name}.{CROWD}")


def _churn(pool: Pool, evidence: Evidence) -> Channels:
    """Unrelated identities behind one artefact: distinct address domains and networks for each of its users.

    Many identities that share one thing and nothing else is what rented and stolen senders look like; a company that
    shares its link also shares its address domain and its network.
    """
    columns = {}
    users = np.maximum(pool.others + 1, 1)
    for identity in CHURNING:
        if identity != pool.name:
            spread = (pool.used.T @ evidence.relation(identity).used).tocsr()
            columns[identity] = pool.mean(np.diff(spread.indptr)[pool.used.indices] / users)
    return channels(columns, f"{pool.name}.{CROWD}")


def _synchrony(pool: Pool, profiles: Floats) -> Array:
    """Cosine of a sender's day (or hour) profile with the other users' of the artefact, by edge."""
    mass = (pool.used.T @ profiles).astype(np.float32)
    out = np.zeros(len(pool.row))
    shared = np.flatnonzero(pool.weight > 0)
    for at in range(0, len(shared), 200_000):
        edges = shared[at : at + 200_000]
        own = profiles[pool.row[edges]]
        rest = mass[pool.used.indices[edges]] - own
        norms = np.linalg.norm(own, axis=1) * np.linalg.norm(rest, axis=1)
        out[edges] = np.einsum("ij,ij->i", own, rest) / np.maximum(norms, 1e-9)
    return out


def _reported(pool: Pool, reports: dict[str, Array]) -> Channels:
    junk, clear, sent = (pool.others_sum(reports[name]) for name in ("junk", "not_junk", "messages"))
    rate = report_rate(junk, clear, sent, overall_rate(reports))
    columns = {
        "mean": pool.mean(rate),
        "most": pool.most(rate),
        "reporters": pool.most(np.log1p(junk)),
        "not_junk": pool.mean(np.log1p(clear)),
    }
    return channels(columns, f"{pool.name}.reports")


def _trusted(reports: Reports, asked: list[Pool], rows: Rows | None, malicious: Array, benign: Array) -> Channels:
    """What it changes to weigh reports by how far labels say that their reporters are to be trusted: 0 without labels.

    A label comes to a sender through others whom its reporters reported: over two hops.
    """
    lending = [pool for pool in asked if pool.name != "wrote_to"]
    weight = trust(reports.said, *with_lent([pool.users for pool in lending], malicious, benign))
    (bad, cleared), (all_bad, all_cleared) = reports.weighed(weight), reports.weighed(np.ones(len(weight)))
    overall = overall_rate({"junk": all_bad, "messages": reports.messages})
    columns = {
        "two_hops_junk": np.log1p(bad) - np.log1p(all_bad),
        "two_hops_not_junk": np.log1p(cleared) - np.log1p(all_cleared),
        "two_hops_rate": (bad - cleared - all_bad + all_cleared) / (reports.messages + REPORT_MESSAGES),
    }
    found = channels(_of(rows, columns), "reports.labels")
    for pool in lending:
        sent = pool.others_sum(reports.messages)
        weighed, plain = (
            report_rate(pool.others_sum(bad_ones), pool.others_sum(cleared_ones), sent, overall)
            for bad_ones, cleared_ones in ((bad, cleared), (all_bad, all_cleared))
        )
        found = found.beside(channels({"two_hops_reports": pool.mean(weighed - plain)}, f"{pool.name}.labels"))
    return found


def _cotarget_structure(evidence: Evidence, users: dict[str, Array], reports: dict[str, Array]) -> Channels:
    weights = evidence.cotargets
    total = np.asarray(weights.sum(axis=1)).ravel()
    peers = np.diff(weights.indptr)
    share = np.maximum(total, 1e-9)
    columns = {f"others.{name}": np.asarray(weights @ signal) / share for name, signal in users.items()}
    columns["peers"] = np.log1p(peers)
    columns["weight"] = np.log1p(total)
    columns["weight_a_peer"] = np.log1p(total / np.maximum(peers, 1))
    columns["same_days"] = _weighted_cosine(weights, evidence.days)
    columns["same_hours"] = _weighted_cosine(weights, evidence.hours)
    near = weights.copy()
    near.data = np.ones_like(near.data)
    junk, clear, sent = (np.asarray(near @ reports[name]) for name in ("junk", "not_junk", "messages"))
    rate = report_rate(junk, clear, sent, overall_rate(reports))
    reported = channels({"mean": rate, "reporters": np.log1p(junk)}, "cotargets.reports")
    return channels(columns, f"cotargets.{CROWD}").beside(reported)


def _weighted_cosine(weights: sp.csr_matrix, profiles: Floats) -> Array:
    unit = profiles / np.maximum(np.linalg.norm(profiles, axis=1, keepdims=True), 1e-9)
    total = np.maximum(np.asarray(weights.sum(axis=1)).ravel(), 1e-9)
    return np.asarray(np.einsum("ij,ij->i", unit, weights @ unit), dtype=np.float64) / total


def _log_odds(malicious: Array, benign: Array) -> Array:
    odds = (malicious + PRIOR_STRENGTH * LABEL_PRIOR) / (benign + PRIOR_STRENGTH * (1 - LABEL_PRIOR))
    return np.asarray(np.log(odds) - np.log(LABEL_PRIOR / (1 - LABEL_PRIOR)))


def _most_lent(pool: Pool, malicious: Array, benign: Array) -> Array:
    """The largest log-odds that labels lend to each sender over one hop, shape (senders,).

    To all who have no label of their own an artefact lends the same.
    """
    most = pool.most(_log_odds(pool.total(malicious), pool.total(benign))[pool.used.indices])
    labelled = np.flatnonzero(malicious + benign)
    their = pool.at(labelled)
    most[labelled] = their.most(_log_odds(their.others_sum(malicious), their.others_sum(benign)))
    return most


def _lent(pool: Pool, malicious: Array, benign: Array) -> dict[str, Array]:
    bad, good = pool.others_sum(malicious), pool.others_sum(benign)
    odds = _log_odds(bad, good)
    return {
        "mean": pool.mean(odds),
        "most": pool.most(odds),
        "least": -pool.most(-odds),
        "malicious": pool.most(np.log1p(bad)),
        "benign": pool.most(np.log1p(good)),
    }


def _lent_cotarget(weights: sp.csr_matrix, malicious: Array, benign: Array) -> dict[str, Array]:
    near = weights.copy()
    near.data = np.ones_like(near.data)
    bad, good = np.asarray(near @ malicious), np.asarray(near @ benign)
    return {"mean": _log_odds(bad, good), "malicious": np.log1p(bad), "benign": np.log1p(good)}
