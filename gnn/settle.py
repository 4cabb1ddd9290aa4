"""Risk settled into its window: a student learns what the model says of this window's senders, and speaks beside it.

What it is taught is the model's opinion and a little of a second one that needs no label: how far the crowd that a
sender acts in stands out by its density (gnn.label_free). The model weighs that as its lessons did; where a window is
unlike them, it is what still holds.

The student has little room and sees whole blocks dropped, so it cannot repeat what was said of one sender by a turn of
its channels; it keeps what holds of all senders that are alike here. That is self-distillation on soft labels (Hinton,
Vinyals, Dean 2015, arXiv:1503.02531) with noise on the student's side alone (Xie et al. 2020, arXiv:1911.04252). It is
done once: no student teaches another, so nothing is confirmed by itself. Verdicts take part as far as they are lent and
as the model knows them.

A student knows the senders of its window. Asked about others it is worse than its teacher, so it is made anew for every
window and never kept.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from gnn.calibrate import Calibration, sigmoid
from gnn.fit import Examples, TrainOptions, fit
from gnn.labels import Labels
from gnn.model import RiskModel, is_plain, new_network, weights_of
from gnn.network import NetworkShape, Normaliser
from gnn.propagate import Propagated, density_of, label_channels
from gnn.risk import Risk, Student, risk_of, score
from graph.evidence import Evidence
from graph.schema import RISK_DIGITS

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

CROWD_SAYS = 0.5  # log-odds that a unit of a crowd's standing out adds to what the student is taught
LEAST_SENDERS = 100  # fewer tell nothing of what is usual here
MOST_OF_A_SIDE = 200_000  # senders; all batches together draw hardly more
# Of the log-odds: half at homes that the prior knows, where a student alone would forget groups of three to five that
# only the prior knows; all where verdicts found little truth in the prior, so that the home's own network is heard.
SAYS_AT_HOME, SAYS_ABROAD = 0.5, 1.0
HEARD_AT_HOME, HEARD_ABROAD = 0.5, 1.5  # weights of the home's own network beside the prior's log-odds
USUAL_ROWS, MOST_TURNS = 40_000, 2.0  # senders that the usual steps suffice for; how many times as many more may take


def score_settled(
    propagated: Propagated,
    evidence: Evidence,
    senders: Labels,
    domains: Labels,
    model: RiskModel,
    options: TrainOptions,
) -> Risk:
    """Risk of every node under `model`, settled into the window, as a refresh has it before campaigns are judged."""
    said = score(propagated, evidence, senders, domains, model)
    return settle(said, propagated, evidence, senders, domains, options, share_of_student(model))


def share_of_student(model: RiskModel) -> float:
    """How much of the log-odds the student of a model says: the more, the less its home is like the prior's lessons."""
    return float(np.interp(model.heard, [HEARD_AT_HOME, HEARD_ABROAD], [SAYS_AT_HOME, SAYS_ABROAD]))


def settle(
    risk: Risk,
    propagated: Propagated,
    evidence: Evidence,
    senders: Labels,
    domains: Labels,
    options: TrainOptions,
    says: float,
) -> Risk:
    """The same nodes judged by a student of `risk` too, whose labels these are; deterministic for a seed.

    `says` is the student's share of the log-odds. `risk` itself where there are fewer than `LEAST_SENDERS`.
    """
    logits, student = with_student(risk.evidence_only, propagated, senders, options, says)
    if student is None:
        return risk
    return replace(risk_of(propagated.usage, evidence, logits, risk.prior, senders, domains), student=student)


def with_student(
    teacher: Array, propagated: Propagated, labels: Labels, options: TrainOptions, says: float = SAYS_AT_HOME
) -> tuple[Array, Student | None]:
    """Log-odds of senders, before verdicts, after a student of `teacher` spoke too, shape (senders,); and who spoke.

    The student is taught `teacher`, each log-odds raised or lowered by how the sender's crowd ranks in density;
    `says` is its share of what comes out. `teacher` itself and None where there are fewer than `LEAST_SENDERS`.
    """
    structure = propagated.structure
    if len(structure.values) < LEAST_SENDERS:
        return teacher, None
    lesson = teacher + CROWD_SAYS * savage(density_of(structure))
    opinion = np.round(sigmoid(lesson), RISK_DIGITS)  # last digits, which differ by machine, teach nothing
    told = label_channels(propagated, labels.malicious, labels.benign)
    rows = _sample(opinion, options.seed)
    shown = structure.at(rows).beside(told.at(rows))
    normaliser = Normaliser.fit(structure.values, is_plain(shown.blocks))
    shape = NetworkShape(len(shown.names), members=options.members, width=options.width)
    network = new_network(shape, shown.blocks, options.seed)
    turns = float(np.clip(len(rows) / USUAL_ROWS, 1.0, MOST_TURNS))
    options = replace(options, steps=int(options.steps * turns))
    fit(network, Examples(normaliser(shown.values), opinion[rows], _say(opinion[rows])), options.steps, options)
    weights = weights_of(network)  # it learnt calibrated probabilities, so its margins are log-odds
    model = RiskModel(shape, weights, normaliser, shown.names, shown.blocks, Calibration(), {})
    student = Student(model, says)
    return student.beside(teacher, model.margins(structure, told)), student


def savage(values: Array) -> Array:
    """Savage scores: the mean of the exponential order statistic at each value's rank, less 1; shape (values,).

    Only what is on top stands out, at most by log(values). Equal values share a rank (Savage 1956; here by the
    approximation −log(1 − rank / n)).
    """
    count = len(values)
    return np.asarray(-np.log(1 + 0.5 / count - rankdata(values) / count) - 1)


def _sample(opinion: Array, seed: int) -> Rows:
    """All senders, or where they are too many, as many as may be of the suspected and of the others, at random."""
    rng = np.random.default_rng(seed)
    parts = [rng.permutation(np.flatnonzero(side))[:MOST_OF_A_SIDE] for side in (opinion > 0.5, opinion <= 0.5)]
    return np.sort(np.concatenate(parts))


def _say(opinion: Array) -> Array:
    """Weights by which the suspected and the others each have a say by the root of their number."""
    suspected = opinion > 0.5
    return np.asarray(np.maximum(np.where(suspected, suspected.sum(), (~suspected).sum()), 1) ** -0.5)
