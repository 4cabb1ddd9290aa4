"""The columns of each input, and which columns of a file they are. Knows neither values nor file formats."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from graph import schema
from graph.errors import InputError


@dataclass(frozen=True)
class Column:
    """One column of the contract. `kind`: text, mailbox, choice, time, mailboxes, hosts or ip."""

    name: str
    kind: str
    required: bool = True
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Contract:
    """The columns of one input and the schema that clean rows have."""

    name: str
    columns: tuple[Column, ...]
    schema: pa.Schema


EVENTS: Final = Contract(
    "events",
    (
        Column("event_id", "text"),
        Column("ts", "time"),
        Column("channel", "choice", choices=schema.CHANNELS),
        Column("sender", "mailbox"),
        Column("recipients", "mailboxes"),
        Column("domains", "hosts"),
        Column("ip", "ip", required=False),
        Column("fingerprint", "text", required=False),
    ),
    schema.EVENTS,
)
REPORTS: Final = Contract(
    "reports",
    (
        Column("event_id", "text"),
        Column("reporter", "mailbox"),
        Column("ts", "time"),
        Column("kind", "choice", choices=schema.REPORT_KINDS),
    ),
    schema.REPORTS,
)
VERDICTS: Final = Contract(
    "verdicts",
    (
        Column("kind", "choice", choices=schema.VERDICT_KINDS),
        Column("key", "text"),
        Column("verdict", "choice", choices=schema.VERDICTS),
        Column("ts", "time"),
        Column("source", "text"),
    ),
    schema.VERDICT_ROWS,
)


CONTRACTS: Final = tuple(tuple(column.name for column in each.columns) for each in (EVENTS, REPORTS, VERDICTS))
LISTS: Final = frozenset({"mailboxes", "hosts"})  # the kinds of columns that hold lists


def check_columns(names: Sequence[str], contract: Contract, file: str) -> list[str]:
    """The contract's columns that a file has. Raises InputError naming the required ones it lacks."""
    return list(match_columns(names, contract, file, exactly=True))


def match_columns(
    names: Sequence[str], contract: Contract, file: str, given: Collection[str] = (), exactly: bool = False
) -> dict[str, int]:
    """The contract's columns that a file has, each with its place among `names`.

    Unless `exactly`, case, blanks and signs in a name mean nothing (`Event ID` is `event_id`); an exact name goes
    before such a one. Raises InputError naming the required columns that are neither there nor `given`, and a column
    that two names of the file could be.
    """
    places = {column.name: _places_of(column.name, names, exactly) for column in contract.columns}
    twice = [name for name, matches in places.items() if len(matches) > 1]
    if twice:
        reason = f"{len(places[twice[0]])} columns are named {twice[0]!r}"
        raise InputError(file, reason, "Leave one of them out, or rename it")
    missing = [
        each.name for each in contract.columns if each.required and not places[each.name] and each.name not in given
    ]
    if missing:
        reason = f"no column {', '.join(map(repr, missing))} (it has {', '.join(map(repr, names[:20])) or 'none'})"
        raise InputError(file, reason, f"Name the columns of {contract.name} as docs and README say")
    return {name: matches[0] for name, matches in places.items() if matches}


def _places_of(name: str, names: Sequence[str], exactly: bool) -> list[int]:
    exact = [place for place, other in enumerate(names) if other == name]
    if exact or exactly:
        return exact
    return [place for place, other in enumerate(names) if plain_name(other) == plain_name(name)]


def plain_name(name: str) -> str:
    """A column's name without case, blanks and signs, by which names of several spellings are compared."""
    return re.sub(r"[\W_]", "", name.casefold())
