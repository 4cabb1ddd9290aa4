"""The SQLite files of a home that a running server holds on to: keys, verdicts, audit, refreshes. Knows no route.

The first process of a server makes what is missing and hands the identities of the files (device and inode) to its
workers. A worker makes nothing, so one that is started again after the home was moved answers 503 HOME-MOVED like the
others, and never from a new, empty ledger at the old path.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from api.audit import Audit
from api.auth import KeyStore
from api.jobs import RefreshJobs
from graph.home import Home
from graph.sqlite import Identity
from graph.verdicts import VerdictLedger

Identities = Mapping[str, Sequence[int]]  # name of a file -> device, inode; fit for JSON


class _Holder(Protocol):
    def hold(self, identity: Identity | None = None) -> Identity: ...


@dataclass(frozen=True)
class Holdings:
    """The stores of one home. `keys` is None where everybody may do everything."""

    keys: KeyStore | None
    ledger: VerdictLedger
    audit: Audit
    jobs: RefreshJobs

    @staticmethod
    def of(home: Home, auth: str, refresh_command: Sequence[str] | None = None) -> "Holdings":
        """The stores of a home; nothing is opened. `auth` is "keys" or "off"."""
        keys = KeyStore(home) if auth == "keys" else None
        return Holdings(keys, VerdictLedger(home), Audit(home), RefreshJobs(home, refresh_command))

    def hold(self, identities: Identities | None = None) -> Identities:
        """Hold every file, making those that are missing unless `identities` says which ones are meant."""
        stores: dict[str, _Holder] = {"ledger": self.ledger, "audit": self.audit, "jobs": self.jobs}
        if self.keys is not None:
            stores["keys"] = self.keys
        if identities is None:
            made = {name: store.hold() for name, store in stores.items()}
            self.ledger.tell_unreadable()
            return made
        for name, store in stores.items():
            device, inode = identities[name]
            store.hold((device, inode))
        return identities

    def close(self) -> None:
        """Let go of what stays open between requests."""
        self.audit.close()
        if self.keys is not None:
            self.keys.close()
