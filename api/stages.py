"""The stages of a refresh, each a function from named, frozen values to named, frozen values. Knows no order."""

import hashlib
import os
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from api.settings import Settings
from gnn import registry
from gnn.decide import Answers, DecideOptions, decide, described, thin_domains, thin_senders
from gnn.drift import Drift, drift, with_reference
from gnn.explain import check_sums, reasons
from gnn.fit import TrainOptions
from gnn.labels import Labels, labels_of
from gnn.model import RiskModel
from gnn.propagate import Propagated
from gnn.risk import Risk, judge, score
from gnn.settle import settle, share_of_student
from gnn.teach import is_cold, teach
from gnn.train import provable
from graph import schema
from graph.campaigns import FindOptions, Known, describe_campaigns, find_groups, last_groups
from graph.campaigns.alarm import AlarmOptions, Held, hold_back
from graph.campaigns.discount import discount_table
from graph.campaigns.held import alarm_table, campaign_names, held_lines
from graph.engine import open_engine
from graph.errors import RingleaderError, SnapshotError
from graph.evidence import Evidence
from graph.home import Home
from graph.keys import Nodes, with_nodes_own_keys
from graph.lake import Lake
from graph.snapshot import list_manifests, read_tables
from graph.store import open_store
from graph.store.bolt import PASSWORD_VARIABLE
from graph.values import Campaigns, GraphContents, Publication, Refresh, Slice, Window
from graph.verdicts import VerdictLedger
from graph.window import build_window

REMEMBERED = ("campaigns", "members", "lineage", "evidence", "alarms", "traits", "profiles")  # of the refresh before


@dataclass(frozen=True)
class RefreshOptions:
    """What a refresh looks at and where it writes."""

    as_of: datetime | None
    window_days: int
    engine: str
    memory: str | None
    threads: int | None
    store: str
    keep_snapshots: int
    retention_days: int | None
    train: TrainOptions
    find: FindOptions
    decide: DecideOptions
    alarm: AlarmOptions
    half_life_days: float

    @staticmethod
    def of(settings: Settings, as_of: datetime | None) -> "RefreshOptions":
        """The options that the settings give."""
        refresh = settings.refresh
        return RefreshOptions(
            as_of=as_of,
            window_days=refresh.window_days,
            engine=refresh.engine,
            memory=refresh.memory or None,
            threads=refresh.threads or None,
            store=refresh.store,
            keep_snapshots=refresh.keep_snapshots,
            retention_days=settings.lake.retention_days or None,
            train=TrainOptions(seed=settings.model.seed),
            find=FindOptions(seed=settings.model.seed),
            decide=DecideOptions(**asdict(settings.decision)),
            alarm=AlarmOptions(hold=refresh.merges == "ask"),
            half_life_days=settings.model.verdict_half_life_days,
        )


@dataclass(frozen=True)
class Decisions:
    """What people decided up to the window's end, as rows and as labels, and the campaigns of the refresh before."""

    verdicts: pa.Table
    senders: Labels
    domains: Labels
    known: Known | None
    unmatched: tuple[tuple[str, str], ...] = ()  # kind and key of verdicts on senders and domains of no event

    @property
    def campaign_verdicts(self) -> dict[str, str]:
        """The newest verdict on each campaign."""
        rows = sorted(self.verdicts.to_pylist(), key=lambda row: (row["ts"], row["verdict"]))
        return {row["key"]: row["verdict"] for row in rows if row["kind"] == "campaign"}


@dataclass(frozen=True)
class NodeAnswers:
    """The three-way answers of a refresh, aligned with the window's tables, and what was asked of them."""

    options: DecideOptions
    senders: Answers
    domains: Answers


@dataclass(frozen=True)
class Champion:
    """The model in use and its id."""

    id: str
    model: RiskModel


def read_slice(home: Home, options: RefreshOptions) -> Slice:
    """The lake's files of the window."""
    return Lake(home.path, options.retention_days).slice(options.as_of, options.window_days)


def graph_of(piece: Slice, options: RefreshOptions) -> Window:
    """The window graph. Raises RingleaderError where the window holds no event."""
    with open_engine(options.engine, options.memory, options.threads) as engine:
        window = build_window(piece, engine)
    if not window.senders.num_rows:
        raise RingleaderError(
            f"window {piece.start:%Y-%m-%d %H:%M} to {piece.as_of:%Y-%m-%d %H:%M}",
            "holds no event",
            "Choose another --as-of, a longer --window-days, or ingest events of that time",
        )
    return window


def verdicts_of(home: Home, piece: Slice, known_at: datetime) -> pa.Table:
    """Verdicts of lake and ledger (graph.schema.VERDICT_ROWS) known at a moment, in a fixed order."""
    lake = pq.read_table(list(piece.verdicts), schema=schema.VERDICT_ROWS) if piece.verdicts else None
    parts = [VerdictLedger(home).as_table(known_at)] + ([lake] if lake is not None else [])
    rows = pa.concat_tables([part.cast(schema.VERDICT_ROWS) for part in parts])
    rows = rows.filter(pc.less_equal(rows["ts"], pa.scalar(known_at, schema.TIME)))
    return rows.sort_by([(name, "ascending") for name in ("ts", "kind", "key", "source", "verdict")])


def decisions_of(
    home: Home, piece: Slice, window: Window, options: RefreshOptions, until_now: bool = False
) -> Decisions:
    """Verdicts known at the window's end, as rows and as labels of its nodes.

    With `until_now` the ledger's later ones count too: a refresh of the newest events should not wait for an event
    younger than the verdict. A refresh of a named moment is time-safe and leaves them out.
    """
    known_at = max(piece.as_of, datetime.now(UTC)) if until_now else piece.as_of
    return decisions_at(home, piece, window, options, known_at)


def decisions_at(home: Home, piece: Slice, window: Window, options: RefreshOptions, known_at: datetime) -> Decisions:
    """The same known at another moment than the window's end."""
    rows, unmatched = on_nodes(verdicts_of(home, piece, known_at), window)
    known = campaigns_before(home, piece.as_of)
    members = known.members if known else None
    senders, domains = labels_at(window, rows, known_at, members, options)
    return Decisions(rows, senders, domains, known, unmatched)


def on_nodes(verdicts: pa.Table, window: Window) -> tuple[pa.Table, tuple[tuple[str, str], ...]]:
    """The verdicts with the keys of the nodes that they mean, in whatever spelling; and who is named in vain."""
    if not verdicts.num_rows:
        return verdicts, ()
    nodes = {"sender": Nodes("sender", window.senders["key"]), "domain": Nodes("domain", window.domains["key"])}
    return with_nodes_own_keys(verdicts, nodes)


def labels_at(
    window: Window, verdicts: pa.Table, known_at: datetime, members: pa.Table | None, options: RefreshOptions
) -> tuple[Labels, Labels]:
    """Labels of senders and of domains from the verdicts known at a moment."""
    asked = verdicts, known_at, members, options.half_life_days
    return labels_of("sender", window.senders["key"], *asked), labels_of("domain", window.domains["key"], *asked)


def campaigns_before(home: Home, as_of: datetime) -> Known | None:
    """The campaigns of the latest kept snapshot whose window ended before `as_of`; ids are carried over from it.

    There is no other file of ids: every snapshot holds the whole history. One in which these very tables are damaged
    is passed over for the one before. Not the snapshot of the same moment: a refresh that is repeated starts from the
    same past and gives the same ids; nor a later one, so a clock that goes back makes no history of the future.
    """
    earlier = [manifest for manifest in list_manifests(home) if manifest.as_of < as_of]
    for manifest in sorted(earlier, key=lambda m: (m.as_of, m.published_at), reverse=True):
        try:
            return Known(**read_tables(home.snapshots / manifest.id, REMEMBERED), as_of=manifest.as_of)
        except SnapshotError:
            continue  # an older one still carries the ids
    return None


def champion_or_first(
    home: Home, window: Window, propagated: Propagated, decided: Decisions, options: RefreshOptions
) -> Champion:
    """The champion of this home; a first one is fitted where there is none, or none yet that has seen a verdict."""
    name = registry.champion(home)
    if name is None or (is_cold(registry.load(home, name)) and provable(decided.senders)):
        name = registry.save(home, fit_champion(window, propagated, decided.senders, options))
        registry.promote(home, name)
    return Champion(name, registry.load(home, name))


def fit_champion(window: Window, propagated: Propagated, labels: Labels, options: RefreshOptions) -> RiskModel:
    """A model fit to become champion: it knows what its window looked like, so that drift can be told."""
    return with_reference(teach(window, propagated, labels, options.train), propagated, labels)


def risk_of(evidence: Evidence, propagated: Propagated, decided: Decisions, champion: Champion) -> Risk:
    """Calibrated risk of every sender and domain."""
    return score(propagated, evidence, decided.senders, decided.domains, champion.model)


def settled_of(
    risk: Risk,
    propagated: Propagated,
    evidence: Evidence,
    decided: Decisions,
    champion: Champion,
    options: RefreshOptions,
) -> Risk:
    """Risk settled into this window."""
    says = share_of_student(champion.model)
    return settle(risk, propagated, evidence, decided.senders, decided.domains, options.train, says)


def drift_of(propagated: Propagated, risk: Risk, champion: Champion) -> Drift:
    """How far the window, and what the model says of it, are from those that the model was taught on."""
    return drift(champion.model, propagated.structure, risk.evidence_only, risk.prior)


def groups_of(window: Window, burst: Evidence, risk: Risk, decided: Decisions, options: RefreshOptions) -> Held:
    """Groups of suspects by their evidence, those joins undone that a person should see first."""
    found = find_groups(burst, risk.senders, options.find, last_groups(decided.known, window))
    return hold_back(window, burst, found, decided.known, decided.campaign_verdicts, options.alarm)


def judged_of(risk: Risk, groups: Held, evidence: Evidence, decided: Decisions) -> Risk:
    """Risk after groups were judged as a whole."""
    return judge(risk, groups.partition, evidence, decided.domains)


def answers_of(
    window: Window, evidence: Evidence, decided: Decisions, risk: Risk, options: RefreshOptions
) -> NodeAnswers:
    """Malicious, benign or abstain for every sender and domain."""
    asked = options.decide
    thin = thin_senders(window, evidence, asked.least_events)
    senders = decide(risk.sender_risk, decided.senders, thin, asked)
    return NodeAnswers(asked, senders, decide(risk.domain_risk, decided.domains, thin_domains(evidence, thin), asked))


def identify(piece: Slice, champion: Champion, decided: Decisions) -> Refresh:
    """Names the refresh by what goes into it: the same input gives the same id."""
    digest = hashlib.sha256()
    facts = (
        piece.start.isoformat(),
        piece.as_of.isoformat(),
        piece.fingerprint,
        champion.id,
        repr(decided.verdicts.to_pylist()),
    )
    for fact in facts:
        digest.update(fact.encode() + b"\0")
    return Refresh("r-" + digest.hexdigest()[:16], piece.start, piece.as_of, champion.id, piece.fingerprint)


def campaigns_of(
    window: Window,
    evidence: Evidence,
    groups: Held,
    risk: Risk,
    decided: Decisions,
    refresh: Refresh,
    options: RefreshOptions,
) -> Campaigns:
    """Groups as campaigns with ids, members, evidence and history, what was held back and what hardly counts."""
    partition, known = groups.partition, decided.known
    found = describe_campaigns(window, evidence, partition, risk.senders, known, refresh, decided.campaign_verdicts)
    names = campaign_names(window, partition, found.members)
    alarms = alarm_table(window, evidence, groups, names, known, refresh)
    suspect = risk.senders > options.find.seed_margin
    return replace(
        found,
        lineage=pa.concat_tables([found.lineage, held_lines(alarms, refresh)]),
        alarms=alarms,
        discounts=discount_table(window, evidence, partition, suspect, names),
    )


def reasons_of(
    window: Window, evidence: Evidence, propagated: Propagated, decided: Decisions, champion: Champion, risk: Risk
) -> pa.Table:
    """Why each risky node is risky."""
    return reasons(window, evidence, propagated, decided.senders, decided.domains, champion.model, risk)


def contents_of(
    refresh: Refresh, window: Window, risk: Risk, campaigns: Campaigns, decided: Decisions
) -> GraphContents:
    """What the graph store is to hold."""
    risks = pa.array(risk.sender_risk), pa.array(risk.domain_risk)
    return GraphContents(refresh, window, *risks, campaigns, decided.verdicts)


def write_store(home: Home, contents: GraphContents, options: RefreshOptions) -> int:
    """Writes the graph store and returns the number of nodes and relationships in it."""
    with open_store(options.store, home, os.environ.get(PASSWORD_VARIABLE)) as store:
        summary = store.write(contents)
    return sum(summary.nodes.values()) + sum(summary.relationships.values())


def publication_of(
    contents: GraphContents,
    risk: Risk,
    answers: NodeAnswers,
    because: pa.Table,
    champion: Champion,
    drifted: Drift,
    done: tuple[dict[str, object], ...],
) -> Publication:
    """What the snapshot is to hold. Raises ExplanationError where the reasons do not sum to the scores."""
    check_sums(because, contents.window, risk)
    return Publication(
        refresh=contents.refresh,
        scores=scores_of(contents, risk, answers),
        reasons=because,
        senders=contents.window.senders,
        domains=contents.window.domains,
        campaigns=contents.campaigns,
        model_card=champion.model.card,
        decision=described(answers.options, answers.senders, answers.domains),
        stages=done,
        drift=drifted.described(),
    )


def scores_of(contents: GraphContents, risk: Risk, answers: NodeAnswers) -> pa.Table:
    """Rows of graph.schema.DECIDED_SCORES: every sender and domain of the window."""
    window, refresh = contents.window, contents.refresh
    members = contents.campaigns.members.to_pandas()
    living = contents.campaigns.campaigns.to_pandas().query("state != 'dormant'")["campaign_id"]
    members = members[members["campaign_id"].isin(living)]
    tables = []
    for kind, nodes, values, answered in (
        ("sender", window.senders, risk.sender_risk, answers.senders),
        ("domain", window.domains, risk.domain_risk, answers.domains),
    ):
        of_kind = members[members["role"] == kind].sort_values("weight").drop_duplicates("key", keep="last")
        campaign = nodes["key"].to_pandas().map(of_kind.set_index("key")["campaign_id"])
        rows = len(nodes)
        tables.append(
            pa.table(
                [
                    pa.array([kind] * rows, pa.string()),
                    nodes["key"],
                    pa.array(np.round(values, schema.RISK_DIGITS)),
                    pa.array(campaign, pa.string(), from_pandas=True),
                    pa.array([refresh.model] * rows, pa.string()),
                    pa.array([refresh.as_of] * rows, schema.TIME),
                    pa.array(answered.words, pa.string()),
                ],
                schema=schema.DECIDED_SCORES,
            )
        )
    return pa.concat_tables(tables)


def rows_of(value: Any) -> int | None:
    """How many rows a stage's value holds, as far as that means something."""
    if isinstance(value, Window):
        return int(value.wrote_to.num_rows)
    if isinstance(value, Campaigns):
        return int(value.members.num_rows)
    if isinstance(value, Evidence):
        return int(value.cotargets.nnz + sum(relation.counts.nnz for relation in value.relations))
    if isinstance(value, Held):
        return value.partition.count
    if isinstance(value, Risk):
        return len(value.senders) + len(value.domains)
    if isinstance(value, Drift):
        return len(value.inputs)
    if isinstance(value, NodeAnswers):
        return len(value.senders.words) + len(value.domains.words)
    if isinstance(value, pa.Table):
        return int(value.num_rows)
    return value if isinstance(value, int) else None
