"""What a sender would score if some of its evidence said nothing. Knows channels and models, no artefact and no words.

A player is one kind of evidence: the sender's habits, reports about it, or a relation with all its channels, labels
lent over it included. A silenced relation is one that the sender shares with nobody; silenced habits are those that
the network was taught to do without (its columns at 0, as in block dropout). The prior is no player: its margin, a
channel of the home's network, is worked out anew for every coalition, so its say goes to those who make it say so.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gnn.features import Channels
from gnn.model import ANCHOR_BLOCK, MARGIN_SCALE, RiskModel
from gnn.network import Normaliser, RiskNetwork

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

HABITS = "behaviour"
SAME_PLAYER = {"style": HABITS}
CELLS = 4_096  # rows × coalitions worked on at once: what fits into a processor's cache


@dataclass(frozen=True)
class Coalitions:
    """Margins of rows that share their players, under every coalition of these.

    `players` are those that say something; coalition c holds player p where bit p of c is set. `rows` are positions
    among the rows asked for; `margins` has the shape (rows, 2 ** players), as has what a student says, where there is
    one.
    """

    players: tuple[str, ...]
    rows: Ids
    margins: Array
    of_student: Array | None = None


def coalitions(
    picked: Channels, model: RiskModel, prior: RiskModel | None, student: RiskModel | None = None
) -> Iterator[Coalitions]:
    """Margins under every coalition of the players that say something, rows with the same players together.

    `picked` has the rows to explain, `prior` is ready for the same window, None where the model has no channel for
    it, `student` who is heard beside the model, if anybody is. All rows come back, each once.
    """
    order = tuple(dict.fromkeys(_player(block) for block in model.blocks if block != ANCHOR_BLOCK))
    ours = _Switchable.of(model, picked, order)
    theirs = None if prior is None or ours.anchor is None else _Switchable.of(prior, picked, order)
    beside = None if student is None else _Switchable.of(student, picked, order)
    heard = np.any([one.heard for one in (ours, theirs, beside) if one is not None], axis=0)
    codes = heard @ (1 << np.arange(len(order)))
    for code in np.unique(codes):
        rows, present = np.flatnonzero(codes == code), np.flatnonzero([(code >> p) & 1 for p in range(len(order))])
        at_once = max(CELLS >> len(present), 1)
        pieces = [rows[at : at + at_once] for at in range(0, len(rows), at_once)]
        margins = np.concatenate([_margins(ours, theirs, piece, present) for piece in pieces])
        said = np.concatenate([_margins(beside, None, piece, present) for piece in pieces]) if beside else None
        yield Coalitions(tuple(order[p] for p in present), rows, margins, said)


def _player(block: str) -> str:
    name = block.split(".")[0]
    return SAME_PLAYER.get(name, name)


def _margins(ours: "_Switchable", theirs: "_Switchable | None", rows: Ids, players: Ids) -> Array:
    """Margins of rows under every coalition of players, shape (rows, coalitions)."""
    opinions = None
    if theirs is not None and ours.anchor is not None:
        opinions = ours.anchor(theirs.margins(rows, players, None))
    return ours.margins(rows, players, opinions).numpy().astype(np.float64).T


@dataclass(frozen=True)
class _Anchor:
    """The column that holds the prior's margin, and how it is normalised."""

    column: int
    normaliser: Normaliser

    def __call__(self, margins: Tensor) -> Tensor:
        values = (margins / MARGIN_SCALE).reshape(-1, 1).numpy()
        return torch.from_numpy(self.normaliser(values)).reshape(margins.shape)


@dataclass(frozen=True)
class _Switchable:
    """A network over rows whose players can be silenced.

    The first layer is a sum over columns: silencing a player takes its columns' products off that sum, so what every
    player adds is worked out once for all coalitions. `differs` are normalised channels less those that say nothing,
    `heard` (rows × players) where that is not 0; `silent` the first layer's sums where all say nothing.
    """

    network: RiskNetwork
    columns: tuple[Tensor, ...]  # of each player
    differs: Tensor
    heard: Mask
    silent: Tensor  # (members, 1, width)
    anchor: _Anchor | None

    @staticmethod
    def of(model: RiskModel, picked: Channels, order: tuple[str, ...]) -> "_Switchable":
        """The model's network over these rows."""
        network = model.network()
        player = np.array([_player(block) for block in model.blocks])
        nothing = model.normalised(_nothing(picked))
        nothing[:, player == HABITS] = 0.0
        nothing[:, player == ANCHOR_BLOCK] = 0.0  # added where it is known
        differs = model.normalised(picked) - nothing
        with torch.no_grad():
            silent = network.first(torch.from_numpy(nothing).expand(model.shape.members, -1, -1))
        heard = np.stack([(differs[:, player == name] != 0).any(axis=1) for name in order], axis=1)
        columns = tuple(torch.from_numpy(np.flatnonzero(player == name)) for name in order)
        anchor = None
        if ANCHOR_BLOCK in model.blocks:
            at = model.blocks.index(ANCHOR_BLOCK)
            anchor = _Anchor(at, Normaliser(model.normaliser.grid[:, [at]], model.normaliser.plain[[at]]))
        return _Switchable(network, columns, torch.from_numpy(differs), heard, silent, anchor)

    @torch.no_grad()
    def margins(self, rows: Ids, players: Ids, opinions: Tensor | None) -> Tensor:
        """Margins under every coalition, shape (coalitions, rows); `opinions` are the anchor column's values."""
        x, weight = self.differs[torch.from_numpy(rows)], self.network.first.weight
        members, width, count = len(weight), weight.shape[2], 1 << len(players)
        adds = [x[:, self.columns[p]] @ weight[:, self.columns[p]] for p in players]
        terms = torch.stack([*adds, self.silent.expand(-1, len(rows), -1)], dim=1).reshape(members, len(adds) + 1, -1)
        sums = (_held(len(players)) @ terms).reshape(members, count * len(rows), width)
        before = torch.zeros(count, len(rows))
        if opinions is not None and self.anchor is not None:
            sums.addcmul_(opinions.reshape(1, -1, 1), weight[:, self.anchor.column].unsqueeze(1))
            before = self.network.shape.anchor_scale * opinions + self.network.shape.anchor_bias
        return self.network.deeper(sums).mean(dim=0).reshape(count, len(rows)) + before


def _held(players: int) -> Tensor:
    """Which player is in which coalition, and a last column of ones, shape (coalitions, players + 1)."""
    bits = (np.arange(1 << players)[:, None] >> np.arange(players + 1)) & 1
    bits[:, -1] = 1
    return torch.from_numpy(bits.astype(np.float32))


def _nothing(picked: Channels) -> Channels:
    """One row in which no channel says anything."""
    return Channels(np.zeros((1, len(picked.names)), np.float32), picked.names, picked.blocks)
