"""The snapshot that a server answers from, swapped when another is published. Knows no route.

A thread of its own looks at the pointer's `stat` and opens and verifies what is new, so that the event loop never
waits for a disk. Whoever took a snapshot for a request keeps it to the end of that request.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from api.metrics import Metrics
from api.problems import ProblemError, problem_of
from graph.errors import SnapshotError, SnapshotMissingError
from graph.home import Home
from graph.snapshot import POINTER, Snapshot, list_manifests, open_current, open_snapshot

POLL_SECONDS = 1.0
RETRY_SECONDS = 30.0  # before a damaged snapshot is read again: somebody may have put it right
_log = logging.getLogger("ringleader")


class LiveSnapshot:
    """The current snapshot of a home, kept current."""

    def __init__(
        self, home: Home, metrics: Metrics, stale_after: timedelta, follow: Callable[[], None] = lambda: None
    ) -> None:
        """`follow` is called at every look, on the watching thread: what else keeps up with the home."""
        self._follow = follow
        self._home = home
        self._metrics = metrics
        self._stale_after = stale_after
        self._pointer: Path = home.snapshots / POINTER
        self._seen: tuple[int, int] | None = None
        self._looked = False
        self._retry_at = 0.0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.current: Snapshot | None = None
        self.trouble: SnapshotError | None = None
        self.check()

    def require(self) -> Snapshot:
        """The snapshot to answer from. Raises ProblemError 503 where there is none."""
        if self.current is None:
            raise problem_of(SnapshotMissingError("snapshot", self._why_missing(), "Run `ringleader refresh`"))
        return self.current

    def ready(self) -> dict[str, object]:
        """What /readyz says. Raises ProblemError 503 SNAPSHOT-MISSING or SNAPSHOT-STALE."""
        snapshot = self.require()
        published = snapshot.manifest.published_at
        damage = None if self.trouble is None else str(self.trouble)
        if datetime.now(UTC) - published > self._stale_after:
            raise ProblemError(
                503,
                "SNAPSHOT-STALE",
                "The snapshot is stale",
                f"Published {published:%Y-%m-%d %H:%M} UTC, over {self._stale_after} ago. Run `ringleader refresh`.",
                snapshot=snapshot.id,
                damaged=damage,
            )
        return {"status": "ready", "snapshot": snapshot.id, "published_at": published, "damaged": damage}

    def check(self) -> None:
        """Open what the pointer names, if that is new; keep what is served where it is damaged."""
        stamp = self._stamp()
        known = self._looked and stamp == self._seen
        if known and (self.trouble is None or time.monotonic() < self._retry_at):
            return
        self._looked, self._seen = True, stamp
        try:
            self._serve(open_current(self._home))
            self.trouble = None
            self._metrics.snapshot_damaged(False)
        except SnapshotMissingError:
            return
        except SnapshotError as error:
            _log.error("snapshot: %s", error)
            self.trouble = error
            self._retry_at = time.monotonic() + RETRY_SECONDS
            self._metrics.snapshot_damaged(True)
            if self.current is None:
                self._serve_older()

    def start(self) -> None:
        """Begin to look for newer snapshots."""
        self._thread = threading.Thread(target=self._watch, name="snapshot-watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            try:
                self.check()
                self._follow()
            except Exception:  # noqa: BLE001 (the watch must outlive whatever one look meets; it is logged)
                _log.exception("snapshot: the pointer could not be followed")

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = self._pointer.stat()
        except OSError:  # why it cannot be read, `open_current` tells
            return None
        return status.st_mtime_ns, status.st_ino

    def _serve(self, snapshot: Snapshot) -> None:
        snapshot.warm()
        self.current = snapshot
        self._metrics.snapshot_loaded(snapshot.manifest.published_at, snapshot.manifest.as_of, snapshot.manifest.drift)

    def _serve_older(self) -> None:
        """At a start with a damaged snapshot: the latest one that is whole."""
        for manifest in list_manifests(self._home):
            try:
                self._serve(open_snapshot(self._home.snapshots / manifest.id))
            except SnapshotError:
                continue
            return

    def _why_missing(self) -> str:
        return "nothing has been published yet" if self.trouble is None else str(self.trouble)
