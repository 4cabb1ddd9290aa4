"""What the servers count, for Prometheus. Knows no route's work.

The counts of a server's workers meet in files of the folder that PROMETHEUS_MULTIPROC_DIR names; `api.server` sets it.
What a worker counted stays when it dies; its gauges, which tell how it is now, go.
"""

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, multiprocess
from prometheus_client.exposition import CONTENT_TYPE_LATEST

MULTIPROCESS_DIR = "PROMETHEUS_MULTIPROC_DIR"
CONTENT_TYPE = CONTENT_TYPE_LATEST
# From a look-up (tens of microseconds) to a page over a large campaign.
_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


def forget_worker(pid: int) -> None:
    """Drop the gauges of a worker that is dead."""
    multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]


class Metrics:
    """The metrics of one application, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "ringleader_requests", "Requests answered.", ["route", "method", "status"], registry=self._registry
        )
        self.seconds = Histogram(
            "ringleader_request_seconds", "Time to answer.", ["route"], buckets=_SECONDS, registry=self._registry
        )
        self.lookups = Counter("ringleader_lookups", "Nodes looked up.", ["found"], registry=self._registry)
        self.verdicts = Counter("ringleader_verdicts", "Verdicts taken.", ["kind", "verdict"], registry=self._registry)
        self.snapshots = Counter(
            "ringleader_snapshot_loads", "Snapshots opened, or found damaged.", ["outcome"], registry=self._registry
        )
        self._published = self._gauge("ringleader_snapshot_published_seconds", "When the live snapshot was published.")
        self._as_of = self._gauge("ringleader_snapshot_as_of_seconds", "The end of the live snapshot's window.")
        self._damaged = self._gauge("ringleader_snapshot_damaged", "1 while the newest snapshot cannot be served.")
        self._drift_scores = self._gauge("ringleader_drift_scores", "Population stability index of the scores.")
        self._drift_inputs = self._gauge("ringleader_drift_inputs", "Share of the inputs that moved beyond the line.")
        self._drift_alarm = self._gauge("ringleader_drift_alarm", "1 while the mail is not that which was learnt from.")

    def snapshot_loaded(self, published_at: datetime, as_of: datetime, drift: Mapping[str, Any]) -> None:
        """A snapshot went live in this process; `drift` as its manifest tells it."""
        self.snapshots.labels("ok").inc()
        self._published.set(published_at.timestamp())
        self._as_of.set(as_of.timestamp())
        self._drift_alarm.set(int(drift.get("alarm", False)))
        for gauge, name in ((self._drift_scores, "scores"), (self._drift_inputs, "inputs_beyond")):
            known = drift.get(name)
            gauge.set(float("nan") if known is None else known)

    def snapshot_damaged(self, damaged: bool) -> None:
        """Whether the snapshot that should be live cannot be served."""
        if damaged:
            self.snapshots.labels("damaged").inc()
        self._damaged.set(int(damaged))

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """One request was answered."""
        self.requests.labels(route, method, str(status)).inc()
        self.seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """All of them, of all workers, in Prometheus' text format."""
        if MULTIPROCESS_DIR not in os.environ:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

    def _gauge(self, name: str, help: str) -> Gauge:
        # Of several workers the one that lags behind is worth telling.
        return Gauge(name, help, registry=self._registry, multiprocess_mode="livemin")
