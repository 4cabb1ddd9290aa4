"""The SQLite files of a home that a running server holds on to: keys, verdicts, audit, refreshes. Knows no route.

The first process of a server makes what is missing and hands the identities of the files (device and inode) to its
workers. A worker makes nothing, so one that is started again after the home was moved answers 503 HOME-MOVED like the
others, and never from a new, empty ledger at the old path.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.audit import Audit
from api.auth import KeyStore
from api.jobs import RefreshJobs
from graph.home import Home
from graph.sqlite import SharedFile
from graph.verdicts import VerdictLedger

Identities = Mapping[str, Sequence[int]]  # name of a file -> device, inode; fit for JSON


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
        if identities is None:
            made = {name: file.hold() for name, file in self.files().items()}
            self.ledger.tell_unreadable()
            return made
        for name, file in self.files().items():
            device, inode = identities[name]
            file.hold((device, inode))
        return identities

    def see_to_identity(self) -> None:
        """Raises HomeMovedError where a file is not the one that is held."""
        for file in self.files().values():
            file.see_to_identity()

    def files(self) -> dict[str, SharedFile]:
        """The files by their names in `Identities`."""
        files = {"ledger": self.ledger.file, "audit": self.audit.file, "jobs": self.jobs.file}
        return files if self.keys is None else {**files, "keys": self.keys.file}

    def close(self) -> None:
        """Let go of what stays open between requests."""
        self.audit.close()
        if self.keys is not None:
            self.keys.close()
