"""Publishing a snapshot: all of it or none. Knows what a snapshot holds, not how any of it was computed.

Everything is written into a folder with a temporary name, made durable, renamed; then the pointer is swapped.
A kill or a full disk at any moment leaves the snapshot that was live, live.
"""

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lmdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graph.atomic import (
    PRIVATE_FILE,
    PRIVATE_FOLDER,
    TEMPORARY,
    is_temporary,
    make_folder,
    point_to,
    sync_file,
    sync_folder,
    write_bytes,
)
from graph.errors import SnapshotError
from graph.home import Home, write_lock
from graph.snapshot.lookup import write_index
from graph.snapshot.reading import (
    LATER_TABLES,
    LOOKUPS,
    MANIFEST,
    POINTER,
    SCHEMA_VERSION,
    SUMMARIES,
    Snapshot,
    body_digest,
    file_digest,
    list_manifests,
    open_snapshot,
    snapshot_folders,
)
from graph.values import Campaigns, Publication, Refresh

_GROUP_ROWS = 16_384  # small enough that one campaign's rows cost a millisecond to read, large enough to compress
_LENDERS = {"sent_from": "network", "carried": "fingerprint"}  # relation -> kind of artefact
_ORDER = {  # the first column is what a reader looks for, the rest make the bytes a function of the content
    "scores": ("kind", "key"),
    "reasons": ("kind", "key", "rank"),
    "campaigns": ("campaign_id",),
    "members": ("campaign_id", "kind", "role", "key"),
    "evidence": ("campaign_id", "rank"),
    "lineage": ("campaign_id", "ts", "event", "other_id"),
    "timeline": ("campaign_id", "ts"),
    "edges": ("campaign_id", "relation", "source", "target"),
    "impact": ("campaign_id", "kind", "key"),
    "summaries": ("campaign_id",),
    "alarms": ("campaign_id", "other_id"),
    "discounts": ("campaign_id", "relation", "artefact"),
    "traits": ("campaign_id", "relation", "artefact"),
    "sender_traits": ("key", "relation", "artefact"),
    "compared_by": ("name",),
    "operation_links": ("operation_id", "campaign_id", "other_id", "relation"),
    "what_if": ("campaign_id", "rank"),
    "queue": ("rank",),
    "profiles": ("campaign_id",),
}


def publish(home: Home, publication: Publication, keep: int) -> Snapshot:
    """Write a snapshot, make it the live one, drop all but the last `keep` published, and return it opened.

    The id starts with the window's end, so ids sort by time, and ends with a digest of the content: the same
    publication again gives the same snapshot. Dropping a snapshot that a server still maps is safe: its mapping
    outlives the name. Raises SnapshotError where it cannot be written, BusyError where another process writes.
    """
    with write_lock(home):
        make_folder(home.snapshots)
        _sweep(home)
        building = home.snapshots / f".building.{os.getpid()}{TEMPORARY}"
        try:
            building.mkdir(PRIVATE_FOLDER)
            snapshot_id = _write(building, publication)
            folder = _settle(building, home.snapshots / snapshot_id)
            point_to(home.snapshots / POINTER, snapshot_id)
        except (OSError, lmdb.Error, pa.ArrowException) as error:
            raise SnapshotError(
                str(building),
                f"cannot be written ({error}); the snapshot before it stays live",
                "Make room or give write permission, then refresh again",
            ) from error
        finally:
            shutil.rmtree(building, ignore_errors=True)
        _drop_old(home, keep, current=snapshot_id)
        return open_snapshot(folder, verify=False)


def _write(folder: Path, publication: Publication) -> str:
    """Fill the folder, durably; returns the snapshot's id."""
    rows = {}
    for name, table in _tables(publication).items():
        ordered = table.sort_by([(column, "ascending") for column in _ORDER[name]])
        pq.write_table(ordered, folder / f"{name}.parquet", row_group_size=_GROUP_ROWS, compression="zstd")
        rows[f"{name}.parquet"] = table.num_rows
    seen = {"sender": publication.senders, "domain": publication.domains}
    lent = _lent(publication.campaigns)
    rows[LOOKUPS] = write_index(folder / LOOKUPS, publication.scores, publication.reasons, seen, lent)
    files = {name: _facts(folder / name, count) for name, count in rows.items()}
    manifest = _manifest(publication, files)
    (folder / MANIFEST).write_bytes(_manifest_bytes(manifest))
    for path in folder.iterdir():
        path.chmod(PRIVATE_FILE)
        sync_file(path)
    sync_folder(folder)
    return str(manifest["id"])


def _tables(publication: Publication) -> dict[str, pa.Table]:
    found = publication.campaigns
    return {
        "scores": publication.scores,
        "reasons": publication.reasons,
        "campaigns": found.campaigns,
        "members": found.members,
        "evidence": found.evidence,
        "lineage": found.lineage,
        "timeline": found.timeline,
        "edges": found.edges,
        "impact": found.impact,
        "summaries": _summaries(publication),
        **{name: getattr(found, name) for name in LATER_TABLES},
    }


def _summaries(publication: Publication) -> pa.Table:
    """Each campaign's strongest evidence, and its senders' events by channel."""
    found = publication.campaigns
    ids = found.campaigns.select(["campaign_id"])
    evidence = found.evidence.sort_by([("campaign_id", "ascending"), ("rank", "ascending")])
    headlines = evidence.group_by("campaign_id", use_threads=False).aggregate([("sentence", "first")])
    senders = found.members.filter(pc.equal(found.members["role"], "sender")).select(["campaign_id", "key"])
    channels = senders.join(publication.senders.select(["key", "mail", "calendar", "contacts"]), "key")
    sums = channels.group_by("campaign_id").aggregate([(name, "sum") for name in ("mail", "calendar", "contacts")])
    joined = ids.join(headlines, "campaign_id").join(sums, "campaign_id")
    columns = [joined["campaign_id"], joined["sentence_first"]]
    columns += [pc.fill_null(joined[f"{name}_sum"], 0) for name in ("mail", "calendar", "contacts")]
    return pa.table(columns, names=SUMMARIES.names).cast(SUMMARIES)


def _lent(found: Campaigns) -> pa.Table:
    """The risk that a campaign's networks and fingerprints lend: its own, by its share of those who use them.

    A campaign without events in the window lends none: its evidence counts users of an earlier one.
    """
    evidence = found.evidence.filter(pc.is_in(found.evidence["relation"], pa.array(list(_LENDERS))))
    evidence = evidence.filter(pc.is_in(evidence["campaign_id"], found.timeline["campaign_id"].combine_chunks()))
    joined = evidence.join(found.campaigns.select(["campaign_id", "risk"]), "campaign_id")
    inside, outside = (pc.cast(joined[name], pa.float64()) for name in ("inside", "outside"))
    risk = pc.multiply(joined["risk"], pc.divide(inside, pc.max_element_wise(pc.add(inside, outside), 1.0)))
    kinds = pa.array([_LENDERS[relation] for relation in joined["relation"].to_pylist()], pa.string())
    columns = [kinds, joined["artefact"], risk, joined["campaign_id"]]
    strongest = pa.table(columns, names=["kind", "key", "risk", "campaign_id"]).sort_by(
        [("kind", "ascending"), ("key", "ascending"), ("risk", "descending"), ("campaign_id", "ascending")]
    )
    return (
        strongest.group_by(["kind", "key"], use_threads=False)
        .aggregate([("risk", "first"), ("campaign_id", "first")])
        .rename_columns(["kind", "key", "risk", "campaign_id"])
    )


def _facts(path: Path, rows: int) -> dict[str, Any]:
    return {"sha256": file_digest(path), "bytes": path.stat().st_size, "rows": rows}


def _manifest(publication: Publication, files: dict[str, dict[str, Any]]) -> dict[str, Any]:
    refresh = _plain(publication.refresh)
    decision = json.loads(json.dumps(publication.decision))
    content = {
        "refresh": refresh,
        "decision": decision,
        "tables": {name: facts["sha256"] for name, facts in files.items() if name != LOOKUPS},
    }
    stamp = publication.refresh.as_of.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    body = {
        "schema": SCHEMA_VERSION,
        "id": f"{stamp}-{body_digest(content)[:16]}",
        "published_at": datetime.now(UTC).isoformat(),
        "refresh": refresh,
        "decision": decision,
        "drift": json.loads(json.dumps(publication.drift)),
        "model_card": json.loads(json.dumps(publication.model_card, default=str)),
        "stages": json.loads(json.dumps(publication.stages, default=str)),
        "files": files,
    }
    return {**body, "digest": body_digest(body)}


def _manifest_bytes(manifest: dict[str, Any]) -> bytes:
    return json.dumps(manifest, indent=2, ensure_ascii=False).encode()


def _plain(refresh: Refresh) -> dict[str, str]:
    return {
        "id": refresh.id,
        "start": refresh.start.isoformat(),
        "as_of": refresh.as_of.isoformat(),
        "model": refresh.model,
        "fingerprint": refresh.fingerprint,
    }


def _settle(building: Path, folder: Path) -> Path:
    """Give the folder its name, unless the same content is there whole already; a damaged one makes way."""
    if folder.exists():
        try:
            open_snapshot(folder)
        except SnapshotError:
            folder.rename(folder.with_name(f".{folder.name}.{os.getpid()}{TEMPORARY}"))
        else:
            _renew(folder, building)
            return folder
    building.rename(folder)
    sync_folder(folder.parent)
    return folder


def _renew(folder: Path, building: Path) -> None:
    """Date a snapshot that is published again: its content is the same, but it is fresh once more."""
    kept, made = (json.loads((place / MANIFEST).read_bytes()) for place in (folder, building))
    body = {**kept, "published_at": made["published_at"], "stages": made["stages"]}
    del body["digest"]
    write_bytes(folder / MANIFEST, _manifest_bytes({**body, "digest": body_digest(body)}))


def _sweep(home: Home) -> None:
    """Remove what killed publications left; nobody else is publishing, since we hold the lock."""
    for entry in home.snapshots.iterdir():
        if is_temporary(entry) and entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)


def _drop_old(home: Home, keep: int, current: str) -> None:
    """Drop all but the last `keep` published; never the current one. A damaged one counts as oldest.

    The one of the newest window stays as well, though refreshes of earlier moments came after it: the next refresh of
    new events carries its ids on.
    """
    manifests = list_manifests(home)
    latest = [manifest.id for manifest in manifests if manifest.id != current][: max(keep - 1, 0)]
    newest = max(manifests, key=lambda manifest: (manifest.as_of, manifest.published_at), default=None)
    kept = {current, *latest} | ({newest.id} if newest else set())
    for folder in snapshot_folders(home):
        if folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)
    _sweep(home)
