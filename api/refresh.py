"""The refresh: one line a stage, from the lake to the published snapshot. Holds the order and nothing of the work."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from api import stages as work
from api.connections import connected
from api.preparation import check_places, sweep
from api.progress import StageRecorder
from api.stages import RefreshOptions
from gnn.drift import Drift
from gnn.prior import propagate_informed
from graph.evidence import gather_evidence
from graph.home import Home, write_lock
from graph.snapshot import Snapshot, publish
from graph.values import Campaigns, Refresh, Window

T = TypeVar("T")


@dataclass(frozen=True)
class RefreshSummary:
    """What came out: the snapshot that is live now, and its size."""

    snapshot: str
    as_of: datetime
    model: str
    events: int
    senders: int
    domains: int
    campaigns: int
    members: int
    drift: Drift
    verdicts_unmatched: int  # senders and domains that a verdict names and the window does not know
    reports: int  # given in the window
    reports_joined: int  # of these on events of the window, by event id or Message-ID

    @property
    def _unmatched(self) -> str:
        """What names nobody, one line each; nothing where all do."""
        lines = [f"{self.reports_joined:,} of {self.reports:,} reports are about events of the window"]
        if self.verdicts_unmatched:
            what = "sender or domain" if self.verdicts_unmatched == 1 else "senders or domains"
            lines.append(f"verdicts name {self.verdicts_unmatched:,} {what} that the window does not know")
        return "".join(f"\n{line}" for line in lines[not self.reports :])

    def __str__(self) -> str:
        return (
            f"snapshot {self.snapshot} as of {self.as_of:%Y-%m-%d %H:%M} UTC: {self.events:,} events, "
            f"{self.senders:,} senders, {self.domains:,} domains, {self.campaigns:,} campaigns with "
            f"{self.members:,} senders (model {self.model})\n{self.drift}{self._unmatched}"
        )


def run_refresh(home: Home, options: RefreshOptions, stages: StageRecorder) -> RefreshSummary:
    """The whole line under the home's write lock; what was live stays live until the last stage has swapped.

    Raises StoreError before any work where the graph store is away or refuses us, ModelError where the champion's
    pointer is damaged.
    """
    if notice := check_places(home, options):
        stages.say(notice)
    run = _runner(stages)
    with write_lock(home):
        sweep(home)
        piece = run("lake", work.read_slice, home, options)
        window = run("window graph", work.graph_of, piece, options)
        evidence = run("evidence", gather_evidence, window)
        propagated = run("propagation", propagate_informed, window, evidence)
        decided = run("decisions", work.decisions_of, home, piece, window, options, options.as_of is None)
        model = run("model", work.champion_or_first, home, window, propagated, decided, options)
        risk = run("risk", work.risk_of, evidence, propagated, decided, model)
        drifted = run("drift", work.drift_of, propagated, risk, model)
        risk = run("settling", work.settled_of, risk, propagated, evidence, decided, model, options)
        groups = run("groups", work.groups_of, window, propagated.burst, risk, decided, options)
        judged = run("judgement", work.judged_of, risk, groups, evidence, decided)
        answers = run("answers", work.answers_of, window, evidence, decided, judged, options)
        refresh = work.identify(piece, model, decided)
        campaigns = run("campaigns", work.campaigns_of, window, evidence, groups, risk, decided, refresh, options)
        campaigns = run("operations", connected, window, propagated.burst, campaigns, judged.senders, decided, options)
        because = run("reasons", work.reasons_of, window, evidence, propagated, decided, model, judged)
        contents = work.contents_of(refresh, window, judged, campaigns, decided)
        run("graph store", work.write_store, home, contents, options)
        publication = work.publication_of(contents, judged, answers, because, model, drifted, stages.rows())
        snapshot = run("snapshot", publish, home, publication, options.keep_snapshots)
    return summarise(snapshot, window, campaigns, refresh, drifted, len(decided.unmatched))


def summarise(
    snapshot: Snapshot, window: Window, campaigns: Campaigns, refresh: Refresh, drifted: Drift, unmatched: int
) -> RefreshSummary:
    """The figures that a person wants at the end."""
    alive = [state not in ("dormant", "dismissed") for state in campaigns.campaigns["state"].to_pylist()]
    sizes = [n for n, lives in zip(campaigns.campaigns["senders"].to_pylist(), alive, strict=True) if lives]
    return RefreshSummary(
        snapshot=snapshot.id,
        as_of=refresh.as_of,
        model=refresh.model,
        events=sum(window.senders["events"].to_pylist()),
        senders=window.senders.num_rows,
        domains=window.domains.num_rows,
        campaigns=len(sizes),
        members=sum(sizes),
        drift=drifted,
        verdicts_unmatched=unmatched,
        reports=window.reports_given,
        reports_joined=window.reports_joined,
    )


def _runner(stages: StageRecorder) -> Callable[..., Any]:
    """Runs a stage under the recorder: name, function and its arguments in, the function's value out."""

    def run(name: str, function: Callable[..., T], *arguments: Any) -> T:
        with stages.stage(name) as stage:
            value = function(*arguments)
            stage.rows = work.rows_of(value)
        return value

    return run
