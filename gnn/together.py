"""Several evaluations side by side: the mean over the worlds, and the worst of them. Computes no figure of a world."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gnn.agreement import Agreement
from gnn.domains import OURS
from gnn.evaluation_json import FIELDS, FORMAT, plain_of
from gnn.report import Evaluation, number_words, table

Pick = Callable[[Evaluation], float]

NODE_MEASURES = ("auprc", "recall_strict", "recall_loose", "ece", "ece_unsure")
LESS_IS_BETTER = {"ece", "ece_unsure", "innocent_share", "merged", "campaign_risk_ece"}
CAMPAIGNS, DOMAINS = "campaigns", "domains"
OF_AGREEMENT: dict[str, Callable[[Agreement], float]] = {
    "pair_f1": lambda one: one.pairs.f1,
    "b_cubed_f1": lambda one: one.b_cubed_f1,
    "v_measure": lambda one: one.v_measure,
    "found": lambda one: one.found,
    "found_small": lambda one: one.found_small,
    "found_new": lambda one: one.found_new,
    "innocent_share": lambda one: one.innocent_share,
    "merged": lambda one: math.nan if one.merged is None else one.merged,
}
OF_CAMPAIGNS: dict[str, Pick] = {
    "kept": lambda one: (
        one.identity.kept / one.identity.compared if one.identity and one.identity.compared else math.nan
    ),
    "campaign_risk_ece": lambda one: one.campaign_risk_ece,
    "ahead_of_report": lambda one: one.lead.ahead_of_report if one.lead else math.nan,
    "ahead_of_half": lambda one: one.lead.ahead_of_half if one.lead else math.nan,
}


@dataclass(frozen=True)
class Row:
    """One figure over all worlds; a world where it is not defined counts in neither mean nor worst."""

    question: str
    detector: str
    measure: str
    mean: float
    worst: float
    worst_world: str | None
    values: tuple[float, ...]


def together(evaluations: Sequence[Evaluation]) -> tuple[Row, ...]:
    """Every figure that all the evaluations have, over all of them."""
    return tuple(_rows(evaluations))


def _rows(evaluations: Sequence[Evaluation]) -> Iterator[Row]:
    scopes = [{scope.name: scope for scope in one.scopes} for one in evaluations]
    for question in (name for name in scopes[0] if all(name in others for others in scopes)):
        asked = [of[question].figures for of in scopes]
        for detector in (name for name in asked[0] if all(name in figures for figures in asked)):
            for measure in NODE_MEASURES:
                values = [figures[detector][measure].value for figures in asked]
                yield _row(question, detector, measure, values, evaluations)
    for measure in NODE_MEASURES:
        of_domains = [one.domains.figures[OURS][measure].value if one.domains else math.nan for one in evaluations]
        yield _row(DOMAINS, OURS, measure, of_domains, evaluations)
    agreed = [{OURS: one.agreement, **one.agreement_of} if one.agreement else {} for one in evaluations]
    for name in dict.fromkeys(name for of in agreed for name in of):
        for measure, tell in OF_AGREEMENT.items():
            values = [tell(found) if (found := of.get(name)) else math.nan for of in agreed]
            yield _row(CAMPAIGNS, name, measure, values, evaluations)
    for measure, pick in OF_CAMPAIGNS.items():
        yield _row(CAMPAIGNS, OURS, measure, [pick(one) for one in evaluations], evaluations)


def _row(question: str, detector: str, measure: str, values: list[float], of: Sequence[Evaluation]) -> Row:
    known = [(value, at) for at, value in enumerate(values) if math.isfinite(value)]
    if not known:
        return Row(question, detector, measure, math.nan, math.nan, None, tuple(values))
    worst, at = max(known) if measure in LESS_IS_BETTER else min(known)
    mean = sum(value for value, _ in known) / len(known)
    return Row(question, detector, measure, mean, worst, of[at].source, tuple(values))


def text(evaluations: Sequence[Evaluation]) -> str:
    """Markdown: mean and worst of every question, detectors down, measures across."""
    rows = together(evaluations)
    lines = [f"# Evaluation of {len(evaluations)} worlds", "", "Mean, and in brackets the worst world.", ""]
    for question in dict.fromkeys(row.question for row in rows):
        mine = [row for row in rows if row.question == question]
        if question == CAMPAIGNS:
            lines += _campaign_lines(mine)
            continue
        lines += [f"## {question[0].upper()}{question[1:]}", ""]
        by = {
            detector: [row for row in mine if row.detector == detector]
            for detector in dict.fromkeys(r.detector for r in mine)
        }
        names = ("AUPRC", "recall at 0.1 % FP", "recall at 1 % FP", "ECE", "ECE of .02–.98")
        lines += [*table(("detector", *names), [[name, *map(_cell, those)] for name, those in by.items()]), ""]
    return "\n".join(lines)


def _campaign_lines(rows: Sequence[Row]) -> list[str]:
    """A line a measure, the product and its worst world first, then the references."""
    others = [name for name in dict.fromkeys(row.detector for row in rows) if name != OURS]
    cells = []
    for measure in dict.fromkeys(row.measure for row in rows):
        by = {row.detector: row for row in rows if row.measure == measure}
        beside = [_cell(by[name]) if name in by else "" for name in others]
        cells.append((measure.replace("_", " "), _cell(by[OURS]), by[OURS].worst_world or "–", *beside))
    return ["## Campaigns", "", *table(("measure", "mean [worst]", "worst world", *others), cells), ""]


def as_json(evaluations: Sequence[Evaluation], folders: Sequence[str]) -> dict[str, Any]:
    """`worlds` and `table`; each world's own figures lie in its folder."""
    worlds = [{"source": one.source, "folder": folder} for one, folder in zip(evaluations, folders, strict=True)]
    rows = [asdict(row) for row in together(evaluations)]
    plain: dict[str, Any] = plain_of({"format": FORMAT, "worlds": worlds, "table": rows, "fields": FIELDS})
    return plain


def _cell(row: Row) -> str:
    return f"{number_words(row.mean)} [{number_words(row.worst)}]" if math.isfinite(row.mean) else "–"
