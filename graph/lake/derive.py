"""The three columns an event gets at ingest: `sites`, `network`, `sender_site`. Knows no files.

Each function of `graph.addresses` runs once for every distinct value of a batch; the rest is array work.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graph.addresses import network_of, registrable_domain
from graph.schema import EVENTS, LAKE_EVENTS, TEXTS


def lake_events(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch (schema EVENTS, any column order) with its derived columns, as schema LAKE_EVENTS."""
    events = batch.select(EVENTS.names).cast(EVENTS)
    derived = [sites(events["domains"]), networks(events["ip"]), sender_sites(events["sender"])]
    return pa.RecordBatch.from_arrays([*events.columns, *derived], schema=LAKE_EVENTS)


def sites(domains: pa.Array) -> pa.Array:
    """Registrable domains of each list of hosts: distinct, sorted, invalid hosts left out (list of string)."""
    hosts = domains.flatten()
    rows = pc.list_parent_indices(domains).to_numpy(zero_copy_only=False).astype(np.int64)
    named = _map_distinct(hosts, registrable_domain)
    known = pc.is_valid(named).to_numpy(zero_copy_only=False)
    names, codes = _ranked(named.filter(pa.array(known)))
    keys = np.unique(rows[known] * max(len(names), 1) + codes)
    counts = np.bincount(keys // max(len(names), 1), minlength=len(domains))
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    flat = names.take(pa.array(keys % max(len(names), 1)))
    return pa.ListArray.from_arrays(pa.array(offsets), flat).cast(TEXTS)


def networks(addresses: pa.Array) -> pa.Array:
    """The /24 or /48 of each address in CIDR notation (string, null where there is none)."""
    return _map_distinct(addresses, network_of)


def sender_sites(senders: pa.Array) -> pa.Array:
    """Registrable domain of each sender's own address (string, null for an account id)."""
    return _map_distinct(senders, _site_of_mailbox)


def _site_of_mailbox(sender: str | None) -> str | None:
    if sender is None or "@" not in sender:
        return None
    return registrable_domain(sender.rsplit("@", 1)[1])


def _map_distinct(values: pa.Array, function: Callable[[str], str | None]) -> pa.Array:
    encoded = values.dictionary_encode()
    mapped = [function(value) if value is not None else None for value in encoded.dictionary.to_pylist()]
    return pa.array(mapped, pa.string()).take(encoded.indices)


def _ranked(values: pa.Array) -> tuple[pa.Array, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """The distinct values in order, and each value's place in that order."""
    encoded = values.dictionary_encode()
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return encoded.dictionary.take(pa.array(order)), rank[codes]
