"""The states of a campaign and the rules that move them: RULES, read from the top. Knows no group and no evidence.

The newest verdict counts. What a verdict gave, only another verdict takes; without one a campaign that is found again
wakes up as active.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from graph.schema import BENIGN, MALICIOUS


@dataclass(frozen=True)
class Rule:
    """`state` where each condition that is not None holds."""

    state: str
    verdict: str | None = None
    found: bool | None = None
    known: bool | None = None

    def holds(self, verdict: str | None, found: bool, known: bool) -> bool:
        """Whether the rule speaks of such a campaign."""
        asked = ((self.verdict, verdict), (self.found, found), (self.known, known))
        return all(wanted is None or wanted == fact for wanted, fact in asked)


RULES = (
    Rule("confirmed", verdict=MALICIOUS),
    Rule("dismissed", verdict=BENIGN),
    Rule("new", found=True, known=False),
    Rule("active", found=True, known=True),
    Rule("dormant", found=False),
)


def state_of(campaign: str, judged: Mapping[str, str], *, found: bool, known: bool) -> str:
    """The state of a campaign; `judged`: the newest verdict on each, `found`: a group has it now."""
    verdict = judged.get(campaign)
    return next(rule.state for rule in RULES if rule.holds(verdict, found, known))
