"""What only the events say about senders, counted in Ibis. The rest of the nodes follows from the edges."""

import ibis.expr.types as ir

from graph.window.edges import channel_counts


def sender_facts(events: ir.Table) -> ir.Table:
    """sender -> events, first, last, channels and events with a linked domain."""
    return events.group_by("sender").agg(
        events=events.count(),
        first=events["at"].min(),
        last=events["at"].max(),
        linked=events.count(where=events.sites.length() > 0),
        **channel_counts(events),
    )


def sender_profile(events: ir.Table, unit: str) -> ir.Table:
    """sender, `unit` (`hour` or `day`) -> events."""
    return events.group_by("sender", unit).agg(events=events.count())


def sender_reports(about: ir.Table) -> ir.Table:
    """sender -> distinct reporters who said junk or phish, who said not_junk, and distinct events reported bad."""
    return about.group_by("sender").agg(
        junk=about.reporter.nunique(where=about.bad),
        not_junk=about.reporter.nunique(where=~about.bad),
        reported_events=about.event.nunique(where=about.bad),
    )
