"""Exports: the contract's columns, whole files or none, clear errors."""

import csv
import io
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from api.exports import EXPORTS, ExportError, Span, export
from api.spreadsheets import original
from graph.home import Home
from graph.snapshot import publish
from tests import factories

CONTRACT = {
    "scores": ["kind", "key", "risk", "decision", "campaign_id", "model", "as_of"],
    "campaigns": [
        "campaign_id", "operation_id", "risk", "senders", "domains", "recipients", "events",
        "first_seen", "last_seen", "state",
    ],
    "members": ["campaign_id", "kind", "key", "role", "weight"],
    "evidence": [
        "campaign_id", "rank", "relation", "artefact", "inside", "outside", "strength", "log10_p",
        "log10_p_corrected", "first_seen", "last_seen", "sentence",
    ],
}  # fmt: skip


@pytest.fixture
def snapshot(tmp_path):
    return publish(Home(tmp_path / "home").ensure(), factories.publication(), keep=1)


@pytest.mark.parametrize("name", EXPORTS)
@pytest.mark.parametrize("ending", [".parquet", ".csv", ".CSV"])
def test_an_export_has_the_contracts_columns_in_order_and_every_row(snapshot, tmp_path, name, ending):
    out = tmp_path / f"{name}{ending}"
    rows = export(snapshot, name, out)
    if ending == ".parquet":
        columns, count = pq.read_schema(out).names, pq.read_metadata(out).num_rows
    else:
        header, *lines = csv.reader(io.StringIO(out.read_text()))
        columns, count = header, len(lines)
    assert columns == CONTRACT[name]
    assert count == rows == snapshot.table(name).num_rows


def test_parquet_gives_back_exactly_the_snapshots_table(snapshot, tmp_path):
    export(snapshot, "campaigns", tmp_path / "campaigns.parquet")
    assert pq.read_table(tmp_path / "campaigns.parquet").equals(snapshot.table("campaigns"))


def test_csv_tells_time_in_iso_8601_and_null_as_nothing(snapshot, tmp_path):
    export(snapshot, "scores", tmp_path / "scores.csv")
    rows = {row["key"]: row for row in csv.DictReader(io.StringIO((tmp_path / "scores.csv").read_text()))}
    innocent = rows["ann@example.org"]
    assert innocent["campaign_id"] == ""
    assert innocent["as_of"].endswith("Z")
    assert datetime.fromisoformat(innocent["as_of"]) == factories.AS_OF
    assert rows["bad1@offers.example"]["campaign_id"] == "c-links"


def test_a_key_with_quotes_commas_and_line_breaks_survives_csv(snapshot, tmp_path, monkeypatch):
    awkward = 'a"b,c\nd@x.example'
    table = snapshot.table("members").slice(0, 1)
    table = table.set_column(2, "key", pa.array([awkward]))
    monkeypatch.setattr(type(snapshot), "table", lambda self, name: table)
    export(snapshot, "members", tmp_path / "members.csv")
    (row,) = csv.DictReader(io.StringIO((tmp_path / "members.csv").read_text(), newline=""))
    assert row["key"] == awkward


CASE_42 = Path(__file__).parents[1] / "cases" / "42-csv-formula" / "events.csv"


def test_no_cell_of_the_csv_is_a_formula_and_each_comes_back(tmp_path):
    with CASE_42.open(newline="") as file:
        keys = {row["sender"] for row in csv.DictReader(file)}
    made = factories.publication()
    scores = factories.scores({("sender", key): None for key in keys}, {None: 0.5})
    snapshot = publish(Home(tmp_path / "home").ensure(), replace(made, scores=scores), keep=1)
    export(snapshot, "scores", tmp_path / "scores.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "scores.csv").read_text(), newline="")))
    assert not [row for row in rows if row["key"].startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert {original(row["key"]) for row in rows} == keys


def test_numbers_below_nought_stay_numbers_in_csv(snapshot, tmp_path):
    export(snapshot, "evidence", tmp_path / "evidence.csv")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "evidence.csv").read_text())))
    assert sorted(float(row["log10_p"]) for row in rows) == sorted(snapshot.table("evidence")["log10_p"].to_pylist())


def test_a_score_says_what_was_decided(snapshot, tmp_path):
    export(snapshot, "scores", tmp_path / "scores.csv")
    rows = {row["key"]: row["decision"] for row in csv.DictReader(io.StringIO((tmp_path / "scores.csv").read_text()))}
    assert rows["bad1@offers.example"] == "malicious"
    assert rows["ann@example.org"] == "benign"


def test_a_score_of_a_snapshot_older_than_decisions_has_none(snapshot, tmp_path, monkeypatch):
    older = snapshot.table("scores").drop_columns(["decision"])
    monkeypatch.setattr(type(snapshot), "table", lambda self, name: older)
    export(snapshot, "scores", tmp_path / "scores.parquet")
    assert set(pq.read_table(tmp_path / "scores.parquet")["decision"].to_pylist()) == {None}


# The factories' c-links was seen on days 1 to 20, c-invites on 5 to 9, c-quiet on 0 to 2; every node on days 1 to 3.
SPANS = [
    (Span(), {"c-links", "c-invites", "c-quiet"}),
    (Span(since=factories.seen(2)), {"c-links", "c-invites", "c-quiet"}),
    (Span(since=factories.seen(3)), {"c-links", "c-invites"}),
    (Span(until=factories.seen(0)), {"c-quiet"}),
    (Span(factories.seen(3), factories.seen(4)), {"c-links"}),
    (Span(since=factories.seen(21)), set()),
]


@pytest.mark.parametrize(("span", "ids"), SPANS)
def test_a_span_keeps_what_was_seen_within_it(snapshot, tmp_path, span, ids):
    for name in ("campaigns", "members"):
        out = tmp_path / f"{name}.parquet"
        assert export(snapshot, name, out, span) == pq.read_metadata(out).num_rows
        assert set(pq.read_table(out)["campaign_id"].to_pylist()) == ids


@pytest.mark.parametrize(("days", "all_of_them"), [((0, 1), True), ((3, 9), True), ((4, 9), False), ((-9, 0), False)])
def test_a_span_keeps_scores_of_nodes_and_evidence_seen_within_it(snapshot, tmp_path, days, all_of_them):
    span = Span(*map(factories.seen, days))
    scores = export(snapshot, "scores", tmp_path / "scores.parquet", span)
    evidence = export(snapshot, "evidence", tmp_path / "evidence.parquet", span)
    looked_up = snapshot.table("scores").filter(pc.is_valid(snapshot.table("scores")["campaign_id"]))
    assert (scores >= looked_up.num_rows) is all_of_them
    assert (evidence >= 4) is all_of_them


@pytest.mark.parametrize(
    ("name", "reason"),
    [("scores.json", "names no format"), ("scores", "no ending"), ("nowhere/scores.csv", "folder does not exist")],
)
def test_an_export_that_cannot_be_is_refused_with_its_reason(snapshot, tmp_path, name, reason):
    with pytest.raises(ExportError, match=reason):
        export(snapshot, "scores", tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_folder_in_the_files_place_is_refused(snapshot, tmp_path):
    (tmp_path / "scores.csv").mkdir()
    with pytest.raises(ExportError, match="is a folder"):
        export(snapshot, "scores", tmp_path / "scores.csv")


def test_a_full_disk_leaves_the_old_export_as_it_was(snapshot, tmp_path, monkeypatch):
    out = tmp_path / "scores.parquet"
    export(snapshot, "scores", out)
    before = out.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ExportError, match="No space left on device"):
        export(snapshot, "scores", out)
    assert out.read_bytes() == before
    assert list(tmp_path.glob(".*")) == []
