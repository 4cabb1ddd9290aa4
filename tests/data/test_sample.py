"""What `data/` holds, and above all what it must not hold."""

import re
from datetime import UTC, datetime

import pyarrow.compute as pc
import pytest
from making.corpus import MESSAGES
from making.pseudonyms import LETTERS
from making.tables import SCHEMAS

from graph.addresses import canonical_host, ip_address
from graph.read import ReadOptions, read_events, read_reports, read_verdicts
from graph.read.quarantine import Quarantine
from graph.schema import EVENTS

CUT = datetime(2002, 9, 1, tzinfo=UTC)
TOKEN = re.compile(rf"[a-z2-7]{{{LETTERS}}}")
LARGEST = 1_500_000
MAILBOX = re.compile(r"[\w.+-]+@[\w-]+\.[a-z]{2,}", re.IGNORECASE)


def mailboxes(sample):
    events = sample["events"]
    return {*events["sender"].to_pylist(), *pc.list_flatten(events["recipients"]).to_pylist()}


def test_each_table_has_the_columns_it_promises(sample):
    assert {name: table.schema for name, table in sample.items()} == SCHEMAS
    assert sample["events"].schema == EVENTS


def test_every_message_of_the_corpus_is_one_event(sample):
    ids = sample["events"]["event_id"].to_pylist()
    assert len(set(ids)) == len(ids) == MESSAGES
    assert sample["truth"]["event_id"].to_pylist() == ids


def test_the_tables_together_stay_small(data):
    assert sum(path.stat().st_size for path in data.glob("*.parquet")) < LARGEST


def test_no_local_part_is_in_clear(sample):
    for mailbox in mailboxes(sample):
        assert TOKEN.fullmatch(mailbox.partition("@")[0]), mailbox
        assert mailbox.count("@") <= 1


def test_reporters_and_verdicts_name_mailboxes_only_by_pseudonym(sample):
    named = {*sample["reports"]["reporter"].to_pylist(), *sample["truth_senders"]["sender"].to_pylist()}
    verdicts = sample["verdicts"].to_pylist()
    named |= {row["key"] for row in verdicts if row["kind"] == "sender"}
    assert named <= mailboxes(sample)


def test_links_are_hosts_without_user_path_or_port(sample):
    hosts = set(pc.list_flatten(sample["events"]["domains"]).to_pylist())
    assert hosts
    assert {host for host in hosts if re.search(r"[@/?#%\s]", host)} == set()
    assert {host for host in hosts if canonical_host(host) is None} == set()


def test_no_id_carries_an_address_or_a_label(sample):
    assert all(re.fullmatch(r"[0-9a-f]{16}", one) for one in sample["events"]["event_id"].to_pylist())


def test_client_addresses_are_public_addresses(sample):
    found = {ip for ip in sample["events"]["ip"].to_pylist() if ip is not None}
    assert all(ip_address(ip).is_global for ip in found)


def test_events_lie_in_the_corpus_years_in_order(sample):
    times = sample["events"]["ts"].to_pylist()
    assert times == sorted(times)
    assert datetime(2001, 6, 1, tzinfo=UTC) < times[0]
    assert times[-1] < datetime(2002, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize("name", ["reports", "verdicts"])
def test_nothing_is_reported_or_decided_at_the_cut_or_later(sample, name):
    assert pc.max(sample[name]["ts"]).as_py() < CUT


def test_a_report_is_by_a_recipient_after_the_event(sample):
    events = {row["event_id"]: row for row in sample["events"].to_pylist()}
    for row in sample["reports"].to_pylist():
        event = events[row["event_id"]]
        assert row["reporter"] in event["recipients"]
        assert event["ts"] < row["ts"]


def test_a_verdict_on_a_sender_comes_after_its_first_event(sample):
    first_seen = {row["sender"]: row["first_seen"] for row in sample["truth_senders"].to_pylist()}
    senders = [row for row in sample["verdicts"].to_pylist() if row["kind"] == "sender"]
    assert all(first_seen[row["key"]] < row["ts"] for row in senders)


def test_verdicts_leave_spammers_and_others_undecided_on_both_sides(sample):
    decided = set(sample["verdicts"]["key"].to_pylist())
    first = [row for row in sample["truth_senders"].to_pylist() if row["part"] == "first"]
    for malicious in (True, False):
        known = [row["sender"] in decided for row in first if (row["malicious_share"] > 0.5) == malicious]
        assert 0.2 < sum(known) / len(known) < 0.7


def test_some_reports_are_wrong(sample):
    label = dict(zip(*(sample["truth"][name].to_pylist() for name in ("event_id", "label")), strict=True))
    reports = sample["reports"].to_pylist()
    wrong = [row for row in reports if (row["kind"] == "not_junk") == (label[row["event_id"]] == "malicious")]
    assert 0 < len(wrong) < 0.2 * len(reports)


def test_the_later_part_can_be_tested_on(sample):
    later = [row for row in sample["truth"].to_pylist() if row["part"] == "later"]
    malicious = sum(row["label"] == "malicious" for row in later)
    assert malicious > 300
    assert len(later) - malicious > 1500


def test_near_duplicate_groups_of_five_and_more_are_of_one_label(sample):
    groups = {}
    for row in sample["truth"].to_pylist():
        if row["near_duplicates"] is not None:
            groups.setdefault(row["near_duplicates"], []).append(row["label"])
    large = [labels for labels in groups.values() if len(labels) >= 5]
    assert len(large) > 30
    assert all(len(set(labels)) == 1 for labels in large)


def test_the_product_reads_the_sample_without_setting_a_row_aside(data, tmp_path):
    readers = {"events": read_events, "reports": read_reports, "verdicts": read_verdicts}
    with Quarantine(tmp_path / "quarantine.jsonl") as quarantine:
        for name, read in readers.items():
            rows = sum(batch.num_rows for batch in read([data / f"{name}.parquet"], ReadOptions(), quarantine))
            assert rows > 0
        assert quarantine.count == 0


def test_neither_readme_nor_script_names_a_mailbox_in_clear(data):
    for path in [*data.glob("*.md"), *data.rglob("*.py")]:
        assert MAILBOX.findall(path.read_text(encoding="utf-8")) == []
