"""The numbering of senders inside an engine: every event has one. The other kinds are numbered on reduced rows."""

import ibis
import ibis.expr.types as ir

from graph.engine import Engine


def numbered(keys: ir.Column, engine: Engine) -> ir.Table:
    """The distinct keys that are not null (`key`), and their places in byte order from nought (`id`)."""
    distinct = keys.name("key").as_table().filter(ibis._.key.notnull()).distinct()
    place = ibis.row_number().over(order_by=distinct.key)
    return engine.keep(distinct.select("key", id=place.cast("int32")))


def with_id(rows: ir.Table, column: str, keys: ir.Table) -> ir.Table:
    """The rows with the id in place of the key in this column; rows without a key of the table are left out."""
    joined = rows.join(keys, rows[column] == keys.key)
    others = [name for name in rows.columns if name != column]
    return joined.select(*others, **{column: joined.id})
