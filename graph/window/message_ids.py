"""Reports that name a mail by its Message-ID instead of by its event. Knows day files, and no codes.

The event id of raw mail is its Message-ID with a digest behind it (graph.read.mail), for a Message-ID is the sender's
choice and may be used again. So a report by Message-ID means: of the events with it those that the reporter received;
where there is none, all of them if one sender wrote them all; else nothing, for a stranger who uses somebody's
Message-ID must neither put reports on him nor shake his own off.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from graph.keys import canonical_key
from graph.lake.dayfiles import damaged

# A Message-ID, in angle brackets or not, without the digest that an event id has behind it.
_MESSAGE_ID: Final = r"^<?[^#\s<>]+@[^#\s<>]+>?$"
WITH_DIGEST: Final = r"^(.*)#[0-9a-f]{32}$"
_MAIL_OF: Final = """SELECT event_id, regexp_extract(event_id, $pattern, 1) AS message, sender, recipients
    FROM read_parquet($files) WHERE event_id IN (SELECT unnest($exact))
    OR regexp_extract(event_id, $pattern, 1) IN (SELECT unnest($messages))"""


@dataclass(frozen=True)
class Mail:
    """One event that a Message-ID may mean."""

    event_id: str
    sender: str
    recipients: frozenset[str]


@dataclass(frozen=True)
class MessageIds:
    """The events behind the Message-IDs that reports name, by the ids as the reports give them."""

    mail: dict[str, tuple[Mail, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.mail)

    def events_of(self, event_id: str, reporter: str) -> tuple[str, ...]:
        """The events that a report means; its own id where that is no Message-ID of mail in the window."""
        mail = self.mail.get(event_id)
        if mail is None:
            return (event_id,)
        who = {reporter, canonical_key("recipient", reporter)}
        received = [copy for copy in mail if who & copy.recipients]
        meant = received or (mail if len({copy.sender for copy in mail}) == 1 else ())
        return tuple(sorted(copy.event_id for copy in meant))


def message_ids(reports: Sequence[Path], events: Sequence[Path]) -> MessageIds:
    """Looks up the Message-IDs that reports name; reads no event where they name none.

    Raises LakeError that names a damaged file.
    """
    asked = _asked(reports)
    if not asked or not events:
        return MessageIds()
    by_message: dict[str, list[str]] = defaultdict(list)
    for event_id in asked:
        by_message[event_id.strip("<>")].append(event_id)
    mail: dict[str, list[Mail]] = defaultdict(list)
    exact: set[str] = set()
    for event_id, message, sender, recipients in _rows(events, asked, list(by_message)):
        if not message:
            exact.add(event_id)
            continue
        for name in by_message[message]:
            mail[name].append(Mail(event_id, sender, frozenset(recipients)))
    return MessageIds({name: tuple(copies) for name, copies in mail.items() if name not in exact})


def _asked(reports: Sequence[Path]) -> list[str]:
    """The distinct ids of reported events that look like Message-IDs."""
    asked: set[str] = set()
    for path in reports:
        try:
            column = pq.read_table(path, columns=["event_id"])["event_id"]
        except (pa.ArrowException, OSError) as error:
            raise damaged(path, error) from error
        asked.update(pc.unique(column.filter(pc.match_substring_regex(column, _MESSAGE_ID))).to_pylist())
    return sorted(asked)


def _rows(events: Sequence[Path], exact: list[str], messages: list[str]) -> Iterable[tuple[str, str, str, list[str]]]:
    names = {"pattern": WITH_DIGEST, "files": [str(path) for path in events], "exact": exact, "messages": messages}
    with duckdb.connect() as connection:
        rows: list[tuple[str, str, str, list[str]]] = connection.execute(_MAIL_OF, names).fetchall()
    return rows
