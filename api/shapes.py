"""The shapes of answers and requests, as OpenAPI tells them. Knows no table; hot answers do not pass through here."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from graph.times import utc

NodeKind = Literal["sender", "domain"]
State = Literal["new", "active", "dormant", "confirmed", "dismissed"]
Decision = Literal["malicious", "benign", "abstain"]
Key = str
Moment = Annotated[datetime, AfterValidator(utc)]  # in a query; UTC where it names no zone
ZonedMoment = Annotated[AwareDatetime, AfterValidator(utc)]


class Stamped(BaseModel):
    """What every answer about a score carries."""

    snapshot: str
    model: str
    as_of: datetime


class ReasonOut(BaseModel):
    relation: str
    artefact: str | None
    contribution: float = Field(description="log-odds")
    peers: int | None = Field(description="other senders that share it; of reports, who sent them")
    examples: list[str] | None = Field(description="a few of these senders, the riskiest first")
    needed: bool | None = Field(description="in the smallest set of evidence without which the risk is under one half")
    sentence: str


class ExplainedOut(BaseModel):
    """What a node's log-odds are made of: base + sum_of_reasons + rest. Null where the risk is under one half."""

    log_odds: float | None = Field(None, description="of the risk")
    base: float | None = Field(None, description="what it would score without evidence")
    sum_of_reasons: float | None = Field(None, description="of the contributions listed")
    rest: float | None = Field(None, description="parts too small to list, or that speak for it")
    removable: bool | None = Field(
        None, description="whether taking away the reasons marked `needed` brings it under one half; else nothing does"
    )


class NodeOut(Stamped, ExplainedOut):
    kind: NodeKind
    key: str
    found: bool
    risk: float = Field(description="calibrated probability")
    decision: Decision | None = Field(
        description="its verdict where it has one; else by the lines that `GET /v1/refreshes` tells; `abstain` between "
        "them or where too little was seen; null in a snapshot that is older than decisions"
    )
    campaign_id: str | None
    first_seen: datetime | None
    last_seen: datetime | None
    events: int | None
    reasons: list[ReasonOut] = Field(description="the five most telling, and all kinds of evidence that are needed")
    asked: str | None = Field(None, description="the key as it was asked, where that is another spelling of `key`")


class NodeIn(BaseModel):
    kind: NodeKind
    key: str


class LookupIn(BaseModel):
    nodes: list[NodeIn] = Field(max_length=1000)


class LookupNode(ExplainedOut):
    """A node asked for; where `found` is false, only kind and key are there."""

    kind: NodeKind
    key: str
    found: bool
    risk: float | None = None
    decision: Decision | None = None
    campaign_id: str | None = None
    first_seen: datetime | None = None
    last_seen: datetime | None = None
    events: int | None = None
    reasons: list[ReasonOut] | None = None
    asked: str | None = Field(None, description="the key as it was asked, where that is another spelling of `key`")


class LookupOut(Stamped):
    results: list[LookupNode] = Field(description="in the order asked")


class EventIn(BaseModel):
    """An event of the contract, not seen before; as `ingest` takes it, a time without a zone is UTC."""

    model_config = ConfigDict(extra="ignore")

    event_id: str
    ts: Moment
    channel: Literal["mail", "calendar", "contacts"]
    sender: str = Field(min_length=1, max_length=1000)
    recipients: list[str] = Field(min_length=1)
    domains: list[str] | None = None
    ip: str | None = None
    fingerprint: str | None = None


class ScoreIn(BaseModel):
    events: list[EventIn] = Field(min_length=1, max_length=200)


class BasisOut(BaseModel):
    """Something known that an event's risk rests on."""

    kind: str
    key: str
    risk: float
    campaign_id: str | None


class ScoredEvent(BaseModel):
    event_id: str
    sender: str
    known: bool = Field(description="whether the sender is in the current graph")
    risk: float
    basis: list[BasisOut]


class ScoreOut(Stamped):
    results: list[ScoredEvent]


class CampaignOut(BaseModel):
    campaign_id: str
    operation_id: str | None
    risk: float
    senders: int
    domains: int
    recipients: int
    events: int
    first_seen: datetime
    last_seen: datetime
    state: State
    headline: str | None = Field(description="its strongest evidence in a sentence")
    mail: int = Field(description="events of its senders by channel")
    calendar: int
    contacts: int


class CampaignPage(Stamped):
    items: list[CampaignOut]
    total: int = Field(description="campaigns that match, on all pages")
    next_cursor: str | None


class VerdictOut(BaseModel):
    id: str
    kind: Literal["sender", "domain", "campaign"]
    key: str
    verdict: Literal["malicious", "benign"]
    ts: datetime
    source: str
    note: str
    warnings: list[str] = Field([], description="that its key names nobody, say; in the answer to giving it alone")


class AssessmentOut(BaseModel):
    """What a campaign's risk rests on."""

    log_odds: float = Field(description="of the risk")
    members_log_odds: float = Field(description="mean of its senders' log-odds, their verdicts included")
    evidence_log10_p: float = Field(description="chance of its strongest tie, corrected for all that was looked at")
    kinds: int = Field(description="independent kinds of evidence beyond chance")
    insufficient_data: bool = Field(description="whether too little was seen to rely on the risk")
    reason: str | None = Field(description="what is missing")


class CampaignDetail(Stamped, CampaignOut):
    assessment: AssessmentOut | None = Field(
        None, description="of a dormant one as it was last found; null where no snapshot told"
    )
    verdicts: list[VerdictOut] = Field(description="given over HTTP, the latest first; the next refresh heeds them")


class MemberOut(BaseModel):
    kind: str
    key: str
    role: str
    weight: float


class MemberPage(Stamped):
    campaign_id: str
    items: list[MemberOut]
    next_cursor: str | None


class GraphNode(BaseModel):
    kind: str
    key: str
    role: str | None
    risk: float | None


class GraphEdge(BaseModel):
    relation: str
    source_kind: str
    source: str
    target_kind: str
    target: str
    events: int | None


class GraphOut(Stamped):
    campaign_id: str
    nodes: list[GraphNode]
    edges: list[GraphEdge]
    truncated: bool = Field(description="whether edges were left out; the export has them all")


class TimelinePoint(BaseModel):
    ts: datetime
    events: int
    senders: int


class TimingOut(BaseModel):
    active_days: int
    events_last_week: int
    events_week_before: int
    growth: float | None = Field(description="last week's events over those of the week before")
    growth_log10_p: float = Field(description="that two equal weeks differ as much")
    new_senders_last_week: int
    synchrony: float = Field(description="largest share of its senders with half of their events within two days")
    period_days: int | None = Field(description="null where it keeps no period beyond chance")
    period_log10_p: float | None
    next_from: datetime | None = Field(description="the next activity that the period lets expect")
    next_until: datetime | None
    sentence: str


class TimelineOut(Stamped):
    campaign_id: str
    items: list[TimelinePoint]
    timing: TimingOut | None = Field(
        None, description="of a dormant one as it was last found; null where no snapshot told"
    )


class EvidenceRow(BaseModel):
    rank: int
    relation: str
    artefact: str
    inside: int
    outside: int
    strength: float = Field(description="log-likelihood ratio against chance")
    log10_p: float | None = Field(None, description="that so many senders drawn at random share it; null if older")
    log10_p_corrected: float | None = Field(None, description="the same after a look at all that campaigns may share")
    first_seen: datetime | None = Field(description="by its senders")
    last_seen: datetime | None
    sentence: str


class SignatureTrait(BaseModel):
    relation: str
    artefact: str


class SignatureOut(BaseModel):
    """What to look for so as to stop it: senders that meet every trait of any clause."""

    clauses: list[list[SignatureTrait]]
    inside: int = Field(description="its senders that meet the rule in this window")
    outside: int = Field(description="others that do; some may be guilty too")
    members: int
    precision: float | None = Field(description="inside / (inside + outside); null where there is no rule")
    recall: float = Field(description="inside / members")
    sentence: str


class EvidenceOut(Stamped):
    campaign_id: str
    items: list[EvidenceRow]
    signature: SignatureOut | None = Field(
        None, description="of a dormant one as it was last found; null where no snapshot told"
    )


class LineageRow(BaseModel):
    campaign_id: str
    refresh: str
    ts: datetime
    event: str
    other_id: str | None
    share: float | None


class LineageOut(Stamped):
    campaign_id: str
    items: list[LineageRow] = Field(description="oldest first, ancestors that merged into it or it split from included")


class AlarmRow(BaseModel):
    alarm_id: str = Field(description="the key of a verdict of kind `campaign` that answers it")
    campaign_id: str
    other_id: str = Field(description="the side held back, under an id of its own")
    kind: Literal["merge", "growth"]
    state: Literal["open", "apart"]
    since: datetime
    relation: str | None = Field(description="what would join them most; null where they share nothing directly")
    artefact: str | None
    senders: int
    other_senders: int
    inside: int = Field(description="senders of the campaign who use the artefact")
    other_inside: int
    sentence: str


class AlarmPage(Stamped):
    items: list[AlarmRow]
    next_cursor: str | None


class DiscountRow(BaseModel):
    relation: str
    artefact: str
    inside: int
    outside: int
    unsuspected: int = Field(description="of all who use it those whom nobody suspects")
    kept: float = Field(description="share of a private artefact's worth that is left")
    reason: str


class DiscountsOut(Stamped):
    campaign_id: str
    items: list[DiscountRow]


class ImpactRow(BaseModel):
    kind: str
    key: str
    legitimate_correspondents: int
    victim: bool = Field(description="it had a life of its own before its burst: perhaps hijacked")
    regular: int | None = Field(None, description="correspondents met day after day")
    answered_before: int | None = Field(None, description="others who had answered it before its burst")
    since: datetime | None = Field(None, description="first day of a victim's burst")
    reason: str | None


class HarmOut(BaseModel):
    """What it has done in this window, and what stopping it would cost."""

    perpetrators: int
    victims: int
    messages: int = Field(description="to others than honest correspondents")
    people: int
    reports: int
    hours: float = Field(description="from its first event to its last")
    messages_per_hour: float
    people_per_hour: float
    losing: int = Field(description="honest correspondences that blocking all its senders would cut")
    sentence: str


class ImpactOut(Stamped):
    campaign_id: str
    items: list[ImpactRow]
    harm: HarmOut | None = Field(None, description="of a dormant one as it was last found; null where no snapshot told")


class NeighbourOut(BaseModel):
    relation: str
    direction: Literal["out", "in"]
    kind: str
    key: str
    risk: float | None
    campaign_id: str | None
    properties: dict[str, Any]


class NeighbourPage(Stamped):
    kind: str
    key: str
    refresh: str | None = Field(description="the refresh that the graph store holds")
    items: list[NeighbourOut]
    next_cursor: str | None


class VerdictIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Literal["sender", "domain", "campaign"]
    key: str = Field(min_length=1, max_length=1000)
    verdict: Literal["malicious", "benign"]
    ts: ZonedMoment | None = Field(None, description="when it was decided; now where left out")
    note: str = Field("", max_length=4000)


class VerdictPage(BaseModel):
    items: list[VerdictOut]
    next_cursor: str | None


class LineOut(BaseModel):
    line: float = Field(description="the risk from which nodes are called malicious, or up to which benign")
    called: int = Field(description="nodes without a verdict that are called by it")
    expected_wrong: float = Field(description="of these, by their calibrated probabilities")
    expected_precision: float | None = Field(description="expected share called rightly; null where nobody is called")


class LinesOut(BaseModel):
    malicious: LineOut
    benign: LineOut
    nodes: dict[Decision, int] = Field(description="how many have each answer, those with verdicts included")


class DecisionsOut(BaseModel):
    """What was asked of the decisions (the settings of that name), and the lines that came of it."""

    precision: float
    benign_precision: float
    false_positive_cost: float
    least_events: int
    sender: LinesOut
    domain: LinesOut


class RefreshOut(BaseModel):
    """A refresh that published a snapshot which is still kept."""

    refresh: str
    snapshot: str
    start: datetime
    as_of: datetime
    model: str
    published_at: datetime
    live: bool
    decision: DecisionsOut | None = Field(description="null where the snapshot is older than decisions")
    stages: list[dict[str, Any]]


class JobOut(BaseModel):
    id: str
    requested_at: datetime
    requested_by: str
    state: Literal["running", "done", "failed", "lost"]
    finished_at: datetime | None


class RefreshPage(BaseModel):
    items: list[RefreshOut]
    requested: list[JobOut] = Field(description="refreshes asked for over HTTP, the latest first")
    next_cursor: str | None


class ModelOut(BaseModel):
    model: str
    live: bool
    first_published: datetime
    last_published: datetime
    snapshots: list[str]
    card: dict[str, Any]


class ModelPage(BaseModel):
    items: list[ModelOut]
    next_cursor: str | None


class ProblemOut(BaseModel):
    """RFC 9457; `code` is for programs."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
