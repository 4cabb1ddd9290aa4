"""A snapshot is published whole or not at all, read back as it was, and refused where a byte of it is wrong."""

import errno
import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import factories
import lmdb
import older
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import graph.snapshot.lookup as lookup
import graph.snapshot.writing as writing
from graph.errors import SnapshotError, SnapshotMissingError
from graph.home import Home, write_lock
from graph.schema import TRAITS
from graph.snapshot import (
    LATER_TABLES,
    NODE_KINDS,
    TABLES,
    list_manifests,
    open_current,
    open_snapshot,
    publish,
    read_tables,
)
from graph.snapshot.lookup import MAX_KEY_BYTES, index_key
from graph.snapshot.reading import POINTER, body_digest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path).ensure()


def names(home: Home) -> list[str]:
    return sorted(entry.name for entry in home.snapshots.iterdir())


def test_a_snapshot_older_than_a_table_reads_it_as_empty(home: Home) -> None:
    folder = publish(home, factories.publication(), keep=2).folder
    stated = json.loads((folder / "manifest.json").read_bytes())
    del stated["files"]["traits.parquet"], stated["digest"]
    (folder / "traits.parquet").unlink()
    (folder / "manifest.json").write_text(json.dumps({**stated, "digest": body_digest(stated)}), encoding="utf-8")
    before = open_snapshot(folder)
    assert before.table("traits") == TRAITS.empty_table()
    assert before.table("traits", ["campaign_id"]).column_names == ["campaign_id"]
    assert before.rows_of("traits", "c-links").num_rows == 0


def test_what_was_published_is_read_back(home: Home) -> None:
    made = factories.publication()
    publish(home, made, keep=2)
    snapshot = open_current(home)
    assert {*TABLES, *LATER_TABLES} == {path.stem for path in snapshot.folder.glob("*.parquet")}
    assert snapshot.table("campaigns").sort_by("campaign_id") == made.campaigns.campaigns.sort_by("campaign_id")
    assert snapshot.table("members").num_rows == made.campaigns.members.num_rows
    assert snapshot.manifest.model == factories.MODEL
    assert snapshot.manifest.as_of == factories.AS_OF
    assert snapshot.manifest.stages[0]["name"] == "window"


def test_every_scored_node_is_found_with_its_facts(home: Home) -> None:
    made = factories.publication()
    snapshot = publish(home, made, keep=2)
    for row in made.scores.to_pylist():
        found = snapshot.lookup(row["kind"], row["key"])
        assert found is not None
        told = ("risk", "campaign_id", "decision")
        assert [found[name] for name in told] == [row[name] for name in told]
        assert found["first_seen"] == "2024-04-21T12:00:00Z"


def test_what_was_asked_of_the_decisions_is_in_the_manifest(home: Home) -> None:
    made = factories.publication()
    publish(home, made, keep=2)
    assert open_current(home).manifest.decision == made.decision


def test_other_lines_are_another_snapshot_even_where_no_decision_changes(home: Home) -> None:
    made = factories.publication()
    asked = made.decision | {"precision": 0.5}
    first, second = publish(home, made, keep=5), publish(home, replace(made, decision=asked), keep=5)
    assert first.id != second.id
    assert second.manifest.decision == asked


def test_a_snapshot_older_than_decisions_answers_null_and_not_abstain(home: Home) -> None:
    older.before_decisions(publish(home, factories.publication(), keep=1).folder)
    old = open_current(home)
    assert old.manifest.decision is None
    assert "decision" not in old.table("scores").column_names
    found = old.lookup("sender", factories.BAD[0])
    assert found is not None
    assert (found["decision"], found["risk"]) == (None, 0.97)
    asked = [("sender", "nobody"), ("sender", factories.BAD[0])]
    assert old.lookup_many(asked) == [None, old.lookup_fields(*asked[1])]


def test_a_campaigns_rows_are_its_own_even_across_row_groups(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_GROUP_ROWS", 2)
    snapshot = publish(home, factories.publication(), keep=2)
    assert pq.read_metadata(snapshot.folder / "members.parquet").num_row_groups > 3
    for name in ("members", "evidence", "timeline", "edges", "impact", "lineage"):
        whole = snapshot.table(name).to_pylist()
        for campaign_id in ("c-links", "c-invites", "c-quiet", "c-none"):
            mine = [row for row in whole if row["campaign_id"] == campaign_id]
            assert snapshot.rows_of(name, campaign_id).to_pylist() == mine


def test_ids_sort_by_the_windows_end(home: Home) -> None:
    later = publish(home, factories.publication(as_of=factories.AS_OF + timedelta(days=1)), keep=5)
    earlier = publish(home, factories.publication(), keep=5)
    assert earlier.id < later.id
    assert open_current(home).id == earlier.id  # published last, so it is the live one


def test_the_same_publication_twice_is_one_snapshot_dated_anew(home: Home) -> None:
    first = publish(home, factories.publication(), keep=5)
    again = publish(home, factories.publication(), keep=5)
    assert first.id == again.id
    assert first.manifest.published_at < again.manifest.published_at == open_current(home).manifest.published_at
    assert first.manifest.files == again.manifest.files
    assert names(home) == [first.id, POINTER]


def test_another_content_under_the_same_refresh_is_another_snapshot(home: Home) -> None:
    first = publish(home, factories.publication(), keep=5)
    assert publish(home, factories.publication(shift=0.001), keep=5).id != first.id


def test_the_last_ones_are_kept_and_never_more(home: Home) -> None:
    made = [publish(home, factories.publication(shift=number / 1000), keep=2).id for number in range(4)]
    assert names(home) == sorted([*made[-2:], POINTER])
    assert [manifest.id for manifest in list_manifests(home)] == made[:1:-1]


def test_keeping_none_still_keeps_the_current_one(home: Home) -> None:
    publish(home, factories.publication(), keep=0)
    current = publish(home, factories.publication(shift=0.001), keep=0)
    assert names(home) == [current.id, POINTER]


def test_a_snapshot_that_is_open_answers_after_its_folder_is_gone(home: Home) -> None:
    old = publish(home, factories.publication(), keep=1)
    publish(home, factories.publication(shift=0.001), keep=1)
    assert not old.folder.exists()
    assert old.lookup("sender", factories.BAD[0]) is not None
    assert old.rows_of("members", "c-links").num_rows == 9


def test_a_window_without_campaigns_is_published_too(home: Home) -> None:
    snapshot = publish(home, factories.without_campaigns(factories.publication()), keep=1)
    assert snapshot.campaigns.num_rows == 0
    assert snapshot.rows_of("members", "c-links").num_rows == 0
    assert snapshot.lookup("sender", factories.GOOD[0]) is not None


def test_an_empty_window_is_published_too(home: Home) -> None:
    made = factories.without_campaigns(factories.publication())
    empty = replace(
        made,
        scores=made.scores.slice(0, 0),
        reasons=made.reasons.slice(0, 0),
        senders=made.senders.slice(0, 0),
        domains=made.domains.slice(0, 0),
    )
    assert publish(home, empty, keep=1).lookup("sender", factories.GOOD[0]) is None


def test_nothing_published_is_said_so(home: Home) -> None:
    with pytest.raises(SnapshotMissingError, match="nothing has been published"):
        open_current(home)


def test_a_flipped_byte_in_any_file_is_found_and_the_file_named(home: Home) -> None:
    snapshot = publish(home, factories.publication(), keep=1)
    for path in sorted(snapshot.folder.iterdir()):
        whole = path.read_bytes()
        middle = len(whole) // 2
        path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
        with pytest.raises(SnapshotError) as damaged:
            open_current(home)
        assert path.name in damaged.value.thing
        path.write_bytes(whole)
    assert open_current(home).id == snapshot.id


@pytest.mark.parametrize("damage", ["truncated", "removed"])
def test_a_file_cut_short_or_gone_is_named(home: Home, damage: str) -> None:
    path = publish(home, factories.publication(), keep=1).folder / "members.parquet"
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(SnapshotError, match=r"members\.parquet"):
        open_current(home)


def test_a_pointer_to_nowhere_is_an_error_that_names_it(home: Home) -> None:
    folder = publish(home, factories.publication(), keep=1).folder
    folder.rename(folder.with_name("elsewhere"))
    with pytest.raises(SnapshotError, match=folder.name):
        open_current(home)


BAD_POINTERS = {
    "no UTF-8": b"\xff\xfe2024\n",
    "a NUL": b"2024\0\n",
    "a path out": b"../../etc\n",
    "an absolute path": b"/etc\n",
    "two lines": b"a\nb\n",
    "too long a name": b"x" * 300,
    "letters of four bytes": "\U0001f600".encode() * 100,
    "dots": b"..",
    "nothing": b"",
    "blanks": b" \n ",
}


@pytest.mark.parametrize("content", BAD_POINTERS.values(), ids=BAD_POINTERS)
def test_a_pointer_that_names_no_snapshot_is_an_error_that_names_it(home: Home, content: bytes) -> None:
    publish(home, factories.publication(), keep=1)
    (home.snapshots / POINTER).write_bytes(content)
    with pytest.raises(SnapshotError) as told:
        open_current(home)
    assert str(home.snapshots) in told.value.thing
    assert not isinstance(told.value, SnapshotMissingError)
    assert publish(home, factories.publication(), keep=1).id == open_current(home).id


@pytest.mark.parametrize("content", [None, b""])
def test_a_missing_pointer_beside_whole_snapshots_is_no_empty_home(home: Home, content: bytes | None) -> None:
    published = publish(home, factories.publication(), keep=1)
    (home.snapshots / POINTER).unlink()
    if content is not None:
        (home.snapshots / POINTER).write_bytes(content)
    with pytest.raises(SnapshotError, match=published.id) as told:
        open_current(home)
    assert "nothing has been published" not in str(told.value)


def test_a_pointer_that_is_a_folder_is_an_error_that_names_it(home: Home) -> None:
    (home.snapshots / POINTER).mkdir()
    with pytest.raises(SnapshotError, match="CURRENT"):
        open_current(home)


def test_publishing_again_mends_a_damaged_snapshot(home: Home) -> None:
    folder = publish(home, factories.publication(), keep=1).folder
    (folder / "scores.parquet").write_bytes(b"rubbish")
    publish(home, factories.publication(), keep=1)
    assert open_current(home).folder == folder
    assert names(home) == [folder.name, POINTER]


def test_a_full_disk_leaves_the_old_snapshot_live_and_no_debris(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    old = publish(home, factories.publication(), keep=1)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for target, name in ((writing.pq, "write_table"), (writing, "sync_folder"), (writing, "point_to")):
        with monkeypatch.context() as patched:
            patched.setattr(target, name, full)
            with pytest.raises(SnapshotError, match="stays live"):
                publish(home, factories.publication(shift=0.001), keep=1)
        assert open_current(home).id == old.id
        assert not any(name.startswith(".") for name in names(home))


KILLED_AT = ["write_index", "_settle", "point_to", "_drop_old"]


@pytest.mark.parametrize("call", KILLED_AT)
def test_a_kill_at_any_step_leaves_a_whole_snapshot_live(home: Home, call: str) -> None:
    old = publish(home, factories.publication(), keep=1)
    script = (
        "import os, signal, sys; from pathlib import Path\n"
        "import factories, graph.snapshot.writing as writing\n"
        "from graph.home import Home\n"
        "def die(*a, **k): os.kill(os.getpid(), signal.SIGKILL)\n"
        f"writing.{call} = die\n"
        "writing.publish(Home(Path(sys.argv[1])), factories.publication(shift=0.001), keep=1)\n"
    )
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    done = subprocess.run([sys.executable, "-c", script, str(home.path)], env=environment, check=False)
    assert done.returncode == -9
    current = open_current(home)
    assert (current.id == old.id) == (call != "_drop_old")
    publish(home, factories.publication(shift=0.001), keep=1)
    assert names(home) == [open_current(home).id, POINTER]


def test_readers_who_let_go_of_a_snapshot_while_others_open_it_are_not_refused(home: Home) -> None:
    path = publish(home, factories.publication(), keep=1).folder / "lookups.lmdb"
    faults: list[Exception] = []

    def read() -> None:
        try:
            for _ in range(100):
                lookup.open_index(path)
        except lmdb.Error as error:
            faults.append(error)

    patient = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads take turns in the midst of everything
    try:
        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
    finally:
        sys.setswitchinterval(patient)
    assert not faults


def test_readers_meet_whole_snapshots_only_while_others_are_published(home: Home) -> None:
    publish(home, factories.publication(), keep=1)
    done = threading.Event()
    met: list[str] = []
    faults: list[SnapshotError] = []

    def read() -> None:
        while not done.is_set():
            try:
                met.append(open_current(home).id)
            except SnapshotError as error:
                faults.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 6):
        publish(home, factories.publication(shift=number / 1000), keep=2)
    done.set()
    reader.join()
    assert not faults
    assert met


def test_two_publishers_do_not_meet(home: Home) -> None:
    holding, release = threading.Event(), threading.Event()

    def hold() -> None:
        with write_lock(home):
            holding.set()
            release.wait(30)

    other = threading.Thread(target=hold)
    other.start()
    holding.wait(30)
    try:
        with pytest.raises(Exception, match="being written"):
            publish(home, factories.publication(), keep=1)
    finally:
        release.set()
        other.join()


def test_heirs_are_found_through_any_number_of_merges(home: Home) -> None:
    snapshot = publish(home, factories.publication(), keep=1)
    assert snapshot.heir("c-old") == snapshot.heir("c-mid") == snapshot.heir("c-links") == "c-links"
    assert snapshot.heir("c-none") is None


def test_an_old_id_leads_to_its_heir_after_thousands_of_merges(home: Home) -> None:
    made = factories.publication()
    names = [f"c-{number}" for number in range(3_000)] + ["c-links"]
    same = {"refresh": "r-1", "ts": factories.seen(1), "event": "merged", "share": 1.0}
    rows = [same | {"campaign_id": gone, "other_id": heir} for gone, heir in pairwise(names)]
    chained = replace(made.campaigns, lineage=factories.table(factories.LINEAGE, rows))
    assert publish(home, replace(made, campaigns=chained), keep=1).heir("c-0") == "c-links"


def test_tables_are_read_alone_whatever_became_of_the_rest(home: Home) -> None:
    made = factories.publication()
    folder = publish(home, made, keep=1).folder
    (folder / "scores.parquet").write_bytes(b"rubbish")
    found = read_tables(folder, ["members", "alarms"])
    assert found["members"].num_rows == made.campaigns.members.num_rows
    assert found["alarms"].num_rows == 0
    (folder / "members.parquet").unlink()
    with pytest.raises(SnapshotError, match="members"):
        read_tables(folder, ["members"])


def test_the_newest_window_is_kept_though_older_ones_were_published_after_it(home: Home) -> None:
    newest = publish(home, factories.publication(), keep=1)
    for days in (1, 2):
        last = publish(home, factories.publication(as_of=factories.AS_OF - timedelta(days=days)), keep=1)
    assert names(home) == sorted([newest.id, last.id, POINTER])


def test_a_loop_of_merges_has_no_heir(home: Home) -> None:
    made = factories.publication()
    rows = [
        {"campaign_id": one, "refresh": "r", "ts": factories.seen(1), "event": "merged", "other_id": other}
        for one, other in (("c-a", "c-b"), ("c-b", "c-a"))
    ]
    looped = replace(made.campaigns, lineage=factories.table(factories.LINEAGE, rows))
    assert publish(home, replace(made, campaigns=looped), keep=1).heir("c-a") is None


keys = st.text(st.characters(codec="utf-8"), min_size=1, max_size=400)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.sampled_from(NODE_KINDS), keys | keys.map(lambda key: key * 3)), unique=True))
def test_no_two_nodes_share_an_index_key_and_none_is_too_long(nodes: list[tuple[str, str]]) -> None:
    made = [index_key(kind, key) for kind, key in nodes]
    assert len(set(made)) == len(nodes)
    assert all(len(key) <= MAX_KEY_BYTES for key in made)


@settings(deadline=None, max_examples=10)
@given(st.lists(keys | keys.map(lambda key: key * 3), unique=True, min_size=1, max_size=20))
def test_every_key_is_found_again(tmp_path_factory: pytest.TempPathFactory, found: list[str]) -> None:
    made = factories.without_campaigns(factories.publication())
    scores = factories.scores({("sender", key): None for key in found}, {None: 0.5})
    here = Home(tmp_path_factory.mktemp("home")).ensure()
    published = replace(made, scores=scores, senders=factories.senders(found), domains=factories.domains([]))
    snapshot = publish(here, published, keep=1)
    assert all((snapshot.lookup("sender", key) or {})["key"] == key for key in found)
    assert open_snapshot(snapshot.folder).manifest.files["lookups.lmdb"]["rows"] == len(found)


def test_an_index_larger_than_its_first_map_grows(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "_MAP_SIZE", 1 << 16)
    made = factories.without_campaigns(factories.publication())
    found = [f"s{number}@example.com" for number in range(3_000)]
    scores = factories.scores({("sender", key): None for key in found}, {None: 0.5})
    snapshot = publish(home, replace(made, scores=scores, senders=factories.senders(found)), keep=1)
    assert all(snapshot.lookup_many(("sender", key) for key in found))


def test_reasons_meet_their_nodes_even_where_others_have_none_or_no_score(home: Home) -> None:
    made = factories.publication()
    keys = ["aaa@example.com", factories.GOOD[0], factories.BAD[0], "zzz@example.com"]
    rows = [
        {"kind": "sender", "key": key, "rank": rank, "relation": "linked_to", "contribution": 1.0, "sentence": key}
        for rank in (2, 1)
        for key in keys
    ]
    snapshot = publish(home, replace(made, reasons=factories.table(factories.REASONS, rows)), keep=1)
    for row in made.scores.to_pylist():
        found = snapshot.lookup(row["kind"], row["key"])
        assert found is not None
        wanted = [row["key"]] * 2 if row["key"] in keys else []
        assert [reason["sentence"] for reason in found["reasons"]] == wanted


def test_a_node_is_found_by_its_canonical_spelling_unless_that_is_another_node(home: Home) -> None:
    senders = ["Bob@X.test", "b.ob@gmail.com", "bob@gmail.com", "ann@x.test"]
    made = factories.without_campaigns(factories.publication())
    scores = factories.scores({("sender", key): None for key in senders}, {None: 0.5})
    published = replace(made, scores=scores, senders=factories.senders(senders), domains=factories.domains([]))
    snapshot = publish(home, published, keep=1)
    asked = {"bob@x.test": "Bob@X.test", "BOB@gmail.com": "bob@gmail.com", "ANN@x.test": "ann@x.test"}
    assert {key: (snapshot.lookup("sender", key) or {}).get("key") for key in asked} == asked
    assert snapshot.lookup("sender", "nobody@x.test") is None
