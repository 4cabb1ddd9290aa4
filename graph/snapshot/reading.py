"""A published snapshot, read: checksums, whole tables, one campaign's rows, look-ups. Never writes (see `writing`).

A snapshot is an immutable folder; `snapshots/CURRENT` names the live one. Files are mapped when it is opened, so it
goes on answering after a later publication has removed its folder: the system keeps mapped files until they are let go.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import lmdb
import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graph import schema
from graph.atomic import is_name, is_temporary, read_pointer
from graph.errors import SnapshotError, SnapshotMissingError
from graph.home import Home
from graph.keys import canonical_key
from graph.snapshot.lookup import LookupIndex, open_index

SCHEMA_VERSION = 1
MANIFEST = "manifest.json"
LOOKUPS = "lookups.lmdb"
POINTER = "CURRENT"
TABLES = (
    "scores",
    "reasons",
    "campaigns",
    "members",
    "evidence",
    "lineage",
    "timeline",
    "edges",
    "impact",
    "summaries",
)
LATER_TABLES = {  # empty in a snapshot that is older than they are
    "alarms": schema.ALARMS,
    "discounts": schema.DISCOUNTS,
    "traits": schema.TRAITS,
    "sender_traits": schema.SENDER_TRAITS,
    "compared_by": schema.COMPARED_BY,
    "operation_links": schema.OPERATION_LINKS,
    "what_if": schema.WHAT_IF,
    "queue": schema.QUEUE,
    "profiles": schema.PROFILES,
}
OWNER = {"sender_traits": "key", "operation_links": "operation_id"}  # whose rows are looked for; else a campaign's
SUMMARIES = pa.schema(  # what a list of campaigns shows beside the contract's columns
    [
        ("campaign_id", pa.string()),
        ("headline", pa.string()),  # its strongest evidence
        ("mail", pa.int64()),
        ("calendar", pa.int64()),
        ("contacts", pa.int64()),
    ]
)
_PUBLISH_AGAIN = "Run `ringleader refresh` to publish it anew"
_UNDECIDED = b',"decision":null'  # of a snapshot older than decisions: not even abstained, since nobody looked
_OPEN_TRIES = 3  # a publication may remove the snapshot between reading the pointer and opening what it names


@dataclass(frozen=True)
class Manifest:
    """What `manifest.json` says: which refresh this is, and the SHA-256, bytes and rows of every file.

    `decision` is None in a snapshot that was published before nodes had decisions, `drift` empty before it was watched.
    """

    id: str
    published_at: datetime
    refresh: dict[str, Any]
    model_card: dict[str, Any]
    stages: list[dict[str, Any]]
    files: dict[str, dict[str, Any]]
    decision: dict[str, Any] | None = None
    drift: dict[str, Any] = field(default_factory=dict)

    @property
    def model(self) -> str:
        return str(self.refresh["model"])

    @property
    def as_of(self) -> datetime:
        return datetime.fromisoformat(self.refresh["as_of"])


class Snapshot:
    """One published snapshot, mapped into memory. Safe to read from several threads."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self.id = manifest.id
        self._decided = manifest.decision is not None
        self._index: LookupIndex = open_index(folder / LOOKUPS)
        there = (*TABLES, *(name for name in LATER_TABLES if f"{name}.parquet" in manifest.files))
        self._parts = {name: _MappedTable(folder / f"{name}.parquet", owner_column(name)) for name in there}

    def table(self, name: str, columns: list[str] | None = None) -> pa.Table:
        """A whole table, by its name in `TABLES` or `LATER_TABLES`."""
        if name in self._parts:
            return self._parts[name].read(columns)
        empty = LATER_TABLES[name].empty_table()
        return empty if columns is None else empty.select(columns)

    def rows_of(self, name: str, owner: str) -> pa.Table:
        """Rows of one campaign (or whoever owns the table's rows); only the parts that can hold them are read."""
        return self._parts[name].rows_of(owner) if name in self._parts else LATER_TABLES[name].empty_table()

    def lookup_fields(self, kind: str, key: str) -> bytes | None:
        """A node's ready-made JSON fields without braces (see `lookup`), or None.

        The exact spelling of the key counts first, then the canonical one (graph.keys).
        """
        fields = self._index.get(kind, key)
        if fields is None and (canonical := canonical_key(kind, key)) != key:
            fields = self._index.get(kind, canonical)
        return fields if self._decided or fields is None else fields + _UNDECIDED

    def lookup_many(self, nodes: Iterable[tuple[str, str]]) -> list[bytes | None]:
        """The same for many (kind, key), in the order asked."""
        asked = list(nodes)
        found = self._index.get_many(asked)
        missed = [at for at, fields in enumerate(found) if fields is None]
        again = self._index.get_many((asked[at][0], canonical_key(*asked[at])) for at in missed)
        for at, fields in zip(missed, again, strict=True):
            found[at] = fields
        return found if self._decided else [None if fields is None else fields + _UNDECIDED for fields in found]

    def lookup(self, kind: str, key: str) -> dict[str, Any] | None:
        """A node's fields: kind, key, found, risk, decision, campaign_id, first_seen, last_seen, events, reasons."""
        fields = self.lookup_fields(kind, key)
        return None if fields is None else json.loads(b"{" + fields + b"}")

    @cached_property
    def stamp_fields(self) -> bytes:
        """`"snapshot":…,"model":…,"as_of":…`: the JSON fields that every answer about a score carries."""
        stamp = {"snapshot": self.id, "model": self.manifest.model, "as_of": self.manifest.as_of}
        return msgspec.json.encode(stamp)[1:-1]

    @cached_property
    def prior(self) -> float:
        """Mean risk of the window's senders: what is known of one of whom nothing is known."""
        scores = self.table("scores", ["kind", "risk"])
        mean = pc.mean(scores.filter(pc.equal(scores["kind"], "sender"))["risk"]).as_py()
        return float(mean or 0.0)

    def warm(self) -> None:
        """Read what is kept in memory now, so that no request waits for it."""
        self._places, self._merged_into, self.prior  # noqa: B018 (cached properties)

    @cached_property
    def campaigns(self) -> pa.Table:
        """Campaigns with their summaries, riskiest first; kept in memory, thousands of rows."""
        joined = self.table("campaigns").join(self.table("summaries"), "campaign_id")
        return joined.sort_by([("risk", "descending"), ("campaign_id", "ascending")])

    @cached_property
    def _places(self) -> dict[str, int]:
        return {campaign_id: row for row, campaign_id in enumerate(self.campaigns["campaign_id"].to_pylist())}

    def campaign(self, campaign_id: str) -> dict[str, Any] | None:
        """One row of `campaigns`, or None."""
        row = self._places.get(campaign_id)
        return None if row is None else self.campaigns.slice(row, 1).to_pylist()[0]

    @cached_property
    def _lineage(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.table("lineage").sort_by("ts").to_pylist()
        return rows

    @cached_property
    def _merged_into(self) -> dict[str, str]:
        return {row["campaign_id"]: row["other_id"] for row in self._lineage if row["event"] == "merged"}

    def lineage_of(self, campaign_id: str) -> list[dict[str, Any]]:
        """The log of a campaign and of those it came from by merges and splits, oldest first."""
        family, grew = {campaign_id}, True
        while grew:
            parents = {row["campaign_id"] for row in self._lineage if row["other_id"] in family}
            grew = not parents <= family
            family |= parents
        return [
            row
            for row in self._lineage
            if row["campaign_id"] == campaign_id
            or (row["campaign_id"] in family and (row["event"] == "born" or row["other_id"] in family))
        ]

    def heir(self, campaign_id: str) -> str | None:
        """The campaign of this snapshot that a merged one lives on in, through as many merges as it took, or None."""
        passed: set[str] = set()
        while campaign_id not in self._places:
            if campaign_id not in self._merged_into or campaign_id in passed:  # unknown, or a loop in the lineage
                return None
            passed.add(campaign_id)
            campaign_id = self._merged_into[campaign_id]
        return campaign_id


def open_current(home: Home, verify: bool = True) -> Snapshot:
    """Open the live snapshot, its checksums compared where `verify`.

    Raises SnapshotMissingError where nothing was published, SnapshotError naming the file that is damaged: a pointer
    that is gone beside whole snapshots, or is no text, among them.
    """
    named = None
    for _ in range(_OPEN_TRIES):
        name = _current_name(home)
        if name == named:  # the pointer stood still, so what it names is really gone
            break
        named = name
        folder = home.snapshots / name
        if folder.is_dir():
            return open_snapshot(folder, verify)
    raise SnapshotError(str(home.snapshots / str(named)), "the snapshot named by CURRENT is not there", _PUBLISH_AGAIN)


def _current_name(home: Home) -> str:
    """The snapshot that the pointer names. Raises as `open_current` does."""
    pointer = home.snapshots / POINTER
    try:
        name = read_pointer(pointer)
    except (OSError, UnicodeDecodeError) as error:
        raise SnapshotError(str(pointer), f"cannot be read ({error})", _PUBLISH_AGAIN) from error
    if name is None and (whole := list_manifests(home)):
        reason = f"names no snapshot, though {len(whole)} are there, the latest {whole[0].id}"
        raise SnapshotError(str(pointer), reason, _PUBLISH_AGAIN)
    if name is None:
        raise SnapshotMissingError(
            str(home.snapshots), "nothing has been published yet", "Run `ringleader refresh` first"
        )
    if not is_name(name):
        raise SnapshotError(str(pointer), "does not hold the name of a snapshot", _PUBLISH_AGAIN)
    return name


def open_snapshot(folder: Path, verify: bool = True) -> Snapshot:
    """Open one snapshot's folder. Raises SnapshotError naming the file that is missing or damaged."""
    manifest = read_manifest(folder)
    if verify:
        for name, facts in manifest.files.items():
            _verify(folder / name, facts)
    try:
        return Snapshot(folder, manifest)
    except (OSError, lmdb.Error, pa.ArrowException) as error:
        raise SnapshotError(str(folder), f"cannot be read: {error}", _PUBLISH_AGAIN) from error


def read_tables(folder: Path, names: Iterable[str]) -> dict[str, pa.Table]:
    """Some tables of a snapshot, whatever became of its other files.

    Raises SnapshotError naming the file of these that is missing or damaged.
    """
    manifest = read_manifest(folder)
    found = {}
    for name in names:
        path = folder / f"{name}.parquet"
        if name in LATER_TABLES and path.name not in manifest.files:
            found[name] = LATER_TABLES[name].empty_table()
            continue
        _verify(path, manifest.files.get(path.name, {}))
        try:
            found[name] = pq.read_table(path)
        except (OSError, pa.ArrowException) as error:
            raise SnapshotError(str(path), f"cannot be read: {error}", _PUBLISH_AGAIN) from error
    return found


def list_manifests(home: Home) -> list[Manifest]:
    """Manifests of the snapshots that are kept, the latest published first; damaged ones are left out."""
    found = []
    for folder in snapshot_folders(home):
        try:
            found.append(read_manifest(folder))
        except SnapshotError:
            continue
    return sorted(found, key=lambda manifest: (manifest.published_at, manifest.id), reverse=True)


def owner_column(name: str) -> str:
    """The column of a table by which its rows are looked for."""
    return OWNER.get(name, "campaign_id")


def snapshot_folders(home: Home) -> list[Path]:
    """Folders of whole snapshots, oldest window first."""
    if not home.snapshots.is_dir():
        return []
    return sorted(folder for folder in home.snapshots.iterdir() if folder.is_dir() and not is_temporary(folder))


def read_manifest(folder: Path) -> Manifest:
    """Read and check `manifest.json`. Raises SnapshotError."""
    path = folder / MANIFEST
    try:
        stated = json.loads(path.read_bytes())
        digest = stated.pop("digest")
        if digest != body_digest(stated):
            raise SnapshotError(str(path), "its checksum is wrong", _PUBLISH_AGAIN)
        if stated.pop("schema") != SCHEMA_VERSION:
            raise SnapshotError(str(path), "it was written by another version", _PUBLISH_AGAIN)
        return Manifest(published_at=datetime.fromisoformat(stated.pop("published_at")), **stated)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SnapshotError(str(path), f"cannot be read: {error}", _PUBLISH_AGAIN) from error


def body_digest(body: dict[str, Any]) -> str:
    """SHA-256 of a JSON object, its keys in order."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _verify(path: Path, facts: dict[str, Any]) -> None:
    try:
        same = path.stat().st_size == facts.get("bytes") and file_digest(path) == facts["sha256"]
    except OSError as error:
        raise SnapshotError(str(path), f"cannot be read: {error.strerror}", _PUBLISH_AGAIN) from error
    if not same:
        raise SnapshotError(str(path), "its checksum is wrong", _PUBLISH_AGAIN)


class _MappedTable:
    """A Parquet file, mapped. A reader is made for each read: Arrow's own is not meant for several threads."""

    def __init__(self, path: Path, owner: str) -> None:
        with pa.memory_map(str(path)) as mapped:
            self._buffer = mapped.read_buffer()
        self._metadata = pq.read_metadata(pa.BufferReader(self._buffer))
        self._owner = owner
        names = self._metadata.schema.to_arrow_schema().names
        self._bounds = self._bounds_of(names.index(owner)) if owner in names else []

    def read(self, columns: list[str] | None = None) -> pa.Table:
        return self._file().read(columns)

    def rows_of(self, owner: str) -> pa.Table:
        groups = [group for group, (low, high) in enumerate(self._bounds) if low <= owner <= high]
        part = self._file().read_row_groups(groups)
        return part.filter(pc.equal(part[self._owner], owner))

    def _file(self) -> pq.ParquetFile:
        return pq.ParquetFile(pa.BufferReader(self._buffer), metadata=self._metadata)

    def _bounds_of(self, column: int) -> list[tuple[str, str]]:
        groups = range(self._metadata.num_row_groups)
        statistics = [self._metadata.row_group(group).column(column).statistics for group in groups]
        return [(facts.min, facts.max) if facts and facts.has_min_max else ("", "\U0010ffff") for facts in statistics]
