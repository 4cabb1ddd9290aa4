"""Evidence in plain sentences, made from figures and nothing else. Knows counts; does not know the graph."""

VERBS = {
    "linked_to": "link to {artefact}",
    "sent_from": "send from {artefact}",
    "carried": "carry the same text ({artefact})",
    "address_at": "have addresses at {artefact}",
    "cotargets": "write to the same strangers as another member, far beyond chance",
}


def sentence(relation: str, artefact: str, inside: int, members: int, outside: int) -> str:
    """One sentence: how many members share the artefact, and who else does."""
    verb = VERBS[relation].format(artefact=artefact)
    who = f"All {members} senders" if inside == members else f"{inside} of {members} senders"
    return f"{who} {verb}; {_others(outside)}."


def _others(outside: int) -> str:
    if outside == 0:
        return "nobody else does"
    if outside == 1:
        return "1 other sender does too"
    return f"{outside} other senders do too"
