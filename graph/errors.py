"""The errors a user can meet: each names the thing, the reason and the mend. Knows nothing of exit or status codes."""


class RingleaderError(Exception):
    """Something a user can understand and mend.

    `thing` is what failed (a path, a store, a setting), `reason` why, `mend` what to do about it.
    """

    def __init__(self, thing: str, reason: str, mend: str) -> None:
        super().__init__(thing, reason, mend)
        self.thing = thing
        self.reason = reason
        self.mend = mend

    def __str__(self) -> str:
        return f"{self.thing}: {self.reason}. {self.mend}."


class InputError(RingleaderError):
    """An input file that cannot be read at all."""


class LakeError(RingleaderError):
    """The event lake cannot be read or written."""


class BusyError(RingleaderError):
    """Another process holds the home's write lock."""


class StoreError(RingleaderError):
    """The graph store is unreachable, refuses us, or holds something we cannot read."""


class ModelError(RingleaderError):
    """No usable risk model, or one of another format."""


class ExplanationError(RingleaderError):
    """What is given as a node's reasons does not sum to its score."""


class SnapshotError(RingleaderError):
    """A published snapshot is damaged."""


class SnapshotMissingError(SnapshotError):
    """Nothing has been published yet."""


class NotFoundError(RingleaderError):
    """The thing asked for is not there."""


class HomeMovedError(RingleaderError):
    """A file of the home went away under a running server, or another has come in its place."""
