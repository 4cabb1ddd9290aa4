"""An evaluation as JSON: the numbers, and what each field means. Computes no figure.

`FORMAT` grows when a field goes or changes its meaning; a new field does not change it.
"""

import math
from dataclasses import asdict
from datetime import datetime
from typing import Any

from gnn.report import Evaluation, sentences

FORMAT = 1
FIELDS = {
    "against": "for each reference: the product's AUPRC minus its, paired on the same resamples",
    "agreement": "found campaigns against true ones; null where the true ones are unknown",
    "agreement_of": "the same of references: clusters of the same suspects",
    "ahead_of_half": "share of the campaigns that were found before half of their events had come",
    "ahead_of_report": "share of those found or reported that were found before their first report",
    "archetypes": "the scope's senders by kind",
    "as_of": "end of the window",
    "auprc": "area under precision by recall (average precision)",
    "b_cubed_f1": "F1 of B-cubed precision and recall",
    "blamed": "innocent domains of many senders whose risk is half or more",
    "blamed_names": "the most used of them, at most twenty",
    "campaign_risk_ece": "calibration error of the risk of found campaigns",
    "campaigns": "how many campaigns: found ones in `agreement`, true ones elsewhere",
    "campaigns_true": "true campaigns of at least three senders",
    "chance": "AUPRC of a coin: the share of malicious senders",
    "checks": "leak guards that looked on and found nothing, and over how many rows",
    "clustered": "share of the families' senders that are in a found campaign",
    "compared": "campaigns that live at both moments",
    "cpu_seconds": "by detector: user and system time of preparing, fitting, scoring; window and evidence not counted",
    "detector": "whose figure it is",
    "domains": "domain risk, or the number of domains judged",
    "doubted": "verdicts that the evidence contradicts",
    "draws": "of so many verdicts each; the figures are their mean, the interval over draws and resampled campaigns",
    "earlier": "the earlier of two refreshes",
    "ece": "expected calibration error over fifteen equally filled bins; null for a mere ranking",
    "ece_unsure": "the same among risks of .02 to .98",
    "events": "the scope's senders by number of events",
    "f1": "harmonic mean of precision and recall",
    "families": "found campaigns against groups of near-equal mail, where not all that belongs together is known",
    "families_of": "the same of references: clusters of the same suspects",
    "fields": "this list",
    "figures": "by detector and measure",
    "flagged_loose": "by detector: share above the threshold that 1 % of all the scope's benign senders meet",
    "flagged_strict": "the same at 0.1 %, with its interval",
    "folder": "where the files lie",
    "format": "number of this format",
    "found": "share of the true campaigns that overlap with a found one by a Jaccard similarity of half or more",
    "found_new": "the same of campaigns without a label",
    "found_small": "the same of campaigns under thirty senders",
    "given": "when the verdict was last said",
    "groups": "how many families there are",
    "guard": "what a leak guard made sure of",
    "high": "upper end of the 95 % bootstrap interval, resampling campaigns",
    "hours_from_start": "median hours from a campaign's first event to its detection",
    "hours_to_half": "median hours from a detection to half of the campaign's events",
    "hours_to_report": "median hours from a detection to the campaign's first report; positive: found first",
    "identity": "ids over two refreshes, a day apart",
    "in_words": "who wins, in sentences",
    "innocent_share": "share of innocents among the members of found campaigns",
    "innocents": "innocent senders in found campaigns",
    "intruders": "innocent senders in found campaigns",
    "kept": "campaigns that bear the same id at both moments",
    "key": "the sender",
    "labels": "labelled senders",
    "later": "the later of two refreshes",
    "lead": "how early campaigns are found that began while refreshes looked on; null where it was not asked",
    "learning": "by question: detectors taught with so many verdicts, drawn at random",
    "listed": "the most contradicted of them",
    "log_loss": "mean negative log-likelihood; null for a mere ranking",
    "low": "lower end of the interval",
    "malicious": "how many are malicious",
    "mean": "mean over the worlds",
    "measure": "which figure it is",
    "members": "senders of known truth in found campaigns",
    "merged": "true campaigns whose main found campaign is to a tenth or more another operator's; null where unknown",
    "name": "of a question, a part or a stage",
    "new_true": "true campaigns without a label",
    "pairs": "over pairs of senders in found or true campaigns; an innocent in a campaign spoils every pair it makes",
    "peak_mb": "by detector: most memory in 10⁶ bytes beyond scene and libraries, in a process of its own; of a stage: "
    "resident memory of the whole process",
    "points": "few verdicts first, all of them last",
    "popular": "innocent domains that twenty senders or more use",
    "precision": "pairs put together rightly, of those put together",
    "protocol": "what was learnt from and who is judged",
    "question": "which senders are asked about",
    "recall": "pairs put together rightly, of those that belong together",
    "recall_loose": "recall at 1 % false positives",
    "recall_strict": "recall at 0.1 % false positives",
    "reliability": "by detector: mean probability said and share malicious of equally filled bins",
    "reported": "campaigns of which a message was reported",
    "review": "verdicts to look at again",
    "risk": "of the sender without its verdict",
    "rows": "how many rows a stage made or a guard looked at",
    "same_bytes": "whether every table of the repeated refresh is the same; null of other trials",
    "scopes": "the questions: which senders were asked about, and every detector's figures",
    "seconds": "of a stage, by the clock",
    "seed": "of training and resampling",
    "senders": "how many senders",
    "sizes": "malicious senders by the true size of their campaign in the window",
    "small_true": "true campaigns of three to twenty-nine senders",
    "source": "the world or home",
    "sources": "who said it",
    "stages": "what took how long",
    "table": "every figure over all worlds",
    "trials": "what ids went through: how many campaigns live at both ends, and how many bear the same id",
    "v_measure": "harmonic mean of homogeneity and completeness",
    "value": "the figure on all the data",
    "values": "the figure of each world, in order",
    "verdict": "what was said",
    "verdicts": "verdicts on senders that were looked at",
    "window_days": "length of the window",
    "worlds": "the worlds, in order: source and folder",
    "worst": "the figure of the world where the detector does worst",
    "worst_world": "that world",
    "wrong": "how many of them are wrong; null where the truth is not known",
    "wrong_doubted": "how many of the wrong ones are doubted",
}


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """The numbers, and `fields` that says what each means; what is not a number (NaN, infinity) is null."""
    facts = asdict(evaluation)
    for scope, made in zip(evaluation.scopes, facts["scopes"], strict=True):
        made.pop("curves")
        made["reliability"] = {
            name: [list(map(float, axis)) for axis in axes] for name, axes in scope.reliability.items()
        }
        made["chance"] = scope.chance
    if evaluation.agreement is not None:
        facts["agreement"]["innocent_share"] = evaluation.agreement.innocent_share
    facts["in_words"] = sentences(evaluation)
    plain: dict[str, Any] = plain_of({"format": FORMAT, **facts, "fields": FIELDS})
    return plain


def plain_of(value: Any) -> Any:
    """The value in JSON's own types; what is not a number is None."""
    if isinstance(value, dict):
        return {str(key): plain_of(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain_of(inner) for inner in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return None if isinstance(value, float) and not math.isfinite(value) else value
