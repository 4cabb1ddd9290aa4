"""Labelled data to evaluate on: worlds of `ringleader simulate` and the sample mail. Knows their files, no detector.

The truth is read here and nowhere else, and leaves only as `gnn.evaluate.Truth`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gnn.domains import DomainTruth
from gnn.evaluate import Truth, bunches
from gnn.prior import shipped
from graph.errors import InputError
from graph.schema import TIME
from graph.values import Window

Array = NDArray[np.float64]
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

KINDS = ("events", "reports", "verdicts")
SAMPLE_AS_OF = datetime(2002, 10, 14, tzinfo=UTC)  # data/README.md, "What to look at"
SAMPLE_DAYS = 106
TAUGHT = (
    "The prior that ships was taught on other worlds of this family ({family}), so these figures show what is possible "
    "on its own kind of mail; how well it travels only other families and real mail show."
)
UNTAUGHT = "The prior that ships has seen no world of this family ({family})."
FAMILY_EVENTS = 5  # near-duplicate groups of the sample that are large enough to be a campaign


@dataclass(frozen=True)
class Answers:
    """The truth of one window, and the questions asked: masks of senders by name, labelled ones not yet taken out."""

    truth: Truth
    scopes: dict[str, Mask]
    domains: DomainTruth
    families: bool = False  # the campaigns are groups of near duplicates: what must hold together, not all there is


@dataclass(frozen=True)
class World:
    """Files to ingest, the window to look at, and what is true of it."""

    folder: Path
    paths: dict[str, list[Path]]
    as_of: datetime
    window_days: int
    answers: Callable[[Window], Answers]
    caveat: str = ""


def open_world(folder: Path) -> World:
    """A simulated world or the sample mail. Raises InputError that says what is missing."""
    try:
        if (folder / "truth_senders.parquet").is_file():
            return _sample(folder)
        if (folder / "world.json").is_file():
            return _simulated(folder)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(str(folder), f"its description cannot be read: {error}", _MEND) from error
    raise InputError(str(folder), "is no labelled world: it has neither world.json nor truth_senders.parquet", _MEND)


_MEND = "Make one with: ringleader simulate --out DIR"


def _paths(folder: Path) -> dict[str, list[Path]]:
    missing = [kind for kind in KINDS if not (folder / f"{kind}.parquet").is_file()]
    if missing:
        raise InputError(str(folder), f"has no {missing[0]}.parquet", _MEND)
    return {kind: [folder / f"{kind}.parquet"] for kind in KINDS}


def _table(path: Path, columns: list[str]) -> pd.DataFrame:
    try:
        return pd.read_parquet(path, columns=columns)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(str(path), f"cannot be read ({error})", _MEND) from error


def _simulated(folder: Path) -> World:
    facts = json.loads((folder / "world.json").read_text(encoding="utf-8"))
    start, as_of = (datetime.fromisoformat(facts[name]) for name in ("start", "as_of"))
    days = max((as_of - start).days, 1)  # all of it: campaigns of the first days are the labelled ones
    last = datetime.fromisoformat(facts["labels_end"])
    family = facts.get("family", "unnamed")
    caveat = (TAUGHT if family in shipped().card.get("families", []) else UNTAUGHT).format(family=family)
    return World(folder, _paths(folder), as_of, days, lambda window: _simulated_answers(folder, window, last), caveat)


def _simulated_answers(folder: Path, window: Window, labels_end: datetime) -> Answers:
    senders = _table(folder / "truth" / "senders.parquet", ["key", "malicious", "campaign", "operator", "archetype"])
    domains = _table(folder / "truth" / "domains.parquet", ["key", "malicious", "campaign"])
    asked = senders.set_index("key").reindex(window.senders["key"].to_pylist())
    names = sorted(set(asked["campaign"].dropna()))
    number = {name: at for at, name in enumerate(names)}
    campaign = _numbers(asked["campaign"], number)
    operators = {name: at for at, name in enumerate(sorted(set(asked["operator"].dropna())))}
    sites = domains.set_index("key").reindex(window.domains["key"].to_pylist())
    later = np.asarray(pc.greater(window.senders["first_seen"], pa.scalar(labels_end, TIME)).to_numpy(), dtype=bool)
    truth = Truth(
        target=asked["malicious"].to_numpy(dtype=np.float64, na_value=np.nan),
        campaign=campaign,
        bunch=bunches(window, campaign),
        archetype=asked["archetype"].fillna("unknown").to_numpy(dtype=object),
        operator=_numbers(asked["operator"], operators),
    )
    scopes = {
        "all unlabelled senders": np.ones(len(campaign), bool),
        "later senders (first seen after the last verdict)": later,
    }
    target = sites["malicious"].to_numpy(dtype=np.float64, na_value=np.nan)
    return Answers(truth, scopes, DomainTruth(target, _numbers(sites["campaign"], number)))


def _sample(folder: Path) -> World:
    return World(folder, _paths(folder), SAMPLE_AS_OF, SAMPLE_DAYS, lambda window: _sample_answers(folder, window))


def _sample_answers(folder: Path, window: Window) -> Answers:
    senders = _table(folder / "truth_senders.parquet", ["sender", "malicious_share", "part", "later_events"]).set_index(
        "sender"
    )
    asked = senders.reindex(window.senders["key"].to_pylist())
    group = _near_duplicates(folder, window)
    share = asked["malicious_share"].to_numpy(dtype=np.float64)
    malicious = np.asarray(np.where(np.isnan(share), np.nan, share >= 0.5), dtype=np.float64)
    truth = Truth(
        target=malicious,
        campaign=np.where(malicious > 0, _large(group, window), -1),
        bunch=bunches(window, group),
    )
    scopes = {
        "later senders never seen before": (asked["part"] == "later").to_numpy(dtype=bool),
        "all later senders": (asked["later_events"].fillna(0) > 0).to_numpy(dtype=bool),
    }
    return Answers(truth, scopes, no_domains(window), families=True)


def _near_duplicates(folder: Path, window: Window) -> Ids:
    """The group of near-equal messages that each sender sent most of, among the events of the window; −1 for none."""
    truth = _table(folder / "truth.parquet", ["event_id", "near_duplicates"])
    events = _table(folder / "events.parquet", ["event_id", "ts", "sender"]).merge(truth, on="event_id")
    inside = events[(events["ts"] > window.start) & (events["ts"] <= window.as_of)].dropna(subset="near_duplicates")
    counts = inside.groupby(["sender", "near_duplicates"]).size().reset_index(name="n")
    main = counts.sort_values(["n", "near_duplicates"]).drop_duplicates("sender", keep="last").set_index("sender")
    found = main["near_duplicates"].reindex(window.senders["key"].to_pylist())
    return _numbers(found, {name: at for at, name in enumerate(sorted(set(found.dropna())))})


def _large(group: Ids, window: Window) -> Ids:
    """Groups that at least so many events belong to, renumbered; −1 elsewhere."""
    inside = group >= 0
    sent = np.asarray(window.senders["events"].to_numpy(), dtype=np.float64)
    events = np.bincount(group[inside], weights=sent[inside])
    number = np.where(events >= FAMILY_EVENTS, np.cumsum(events >= FAMILY_EVENTS) - 1, -1)
    return np.where(inside, number[np.maximum(group, 0)], -1) if len(number) else group


def _numbers(names: pd.Series, number: Mapping[str, int]) -> Ids:
    return np.array([number.get(name, -1) for name in names.tolist()], dtype=np.int64)


def no_domains(window: Window) -> DomainTruth:
    """Nothing is known of the window's domains."""
    rows = window.domains.num_rows
    return DomainTruth(np.full(rows, np.nan), np.full(rows, -1, np.int64))
