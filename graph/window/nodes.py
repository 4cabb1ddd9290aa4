"""What only the events say about senders, counted in Ibis. The rest of the nodes follows from the edges."""

import ibis.expr.types as ir

from graph.window.edges import channel_counts
from graph.window.keys import with_id


def sender_posts(events: ir.Table, senders: ir.Table) -> ir.Table:
    """One row for each event, integers only: sender, at, day, hour, channel, whether it links to a domain."""
    facts = events.select("sender", "at", "day", "hour", "channel", links=events.sites.length() > 0)
    return with_id(facts, "sender", senders)


def sender_facts(posts: ir.Table) -> ir.Table:
    """sender -> events, first, last, channels and events with a linked domain."""
    return posts.group_by("sender").agg(
        events=posts.count(),
        first=posts["at"].min(),
        last=posts["at"].max(),
        linked=posts.count(where=posts.links),
        **channel_counts(posts),
    )


def sender_profile(posts: ir.Table, unit: str) -> ir.Table:
    """sender, `unit` (`hour` or `day`) -> events."""
    return posts.group_by("sender", unit).agg(events=posts.count())


def sender_reports(about: ir.Table) -> ir.Table:
    """sender -> distinct reporters who said junk or phish, who said not_junk, and distinct events reported bad."""
    return about.group_by("sender").agg(
        junk=about.reporter.nunique(where=about.bad),
        not_junk=about.reporter.nunique(where=~about.bad),
        reported_events=about.event_id.nunique(where=about.bad),
    )
