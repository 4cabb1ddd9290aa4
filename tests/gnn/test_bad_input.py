"""Input that is odd, one-sided or broken: what comes of it is stated here, and it is never a crash or a NaN."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from small_mail import QUICK, Lesson, mail, nothing_known
from small_mail import lesson as lesson_of

from gnn.features import Channels
from gnn.labels import Labels
from gnn.model import RiskModel
from gnn.network import Normaliser
from gnn.prior import propagate_informed
from gnn.risk import Risk, score
from gnn.teach import is_cold, teach
from graph.engine import open_engine
from graph.errors import ModelError
from graph.evidence import gather_evidence
from graph.lake import Lake
from graph.schema import EVENTS
from graph.window import build_window


def scored(lesson: Lesson, labels: Labels | None = None) -> tuple[RiskModel, Risk]:
    """A model of this window and what it says, through the product's own functions."""
    labels = labels or lesson.labels
    propagated = propagate_informed(lesson.window, lesson.evidence)
    model = teach(lesson.window, propagated, labels, QUICK)
    return model, score(propagated, lesson.evidence, labels, lesson.no_domain_labels, model)


def all_probabilities(risk: Risk) -> bool:
    values = np.concatenate([risk.sender_risk, risk.domain_risk])
    return bool(((values > 0) & (values < 1)).all())


def above(risk: Risk, bad: np.ndarray, good: np.ndarray) -> float:
    """How often one of `bad` ranks above one of `good`."""
    return float((risk.evidence_only[bad][:, None] > risk.evidence_only[good][None, :]).mean())


def test_no_verdicts_at_all_leave_the_shipped_prior(lesson: Lesson) -> None:
    model, risk = scored(lesson, nothing_known(len(lesson.guilty)))
    assert is_cold(model)
    assert all_probabilities(risk)
    assert above(risk, lesson.guilty, ~lesson.guilty) > 0.9


@pytest.mark.parametrize("malicious", [True, False])
def test_verdicts_of_one_class_leave_the_shipped_prior_and_are_lent(lesson: Lesson, malicious: bool) -> None:
    nothing = np.zeros(len(lesson.guilty))
    labels = Labels(lesson.labels.malicious, nothing) if malicious else Labels(nothing, lesson.labels.benign)
    model, risk = scored(lesson, labels)
    assert is_cold(model)
    assert all_probabilities(risk)
    assert above(risk, lesson.guilty & ~labels.known, ~lesson.guilty & ~labels.known) > 0.9


def test_verdicts_on_one_campaign_alone_do_not_clear_the_others(lesson: Lesson) -> None:
    keys = lesson.window.senders["key"].to_pylist()
    first = np.array([key.startswith("x0") for key in keys])
    labels = Labels(first.astype(np.float64), lesson.labels.benign)
    _, risk = scored(lesson, labels)
    assert all_probabilities(risk)
    assert above(risk, lesson.guilty & ~first, ~lesson.guilty & ~labels.known) > 0.9


@pytest.mark.parametrize("empty", ["sites", "network", "text"])
def test_a_relation_without_an_edge_is_as_if_it_were_not_there(empty: str) -> None:
    nothing = () if empty == "sites" else None
    bare = lesson_of([replace(one, **{empty: nothing}) for one in mail()])
    model, risk = scored(bare)
    assert all_probabilities(risk)
    assert set(model.names) >= {"linked_to.crowd.ties", "sent_from.crowd.ties", "carried.crowd.ties"}


def test_without_a_single_edge_beside_recipients_everybody_still_has_a_risk() -> None:
    bare = lesson_of([replace(one, sites=(), network=None, text=None) for one in mail()])
    assert all_probabilities(scored(bare)[1])


def test_a_hub_that_every_sender_has_makes_nobody_guilty_by_company() -> None:
    hub = lesson_of([replace(one, sites=(*one.sites, "hub.example"), network="203.0.113.0/24") for one in mail()])
    risk = scored(hub)[1]
    assert all_probabilities(risk)
    assert above(risk, hub.guilty & ~hub.labels.known, ~hub.guilty & ~hub.labels.known) > 0.9
    shop, everybody = (hub.window.domains["key"].to_pylist().index(f"{name}.example") for name in ("shop3", "hub"))
    assert risk.domain_risk[everybody] < risk.domain_risk[shop]


def test_a_million_isolated_senders_all_have_the_same_small_risk(tmp_path: Path) -> None:
    """Each writes one letter from an address of its own to somebody of its own: nothing can be told of any."""
    count = 1_000_000
    number = pc.cast(pa.array(np.arange(count)), pa.string())
    letters = {
        "event_id": pc.binary_join_element_wise("e", number, ""),
        "ts": pa.array(np.full(count, np.datetime64("2024-03-05T09:00:00", "us"))),
        "channel": pa.repeat("mail", count),
        "sender": pc.binary_join_element_wise("s@s", number, ".example", ""),
        "recipients": pa.ListArray.from_arrays(
            np.arange(count + 1, dtype=np.int32), pc.binary_join_element_wise("r", number, "@home.example", "")
        ),
    }
    missing = {field.name: pa.nulls(count, field.type) for field in EVENTS if field.name not in letters}
    events = pa.table({**letters, **missing}).select(EVENTS.names).cast(EVENTS)
    lake = Lake(tmp_path)
    lake.ingest(events=events.to_batches())
    with open_engine("duckdb") as engine:
        seen = build_window(lake.slice(None, 30), engine)
    evidence = gather_evidence(seen)
    propagated = propagate_informed(seen, evidence)
    nobody, no_domains = nothing_known(count), nothing_known(seen.domains.num_rows)
    model = teach(seen, propagated, nobody, QUICK)
    risk = score(propagated, evidence, nobody, no_domains, model)
    assert len(risk.senders) == count
    assert np.ptp(risk.senders) < 1e-6
    assert risk.sender_risk[0] < 0.5


def test_features_that_are_no_numbers_count_as_nought(lesson: Lesson, model: RiskModel) -> None:
    whole = lesson.propagated.structure.beside(lesson.lend(lesson.labels))
    broken, clean = whole.values.copy(), whole.values.copy()
    broken[0, ::3], broken[1, ::3], broken[2, ::3] = np.nan, np.inf, -np.inf
    clean[:3, ::3] = 0
    one, other = (model.margins(Channels(values, whole.names, whole.blocks)) for values in (broken, clean))
    assert np.isfinite(one).all()
    assert np.array_equal(one, other)


def test_a_column_of_nothing_but_holes_is_nought() -> None:
    normaliser = Normaliser(np.zeros((257, 2), np.float32), np.array([False, True]))
    assert normaliser(np.full((4, 2), np.nan, np.float32)) == pytest.approx(0)


def test_a_model_whose_features_changed_is_an_error_that_names_one_and_the_mend(
    lesson: Lesson, model: RiskModel
) -> None:
    whole = lesson.propagated.structure.beside(lesson.lend(lesson.labels))
    with pytest.raises(ModelError, match=r"style\.calendar") as caught:
        model.margins(whole.without({"style"}))
    assert "ringleader train" in caught.value.mend


def test_features_that_a_model_does_not_know_change_nothing(lesson: Lesson, model: RiskModel) -> None:
    whole = lesson.propagated.structure.beside(lesson.lend(lesson.labels))
    more = Channels(np.ones((len(lesson.guilty), 1), np.float32), ("new.channel",), ("new",)).beside(whole)
    assert np.array_equal(model.margins(more), model.margins(whole))
