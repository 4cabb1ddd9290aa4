"""A fitted risk network with all it needs to score: plain arrays, no code. Knows neither training nor files."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gnn.calibrate import Calibration
from gnn.features import Channels
from gnn.network import PLAIN_SCALE, NetworkShape, Normaliser, RiskNetwork
from graph.errors import ModelError

Array = NDArray[np.float64]

RETRAIN = "Train a new one: ringleader train --force"
PLAIN_BLOCKS = ("labels", "reports", "prior")  # log-odds already: scaled, not ranked
ANCHOR_BLOCK = "prior"
ROWS_AT_ONCE = 8_192  # a piece of the channels that stays in the processor's cache
MARGIN_SCALE = 2.0  # the prior's margins go up to ±15; its channel is of the size of the others
ANCHOR_UNIT = MARGIN_SCALE * PLAIN_SCALE  # log-odds of the prior in one unit of its normalised column


@dataclass(frozen=True)
class RiskModel:
    """Weights, normaliser and calibration of a network over named channels, with a card that says where it is from."""

    shape: NetworkShape
    weights: dict[str, NDArray[np.float32]]
    normaliser: Normaliser
    names: tuple[str, ...]
    blocks: tuple[str, ...]
    calibration: Calibration
    card: dict[str, Any]

    @property
    def heard(self) -> float:
        """Weight of the home's own network beside a prior's log-odds; 0 where there is no prior beside it."""
        return self.shape.gain if self.shape.anchor >= 0 else 0.0

    def margins(self, *channels: Channels) -> Array:
        """Uncalibrated log-odds, shape (rows,), of channels that lie side by side, in any order.

        Worked out piece by piece, so that memory does not follow the rows, on all cores. Raises ModelError as
        `normalised`.
        """
        columns, network = self._columns(sum((part.names for part in channels), ())), self.network()
        margins = np.zeros(len(channels[0].values))

        def work_out(at: int) -> None:
            piece = slice(at, at + ROWS_AT_ONCE)
            values = np.hstack([part.values[piece] for part in channels])
            margins[piece] = network.margins(self.normaliser(values.take(columns, axis=1)))

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(work_out, range(0, len(margins), ROWS_AT_ONCE)))
        return margins

    def normalised(self, channels: Channels) -> NDArray[np.float32]:
        """The channels that the model knows, by name and in its order, as the network takes them.

        Raises ModelError where one is missing: the model was fitted by another version.
        """
        return self.normaliser(channels.values.take(self._columns(channels.names), axis=1))

    def _columns(self, names: tuple[str, ...]) -> NDArray[np.int64]:
        missing = set(self.names) - set(names)
        if missing:
            raise ModelError("the risk model", f"needs channels that are gone: {sorted(missing)[:3]}", RETRAIN)
        place = {name: at for at, name in enumerate(names)}
        return np.array([place[name] for name in self.names], dtype=np.int64)

    def margins_of(self, normalised: NDArray[np.float32]) -> Array:
        """Uncalibrated log-odds of normalised channels, shape (rows,)."""
        return self.network().margins(normalised).astype(np.float64)

    def network(self) -> RiskNetwork:
        """The fitted network itself, ready to score."""
        network = RiskNetwork(self.shape, block_numbers(self.blocks))
        network.load_state_dict({name: torch.from_numpy(value) for name, value in self.weights.items()}, strict=False)
        return network.eval()


def new_network(shape: NetworkShape, blocks: tuple[str, ...], seed: int) -> RiskNetwork:
    """An untaught network over columns of these blocks; the same seed gives the same weights."""
    torch.manual_seed(seed)
    return RiskNetwork(shape, block_numbers(blocks))


def weights_of(network: RiskNetwork) -> dict[str, NDArray[np.float32]]:
    """What fitting changed, as arrays."""
    return {name: value.numpy().copy() for name, value in network.state_dict().items() if name != "block_of"}


def is_plain(blocks: tuple[str, ...]) -> NDArray[np.bool_]:
    """Which columns are scaled instead of ranked, shape (columns,)."""
    return np.array([block.endswith(PLAIN_BLOCKS) for block in blocks], dtype=bool)


def block_numbers(blocks: tuple[str, ...]) -> torch.Tensor:
    """The number of each column's block, in order of first appearance."""
    order = {block: at for at, block in enumerate(dict.fromkeys(blocks))}
    return torch.tensor([order[block] for block in blocks], dtype=torch.int64)
