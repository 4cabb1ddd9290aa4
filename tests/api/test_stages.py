"""Each stage of a refresh alone, from values made by hand."""

from dataclasses import asdict, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from windows import AS_OF, START, id_of, letter, window

from api import stages
from api.settings import DecisionSettings, ModelSettings, Settings
from api.stages import Champion, Decisions, NodeAnswers, RefreshOptions
from gnn.drift import Drift
from gnn.labels import HALF_LIFE_DAYS, Labels, freshness, labels_of
from gnn.risk import Risk
from graph.campaigns import Partition, describe_campaigns
from graph.campaigns.alarm import Held
from graph.errors import ExplanationError, LakeError
from graph.evidence import gather_evidence
from graph.home import Home
from graph.lake import Lake
from graph.schema import DECIDED_SCORES, EVENTS, REASONS, SCORES, VERDICT_ROWS
from graph.snapshot import publish
from graph.store import open_store
from graph.values import Campaigns, GraphContents, Publication, Refresh, Slice, Window
from graph.verdicts import Decision, VerdictLedger

GANG = [f"x@bad{n}.example" for n in range(4)]
REFRESH = Refresh("r-1", START, AS_OF, "m-1", "0" * 64)
NO_DRIFT = Drift({"behaviour.events": 0.01}, 0.02, 0.25)
MODEL: Any = object()  # a stage that only passes the model on does not look at it


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").ensure()


@pytest.fixture(scope="module")
def seen() -> Window:
    bad = [
        letter(key, f"v{n}@mail.test", sites=("shop.example",), network="192.0.2.0/24") for n, key in enumerate(GANG)
    ]
    return window([*bad, letter("ann@a.example", "bob@b.example")])


def piece(**more: Any) -> Slice:
    usual = {"start": START, "as_of": AS_OF, "events": (), "reports": (), "verdicts": (), "fingerprint": "f" * 64}
    return Slice(**(usual | more))


def decisions(verdicts: list[dict[str, Any]] | None = None) -> Decisions:
    none = Labels(np.zeros(0), np.zeros(0))
    return Decisions(pa.Table.from_pylist(verdicts or [], VERDICT_ROWS), none, none, None)


def verdict(key: str, word: str, kind: str = "sender", ts: datetime = START) -> dict[str, Any]:
    return {"kind": kind, "key": key, "verdict": word, "ts": ts, "source": "desk"}


def risk_for(seen: Window) -> Risk:
    """Three for the gang, minus three for the rest."""
    logits = np.array([3.0 if key in GANG else -3.0 for key in seen.senders["key"].to_pylist()])
    nothing = np.zeros_like(logits)
    values = {"senders": logits, "domains": np.full(seen.domains.num_rows, -1.0), "evidence_only": logits, "prior": 0.1}
    return Risk(**(values | {field.name: nothing for field in fields(Risk) if field.name not in values}))


def campaigns_for(seen: Window) -> Campaigns:
    group = np.array([0 if key in GANG else -1 for key in seen.senders["key"].to_pylist()])
    partition = Partition(group, (group >= 0).astype(np.float64))
    return describe_campaigns(seen, gather_evidence(seen), partition, risk_for(seen).senders, None, REFRESH, {})


def answers_for(seen: Window, verdicts: list[dict[str, Any]] | None = None) -> NodeAnswers:
    rows = pa.Table.from_pylist(verdicts or [], VERDICT_ROWS)
    senders, domains = (labels_of(kind, getattr(seen, f"{kind}s")["key"], rows, AS_OF) for kind in ("sender", "domain"))
    decided = Decisions(rows, senders, domains, None)
    asked = RefreshOptions.of(Settings(decision=DecisionSettings(precision=0.9)), None)
    return stages.answers_of(seen, gather_evidence(seen), decided, risk_for(seen), asked)


def publication_for(seen: Window, because: pa.Table | None = None) -> Publication:
    because = REASONS.empty_table() if because is None else because
    return stages.publication_of(
        contents_for(seen), risk_for(seen), answers_for(seen), because, _champion(), NO_DRIFT, ()
    )


def contents_for(seen: Window) -> GraphContents:
    return stages.contents_of(REFRESH, seen, risk_for(seen), campaigns_for(seen), decisions())


def options(**more: Any) -> RefreshOptions:
    return replace(RefreshOptions.of(Settings(), None), **more)


def test_options_follow_the_settings() -> None:
    settings = Settings()
    made = RefreshOptions.of(settings, AS_OF)
    assert (made.as_of, made.window_days, made.store) == (AS_OF, settings.refresh.window_days, settings.refresh.store)
    assert made.train.seed == made.find.seed == settings.model.seed
    assert made.retention_days is None  # 0 keeps all
    assert made.half_life_days == HALF_LIFE_DAYS  # the priors were taught by verdicts that age so


def test_a_slice_of_an_empty_lake_is_a_clear_error(home: Home) -> None:
    with pytest.raises(LakeError, match="holds no events"):
        stages.read_slice(home, options())


def test_a_slice_ends_at_the_newest_event_unless_told_otherwise(home: Home) -> None:
    rows = [
        {"event_id": str(day), "ts": START + timedelta(days=day), "channel": "mail", "sender": "a@a.example"}
        for day in (1, 4)
    ]
    batch = pa.RecordBatch.from_pylist([row | {"recipients": ["b@b.example"], "domains": []} for row in rows], EVENTS)
    Lake(home.path).ingest(events=[batch])
    assert stages.read_slice(home, options()).as_of == START + timedelta(days=4)
    built = stages.graph_of(stages.read_slice(home, options(as_of=START + timedelta(days=2), window_days=3)), options())
    assert built.senders["events"].to_pylist() == [1]


def test_decisions_gather_the_ledger_up_to_the_windows_end(home: Home, seen: Window) -> None:
    ledger = VerdictLedger(home)
    ledger.add(Decision("sender", GANG[0], "malicious", "desk", ts=AS_OF - timedelta(days=1)))
    ledger.add(Decision("sender", "ann@a.example", "benign", "desk", ts=AS_OF + timedelta(seconds=1)))
    found = stages.decisions_of(home, piece(), seen, options())
    assert found.senders.malicious[id_of(seen, "senders", GANG[0])] == freshness(timedelta(days=1), HALF_LIFE_DAYS)
    assert not found.senders.known[id_of(seen, "senders", "ann@a.example")]
    assert found.known is None


def test_the_half_life_of_verdicts_follows_the_settings(home: Home, seen: Window) -> None:
    age = timedelta(days=5)
    VerdictLedger(home).add(Decision("sender", GANG[0], "malicious", "desk", ts=AS_OF - age))
    VerdictLedger(home).add(Decision("domain", "shop.example", "benign", "desk", ts=AS_OF - age))
    asked = RefreshOptions.of(Settings(model=ModelSettings(verdict_half_life_days=5.0)), AS_OF)
    found = stages.decisions_of(home, piece(), seen, asked)
    assert found.senders.malicious[id_of(seen, "senders", GANG[0])] == 0.75
    assert found.domains.benign[id_of(seen, "domains", "shop.example")] == 0.75


def test_the_newest_verdict_on_a_campaign_counts() -> None:
    rows = [
        verdict("c-1", "benign", "campaign", START),
        verdict("c-1", "malicious", "campaign", START + timedelta(days=1)),
        verdict("c-2", "benign", "campaign"),
        verdict("a@a.example", "benign"),
    ]
    assert decisions(rows).campaign_verdicts == {"c-1": "malicious", "c-2": "benign"}


def test_campaigns_are_carried_over_from_an_earlier_window_only(home: Home, seen: Window) -> None:
    publish(home, publication_for(seen), keep=3)
    assert stages.campaigns_before(home, AS_OF) is None
    known = stages.campaigns_before(home, AS_OF + timedelta(seconds=1))
    assert known is not None
    assert known.campaigns.equals(campaigns_for(seen).campaigns)


def test_a_damaged_snapshot_is_passed_over(home: Home, seen: Window) -> None:
    snapshot = publish(home, publication_for(seen), keep=3)
    (home.snapshots / snapshot.id / "campaigns.parquet").write_bytes(b"rubbish")
    assert stages.campaigns_before(home, AS_OF + timedelta(days=1)) is None


def test_reasons_that_do_not_sum_to_the_score_are_not_published(seen: Window) -> None:
    row = {"kind": "sender", "key": GANG[1], "rank": 0, "relation": "base", "contribution": 2.75}
    wrong = pa.Table.from_pylist([{name: row.get(name) for name in REASONS.names}], REASONS)
    with pytest.raises(ExplanationError, match=f"sender {GANG[1]}: its reasons sum to 2.75.* are 3.0.*: 0.25 apart"):
        publication_for(seen, wrong)


def test_the_snapshot_tells_how_far_the_window_has_moved(home: Home, seen: Window) -> None:
    told = publish(home, publication_for(seen), keep=3).manifest.drift
    assert told == NO_DRIFT.described()
    assert (told["alarm"], told["scores"], told["worst"]) == (False, 0.02, {"behaviour.events": 0.01})


def _champion() -> Champion:
    class Card:
        card: dict[str, object] = {"metrics": {}}  # noqa: RUF012

    model: Any = Card()
    return Champion("m-1", model)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"fingerprint": "e" * 64}, False),
        ({"start": START - timedelta(days=1)}, False),
        ({"as_of": AS_OF + timedelta(seconds=1)}, False),
    ],
)
def test_a_refresh_is_named_by_its_input(change: dict[str, Any], same: bool) -> None:
    first = stages.identify(piece(), Champion("m-1", MODEL), decisions())
    other = stages.identify(piece(**change), Champion("m-1", MODEL), decisions())
    assert (first.id == other.id) is same


def test_another_model_or_verdict_is_another_refresh() -> None:
    first = stages.identify(piece(), Champion("m-1", MODEL), decisions())
    judged = decisions([verdict("a@a.example", "benign")])
    others = [
        stages.identify(piece(), Champion("m-2", MODEL), decisions()),
        stages.identify(piece(), Champion("m-1", MODEL), judged),
    ]
    assert len({first.id, *(other.id for other in others)}) == 3
    assert (first.model, first.fingerprint) == ("m-1", "f" * 64)


def test_scores_name_every_node_its_risk_and_its_campaign(seen: Window) -> None:
    scores = stages.scores_of(contents_for(seen), risk_for(seen), answers_for(seen))
    assert scores.schema == DECIDED_SCORES
    assert scores.schema.names[: len(SCORES)] == SCORES.names
    rows = {(row["kind"], row["key"]): row for row in scores.to_pylist()}
    assert len(rows) == seen.senders.num_rows + seen.domains.num_rows
    (name,) = campaigns_for(seen).campaigns["campaign_id"].to_pylist()
    assert {rows["sender", key]["campaign_id"] for key in GANG} == {name}
    assert rows["domain", "shop.example"]["campaign_id"] == name
    assert rows["sender", "ann@a.example"]["campaign_id"] is None
    assert rows["sender", GANG[0]]["risk"] == pytest.approx(1 / (1 + np.exp(-3)))
    assert {(row["model"], row["as_of"]) for row in rows.values()} == {("m-1", AS_OF.astimezone(UTC))}


def test_every_node_is_answered_by_its_verdict_or_the_line(seen: Window) -> None:
    cleared = GANG[0]
    answers = answers_for(seen, [verdict(cleared, "benign"), verdict("ann@a.example", "malicious")])
    scores = stages.scores_of(contents_for(seen), risk_for(seen), answers)
    words = {row["key"]: row["decision"] for row in scores.to_pylist() if row["kind"] == "sender"}
    assert words == dict.fromkeys(GANG, "malicious") | {cleared: "benign", "ann@a.example": "malicious"}
    told = publication_for(seen).decision
    assert told["precision"] == 0.9
    assert told["sender"] == answers_for(seen).senders.described()


def test_settings_of_decisions_reach_the_stage() -> None:
    asked = DecisionSettings(precision=0.8, benign_precision=0.7, false_positive_cost=3.0, least_events=7)
    assert asdict(RefreshOptions.of(Settings(decision=asked), None).decide) == asdict(asked)


def test_a_sleeping_campaign_claims_no_node(seen: Window) -> None:
    contents = contents_for(seen)
    table = contents.campaigns.campaigns
    place = table.schema.get_field_index("state")
    asleep = table.set_column(place, "state", pa.array(["dormant"]))
    sleeping = replace(contents, campaigns=replace(contents.campaigns, campaigns=asleep))
    scores = stages.scores_of(sleeping, risk_for(seen), answers_for(seen))
    assert scores["campaign_id"].null_count == scores.num_rows


def test_the_store_is_written_and_its_size_told(home: Home, seen: Window) -> None:
    contents = contents_for(seen)
    told = stages.write_store(home, contents, options(store="ladybug:"))
    with open_store("ladybug:", home) as store:
        counts = store.counts()
    assert told == sum(counts.values())
    assert counts["Sender"] == seen.senders.num_rows


def test_rows_of_each_value_are_counted(seen: Window) -> None:
    found = campaigns_for(seen)
    assert stages.rows_of(seen) == seen.wrote_to.num_rows
    assert stages.rows_of(found) == found.members.num_rows
    assert stages.rows_of(Held(Partition(np.array([0, 1, -1]), np.ones(3)))) == 2
    assert stages.rows_of(risk_for(seen)) == seen.senders.num_rows + seen.domains.num_rows
    assert stages.rows_of(answers_for(seen)) == seen.senders.num_rows + seen.domains.num_rows
    assert stages.rows_of(found.members) == found.members.num_rows
    assert stages.rows_of(7) == 7
    assert stages.rows_of("no table") is None
