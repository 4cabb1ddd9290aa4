"""Snapshots as earlier versions published them, made from one of today by taking away what came later."""

import json
import re
from pathlib import Path

import lmdb
import pyarrow.parquet as pq

from graph.snapshot.reading import LOOKUPS, MANIFEST, body_digest, file_digest

_DECISION = re.compile(rb'"decision":"[a-z]+",')


def before_decisions(folder: Path) -> None:
    """Take the decisions out of a published snapshot that nobody has open: table, look-ups and manifest."""
    scores = folder / "scores.parquet"
    pq.write_table(pq.read_table(scores).drop_columns(["decision"]), scores)
    with (
        lmdb.open(str(folder / LOOKUPS), subdir=False, lock=False) as environment,
        environment.begin(write=True) as transaction,
    ):
        for key, value in list(transaction.cursor()):
            transaction.put(key, _DECISION.sub(b"", value))
    body = json.loads((folder / MANIFEST).read_bytes())
    del body["decision"], body["digest"]
    for name in (scores.name, LOOKUPS):
        body["files"][name] |= {"sha256": file_digest(folder / name), "bytes": (folder / name).stat().st_size}
    (folder / MANIFEST).write_text(json.dumps({**body, "digest": body_digest(body)}))
