"""The words and tables everybody shares: contract columns, graph vocabulary, window and snapshot tables.

Schemas only: nothing here reads, computes or writes. Times are UTC microseconds, ids are int32 row numbers.
"""

import pyarrow as pa

CHANNELS = ("mail", "calendar", "contacts")
REPORT_KINDS = ("junk", "phish", "not_junk")
VERDICT_KINDS = ("sender", "domain", "campaign")
MALICIOUS, BENIGN, ABSTAIN = "malicious", "benign", "abstain"
VERDICTS = (MALICIOUS, BENIGN)  # what a person says
DECISIONS = (MALICIOUS, BENIGN, ABSTAIN)  # what a look-up answers
CAMPAIGN_STATES = ("new", "active", "dormant", "confirmed", "dismissed")
ALARM_OPEN, ALARM_APART = "open", "apart"  # waits for a person, or a verdict keeps the two apart
LINEAGE_EVENTS = ("born", "grew", "shrank", "split", "merged", "held", "dormant", "revived")

TIME = pa.timestamp("us", tz="UTC")
TEXTS = pa.list_(pa.string())


def _table(**columns: pa.DataType) -> pa.Schema:
    return pa.schema(list(columns.items()))


# ---- Inputs (contract) --------------------------------------------------------------------------------------

EVENTS = _table(
    event_id=pa.string(),
    ts=TIME,
    channel=pa.string(),
    sender=pa.string(),
    recipients=TEXTS,
    domains=TEXTS,
    ip=pa.string(),
    fingerprint=pa.string(),
)
REPORTS = _table(event_id=pa.string(), reporter=pa.string(), ts=TIME, kind=pa.string())
VERDICT_ROWS = _table(kind=pa.string(), key=pa.string(), verdict=pa.string(), ts=TIME, source=pa.string())

# What the lake keeps of an event: the contract's columns (`recipients` distinct, in the order in which they are first
# named) and three that are derived once, at ingest.
#   sites:       registrable domains of `domains`, distinct, sorted (an IP-literal host is kept as it is)
#   network:     /24 or /48 of `ip` in CIDR notation, null where there is none
#   sender_site: registrable domain of the sender's own address, null for an account id
LAKE_EVENTS = pa.schema([*EVENTS, ("sites", TEXTS), ("network", pa.string()), ("sender_site", pa.string())])

# ---- The window graph ---------------------------------------------------------------------------------------
# Row number = id. Nodes are sorted by key, edges by (source, target), so that the same events give the same bytes.
# Edge columns named after a node kind (`sender`, `recipient`, `domain`, `network`, `fingerprint`) hold node ids.
# `hours` is a list of 24 counts (UTC hour of day); `days` a list of counts, one for each day of the window.

SENDERS = _table(
    key=pa.string(),
    events=pa.int64(),
    recipients=pa.int64(),  # distinct
    messages_to=pa.int64(),  # sum of recipients over events
    first_seen=TIME,
    last_seen=TIME,
    active_days=pa.int32(),
    mail=pa.int64(),
    calendar=pa.int64(),
    contacts=pa.int64(),
    hours=pa.list_(pa.int32()),
    days=pa.list_(pa.int32()),
    linked=pa.int64(),  # events with at least one linked domain
    junk=pa.int64(),  # distinct reporters (junk or phish) of this sender's events
    not_junk=pa.int64(),  # distinct reporters of `not_junk`
    reported_events=pa.int64(),  # distinct events reported junk or phish
    answered=pa.int64(),  # recipients of this sender who wrote back to it in the window
)
RECIPIENTS = _table(
    key=pa.string(),
    events=pa.int64(),
    senders=pa.int64(),
    first_seen=TIME,
    last_seen=TIME,
)
ARTEFACTS = _table(  # domains, networks and fingerprints alike
    key=pa.string(),
    events=pa.int64(),
    senders=pa.int64(),
    first_seen=TIME,
    last_seen=TIME,
)
WROTE_TO = _table(
    sender=pa.int32(),
    recipient=pa.int32(),
    events=pa.int64(),
    first_seen=TIME,
    last_seen=TIME,
    active_days=pa.int32(),
    mail=pa.int64(),
    calendar=pa.int64(),
    contacts=pa.int64(),
    reports=pa.int64(),
)
LINKED_TO = _table(
    sender=pa.int32(),
    domain=pa.int32(),
    events=pa.int64(),
    first_seen=TIME,
    last_seen=TIME,
    active_days=pa.int32(),
)
SENT_FROM = _table(
    sender=pa.int32(),
    network=pa.int32(),
    events=pa.int64(),
    addresses=pa.int64(),
    first_seen=TIME,
    last_seen=TIME,
    active_days=pa.int32(),
)
CARRIED = _table(  # sender -> fingerprint of the content
    sender=pa.int32(),
    fingerprint=pa.int32(),
    events=pa.int64(),
    first_seen=TIME,
    last_seen=TIME,
    active_days=pa.int32(),
)
ADDRESS_AT = _table(sender=pa.int32(), domain=pa.int32())
SAME_MAILBOX = _table(sender=pa.int32(), recipient=pa.int32())

# ---- What a refresh publishes -------------------------------------------------------------------------------

SCORES = _table(
    kind=pa.string(),
    key=pa.string(),
    risk=pa.float64(),
    campaign_id=pa.string(),
    model=pa.string(),
    as_of=TIME,
)
DECIDED_SCORES = pa.schema([*SCORES, ("decision", pa.string())])  # what a snapshot keeps of them: one of DECISIONS too
RISK_DIGITS = 9  # of a published probability, after the point
CAMPAIGNS = _table(
    campaign_id=pa.string(),
    operation_id=pa.string(),
    risk=pa.float64(),
    senders=pa.int64(),
    domains=pa.int64(),
    recipients=pa.int64(),
    events=pa.int64(),
    first_seen=TIME,
    last_seen=TIME,
    state=pa.string(),
)
MEMBERS = _table(campaign_id=pa.string(), kind=pa.string(), key=pa.string(), role=pa.string(), weight=pa.float64())
CERTAIN = -2.0  # log10: after correction, chance would do as much in less than one window of a hundred
EVIDENCE = _table(  # what ties a campaign together, strongest first
    campaign_id=pa.string(),
    rank=pa.int32(),
    relation=pa.string(),  # one of those that graph.campaigns.words has words for
    artefact=pa.string(),
    inside=pa.int64(),  # members that share it
    outside=pa.int64(),  # senders of the window that share it and are not members
    strength=pa.float64(),  # log-likelihood ratio against chance
    log10_p=pa.float64(),  # that as many of so many senders drawn at random would share it
    log10_p_corrected=pa.float64(),  # the same after a look at everything that the campaigns might share
    first_seen=TIME,  # by members
    last_seen=TIME,
    sentence=pa.string(),
)
LINEAGE = _table(
    campaign_id=pa.string(),
    refresh=pa.string(),
    ts=TIME,
    event=pa.string(),
    other_id=pa.string(),
    share=pa.float64(),
)
TIMELINE = _table(campaign_id=pa.string(), ts=TIME, events=pa.int64(), senders=pa.int64())
CAMPAIGN_EDGES = _table(  # the campaign as a graph: members, what they share, and the most hit targets
    campaign_id=pa.string(),
    relation=pa.string(),
    source_kind=pa.string(),
    source=pa.string(),
    target_kind=pa.string(),
    target=pa.string(),
    events=pa.int64(),
)
IMPACT = _table(  # whom acting on a member would hurt
    campaign_id=pa.string(),
    kind=pa.string(),
    key=pa.string(),
    legitimate_correspondents=pa.int64(),
    victim=pa.bool_(),
    regular=pa.int64(),  # correspondents met day after day
    answered_before=pa.int64(),  # others who had answered it before its burst
    since=TIME,  # first day of a victim's burst, null for who is none
    reason=pa.string(),
)
_TRAITS_OF_CLAUSE = pa.list_(pa.struct([("relation", pa.string()), ("artefact", pa.string())]))
PROFILES = _table(  # a campaign as a whole; a dormant one as it was last found
    campaign_id=pa.string(),
    assessment=pa.struct(  # what its risk rests on
        [
            ("log_odds", pa.float64()),
            ("members_log_odds", pa.float64()),  # mean
            ("evidence_log10_p", pa.float64()),  # of its strongest tie, corrected
            ("kinds", pa.int64()),  # independent kinds of evidence beyond chance
            ("insufficient_data", pa.bool_()),
            ("reason", pa.string()),  # of insufficient data
        ]
    ),
    signature=pa.struct(  # what to look for: any of the clauses, of a clause every trait
        [
            ("clauses", pa.list_(_TRAITS_OF_CLAUSE)),
            ("inside", pa.int64()),
            ("outside", pa.int64()),
            ("members", pa.int64()),
            ("precision", pa.float64()),
            ("recall", pa.float64()),
            ("sentence", pa.string()),
        ]
    ),
    harm=pa.struct(
        [
            ("perpetrators", pa.int64()),
            ("victims", pa.int64()),
            ("messages", pa.int64()),  # to others than honest correspondents
            ("people", pa.int64()),
            ("reports", pa.int64()),
            ("hours", pa.float64()),
            ("messages_per_hour", pa.float64()),
            ("people_per_hour", pa.float64()),
            ("losing", pa.int64()),  # honest correspondences that blocking all its senders would cut
            ("sentence", pa.string()),
        ]
    ),
    timing=pa.struct(
        [
            ("active_days", pa.int64()),
            ("events_last_week", pa.int64()),
            ("events_week_before", pa.int64()),
            ("growth", pa.float64()),
            ("growth_log10_p", pa.float64()),
            ("new_senders_last_week", pa.int64()),
            ("synchrony", pa.float64()),
            ("period_days", pa.int64()),
            ("period_log10_p", pa.float64()),
            ("next_from", TIME),
            ("next_until", TIME),
            ("sentence", pa.string()),
        ]
    ),
)
REASONS = _table(  # why a node is risky: log-odds that sum to its own, most telling first between `base` and `rest`
    kind=pa.string(),
    key=pa.string(),
    rank=pa.int32(),  # 0 is the relation `base`, the last one `rest`
    relation=pa.string(),
    artefact=pa.string(),
    contribution=pa.float64(),
    peers=pa.int64(),  # other senders that share the artefact; of a domain its users, of reports who sent them
    examples=TEXTS,  # a few of these senders, the riskiest first
    needed=pa.bool_(),  # in the smallest set of evidence without which the node would not be called risky
    sentence=pa.string(),
)
ALARMS = _table(  # joins of campaigns that wait for a person, and those that a verdict undid
    alarm_id=pa.string(),
    campaign_id=pa.string(),
    other_id=pa.string(),  # the side held back
    kind=pa.string(),  # merge of two campaigns, or growth by senders who are a campaign of their own meanwhile
    state=pa.string(),  # open, or apart where a verdict said so
    since=TIME,  # end of the window in which it was raised
    relation=pa.string(),  # what joins them most; null where nothing does directly
    artefact=pa.string(),  # null of shared targets
    senders=pa.int64(),
    other_senders=pa.int64(),
    inside=pa.int64(),  # of either side those who use the artefact
    other_inside=pa.int64(),
    sentence=pa.string(),
)
DISCOUNTS = _table(  # what members share with too many others for it to count much
    campaign_id=pa.string(),
    relation=pa.string(),
    artefact=pa.string(),
    inside=pa.int64(),  # members that use it
    outside=pa.int64(),  # other senders of the window that do
    unsuspected=pa.int64(),  # of all who use it those whom nobody suspects
    kept=pa.float64(),  # share of a private artefact's worth that is left
    reason=pa.string(),
)
BASE, REST = "base", "rest"  # what the node would score without evidence; parts too small to list or that speak for it

# ---- What ties campaigns and senders to each other ----------------------------------------------------------
# A trait is something that its owner draws from: an artefact under its relation's name, an hour of the day under
# `hours`, a day of the window under `days`. `users` are the senders of the whole window that share it.

TRAITS = _table(  # of campaigns; sleeping ones keep those of their last window
    campaign_id=pa.string(),
    relation=pa.string(),
    artefact=pa.string(),
    inside=pa.int64(),  # members that share it; of `hours` their events
    users=pa.int64(),
)
SENDER_TRAITS = _table(  # of members and of other suspects
    key=pa.string(),
    relation=pa.string(),
    artefact=pa.string(),
    events=pa.int64(),
    users=pa.int64(),
)
COMPARED_BY = _table(name=pa.string(), value=pa.float64())  # figures that comparisons of senders rest on
OPERATION_LINKS = _table(  # why two campaigns are one operator's: a row for each kind of evidence that speaks
    operation_id=pa.string(),
    campaign_id=pa.string(),
    other_id=pa.string(),
    relation=pa.string(),
    artefact=pa.string(),  # the one that speaks most; null of targets and hours
    inside=pa.int64(),  # members of the campaign that share it, of targets those in common
    other_inside=pa.int64(),
    log_odds=pa.float64(),  # of this kind
    confidence=pa.float64(),  # probability of the link, all kinds together
    sentence=pa.string(),
)
WHAT_IF = _table(  # the smallest evidence found without which a campaign would fall apart
    campaign_id=pa.string(),
    rank=pa.int32(),
    relation=pa.string(),
    artefact=pa.string(),  # null where the whole kind goes
    senders=pa.int64(),  # members that share it
    looked_at=pa.int64(),  # members that stand for all, where they are very many
    held_before=pa.int64(),  # of these those whom the others explain, with all evidence
    held_after=pa.int64(),  # without everything up to this rank
    dissolves=pa.bool_(),  # whether the whole set does it
    exact=pa.bool_(),  # whether every smaller set was tried and found not to
    sentence=pa.string(),
)
QUEUE = _table(  # whom or what a person should judge next
    rank=pa.int32(),
    kind=pa.string(),  # sender or campaign
    key=pa.string(),
    risk=pa.float64(),
    gain=pa.float64(),  # bits of doubt that the verdict is expected to take away, over all that it reaches
    reaches=pa.int64(),  # senders without a verdict that the verdict tells something about
    sentence=pa.string(),
)
