"""What ties senders together: sparse relations to shared artefacts, and shared targets. Knows no label and no risk."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray

from graph.values import Window

Floats = NDArray[np.float32]

# A relation is a table entry: (name, window table, column of the artefact's id, nodes of that id).
RELATION_TABLE = (
    ("linked_to", "linked_to", "domain", "domains"),
    ("sent_from", "sent_from", "network", "networks"),
    ("carried", "carried", "fingerprint", "fingerprints"),
    ("address_at", "address_at", "domain", "domains"),
    ("wrote_to", "wrote_to", "recipient", "recipients"),
)

# Co-targeting compares target lists. Under two targets there is no list; above two thousand it is a broadcast that
# meets everybody; a recipient whom more than four hundred write to tells nothing.
LEAST_TARGETS, MOST_TARGETS = 2, 2_000
MOST_WRITERS = 400
LEAST_OVERLAP = 2
LEAST_COTARGET_WEIGHT = 5.0
ROWS_A_BLOCK = 4_096


@dataclass(frozen=True)
class Relation:
    """One typed relation. `counts[s, a]` = events of sender `s` with artefact `a`, float32 (senders × artefacts)."""

    name: str
    nodes: str
    counts: sp.csr_matrix

    @property
    def used(self) -> sp.csr_matrix:
        """The same relation with every count set to one."""
        ones = self.counts.copy()
        ones.data = np.ones_like(ones.data)
        return ones

    @cached_property
    def degree(self) -> NDArray[np.int64]:
        """Distinct senders of each artefact, shape (artefacts,)."""
        return np.bincount(self.counts.indices, minlength=self.counts.shape[1]).astype(np.int64)


@dataclass(frozen=True)
class Evidence:
    """Everything that can tie two senders.

    `cotargets` is symmetric (senders × senders): log-likelihood ratio of the overlap of two lists of cold targets
    against chance, `O·log(O/E) − (O − E)`. `days` is (senders × days of the window), counts.
    """

    relations: tuple[Relation, ...]
    cotargets: sp.csr_matrix
    days: Floats
    hours: Floats

    def relation(self, name: str) -> Relation:
        """The relation of that name; KeyError where there is none."""
        for relation in self.relations:
            if relation.name == name:
                return relation
        raise KeyError(name)

    @property
    def domain_users(self) -> sp.csr_matrix:
        """Senders × domains, one where a sender links to the domain or has its address there, float64."""
        both: sp.csr_matrix = self.relation("linked_to").used + self.relation("address_at").used
        return (both > 0).astype(np.float64)


def gather_evidence(window: Window) -> Evidence:
    """The relations of a window as sparse matrices, and who shares targets beyond chance."""
    relations = tuple(_relation(window, *entry) for entry in RELATION_TABLE)
    return Evidence(
        relations=relations,
        cotargets=cotargets(cold_contacts(window)),
        days=profile(window.senders["days"], window.senders.num_rows),
        hours=profile(window.senders["hours"], window.senders.num_rows),
    )


def column(table: pa.Table, name: str) -> NDArray[np.float64]:
    """A numeric column as float64, nulls as 0."""
    return np.nan_to_num(np.asarray(table[name].to_numpy(zero_copy_only=False), dtype=np.float64))


def ids(table: pa.Table, name: str) -> NDArray[np.int64]:
    """A column of node ids."""
    return np.asarray(table[name].to_numpy(zero_copy_only=False), dtype=np.int64)


def profile(lists: pa.ChunkedArray, rows: int) -> Floats:
    """A column of equally long lists as a matrix (rows × length)."""
    flat = lists.combine_chunks().flatten().to_numpy(zero_copy_only=False).astype(np.float32)
    return flat.reshape(rows, -1) if rows else np.zeros((0, 1), dtype=np.float32)


def cold_contacts(window: Window) -> sp.csr_matrix:
    """Sender × recipient, one where the recipient never wrote back in the window: strangers, as far as we can see."""
    source, target = ids(window.wrote_to, "sender"), ids(window.wrote_to, "recipient")
    as_sender, as_recipient = mailboxes(window)
    people = window.recipients.num_rows
    forward = as_recipient[source] * people + target
    backward = np.where(as_sender[target] >= 0, as_sender[target], -1)
    wrote = np.sort(forward[as_recipient[source] >= 0])
    # The recipient `target` as a sender wrote to the mailbox of `source`: that edge reads (target, mailbox of source).
    reverse = target * people + as_recipient[source]
    known = (backward >= 0) & (as_recipient[source] >= 0) & contains(wrote, reverse)
    cold = ~known
    shape = (window.senders.num_rows, people)
    return sp.csr_matrix((np.ones(int(cold.sum()), np.float32), (source[cold], target[cold])), shape=shape)


def mailboxes(window: Window) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For every recipient its sender id or -1, and for every sender its recipient id or -1."""
    as_sender = np.full(window.recipients.num_rows, -1, np.int64)
    as_recipient = np.full(window.senders.num_rows, -1, np.int64)
    sender, recipient = ids(window.same_mailbox, "sender"), ids(window.same_mailbox, "recipient")
    as_sender[recipient] = sender
    as_recipient[sender] = recipient
    return as_sender, as_recipient


def cotargets(cold: sp.csr_matrix) -> sp.csr_matrix:
    """Pairs of senders whose lists of cold targets overlap beyond chance.

    Chance: two lists drawn by degree from the recipients, `E = k_i·k_j·Σ p_r²` (configuration model). Kept are pairs
    with overlap ≥ 2 and weight ≥ 5. Works block by block, so that memory follows the pairs kept.
    """
    total = cold.shape[0]
    fanout = np.diff(cold.indptr)
    writers = np.bincount(cold.indices, minlength=cold.shape[1])
    eligible = (fanout >= LEAST_TARGETS) & (fanout <= MOST_TARGETS)
    lists = (
        sp.diags(eligible.astype(np.float32)) @ cold @ sp.diags((writers <= MOST_WRITERS).astype(np.float32))
    ).tocsr()
    lists.eliminate_zeros()
    share = writers / max(writers.sum(), 1)
    collision = float(np.sum(share[writers <= MOST_WRITERS] ** 2))
    rows = np.flatnonzero(np.diff(lists.indptr) >= LEAST_TARGETS)
    back = lists[rows].T.tocsr()
    kept = [_overlaps(lists[block], block, rows, back, fanout, collision) for block in _blocks(rows)]
    if not kept:
        return sp.csr_matrix((total, total)).astype(np.float32)
    i, j, weight = (np.concatenate(part) for part in zip(*kept, strict=True))
    return sp.csr_matrix((weight, (i, j)), shape=(total, total), dtype=np.float32)


def smoothed(profile: Floats) -> NDArray[np.float64]:
    """A profile by day or hour (rows × length), each count shared with its neighbours (½, 1, ½).

    So the turn of a day separates nobody.
    """
    smooth = profile.astype(np.float64)
    smooth[:, 1:] += profile[:, :-1] / 2
    smooth[:, :-1] += profile[:, 1:] / 2
    return smooth


def _relation(window: Window, name: str, table: str, artefact: str, nodes: str) -> Relation:
    edges: pa.Table = getattr(window, table)
    shape = (window.senders.num_rows, getattr(window, nodes).num_rows)
    counts = column(edges, "events") if "events" in edges.column_names else np.ones(edges.num_rows)
    cells = (ids(edges, "sender"), ids(edges, artefact))
    return Relation(name, nodes, sp.csr_matrix((counts.astype(np.float32), cells), shape=shape))


def contains(haystack: NDArray[np.int64], needles: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which needles are in a sorted haystack, shape (needles,); looked for in order, which the cache rewards."""
    found = np.zeros(len(needles), dtype=bool)
    if len(haystack):
        order = np.argsort(needles)
        ordered = needles[order]
        at = np.minimum(np.searchsorted(haystack, ordered), len(haystack) - 1)
        found[order] = haystack[at] == ordered
    return found


def _blocks(rows: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return [rows[at : at + ROWS_A_BLOCK] for at in range(0, len(rows), ROWS_A_BLOCK)]


def _overlaps(
    lists: sp.csr_matrix,
    block: NDArray[np.int64],
    rows: NDArray[np.int64],
    back: sp.csr_matrix,
    fanout: NDArray[np.int64],
    collision: float,
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    found = (lists @ back).tocoo()
    keep = found.data >= LEAST_OVERLAP
    i, j, overlap = block[found.row[keep]], rows[found.col[keep]], found.data[keep].astype(np.float64)
    expected = np.maximum(fanout[i].astype(np.float64) * fanout[j] * collision, 1e-9)
    weight = overlap * np.log(overlap / expected) - (overlap - expected)
    strong = (i != j) & (overlap > expected) & (weight >= LEAST_COTARGET_WEIGHT)
    return i[strong], j[strong], weight[strong].astype(np.float32)
