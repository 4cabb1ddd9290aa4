"""The graph's words: labels, unique keys, relationship types and properties. Knows neither store nor rows."""

from dataclasses import dataclass

import pyarrow as pa

from graph.schema import TIME

TEXT, COUNT, REAL = pa.string(), pa.int64(), pa.float64()
SEEN = (("first_seen", TIME), ("last_seen", TIME))


@dataclass(frozen=True)
class NodeKind:
    """A label, the property that is unique within it, and its other properties with their types."""

    label: str
    key: str
    properties: tuple[tuple[str, pa.DataType], ...] = ()

    @property
    def schema(self) -> pa.Schema:
        """Columns of this label's rows: the key, then the properties."""
        return pa.schema([(self.key, TEXT), *self.properties])


@dataclass(frozen=True)
class RelationKind:
    """A relationship type between two labels; `strength` is the property that ranks neighbours, if there is one."""

    type: str
    source: str
    target: str
    properties: tuple[tuple[str, pa.DataType], ...] = ()
    strength: str | None = None

    @property
    def schema(self) -> pa.Schema:
        """Columns of this relationship's rows: the keys of both ends, then the properties."""
        return pa.schema([("source", TEXT), ("target", TEXT), *self.properties])


NODES = {
    node.label: node
    for node in (
        NodeKind("Sender", "key", (*SEEN, ("risk", REAL))),
        NodeKind("Recipient", "key", SEEN),
        NodeKind("Domain", "key", (*SEEN, ("risk", REAL))),
        NodeKind("Network", "key", SEEN),
        NodeKind(
            "Campaign",
            "id",
            (
                ("risk", REAL),
                ("senders", COUNT),
                ("domains", COUNT),
                ("recipients", COUNT),
                ("events", COUNT),
                *SEEN,
                ("state", TEXT),
            ),
        ),
        NodeKind("Operation", "id"),
        NodeKind(
            "Verdict",
            "id",
            (("kind", TEXT), ("key", TEXT), ("verdict", TEXT), ("ts", TIME), ("source", TEXT)),
        ),
        NodeKind(
            "Refresh",
            "id",
            (("as_of", TIME), ("start", TIME), ("model", TEXT), ("fingerprint", TEXT)),
        ),
    )
}

CHANNEL_COUNTS = (("mail", COUNT), ("calendar", COUNT), ("contacts", COUNT))
MEMBERSHIP = (("role", TEXT), ("weight", REAL))

WROTE_TO = RelationKind(
    "WROTE_TO",
    "Sender",
    "Recipient",
    (("events", COUNT), *SEEN, ("active_days", COUNT), *CHANNEL_COUNTS, ("reports", COUNT)),
    "events",
)
LINKED_TO = RelationKind("LINKED_TO", "Sender", "Domain", (("events", COUNT), *SEEN), "events")
SENT_FROM = RelationKind("SENT_FROM", "Sender", "Network", (("events", COUNT), ("addresses", COUNT), *SEEN), "events")
ADDRESS_AT = RelationKind("ADDRESS_AT", "Sender", "Domain")
SAME_MAILBOX = RelationKind("SAME_MAILBOX", "Sender", "Recipient")
SENDER_MEMBER = RelationKind("MEMBER_OF", "Sender", "Campaign", MEMBERSHIP, "weight")
DOMAIN_MEMBER = RelationKind("MEMBER_OF", "Domain", "Campaign", MEMBERSHIP, "weight")
TARGETS = RelationKind("TARGETS", "Campaign", "Recipient", (("events", COUNT),), "events")
PART_OF = RelationKind("PART_OF", "Campaign", "Operation")
BECAME = RelationKind("BECAME", "Campaign", "Campaign", (("refresh", TEXT), ("share", REAL)), "share")
ABOUT = tuple(RelationKind("ABOUT", "Verdict", label) for label in ("Sender", "Domain", "Campaign"))

# In the order in which a store writes them, and in which neighbours are listed.
RELATIONS = (
    WROTE_TO,
    LINKED_TO,
    SENT_FROM,
    ADDRESS_AT,
    SAME_MAILBOX,
    SENDER_MEMBER,
    DOMAIN_MEMBER,
    TARGETS,
    PART_OF,
    BECAME,
    *ABOUT,
)
RELATION_TYPES = tuple(dict.fromkeys(relation.type for relation in RELATIONS))

# What a refresh may not take away: human work, and the history that old links are answered from.
KEPT_LABELS = ("Verdict", "Refresh")
KEPT_TYPES = ("BECAME", "ABOUT")

KINDS = {label.lower(): label for label in NODES}  # "sender" -> "Sender": how the rest of the house says it
