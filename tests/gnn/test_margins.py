"""Margins of a model over many rows, which are worked out piece by piece on all cores."""

import numpy as np
import pytest

from gnn import model as room
from gnn.calibrate import Calibration
from gnn.features import Channels
from gnn.model import RiskModel, is_plain, new_network, weights_of
from gnn.network import NetworkShape, Normaliser

NAMES, BLOCKS = ("behaviour.events", "behaviour.span", "reports.rate"), ("behaviour", "behaviour", "reports")


def channels(rows: int) -> Channels:
    values = np.random.default_rng(rows).normal(size=(rows, len(NAMES))).astype(np.float32)
    return Channels(values, NAMES, BLOCKS)


def model(seen: Channels) -> RiskModel:
    shape = NetworkShape(len(NAMES), members=2, width=4)
    weights = weights_of(new_network(shape, BLOCKS, seed=3))
    return RiskModel(shape, weights, Normaliser.fit(seen.values, is_plain(BLOCKS)), NAMES, BLOCKS, Calibration(), {})


@pytest.mark.parametrize("rows", [0, 1, 40, 47])
def test_every_row_has_the_margin_of_its_own_piece(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "ROWS_AT_ONCE", 4)
    seen = channels(47)
    asked, fitted = seen.at(np.arange(rows)), model(seen)
    pieces = [fitted.margins(asked.at(np.arange(at, min(at + 4, rows)))) for at in range(0, rows, 4)]
    assert np.array_equal(fitted.margins(asked), np.concatenate([np.zeros(0), *pieces]))
    assert len(np.unique(fitted.margins(asked))) == rows


def test_columns_lie_in_any_order_and_over_several_tables() -> None:
    seen = channels(30)
    fitted = model(seen)
    apart = fitted.margins(seen.only({"reports"}), seen.without({"reports"}))
    assert np.array_equal(apart, fitted.margins(seen))
