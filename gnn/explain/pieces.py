"""What a relation's say is made of: the artefacts behind it, how many others share them, and who. Scores nothing."""

from dataclasses import dataclass, fields, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

NAMED_SHARE = 0.2  # of a relation's say: artefacts with less are told of together
EXAMPLES = 3
LEAST_RISK = 1e-6  # so that odds are finite, and shares of a relation sum to one


@dataclass(frozen=True)
class Pieces:
    """Parts of what one relation adds, columns of one length.

    `row` is the position among the explained rows, `artefact` the id of the (strongest) artefact, −1 for none; `share`
    is the piece's part of the relation's say, a row's sum to 1. `peers` other senders share the artefact, their mean
    risk is `risk`; `more` counts further artefacts that the piece stands for.
    """

    row: Ids
    artefact: Ids
    share: Array
    peers: Ids
    risk: Array
    more: Ids

    def taken(self, at: Ids) -> "Pieces":
        """Some of them, in a given order."""
        return Pieces(*(getattr(self, field.name)[at] for field in fields(self)))


def of_artefacts(used: sp.csr_matrix, rows: Ids, risk: Array) -> Pieces:
    """Pieces of a relation (senders × artefacts, ones) of the senders `rows`: one for each artefact that weighs, one
    for all the others of a sender.

    An artefact weighs its rarity, as in pooling, times the odds that one of its other users is risky, the window's
    mean among them: one artefact of criminals outweighs many of people.
    """
    degree = np.bincount(used.indices, minlength=used.shape[1]).astype(np.int64)
    cells = used[rows].tocoo()
    shared = degree[cells.col] > 1
    row, artefact = cells.row[shared].astype(np.int64), cells.col[shared].astype(np.int64)
    peers = degree[artefact] - 1
    guilt = (used.T @ risk)[artefact] - risk[rows[row]]
    mean = guilt / peers
    smooth = np.clip((guilt + risk.mean()) / (peers + 1), LEAST_RISK, 1 - LEAST_RISK)
    weight = np.log(used.shape[0] / degree[artefact] + 1) * smooth / (1 - smooth)
    share = weight / np.bincount(row, weights=weight, minlength=len(rows))[row]
    return _gathered(Pieces(row, artefact, share, peers, mean, np.zeros(len(row), np.int64)))


def of_cotargets(cotargets: sp.csr_matrix, rows: Ids, risk: Array) -> Pieces:
    """One piece for each of the senders `rows`: all senders that share its targets."""
    near = cotargets[rows]
    near.data = np.ones_like(near.data)
    peers = np.diff(near.indptr).astype(np.int64)
    return _single(peers, near @ risk / np.maximum(peers, 1))


def of_users(used: sp.csr_matrix, artefacts: Ids, risk: Array) -> Pieces:
    """One piece for each of the artefacts: all its users."""
    peers = np.bincount(used.indices, minlength=used.shape[1])[artefacts].astype(np.int64)
    mean = (used.T @ risk)[artefacts] / np.maximum(peers, 1)
    return replace(_single(peers, mean), artefact=artefacts)


def of_reports(reporters: Array) -> Pieces:
    """One piece for each row: all who reported it."""
    return _single(reporters.astype(np.int64), np.zeros(len(reporters)))


def of_nothing(rows: int) -> Pieces:
    """One piece for each row that nobody shares."""
    return _single(np.zeros(rows, np.int64), np.zeros(rows))


def riskiest_users(used: sp.csr_matrix, artefacts: Ids, risk: Array) -> dict[int, list[int]]:
    """Of each artefact its riskiest users, one more than are shown: the sender itself may be among them."""
    wanted = np.unique(artefacts)
    users = used.tocsc()[:, wanted].tocoo()
    order = np.lexsort((users.row, -risk[users.row], users.col))
    column, row = users.col[order], users.row[order]
    place = np.arange(len(column)) - np.searchsorted(column, column)
    found: dict[int, list[int]] = {int(artefact): [] for artefact in wanted}
    for at in np.flatnonzero(place <= EXAMPLES):
        found[int(wanted[column[at]])].append(int(row[at]))
    return found


def closest(cotargets: sp.csr_matrix, row: int) -> list[int]:
    """The senders whose targets are most like a sender's."""
    span = slice(cotargets.indptr[row], cotargets.indptr[row + 1])
    nearest = np.argsort(-cotargets.data[span], kind="stable")[:EXAMPLES]
    return [int(peer) for peer in cotargets.indices[span][nearest]]


def _single(peers: Ids, risk: Array) -> Pieces:
    count = len(peers)
    nothing = np.zeros(count, np.int64)
    return Pieces(np.arange(count), np.full(count, -1, np.int64), np.ones(count), peers, risk, nothing)


def _gathered(pieces: Pieces) -> Pieces:
    """Artefacts below `NAMED_SHARE` become one piece a row, in the name of the strongest of them."""
    order = np.lexsort((pieces.artefact, -pieces.share, pieces.row))
    small = order[pieces.share[order] < NAMED_SHARE]
    heads, at, count = np.unique(pieces.row[small], return_index=True, return_counts=True)
    share = pieces.share.copy()
    share[small[at]] = np.bincount(pieces.row[small], weights=pieces.share[small])[heads]
    more = pieces.more.copy()
    more[small[at]] = count - 1
    kept = np.sort(np.concatenate([np.flatnonzero(pieces.share >= NAMED_SHARE), small[at]]))
    return replace(pieces, share=share, more=more).taken(kept)
