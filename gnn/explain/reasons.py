"""Reasons as rows and sentences: the base, the most telling pieces of evidence, the rest. Works out no contribution."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gnn.explain import pieces
from gnn.explain.parts import (
    CAMPAIGN,
    EXPLAINED_FROM,
    TOLERANCE,
    VERDICT,
    Explained,
    explained_domains,
    explained_senders,
    refuse_gaps,
    suspected,
    unsuspected,
)
from gnn.explain.pieces import Pieces
from gnn.labels import Labels
from gnn.model import RiskModel
from gnn.propagate import Propagated
from gnn.risk import Risk
from gnn.usage import HABITS, REPORTS, USERS
from graph import schema
from graph.evidence import Evidence, column
from graph.values import Window

Array = NDArray[np.float64]
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

LISTED = 5  # reasons of a node, beside those that it needs to be over the line
LEAST_CONTRIBUTION = 0.05

WORDS = {
    "linked_to": "links to {artefact}{more}, as {peers} other senders do, {risk:.0%} of them risky",
    "sent_from": "sends from {artefact}{more}, as {peers} other senders do, {risk:.0%} of them risky",
    "carried": "carries a text ({artefact}{more}) that {peers} other senders carry, {risk:.0%} of them risky",
    "address_at": "has its address at {artefact}{more}, as {peers} other senders do, {risk:.0%} of them risky",
    "wrote_to": "writes to {artefact}{more}, to whom {peers} other senders write, {risk:.0%} of them risky",
    "cotargets": "shares far more targets than chance with {peers} other senders, {risk:.0%} of them risky",
    "behaviour": "its own rhythm, volume and answers look like a campaign sender's",
    "reports": "its own messages were reported by {peers} recipients",
    CAMPAIGN: "it belongs to a campaign whose senders are risky together",
    VERDICT: "a verdict was given on it",
}
WORDS_OF_ONE = {  # peer
    "linked_to": "links to {artefact}{more}, as one other sender does, whose risk is {risk:.0%}",
    "sent_from": "sends from {artefact}{more}, as one other sender does, whose risk is {risk:.0%}",
    "carried": "carries a text ({artefact}{more}) that one other sender carries, whose risk is {risk:.0%}",
    "address_at": "has its address at {artefact}{more}, as one other sender does, whose risk is {risk:.0%}",
    "wrote_to": "writes to {artefact}{more}, to whom one other sender writes, whose risk is {risk:.0%}",
    "cotargets": "shares far more targets than chance with one other sender, whose risk is {risk:.0%}",
    "reports": "its own messages were reported by one recipient",
}
WORDS_OF_DOMAINS = {
    USERS: "{peers} senders use it, their mean risk is {risk:.0%}",
    HABITS: "how many use it, how, for how long and from where looks like a campaign's own domain",
    REPORTS: "messages of those who use it were reported by {peers} recipients",
    VERDICT: WORDS[VERDICT],
}
WORDS_OF_ONE_DOMAIN = {
    USERS: "one sender uses it, whose risk is {risk:.0%}",
    REPORTS: "a message of those who use it was reported by one recipient",
}
BASE_WORDS = "without evidence it would score {base:+.2f}, in log-odds"
STAYS_WORDS = "; no removal of evidence brings it under {line:.0%}"
REST_WORDS = "what is too small to list, or speaks for it"


@dataclass(frozen=True)
class _Told:
    """All pieces of some nodes, columns of one length, a node's most telling first; `listed` are shown one by one."""

    relation: NDArray[np.object_]
    contribution: Array
    needed: Mask
    listed: Mask
    pieces: Pieces


@dataclass(frozen=True)
class _Names:
    """How things are called: sentences and artefact keys by relation, and which senders share what.

    `peers` takes a relation, the row of a node and the id of an artefact.
    """

    words: dict[str, str]
    words_of_one: dict[str, str]
    artefacts: dict[str, list[str]]
    senders: list[str]
    peers: Callable[[str, int, int], list[int]]

    def sentence(self, relation: str, artefact: str | None, peers: int, risk: float, more: int) -> str:
        further = f" and {more} more" if more else ""
        words = self.words_of_one if peers == 1 and relation in self.words_of_one else self.words
        return _sentence(words[relation].format(artefact=artefact, more=further, peers=peers, risk=risk))


def reasons(
    window: Window,
    evidence: Evidence,
    propagated: Propagated,
    senders: Labels,
    domains: Labels,
    model: RiskModel,
    risk: Risk,
) -> pa.Table:
    """Reasons of every sender and domain with a risk of at least one half, rows as graph.schema.REASONS.

    A node's contributions, `base` and `rest` among them, sum to its calibrated log-odds (gnn.explain.parts); within a
    relation the artefacts share its contribution by rarity and by the risk of who else uses them. Reasons marked
    `needed` are the fewest kinds of evidence without which the node would be under one half, found among all sets;
    where none is marked, no removal does it. Raises ExplanationError where sums and scores differ.

    First stands what sets a node apart: reasons are ranked by what a kind of evidence adds beyond its mean over a
    sample of nodes under one half, for what everybody has explains nobody. So it is with Shapley values against a
    background, which for a sum of terms are each term less its mean there (Lundberg and Lee 2017, arXiv:1705.07874).
    Only the order follows from this; contributions stay what they are.
    """
    rows, others = suspected(risk.sender_risk), unsuspected(risk.sender_risk)
    of_senders, usual = (explained_senders(window, propagated, senders, model, risk, at) for at in (rows, others))
    told = _senders_told(window, evidence, of_senders, usual, risk)
    rows, others = suspected(risk.domain_risk), unsuspected(risk.domain_risk)
    of_domains, usual = (explained_domains(window, evidence, domains, risk, at) for at in (rows, others))
    return pa.concat_tables([told, _domains_told(window, evidence, of_domains, usual, risk)])


def check_sums(because: pa.Table, window: Window, risk: Risk) -> None:
    """Raises ExplanationError naming the node whose reasons miss its log-odds most, where by more than `TOLERANCE`."""
    for kind, nodes, scores in (("sender", window.senders, risk.senders), ("domain", window.domains, risk.domains)):
        mine = because.filter(pc.equal(because["kind"], kind))
        found = pc.index_in(mine["key"], value_set=nodes["key"].combine_chunks())
        rows = np.asarray(found.to_numpy(), dtype=np.int64)
        told, place = np.unique(rows, return_inverse=True)
        sums = np.asarray(np.bincount(place, weights=mine["contribution"].to_numpy(), minlength=len(told)), np.float64)
        refuse_gaps(kind, nodes, told, sums, scores[told], TOLERANCE)


def _senders_told(window: Window, evidence: Evidence, explained: Explained, others: Explained, risk: Risk) -> pa.Table:
    rows, scores = explained.rows, risk.sender_risk
    used = {relation.name: relation.used for relation in evidence.relations if relation.name in explained.parts}
    made = {name: pieces.of_nothing(len(rows)) for name in explained.parts}
    made |= {name: pieces.of_artefacts(matrix, rows, scores) for name, matrix in used.items()}
    made["cotargets"] = pieces.of_cotargets(evidence.cotargets, rows, scores)
    made["reports"] = pieces.of_reports(column(window.senders, "junk")[rows])
    told = _told(explained, others, made)
    users = {
        name: pieces.riskiest_users(matrix, told.pieces.artefact[told.listed & (told.relation == name)], scores)
        for name, matrix in used.items()
    }

    def peers(relation: str, row: int, artefact: int) -> list[int]:
        if relation == "cotargets":
            return pieces.closest(evidence.cotargets, row)
        return [user for user in users[relation][artefact] if user != row] if relation in users else []

    artefacts = {name: getattr(window, evidence.relation(name).nodes)["key"].to_pylist() for name in used}
    senders = window.senders["key"].to_pylist()
    return _table("sender", senders, explained, told, _Names(WORDS, WORDS_OF_ONE, artefacts, senders, peers))


def _domains_told(window: Window, evidence: Evidence, explained: Explained, others: Explained, risk: Risk) -> pa.Table:
    rows, used = explained.rows, evidence.domain_users
    made = {name: pieces.of_nothing(len(rows)) for name in explained.parts}
    made[USERS] = pieces.of_users(used, rows, risk.sender_risk)
    made[REPORTS] = pieces.of_reports((used.T @ column(window.senders, "junk"))[rows])
    users = pieces.riskiest_users(used, rows, risk.sender_risk)

    def peers(relation: str, row: int, artefact: int) -> list[int]:
        return users[row] if relation == USERS else []

    domains = window.domains["key"].to_pylist()
    senders = window.senders["key"].to_pylist()
    names = _Names(WORDS_OF_DOMAINS, WORDS_OF_ONE_DOMAIN, {USERS: domains}, senders, peers)
    return _table("domain", domains, explained, _told(explained, others, made), names)


def _told(explained: Explained, others: Explained, made: dict[str, Pieces]) -> _Told:
    """Every part cut into its pieces, in order, and which of them are listed.

    Listed are those that add most beyond what is usual, of those that are worth it, and the first piece of each part
    that a node needs. What a part adds to `others` is usual; its pieces bear that in equal shares.
    """
    parts, nobody = explained.parts, np.zeros(len(explained.rows), dtype=bool)
    relation = np.concatenate([np.full(len(made[name].row), name, dtype=object) for name in parts])
    number = np.concatenate([np.full(len(made[name].row), at) for at, name in enumerate(parts)])
    contribution = np.concatenate([parts[name][made[name].row] * made[name].share for name in parts])
    usual = np.concatenate([others.usual(name) / np.bincount(made[name].row)[made[name].row] for name in parts])
    needed = np.concatenate([explained.needed.get(name, nobody)[made[name].row] for name in parts])
    every = Pieces(*(np.concatenate([getattr(made[name], field.name) for name in parts]) for field in fields(Pieces)))
    worth = contribution >= LEAST_CONTRIBUTION
    order = np.lexsort((every.artefact, number, usual - contribution, ~worth, every.row))
    row = every.row[order]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    first = np.zeros(len(row), dtype=bool)
    first[np.unique(row * len(parts) + number[order], return_index=True)[1]] = True
    listed = ((place < LISTED) & worth[order]) | (first & needed[order])
    return _Told(relation[order], contribution[order], needed[order], listed, every.taken(order))


def _table(kind: str, keys: list[str], explained: Explained, told: _Told, names: _Names) -> pa.Table:
    """Rows of graph.schema.REASONS: of each node its base, its listed pieces, and the rest."""
    rows = [(kind, keys[explained.rows[at]], *row) for at, row in _rows(explained, told, names)]
    columns = zip(*rows, strict=True) if rows else [()] * len(schema.REASONS)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, schema.REASONS, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema.REASONS)


def _rows(explained: Explained, told: _Told, names: _Names) -> Iterator[tuple[int, tuple[object, ...]]]:
    """Position of the node, and what follows kind and key in graph.schema.REASONS."""
    hidden = ~told.listed
    rest = np.bincount(told.pieces.row[hidden], weights=told.contribution[hidden], minlength=len(explained.rows))
    listed = told.pieces.taken(np.flatnonzero(told.listed))
    needed = told.needed[told.listed]
    reasons = list(_listed_rows(explained.rows[listed.row], told, listed, names))
    ends = np.searchsorted(listed.row, np.arange(len(explained.rows)), side="right")
    start = 0
    for at, end in enumerate(ends.tolist()):
        stays = "" if needed[start:end].any() else STAYS_WORDS.format(line=EXPLAINED_FROM)
        base = BASE_WORDS.format(base=explained.base[at]) + stays
        yield at, (0, schema.BASE, None, float(explained.base[at]), 0, [], False, _sentence(base))
        for rank, reason in enumerate(reasons[start:end], start=1):
            yield at, (rank, *reason)
        yield at, (end - start + 1, schema.REST, None, float(rest[at]), 0, [], False, _sentence(REST_WORDS))
        start = end


def _listed_rows(rows: Ids, told: _Told, listed: Pieces, names: _Names) -> Iterator[tuple[object, ...]]:
    """What follows the rank in graph.schema.REASONS, for the listed pieces of the nodes `rows`."""
    own = (rows, told.relation[told.listed], told.contribution[told.listed], told.needed[told.listed])
    columns = (*own, listed.artefact, listed.peers, listed.risk, listed.more)
    for row, relation, adds, needed, place, peers, risk, more in zip(*(c.tolist() for c in columns), strict=True):
        artefact = names.artefacts[relation][place] if place >= 0 else None
        examples = [names.senders[peer] for peer in names.peers(relation, row, place)[: pieces.EXAMPLES]]
        sentence = names.sentence(relation, artefact, peers, risk, more)
        yield relation, artefact, adds, peers, examples, needed, sentence


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."
