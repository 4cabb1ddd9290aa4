"""The numbering of nodes: the distinct keys of each kind in byte order. Knows nothing of what connects them."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from graph.engine import Engine


@dataclass(frozen=True)
class Keys:
    """One numbered table (`key`, `id`) for each kind of node; ids follow the byte order of the keys."""

    senders: ir.Table
    recipients: ir.Table
    domains: ir.Table
    networks: ir.Table
    fingerprints: ir.Table


def numbered(keys: ir.Column, engine: Engine) -> ir.Table:
    """The distinct keys that are not null, and their ids from nought."""
    distinct = keys.name("key").as_table().filter(ibis._.key.notnull()).distinct()
    place = ibis.row_number().over(order_by=distinct.key)
    return engine.keep(distinct.select("key", id=place.cast("int32")))


def with_id(rows: ir.Table, column: str, keys: ir.Table) -> ir.Table:
    """The rows with the id in place of the key in this column; rows without a key of the table are left out."""
    joined = rows.join(keys, rows[column] == keys.key)
    others = [name for name in rows.columns if name != column]
    return joined.select(*others, **{column: joined.id})
