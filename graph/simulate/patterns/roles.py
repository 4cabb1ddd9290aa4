"""What a group may be: ranges that its numbers are drawn from. The guilty are one role among the others.

A range is (low, high) and drawn log-uniformly, so wide ones overlap; what a role shares by nature is only likelier.
"""

from dataclasses import dataclass

Range = tuple[float, float]

SIGNALS = ("targets", "network", "links", "fingerprint", "address", "hour")  # scarce things that a group may share
AUDIENCES = ("community", "interest", "broker", "anybody")  # how its recipients came to be its recipients


@dataclass(frozen=True)
class Role:
    """Distributions of one kind of group; shares and chances lie in 0…1."""

    name: str
    identities: Range
    messages: Range  # of one identity
    natural: tuple[str, ...] = ()  # signals that it shares more often than not
    people: float = 0.0  # chance that its identities are people who also write private mail
    tokens: float = 0.1  # chance that its addresses are made by a machine
    weight: float = 1.0  # concentration of its share of the world's events (Dirichlet)
    one_shot: float = 0.0  # chance that every identity writes once
    audience: tuple[float, float, float, float] = (0.35, 0.45, 0.05, 0.15)  # chances of AUDIENCES
    recurrence: Range = (1.5, 20.0)  # messages that one recipient gets
    ties: Range = (0.0005, 0.002)  # recipients whom the sender knew before
    answers: Range = (0.001, 0.1)  # messages that are answered
    prior: Range = (0.001, 0.1)  # messages before which the recipient had written
    reports: Range = (1e-5, 2e-3)  # recipients of average zeal who report it
    recipients: Range = (1.0, 1.5)  # of one message
    days: Range = (10.0, 60.0)
    life: Range = (0.5, 1.0)  # part of these days in which one identity writes
    rotation: float = 0.05  # chance that identities and infrastructure follow one another
    channels: tuple[float, float, float] = (0.97, 0.02, 0.01)  # chance of being mainly mail, calendar or contacts


GUILTY = Role(
    "guilty", (3, 3000), (1, 60), people=0.18, tokens=0.2, one_shot=0.4, audience=(0.15, 0.2, 0.35, 0.3),
    recurrence=(1, 12), ties=(0.001, 0.1), answers=(0.0003, 0.02), prior=(0.0001, 0.001), reports=(0.03, 1),
    recipients=(1, 3), days=(0.1, 30), life=(0.02, 1), rotation=0.4, channels=(0.85, 0.09, 0.06),
)  # fmt: skip

INNOCENT = (
    Role("firm", (1, 25), (3, 150), ("address", "network", "links"), answers=(0.002, 0.3), prior=(0.01, 0.5)),
    Role("service", (4, 300), (5, 150), ("network", "links"), reports=(3e-5, 0.02), weight=1.2),
    Role("newsletter", (1, 4), (40, 3000), ("address", "links", "targets", "fingerprint"), reports=(1e-4, 0.06),
         answers=(1e-4, 0.01), prior=(1e-4, 0.02), weight=1.2),
    Role("notice", (3, 1000), (1, 6), ("address", "network", "links", "fingerprint"), tokens=0.8, one_shot=0.4,
         audience=(0.1, 0.3, 0.1, 0.5), recurrence=(1, 4), reports=(3e-5, 0.01), life=(0.01, 0.5)),
    Role("association", (3, 200), (1, 25), ("targets", "hour"), people=0.5, tokens=0.0, ties=(0.02, 0.6),
         audience=(0.7, 0.3, 0.0, 0.0), recipients=(1, 6), answers=(0.02, 0.3), prior=(0.01, 0.3), days=(0.5, 60)),
    Role("list", (3, 120), (1, 25), ("network", "targets", "fingerprint"), people=0.9, ties=(0.001, 0.1),
         audience=(0.4, 0.6, 0.0, 0.0), recipients=(4, 40), answers=(0.02, 0.4), weight=0.5),
    Role("marketplace", (8, 2000), (1, 8), ("address", "network"), people=0.1, tokens=0.7, one_shot=0.3,
         audience=(0.25, 0.35, 0.0, 0.4), recurrence=(1, 4), answers=(0.05, 0.8), prior=(0.05, 0.8),
         reports=(1e-4, 0.01), life=(0.01, 0.3), weight=0.8),
    Role("one_off", (30, 3000), (1, 12), people=0.25, tokens=0.05, one_shot=0.6, audience=(0.25, 0.25, 0.1, 0.4),
         recurrence=(1, 1.5), answers=(0.005, 0.5), prior=(1e-4, 0.02), reports=(1e-4, 0.03), days=(25, 60),
         life=(0.001, 0.3), channels=(0.9, 0.07, 0.03), weight=1.6),
    Role("invitation", (1, 60), (3, 120), ("fingerprint",), people=0.4, audience=(0.3, 0.4, 0.15, 0.15),
         recurrence=(1, 3), ties=(0.001, 0.2), answers=(0.01, 0.3), reports=(1e-4, 0.03), recipients=(1, 12),
         days=(0.3, 20), channels=(0.3, 0.65, 0.05), weight=0.4),
    Role("viral", (20, 1500), (1, 6), ("links", "fingerprint", "hour"), people=1.0, ties=(0.6, 1),
         answers=(0.02, 0.3), prior=(0.01, 0.1), recipients=(1, 6), reports=(1e-5, 0.005), days=(0.3, 4),
         life=(0.01, 0.3), weight=0.5),
    Role("team", (2, 40), (3, 60), ("targets", "address", "network"), people=1.0, ties=(0.1, 0.9),
         audience=(1.0, 0.0, 0.0, 0.0), answers=(0.05, 0.6), recipients=(1, 10),
         channels=(0.2, 0.78, 0.02), weight=0.5),
    Role("cards", (3, 400), (1, 6), people=0.9, one_shot=0.4, ties=(0.2, 1), answers=(0.01, 0.2), recurrence=(1, 2),
         reports=(1e-5, 0.003), recipients=(1, 3), channels=(0.05, 0.05, 0.9), weight=0.3),
    Role("club", (3, 150), (1, 30), ("targets",), people=0.3, audience=(0.5, 0.5, 0.0, 0.0), ties=(0.01, 0.3),
         answers=(0.01, 0.2), prior=(0.001, 0.1), reports=(1e-4, 0.02), recipients=(1, 10), rotation=0.2,
         days=(0.5, 40)),
)  # fmt: skip
ROLES = (GUILTY, *INNOCENT)
