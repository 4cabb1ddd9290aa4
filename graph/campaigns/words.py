"""Evidence in plain sentences, made from figures and nothing else. Knows counts; does not know the graph.

`figures_of` reads the figures back out of a sentence, so that a test can hold one against the other.
"""

import re

VERBS = {
    "linked_to": "link to {artefact}",
    "sent_from": "send from {artefact}",
    "carried": "carry the same text ({artefact})",
    "address_at": "have addresses at {artefact}",
    "wrote_to": "write to {artefact}",
    "cotargets": "write to the same strangers as another member, far beyond chance",
    "same_days": "wrote at least half of their events within {artefact}",
    "same_hours": "wrote at least half of their events from {artefact}",
    "debut": "were first seen within {artefact}",
}
NOUNS = {
    "linked_to": "link domain",
    "sent_from": "network",
    "carried": "text",
    "address_at": "address domain",
    "wrote_to": "recipient",
    "days": "day",
    "hours": "hour",
}
PAST = {"same_days", "same_hours", "debut"}
_FIGURES = re.compile(
    r"(?:All (?P<all>\d+)|(?P<some>\d+) of (?P<of>\d+)) senders .*; "
    r"(?:(?P<nobody>nobody else)|(?P<one>1 other sender)|(?P<others>\d+) other senders) (?:does|did|do)(?: too)?\.",
    re.DOTALL,
)


def sentence(relation: str, artefact: str, inside: int, members: int, outside: int) -> str:
    """One sentence: how many members share the artefact, and who else does. KeyError for a relation without words."""
    verb = VERBS[relation].format(artefact=artefact)
    who = f"All {members} senders" if inside == members else f"{inside} of {members} senders"
    return f"{who} {verb}; {_others(outside, relation in PAST)}."


def figures_of(text: str) -> tuple[int, int, int]:
    """(inside, members, outside) as a sentence says them. ValueError where it is not one of ours."""
    said = _FIGURES.fullmatch(text)
    if said is None:
        raise ValueError(text)
    members = int(said["all"] or said["of"])
    outside = 0 if said["nobody"] else 1 if said["one"] else int(said["others"])
    return int(said["all"] or said["some"]), members, outside


def _others(outside: int, past: bool) -> str:
    if outside == 0:
        return f"nobody else {'did' if past else 'does'}"
    if outside == 1:
        return f"1 other sender {'did' if past else 'does'} too"
    return f"{outside} other senders {'did' if past else 'do'} too"
