"""The reader's settings, one frozen value. Knows nothing of files."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from graph.errors import InputError
from graph.read.people import addresses_of

MIB: Final = 1 << 20


def utcnow() -> datetime:
    """The time now, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class ReadOptions:
    """How to read: every limit is a setting.

    A time later than `now + future_tolerance` is a broken clock and goes to quarantine. A compressed file is refused
    when it expands past `max_expanded_bytes`, or, past `bomb_grace_bytes`, by more than `max_expansion_ratio`: mail
    and tables shrink by 5 to 50, a gzip bomb by about 1,000.
    """

    normalise: str = "gmail"  # the rule of graph.addresses.normalise_mailbox, for raw mail only
    now: datetime = field(default_factory=utcnow)
    future_tolerance: timedelta = timedelta(days=1)
    batch_rows: int = 50_000
    block_bytes: int = 16 * MIB  # of text read at once; a CSV row must fit
    max_line_bytes: int = 32 * MIB  # of JSON Lines; a longer line is set aside unread
    max_text_bytes: int = 1024  # of an id, an address or a host
    max_message_bytes: int = 128 * MIB  # of one raw message; a longer one is set aside unread
    max_expanded_bytes: int = 64 * 1024 * MIB
    max_expansion_ratio: int = 200
    bomb_grace_bytes: int = 64 * MIB
    mailbox: str | None = None  # whose mail is read: the recipient of raw mail that names none
    trusted_hops: int = 0  # newest Received lines written by relays of our own, to be skipped for time and address

    def __post_init__(self) -> None:
        """Raises InputError for a mailbox that is no mail address, since no mail would be given to it."""
        if self.mailbox and not addresses_of(self.mailbox):
            mend = "Give one such as ann@home.example, or leave it empty"
            raise InputError("read.mailbox", f"{self.mailbox!r} is no mail address", mend)
