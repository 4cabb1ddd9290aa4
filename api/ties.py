"""Answers about ties, read from a snapshot: what if, why not together, operations, the queue. Knows no HTTP.

Comparing is imported where it is asked for: it loads scipy, which a server that is never asked can do without.
"""

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from api.problems import ProblemError
from graph.snapshot import Snapshot
from graph.verdicts import VerdictLedger

if TYPE_CHECKING:
    from graph.campaigns.same_operator import Comparable
    from graph.campaigns.together import Basis

SHARED_SHOWN = 10


def what_if(snapshot: Snapshot, campaign_id: str) -> dict[str, Any]:
    """dissolves, exact, sentence and items of a campaign."""
    rows = snapshot.rows_of("what_if", campaign_id).to_pylist()
    if not rows and not snapshot.rows_of("timeline", campaign_id).num_rows:
        return {"dissolves": False, "exact": True, "sentence": "It has no activity in this window.", "items": []}
    first = rows[0] if rows else {"dissolves": False, "exact": True}
    return {"dissolves": first["dissolves"], "exact": first["exact"], "sentence": dissolution(rows), "items": rows}


def senders_together(snapshot: Snapshot, a: str, b: str) -> dict[str, Any]:
    """What speaks for and against one hand behind two senders. Raises ProblemError 404."""
    from graph.campaigns import together

    known = [snapshot.lookup("sender", key) for key in (a, b)]
    for key, node in zip((a, b), known, strict=True):
        if node is None:
            raise ProblemError(404, "NODE-UNKNOWN", "Not in the window", f"No sender {key!r} wrote in the window.")
    basis = _basis(snapshot)
    first, second = (together.traits_by_relation(snapshot.rows_of("sender_traits", key)) for key in (a, b))
    homes = [node["campaign_id"] for node in known if node]
    same = homes[0] is not None and homes[0] == homes[1]
    unsuspected = [(key, node) for key, traits, node in zip((a, b), (first, second), known, strict=True) if not traits]
    if unsuspected:
        key, node = unsuspected[0]
        why = f"{key} is not suspicious (risk {node['risk'] if node else 0:.3f}), so it was compared with nobody."
        return _uncompared("sender", a, b, why)
    found = together.compare(first, second, basis)
    items = [
        {
            "relation": one.relation,
            "log_odds": one.log_odds,
            "shared": [vars(shared) for shared in one.shared[:SHARED_SHOWN]],
            "sentence": one.sentence,
        }
        for one in found.said
    ]
    figures = {"log_odds": found.log_odds, "prior": found.prior, "line": 0.0, "missing": found.missing}
    sentence = together.answer(found, same)
    return {"kind": "sender", "a": a, "b": b, "same": same, **figures, "sentence": sentence, "items": items}


def campaigns_together(snapshot: Snapshot, a: str, b: str) -> dict[str, Any]:
    """What speaks for and against one operator behind two campaigns. Raises ProblemError 404."""
    from graph.campaigns import operations, same_operator

    rows = [_campaign(snapshot, key) for key in (a, b)]
    a, b = (row["campaign_id"] for row in rows)
    if a == b:
        raise ProblemError(422, "SAME-TWICE", "One campaign, not two", f"Both are {a}: one merged into the other.")
    those = _comparable(snapshot, a, b)
    same = rows[0]["operation_id"] is not None and rows[0]["operation_id"] == rows[1]["operation_id"]
    if not those.traits:
        return _uncompared("campaign", a, b, "Of one of them nothing is kept that could be compared.")
    link = same_operator.compare(those, a, b)
    items = [
        {
            "relation": one.relation,
            "log_odds": one.log_odds,
            "shared": [] if one.artefact is None else [{"artefact": one.artefact, "users": one.others}],
            "sentence": same_operator.sentence(one, those.sizes[link.campaign_id], those.sizes[link.other_id]),
        }
        for one in link.said
    ]
    missing = max(operations.LINE - link.log_odds, 0.0)
    figures = {"log_odds": link.log_odds, "prior": same_operator.PRIOR, "line": operations.LINE, "missing": missing}
    sentence = operations.answer(link, same)
    return {"kind": "campaign", "a": a, "b": b, "same": same, **figures, "sentence": sentence, "items": items}


def operations_of(snapshot: Snapshot) -> list[dict[str, Any]]:
    """Every operation, the largest first."""
    from graph.campaigns.operations import list_operations

    campaigns, links = snapshot.table("campaigns").to_pandas(), snapshot.table("operation_links").to_pandas()
    rows = list_operations(campaigns, links).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def operation(snapshot: Snapshot, operation_id: str) -> dict[str, Any]:
    """One operation with its campaigns and links. Raises ProblemError 404."""
    found = [row for row in operations_of(snapshot) if row["operation_id"] == operation_id]
    if not found:
        detail = f"{operation_id!r} is not in snapshot {snapshot.id}."
        raise ProblemError(404, "OPERATION-UNKNOWN", "No such operation", detail)
    members = snapshot.campaigns.filter(pc.equal(snapshot.campaigns["operation_id"], operation_id)).to_pylist()
    links: dict[tuple[str, str], dict[str, Any]] = {}
    for row in snapshot.rows_of("operation_links", operation_id).to_pylist():
        pair = row["campaign_id"], row["other_id"]
        names = {"campaign_id": pair[0], "other_id": pair[1], "confidence": row["confidence"]}
        links.setdefault(pair, {**names, "evidence": []})["evidence"].append(row)
    return {**found[0], "members": members, "links": list(links.values())}


def queue_of(snapshot: Snapshot, ledger: VerdictLedger) -> list[dict[str, Any]]:
    """The queue without what was judged since."""
    rows: list[dict[str, Any]] = snapshot.table("queue").sort_by("rank").to_pylist()
    return [row for row in rows if not ledger.list(1, kind=row["kind"], keys=[row["key"]])]


def dissolution(rows: list[dict[str, Any]]) -> str:
    """What taking evidence away does to a campaign (its rows of graph.schema.WHAT_IF), in a sentence."""
    if not rows:
        return "Its senders hold together by no evidence that could be taken away one by one."
    count = len(rows)
    pieces = f"{count} piece{'' if count == 1 else 's'} of evidence"
    if not rows[0]["dissolves"]:
        return f"Taking away {pieces} does not dissolve it; it rests on more than that."
    smallest = "no smaller set does it" if rows[0]["exact"] else "found greedily, a smaller set may do it"
    return f"Taking away {pieces} dissolves it ({smallest})."


def _campaign(snapshot: Snapshot, campaign_id: str) -> dict[str, Any]:
    row = snapshot.campaign(snapshot.heir(campaign_id) or "")
    if row is None:
        detail = f"{campaign_id!r} is not in snapshot {snapshot.id}, nor merged in it."
        raise ProblemError(404, "CAMPAIGN-UNKNOWN", "No such campaign", detail)
    return row


def _comparable(snapshot: Snapshot, a: str, b: str) -> "Comparable":
    """Traits of two campaigns, and who else carries their texts; without any where one of them has none."""
    from graph.campaigns.same_operator import Comparable

    rows = [snapshot.rows_of("traits", key) for key in (a, b)]
    if not all(part.num_rows for part in rows):
        return Comparable({}, {}, 0.0)
    own = pa.concat_tables(rows)
    everybody = snapshot.table("traits")
    texts = own.filter(pc.equal(own["relation"], "carried"))["artefact"]
    others = everybody.filter(
        pc.and_(
            pc.and_(pc.equal(everybody["relation"], "carried"), pc.is_in(everybody["artefact"], texts)),
            pc.invert(pc.is_in(everybody["campaign_id"], pa.array([a, b]))),
        )
    )
    return Comparable.of(pa.concat_tables([own, others]), snapshot.table("campaigns"), _basis(snapshot).collision)


def _basis(snapshot: Snapshot) -> "Basis":
    from graph.campaigns.together import Basis

    table = snapshot.table("compared_by")
    if not table.num_rows:
        raise ProblemError(
            404, "COMPARISON-MISSING", "Nothing to compare by", f"Snapshot {snapshot.id} is older than comparisons."
        )
    return Basis.read(table)


def _uncompared(kind: str, a: str, b: str, why: str) -> dict[str, Any]:
    none = dict.fromkeys(("log_odds", "prior", "line", "missing"))
    return {"kind": kind, "a": a, "b": b, "same": False, **none, "sentence": why, "items": []}
