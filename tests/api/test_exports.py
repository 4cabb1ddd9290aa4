"""Exports: the contract's columns, whole files or none, clear errors."""

import csv
import io
import os
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from api.exports import EXPORTS, ExportError, export
from graph.home import Home
from graph.snapshot import publish
from tests import factories

CONTRACT = {
    "scores": ["kind", "key", "risk", "campaign_id", "model", "as_of"],
    "campaigns": [
        "campaign_id", "operation_id", "risk", "senders", "domains", "recipients", "events",
        "first_seen", "last_seen", "state",
    ],
    "members": ["campaign_id", "kind", "key", "role", "weight"],
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
