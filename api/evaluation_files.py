"""What an evaluation leaves behind: JSON, a report and plots, in a folder of the home. Computes no figure."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gnn import plots, together
from gnn.evaluation_json import as_json
from gnn.report import Evaluation, text
from graph.atomic import make_folder, write_bytes
from graph.home import Home

NO_PLOTS = "No plots: matplotlib is not installed (pip install matplotlib)."
Picture = tuple[str, str, bytes]  # title, file, PNG


def write(home: Home, evaluations: Sequence[Evaluation]) -> Path:
    """evaluation.json, evaluation.md and plots in home/evaluations/<time>, which is returned.

    Of several worlds each has a folder of its own in it, beside what they have in common.
    """
    folder = home.path / "evaluations" / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    make_folder(folder)
    if len(evaluations) == 1:
        _write_one(folder, evaluations[0])
        return folder
    names = _names(evaluations)
    for name, one in zip(names, evaluations, strict=True):
        make_folder(folder / name)
        _write_one(folder / name, one)
    links = "\n".join(f"- [{one.source}]({name}/evaluation.md)" for name, one in zip(names, evaluations, strict=True))
    write_bytes(folder / "evaluation.md", f"{together.text(evaluations)}\n{links}\n".encode())
    _write_json(folder, together.as_json(evaluations, names))
    return folder


def summary(evaluations: Sequence[Evaluation], folder: Path) -> dict[str, Any]:
    """What `--json` prints: the same as evaluation.json, and where it lies."""
    if len(evaluations) == 1:
        return {**as_json(evaluations[0]), "folder": folder}
    return {**together.as_json(evaluations, _names(evaluations)), "folder": folder}


def _write_one(folder: Path, evaluation: Evaluation) -> None:
    words = text(evaluation)
    if find_spec("matplotlib") is None:
        words += f"\n{NO_PLOTS}\n"
    else:
        for title, name, drawing in _pictures(evaluation):
            write_bytes(folder / name, drawing)
            words += f"\n![{title}]({name})\n"
    write_bytes(folder / "evaluation.md", words.encode())
    _write_json(folder, as_json(evaluation))


def _write_json(folder: Path, facts: dict[str, Any]) -> None:
    write_bytes(folder / "evaluation.json", json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False).encode())


def _pictures(evaluation: Evaluation) -> Iterator[Picture]:
    for at, one in enumerate(evaluation.scopes, 1):
        yield one.name, f"plot-{at}.png", plots.detectors(one.name, one.curves, one.reliability, one.chance)
        sizes = [part for part in one.sizes if part.senders]
        if sizes:
            recall = {name: [part.flagged_strict[name] for part in sizes] for name in one.figures}
            title = f"Recall by size: {one.name}"
            yield title, f"sizes-{at}.png", plots.recall_by_size(title, [part.name for part in sizes], recall)
    for at, curve in enumerate(evaluation.learning, 1):
        auprc = {name: [point.figures[name]["auprc"] for point in curve.points] for name in curve.points[-1].figures}
        title = f"Learning curve: {curve.question}"
        yield title, f"learning-{at}.png", plots.learning(title, [point.labels for point in curve.points], auprc)


def _names(evaluations: Sequence[Evaluation]) -> list[str]:
    """A folder name for each of several."""
    plain = [re.sub(r"[^A-Za-z0-9.]+", "-", one.source).strip("-.") for one in evaluations]
    return [f"{at}-{name}" for at, name in enumerate(plain, 1)]
