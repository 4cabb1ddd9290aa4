"""An evaluation as people read it: numbers for machines, tables and sentences for people. Computes no figure."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gnn.agreement import Agreement
from gnn.domains import LINE, OURS, POPULAR_SENDERS, DomainScope
from gnn.evaluate import Part, Scope
from gnn.lead import LeadTimes
from gnn.leaks import Checked
from gnn.learning_curve import LearningCurve, LearningPoint
from gnn.metrics import Figure


@dataclass(frozen=True)
class Persistence:
    """One trial of ids: of `compared` campaigns that live at both ends, `kept` bear the same id.

    `same_bytes`: whether every table is the same, where that is asked.
    """

    name: str
    compared: int
    kept: int
    same_bytes: bool | None = None


@dataclass(frozen=True)
class Identity:
    """Ids over two refreshes: of `compared` campaigns that live at both, `kept` still bear their id."""

    compared: int
    kept: int
    earlier: datetime
    later: datetime
    trials: tuple[Persistence, ...] = ()


@dataclass(frozen=True)
class Families:
    """Found campaigns against groups that belong together, where not all that belongs together is known."""

    groups: int
    senders: int
    clustered: float  # share of those senders that are in a found campaign
    precision: float
    recall: float
    f1: float
    b_cubed_f1: float
    v_measure: float


@dataclass(frozen=True)
class Doubted:
    """A verdict that the evidence contradicts: `risk` is the sender's without it, `given` when it was last said."""

    key: str
    verdict: str
    risk: float
    sources: tuple[str, ...]
    given: datetime | None


@dataclass(frozen=True)
class Review:
    """Verdicts to look at again, the most contradicted first: at most `MOST_LISTED` of `doubted` among `verdicts`.

    `wrong` of the verdicts are wrong, `wrong_doubted` of these are doubted; None where the truth is not known.
    """

    verdicts: int
    doubted: int
    listed: tuple[Doubted, ...]
    wrong: int | None
    wrong_doubted: int | None


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
    domains: DomainScope | None
    agreement: Agreement | None
    agreement_of: dict[str, Agreement]  # of the references, by name
    families: Families | None
    families_of: dict[str, Families]
    members: int  # senders in found campaigns whose truth is known
    innocents: int  # benign ones among them
    campaign_risk_ece: float  # calibration error of the risk of found campaigns
    identity: Identity | None
    learning: tuple[LearningCurve, ...]
    review: Review
    checks: tuple[Checked, ...]  # leak guards that looked on and found nothing
    stages: tuple[dict[str, object], ...]
    lead: LeadTimes | None = None


Row = Sequence[object]
MOST_LISTED = 50  # verdicts to look at again: an afternoon's work
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
        out.append(f"{scope.name}: AUPRC {_interval(ours)}, chance {number_words(scope.chance)}.")
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
    lines += _domain_lines(evaluation.domains) if evaluation.domains else []
    lines += [
        "## In words",
        "",
        *[f"- {line}" if line[0] != " " else f"  -{line[1:]}" for line in sentences(evaluation)],
    ]
    lines += ["", *_campaign_lines(evaluation), *_learning_lines(evaluation)]
    lines += _review_lines(evaluation.review, full)
    if evaluation.checks:
        looked = "; ".join(f"{check.guard} ({check.rows:,} rows)" for check in evaluation.checks)
        lines += ["## Leaks", "", f"Guards that looked on and found nothing: {looked}.", ""]
    if evaluation.stages:
        lines += ["## Stages", "", *table(("stage", "rows", "seconds", "peak MB"), map(_stage, evaluation.stages)), ""]
    return "\n".join(lines)


def _versus(other: str, difference: Figure) -> str:
    gap = f"{abs(difference.value):.3f} [{difference.low:+.3f} to {difference.high:+.3f}]"
    if difference.above(0):
        return f"beats {other} by {gap}"
    if difference.below(0):
        return f"LOSES to {other} by {gap}"
    lead = "ahead of" if difference.value > 0 else "behind" if difference.value < 0 else "equal to"
    return f"no different from {other} beyond noise: {lead} it by {gap}"


def _scope_lines(scope: Scope) -> list[str]:
    head = (
        f"{scope.senders:,} senders, {scope.malicious:,} malicious; a coin's precision is {number_words(scope.chance)}."
    )
    rows = [
        [name, *[_interval(found[measure]) for measure in NODE_COLUMNS], *_cost(scope, name)]
        for name, found in scope.figures.items()
    ]
    lines = [f"## {scope.name[0].upper()}{scope.name[1:]}", "", head, ""]
    lines += [*table(("detector", *NODE_COLUMNS.values(), "CPU s", "MB"), rows), ""]
    return lines


def _cost(scope: Scope, name: str) -> tuple[str, str]:
    megabytes = scope.peak_mb[name]
    return f"{scope.cpu_seconds[name]:.1f}", f"{megabytes:,.0f}" if math.isfinite(megabytes) else "–"


def _part_lines(scope: Scope) -> list[str]:
    lines = ["By number of events, AUPRC:", "", *_parts("events", scope, scope.events, flagged=False), ""]
    share = "the share flagged where one in a thousand of all benign senders is"
    if any(part.senders for part in scope.sizes):
        lines += [f"By true size of the campaign, {share}:", "", *_parts("campaign of", scope, scope.sizes), ""]
    if scope.archetypes:
        title = f"By kind, {share} (recall, or false alarms; with its interval for the first):"
        lines += [title, "", *_parts("kind", scope, scope.archetypes), ""]
    return lines


def _parts(noun: str, scope: Scope, parts: Iterable[Part], flagged: bool = True) -> list[str]:
    names = tuple(scope.figures)
    head = (noun, "senders", "malicious", "campaigns", *names)
    return table(head, [_part(part, names, flagged) for part in parts])


def _part(part: Part, names: Sequence[str], flagged: bool) -> Row:
    counts = [f"{count:,}" for count in (part.senders, part.malicious, part.campaigns)]
    if not flagged:
        return [part.name, *counts, *[number_words(part.auprc[name]) for name in names]]
    first, *rest = (part.flagged_strict[name] for name in names)
    return [part.name, *counts, _interval(first), *[number_words(figure.value) for figure in rest]]


def _domain_lines(found: DomainScope) -> list[str]:
    head = f"{found.domains:,} domains without a verdict, {found.malicious:,} malicious."
    rows = [[name, *[_interval(of[measure]) for measure in NODE_COLUMNS]] for name, of in found.figures.items()]
    names = f": {', '.join(found.blamed_names)}" if found.blamed_names else ""
    blamed = (
        f"Of {found.popular:,} innocent domains that {POPULAR_SENDERS} senders or more use, "
        f"{found.blamed:,} have a risk of {LINE:g} or more{names}."
    )
    return ["## Domains", "", head, "", *table(("detector", *NODE_COLUMNS.values()), rows), "", blamed, ""]


def _learning_lines(evaluation: Evaluation) -> list[str]:
    if not evaluation.learning:
        return []
    head = "Taught again with so many verdicts, drawn at random; in brackets over draws and resampled campaigns."
    lines = ["## Learning curve", "", head, ""]
    for curve in evaluation.learning:
        names = tuple(curve.points[-1].figures)
        columns = [f"{name}: {NODE_COLUMNS[measure]}" for name in names for measure in ("auprc", "recall_strict")]
        rows = [_learnt(point, names) for point in curve.points]
        lines += [f"{curve.question[0].upper()}{curve.question[1:]}:", ""]
        lines += [*table(("verdicts", "malicious", *columns), rows), ""]
    return lines


def _learnt(point: LearningPoint, names: Sequence[str]) -> Row:
    told = [_interval(point.figures[name][measure]) for name in names for measure in ("auprc", "recall_strict")]
    return (f"{point.labels:,}", f"{point.malicious:,.0f}", *told)


def _review_lines(review: Review, full: bool) -> list[str]:
    said = f"Of {review.verdicts:,} verdicts on senders the evidence contradicts {review.doubted:,}"
    if review.wrong is not None:
        said += f"; {review.wrong:,} are wrong, and {review.wrong_doubted:,} of these are among the contradicted"
    lines = ["## Verdicts to look at again", "", f"{said}.", ""]
    if full and review.listed:
        rows = [
            (
                one.key,
                one.verdict,
                number_words(one.risk),
                ", ".join(one.sources),
                f"{one.given:%Y-%m-%d}" if one.given else "–",
            )
            for one in review.listed
        ]
        lines += [*table(("sender", "verdict", "risk without it", "said by", "on"), rows), ""]
    return lines


def _campaign_lines(evaluation: Evaluation) -> list[str]:
    identity = evaluation.identity
    lines = ["## Campaigns", "", *_agreement_lines(evaluation), *_families_lines(evaluation)]
    lines += [
        f"{evaluation.members:,} senders of known truth are in campaigns, {evaluation.innocents:,} of them innocent."
    ]
    if math.isfinite(evaluation.campaign_risk_ece):
        lines += [f"The risk of campaigns has a calibration error of {number_words(evaluation.campaign_risk_ece)}."]
    if identity is not None:
        lines += [
            f"{identity.kept} of {identity.compared} campaigns that live at {identity.earlier:%Y-%m-%d} and at "
            f"{identity.later:%Y-%m-%d} kept their id."
        ]
        trials = [(trial.name, trial.compared, trial.kept, _kept_words(trial)) for trial in identity.trials]
        lines += ["", *table(("ids when", "alive at both", "kept", "share"), trials)] if trials else []
    lines += _lead_lines(evaluation.lead) if evaluation.lead else []
    return [*lines, ""]


def _agreement_lines(evaluation: Evaluation) -> list[str]:
    found, others = evaluation.agreement, evaluation.agreement_of
    if found is None:
        return []
    every = [found, *others.values()]
    measures: dict[str, Callable[[Agreement], float]] = {
        "pair precision": lambda one: one.pairs.precision,
        "pair recall": lambda one: one.pairs.recall,
        "pair F1": lambda one: one.pairs.f1,
        "B-cubed F1": lambda one: one.b_cubed_f1,
        "V-measure": lambda one: one.v_measure,
        f"campaigns found, of {found.campaigns_true}": lambda one: one.found,
        f"… with fewer than 30 senders, of {found.small_true}": lambda one: one.found_small,
        f"… without any label, of {found.new_true}": lambda one: one.found_new,
        "innocent share of members": lambda one: one.innocent_share,
    }
    rows: list[Row] = [(words, *[number_words(tell(one)) for one in every]) for words, tell in measures.items()]
    if found.merged is not None:
        rows.append(("true campaigns merged with another operator's", *[str(one.merged) for one in every]))
    return [*table(("against the true campaigns", OURS, *others), rows), ""]


def _families_lines(evaluation: Evaluation) -> list[str]:
    found, others = evaluation.families, evaluation.families_of
    if found is None:
        return []
    head = (
        f"Against {found.groups} groups of near-equal mail ({found.senders:,} senders), fingerprints held out of "
        "features and campaigns:"
    )
    names = ("clustered", "precision", "recall", "f1", "b_cubed_f1", "v_measure")
    rows = [
        (name.replace("_", "-"), *[number_words(getattr(one, name)) for one in (found, *others.values())])
        for name in names
    ]
    return [head, "", *table(("measure", OURS, *others), rows), ""]


def _lead_lines(lead: LeadTimes) -> list[str]:
    head = (
        f"Of {lead.campaigns} campaigns that began while refreshes looked on, {lead.found} were found and "
        f"{lead.reported} reported."
    )
    rows: list[Row] = [
        ("found before the first report, of those found or reported", number_words(lead.ahead_of_report)),
        ("found before half of its events", number_words(lead.ahead_of_half)),
        ("median hours from detection to the first report", f"{lead.hours_to_report:+.1f}"),
        ("median hours from detection to half of the events", f"{lead.hours_to_half:+.1f}"),
        ("median hours from the first event to detection", f"{lead.hours_from_start:.1f}"),
    ]
    return ["", head, "", *table(("lead time", "value"), rows)]


def _kept_words(trial: Persistence) -> str:
    share = number_words(trial.kept / trial.compared if trial.compared else math.nan)
    words = {None: "", True: ", every table the same", False: ", tables differ"}
    return share + words[trial.same_bytes]


def _stage(row: dict[str, object]) -> Row:
    return tuple("" if row[name] is None else row[name] for name in ("name", "rows", "seconds", "peak_mb"))


def _interval(figure: Figure) -> str:
    if not math.isfinite(figure.value):
        return "–"
    if not math.isfinite(figure.low):
        return number_words(figure.value)
    return f"{number_words(figure.value)} [{number_words(figure.low)}–{number_words(figure.high)}]"


def number_words(value: float) -> str:
    """Three decimals, a dash for what is not a number."""
    return f"{value:.3f}" if math.isfinite(value) else "–"


def table(head: Row, rows: Iterable[Row]) -> list[str]:
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
