"""An evaluation as people read it: numbers for machines, tables and sentences for people. Computes no figure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from gnn.agreement import Agreement
from gnn.evaluate import Part, Scope
from gnn.metrics import Figure


@dataclass(frozen=True)
class Identity:
    """Ids over two refreshes: of `compared` campaigns that live at both, `kept` still bear their id."""

    compared: int
    kept: int
    earlier: datetime
    later: datetime


@dataclass(frozen=True)
class Families:
    """Found campaigns against groups that belong together, where not all that belongs together is known."""

    groups: int
    senders: int
    clustered: float  # share of those senders that are in a found campaign
    precision: float
    recall: float
    f1: float
    v_measure: float


@dataclass(frozen=True)
class Evaluation:
    """Everything one `ringleader evaluate` found out."""

    source: str
    protocol: str
    as_of: datetime
    window_days: int
    seed: int
    senders: int
    labels: int
    scopes: tuple[Scope, ...]
    agreement: Agreement | None
    families: Families | None
    members: int  # senders in found campaigns whose truth is known
    innocents: int  # benign ones among them
    identity: Identity | None
    stages: tuple[dict[str, object], ...]


Row = Sequence[object]
NODE_COLUMNS = {
    "auprc": "AUPRC",
    "recall_strict": "recall at 0.1 % FP",
    "recall_loose": "recall at 1 % FP",
    "ece": "ECE",
    "ece_unsure": "ECE of .02–.98",
}


def sentences(evaluation: Evaluation) -> list[str]:
    """Who wins, in words, for every question; a loss is called a loss."""
    out = []
    for scope in evaluation.scopes:
        if not 0 < scope.malicious < scope.senders:
            out.append(f"{scope.name}: one class only, so nothing can be told apart.")
            continue
        ours = next(iter(scope.figures.values()))["auprc"]
        out.append(f"{scope.name}: AUPRC {_interval(ours)}, chance {_number(scope.chance)}.")
        out += [f"  {_versus(other, figure)}" for other, figure in scope.against.items()]
    return out


def text(evaluation: Evaluation, full: bool = True) -> str:
    """Markdown; `full` with the tables by number of events and by kind, which are too long for a terminal."""
    lines = [f"# Evaluation of {evaluation.source}", "", evaluation.protocol, ""]
    facts = (
        f"As of {evaluation.as_of:%Y-%m-%d %H:%M} UTC, {evaluation.window_days} days, "
        f"{evaluation.senders:,} senders, {evaluation.labels:,} of them labelled; seed {evaluation.seed}. "
        "In brackets: 95 % bootstrap intervals over whole campaigns."
    )
    lines += [facts, ""]
    for scope in evaluation.scopes:
        lines += _scope_lines(scope) + (_part_lines(scope) if full else [])
    lines += [
        "## In words",
        "",
        *[f"- {line}" if line[0] != " " else f"  -{line[1:]}" for line in sentences(evaluation)],
    ]
    lines += ["", *_campaign_lines(evaluation)]
    if evaluation.stages:
        lines += ["## Stages", "", *_table(("stage", "rows", "seconds", "peak MB"), map(_stage, evaluation.stages)), ""]
    return "\n".join(lines)


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """The numbers: what is not a number (NaN, infinity) is null."""
    facts = asdict(evaluation)
    for scope, made in zip(evaluation.scopes, facts["scopes"], strict=True):
        made.pop("curves")
        made["reliability"] = {
            name: [list(map(float, axis)) for axis in axes] for name, axes in scope.reliability.items()
        }
        made["chance"] = scope.chance
    facts["in_words"] = sentences(evaluation)
    plain: dict[str, Any] = _plain(facts)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _versus(other: str, difference: Figure) -> str:
    gap = f"{abs(difference.value):.3f} [{difference.low:+.3f} to {difference.high:+.3f}]"
    if difference.above(0):
        return f"beats {other} by {gap}"
    if difference.below(0):
        return f"LOSES to {other} by {gap}"
    lead = "ahead of" if difference.value > 0 else "behind" if difference.value < 0 else "equal to"
    return f"no different from {other} beyond noise: {lead} it by {gap}"


def _scope_lines(scope: Scope) -> list[str]:
    head = f"{scope.senders:,} senders, {scope.malicious:,} malicious; a coin's precision is {_number(scope.chance)}."
    rows = [
        [name, *[_interval(found[measure]) for measure in NODE_COLUMNS], f"{scope.cpu_seconds[name]:.1f}"]
        for name, found in scope.figures.items()
    ]
    lines = [f"## {scope.name[0].upper()}{scope.name[1:]}", "", head, ""]
    lines += [*_table(("detector", *NODE_COLUMNS.values(), "CPU s"), rows), ""]
    return lines


def _part_lines(scope: Scope) -> list[str]:
    names = tuple(scope.figures)
    lines = [
        "By number of events, AUPRC:",
        "",
        *_table(("events", "senders", "malicious", *names), _parts(scope.events)),
    ]
    if scope.archetypes:
        kinds = _parts(scope.archetypes, flagged=True)
        title = "By kind, the share flagged where one in a hundred of all benign senders is (recall, or false alarms):"
        lines += ["", title, "", *_table(("kind", "senders", "malicious", *names), kinds)]
    return [*lines, ""]


def _parts(parts: Iterable[Part], flagged: bool = False) -> list[Row]:
    return [
        [part.name, f"{part.senders:,}", f"{part.malicious:,}"]
        + [_number(value) for value in (part.flagged if flagged else part.auprc).values()]
        for part in parts
    ]


def _campaign_lines(evaluation: Evaluation) -> list[str]:
    lines = ["## Campaigns", ""]
    found, families, identity = evaluation.agreement, evaluation.families, evaluation.identity
    if found is not None:
        rows: list[Row] = [
            ("pair precision", _number(found.pairs.precision)),
            ("pair recall", _number(found.pairs.recall)),
            ("pair F1", _number(found.pairs.f1)),
            ("B-cubed F1", _number(found.b_cubed_f1)),
            ("V-measure", _number(found.v_measure)),
            (f"campaigns found, of {found.campaigns_true}", _number(found.found)),
            (f"… with fewer than 30 senders, of {found.small_true}", _number(found.found_small)),
            (f"… without any label, of {found.new_true}", _number(found.found_new)),
        ]
        lines += [*_table(("against the true campaigns", "value"), rows), ""]
    if families is not None:
        lines += [
            f"Against {families.groups} groups of near-equal mail ({families.senders:,} senders), fingerprints held "
            "out of features and campaigns:",
            "",
        ]
        names = ("clustered", "precision", "recall", "f1", "v_measure")
        lines += [
            *_table(("measure", "value"), [(n.replace("_", "-"), _number(getattr(families, n))) for n in names]),
            "",
        ]
    lines += [
        f"{evaluation.members:,} senders of known truth are in campaigns, {evaluation.innocents:,} of them innocent."
    ]
    if identity is not None:
        lines += [
            f"{identity.kept} of {identity.compared} campaigns that live at {identity.earlier:%Y-%m-%d} and at "
            f"{identity.later:%Y-%m-%d} kept their id."
        ]
    return [*lines, ""]


def _stage(row: dict[str, object]) -> Row:
    return tuple("" if row[name] is None else row[name] for name in ("name", "rows", "seconds", "peak_mb"))


def _interval(figure: Figure) -> str:
    if not math.isfinite(figure.value):
        return "–"
    if not math.isfinite(figure.low):
        return _number(figure.value)
    return f"{_number(figure.value)} [{_number(figure.low)}–{_number(figure.high)}]"


def _number(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "–"


def _table(head: Row, rows: Iterable[Row]) -> list[str]:
    """An aligned Markdown table, the first column to the left."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(head))]
    lines = [
        "| "
        + " | ".join(c.ljust(w) if at == 0 else c.rjust(w) for at, (c, w) in enumerate(zip(row, widths, strict=True)))
        + " |"
        for row in cells
    ]
    rule = "|" + "|".join("-" * (w + 2) if at == 0 else "-" * (w + 1) + ":" for at, w in enumerate(widths)) + "|"
    return [lines[0], rule, *lines[1:]]
