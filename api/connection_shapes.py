"""The shapes of answers about what ties campaigns and senders to each other, and of the queue. Knows no table."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from api.shapes import CampaignOut, Stamped


class PieceOut(BaseModel):
    rank: int
    relation: str
    artefact: str | None = Field(description="null where the whole kind is taken away")
    senders: int = Field(description="members that share it")
    looked_at: int = Field(description="members that stand for all, where they are very many")
    held_before: int = Field(description="of these those whom the others explain, with all evidence")
    held_after: int = Field(description="without everything up to this rank")
    sentence: str


class WhatIfOut(Stamped):
    campaign_id: str
    dissolves: bool = Field(description="whether without all of it fewer than half still hold together")
    exact: bool = Field(description="whether every smaller set was tried; else it was found greedily")
    sentence: str
    items: list[PieceOut]


class SharedOut(BaseModel):
    artefact: str
    users: int = Field(description="senders of the window that use it; of campaigns, other senders that do")


class SaidOut(BaseModel):
    relation: str
    log_odds: float
    shared: list[SharedOut] = Field(description="what both use, the rarest first, ten at most")
    sentence: str


class TogetherOut(Stamped):
    kind: Literal["sender", "campaign"]
    a: str
    b: str
    same: bool = Field(description="whether they are together: in one campaign, or of campaigns in one operation")
    log_odds: float | None = Field(description="of one hand behind both; null where they cannot be compared")
    prior: float | None = Field(description="the part of it that was there before anything was compared")
    line: float | None = Field(description="the log-odds that it takes")
    missing: float | None = Field(description="how much the two fall short of it")
    sentence: str
    items: list[SaidOut]


class OperationOut(BaseModel):
    operation_id: str
    campaigns: int
    senders: int
    risk: float = Field(description="of its riskiest campaign")
    first_seen: datetime
    last_seen: datetime
    confidence: float = Field(description="of its weakest link that one operator runs both")


class OperationPage(Stamped):
    items: list[OperationOut]
    next_cursor: str | None


class LinkEvidenceOut(BaseModel):
    relation: str
    artefact: str | None
    inside: int
    other_inside: int
    log_odds: float
    sentence: str


class LinkOut(BaseModel):
    campaign_id: str
    other_id: str
    confidence: float
    evidence: list[LinkEvidenceOut]


class OperationDetail(Stamped, OperationOut):
    members: list[CampaignOut]
    links: list[LinkOut]


class QuestionOut(BaseModel):
    rank: int
    kind: Literal["sender", "campaign"]
    key: str
    risk: float
    gain: float = Field(description="bits of doubt that a verdict is expected to take away")
    reaches: int = Field(description="senders without a verdict that it tells something about")
    sentence: str


class QueuePage(Stamped):
    items: list[QuestionOut] = Field(description="those that were judged over HTTP since the refresh are left out")
    next_cursor: str | None
