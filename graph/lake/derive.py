"""What becomes of an event at ingest: distinct recipients, and `sites`, `network`, `sender_site`. Knows no files.

Each function of `graph.addresses` runs once for every distinct value of a chunk; the rest is array work.
"""

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graph.addresses import network_of, registrable_domain
from graph.schema import LAKE_EVENTS, TEXTS

# Dotted decimals without padding: every address of one /24 may stand for the others, and there are few /24.
OCTET = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
PLAIN_IPV4 = rf"^({OCTET}\.){{3}}{OCTET}$"


def derived(rows: pa.Table) -> pa.Table:
    """The rows with distinct recipients, and the derived columns of LAKE_EVENTS behind their own."""
    rows = with_distinct_recipients(rows)
    for name, (source, function) in DERIVED.items():
        column = [function(chunk) for chunk in rows[source].chunks]
        rows = rows.append_column(LAKE_EVENTS.field(name), pa.chunked_array(column, LAKE_EVENTS.field(name).type))
    return rows


def with_distinct_recipients(rows: pa.Table) -> pa.Table:
    """The rows, no recipient named twice in one."""
    column = [distinct_items(chunk) for chunk in rows["recipients"].chunks]
    place = rows.schema.get_field_index("recipients")
    return rows.set_column(place, LAKE_EVENTS.field("recipients"), pa.chunked_array(column, TEXTS))


def distinct_items(lists: pa.Array) -> pa.Array:
    """Each list (of string) without repeats, its items in the order in which they are first named."""
    items = lists.flatten()
    encoded = items.dictionary_encode(null_encoding="encode")
    rows = pc.list_parent_indices(lists).to_numpy().astype(np.int64)
    pairs = rows * max(len(encoded.dictionary), 1) + encoded.indices.to_numpy()
    ordered = np.sort(pairs)
    if not (ordered[1:] == ordered[:-1]).any():  # nearly always
        return lists
    first = np.sort(np.unique(pairs, return_index=True)[1])
    counts = np.bincount(rows[first], minlength=len(lists))
    offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int32)
    kept = items.take(pa.array(first))
    return pa.ListArray.from_arrays(pa.array(offsets), kept, mask=lists.is_null()).cast(TEXTS)


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
    plain = pc.match_substring_regex(addresses, PLAIN_IPV4)
    first_of_24 = pc.replace_substring_regex(addresses, r"[0-9]+$", "0")
    return _map_distinct(pc.if_else(plain, first_of_24, addresses), network_of)


def sender_sites(senders: pa.Array) -> pa.Array:
    """Registrable domain of each sender's own address (string, null for an account id)."""
    hosts = pc.replace_substring_regex(senders, r"(?s)^.*@", "")
    account = pc.invert(pc.match_substring(senders, "@"))
    return _map_distinct(pc.if_else(account, pa.scalar(None, pa.string()), hosts), registrable_domain)


def _map_distinct(values: pa.Array, function: Callable[[str], str | None]) -> pa.Array:
    encoded = values.dictionary_encode()
    mapped = pa.array([function(value) for value in encoded.dictionary.to_pylist()], pa.string())
    return mapped.take(encoded.indices)


def _ranked(values: pa.Array) -> tuple[pa.Array, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """The distinct values in order, and each value's place in that order."""
    encoded = values.dictionary_encode()
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return encoded.dictionary.take(pa.array(order)), rank[codes]


DERIVED: dict[str, tuple[str, Callable[[pa.Array], pa.Array]]] = {
    "sites": ("domains", sites),
    "network": ("ip", networks),
    "sender_site": ("sender", sender_sites),
}
