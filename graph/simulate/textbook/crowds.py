"""The innocent kinds by name, and how a world's innocent events divide among them."""

from collections.abc import Callable

import numpy as np

from graph.simulate.rows import Rows
from graph.simulate.textbook import commercial, private
from graph.simulate.textbook.stage import Stage

Kind = Callable[[Stage, int], Rows]

PERSONAL = "personal"
CROWDS: dict[str, tuple[float, Kind]] = {  # weight in a world's share of events, and who writes them
    "company": (1.5, commercial.companies),
    "transactional": (1.5, commercial.transactional),
    "newsletter": (1.5, commercial.newsletters),
    "service_newsletter": (1.5, commercial.service_newsletters),
    "political": (0.5, commercial.political),
    "school": (0.5, commercial.schools),
    "franchise": (0.5, commercial.franchises),
    "outreach": (0.4, commercial.outreach),
    "recruiter": (0.4, commercial.recruiters),
    "conference": (0.2, commercial.conferences),
    "notification": (1.0, commercial.notifications),
    "subscription_bomb": (0.15, commercial.subscription_bombs),
    "mailing_list": (0.7, private.mailing_lists),
    "club": (0.4, private.clubs),
    "team_calendar": (0.6, private.team_calendars),
    "contact_card": (0.3, private.contact_cards),
    "stranger": (0.7, private.strangers),
    "marketplace": (0.5, private.marketplace),
}
INNOCENT = (PERSONAL, *CROWDS)
ABSENT = 0.12  # chance that a kind is not found in a world
ALWAYS = ("conference", "team_calendar", "contact_card")  # or a channel would give the guilty away
LEAST_SHARE = 0.008  # of the events, of each of these
LEAST = 12  # events of a kind


def crowd_mail(stage: Stage, events: int) -> list[tuple[int, Rows]]:
    """About so many events of all kinds but personal mail, each with its number in INNOCENT."""
    rng = stage.rng
    weights = rng.dirichlet([weight for weight, _ in CROWDS.values()]) * (rng.random(len(CROWDS)) >= ABSENT)
    weights = np.maximum(weights / max(weights.sum(), 1e-9), [LEAST_SHARE * (name in ALWAYS) for name in CROWDS])
    shares = zip(CROWDS.values(), weights / weights.sum(), strict=True)
    budgets = [(write, round(events * share)) for (_, write), share in shares]
    return [(number, write(stage, n)) for number, (write, n) in enumerate(budgets, 1) if n >= LEAST]
