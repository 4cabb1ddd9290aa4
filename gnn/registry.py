"""Models on disk: saved whole, loaded without running code, one of them the champion. Knows no training.

A model is `models/<id>/weights.npz` (arrays, pickling off) and `card.json` (all the rest). The id is a digest of the
content, so the same seed and data give the same id. A model of another format is refused, not guessed at: `train`
replaces such a champion. What is only added to a card needs no new format.
"""

import hashlib
import io
import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from gnn.calibrate import Calibration
from gnn.model import RETRAIN, RiskModel
from gnn.network import NetworkShape, Normaliser
from graph.atomic import TEMPORARY, is_name, make_folder, point_to, read_pointer, sync_folder, write_bytes
from graph.errors import ModelError
from graph.home import Home

FORMAT = 1
CHAMPION = "CHAMPION"
WEIGHTS, CARD = "weights.npz", "card.json"


def save(home: Home, model: RiskModel) -> str:
    """Write a model and return its id; a model that is already there stays as it is."""
    name = "m-" + hashlib.sha256(b"".join(_pack(model))).hexdigest()[:16]
    folder = home.models / name
    if folder.exists():
        return name
    building = home.models / f"{name}{TEMPORARY}"
    try:
        shutil.rmtree(building, ignore_errors=True)
        write(building, model)
        building.rename(folder)
        sync_folder(home.models)
    except OSError as error:
        raise ModelError(str(building), f"cannot be written ({error})", "Make room or give write permission") from error
    return name


def write(folder: Path, model: RiskModel) -> None:
    """Write a model's two files into a folder."""
    weights, card = _pack(model)
    make_folder(folder)
    write_bytes(folder / WEIGHTS, weights)
    write_bytes(folder / CARD, card)


def promote(home: Home, name: str) -> None:
    """Make a saved model the champion, the one that refreshes use."""
    point_to(home.models / CHAMPION, name)


def champion(home: Home) -> str | None:
    """Id of the champion, None where no pointer names one (see `lost_champion`).

    Raises ModelError where the pointer cannot be read or holds no id.
    """
    pointer = home.models / CHAMPION
    try:
        name = read_pointer(pointer)
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(str(pointer), f"cannot be read ({error})", _point_again(home)) from error
    if name is not None and not is_name(name):
        raise ModelError(str(pointer), "does not hold the id of a model", _point_again(home))
    return name


def saved(home: Home) -> list[str]:
    """Ids of the whole models of this home, the latest saved first."""
    cards = home.models.glob(f"m-*/{CARD}")
    whole = [card.parent for card in cards if (card.parent / WEIGHTS).exists() and card.parent.suffix != TEMPORARY]
    return [folder.name for folder in sorted(whole, key=lambda folder: folder.stat().st_mtime_ns, reverse=True)]


def lost_champion(home: Home) -> ModelError | None:
    """The error of a pointer that is gone though models are there; None where all is well or no model is there.

    It is told and not raised: a first training that was killed before its promotion leaves the same, and the next
    refresh has to go on.
    """
    models = saved(home)
    if champion(home) is not None or not models:
        return None
    reason = f"names no model, though {len(models)} are there, the latest {models[0]}"
    return ModelError(str(home.models / CHAMPION), reason, _point_again(home))


def _point_again(home: Home) -> str:
    models = saved(home)
    named = f"Write the id of a model into it (the latest is {models[0]})" if models else "Remove it"
    return f"{named}; where it is gone, the next `ringleader refresh` or `ringleader train` trains a new one"


def load(home: Home, name: str) -> RiskModel:
    """A model of this home. Raises ModelError naming it where it is missing, damaged or of another format."""
    return read(home.models / name)


def read(folder: Path) -> RiskModel:
    """Read a model's two files; nothing in them is executed. Raises ModelError."""
    try:
        card = json.loads((folder / CARD).read_bytes())
        weights = io.BytesIO((folder / WEIGHTS).read_bytes())
        with np.load(weights, allow_pickle=False) as arrays:
            return _unpack(card, dict(arrays))
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise ModelError(str(folder), f"cannot be read: {error}", RETRAIN) from error


def _pack(model: RiskModel) -> tuple[bytes, bytes]:
    arrays: dict[str, NDArray[Any]] = {f"network.{name}": value for name, value in sorted(model.weights.items())}
    arrays |= {"grid": model.normaliser.grid, "plain": model.normaliser.plain}
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    card = {
        "format": FORMAT,
        "shape": asdict(model.shape),
        "names": model.names,
        "blocks": model.blocks,
        "calibration": asdict(model.calibration),
        "card": model.card,
    }
    return buffer.getvalue(), json.dumps(card, indent=1, sort_keys=True).encode()


def _unpack(card: dict[str, Any], arrays: dict[str, Any]) -> RiskModel:
    if card["format"] != FORMAT:
        age = "a newer" if card["format"] > FORMAT else "an older"
        raise ValueError(f"format {card['format']} is of {age} version, this one reads {FORMAT}")
    return RiskModel(
        shape=NetworkShape(**card["shape"]),
        weights={name.removeprefix("network."): value for name, value in arrays.items() if name.startswith("network.")},
        normaliser=Normaliser(arrays["grid"], arrays["plain"]),
        names=tuple(card["names"]),
        blocks=tuple(card["blocks"]),
        calibration=Calibration(**card["calibration"]),
        card=card["card"],
    )
