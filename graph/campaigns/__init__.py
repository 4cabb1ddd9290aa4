"""From suspicious senders to campaigns: found, named, kept, explained. Knows evidence and a margin, not the model."""

from graph.campaigns.describe import describe_campaigns
from graph.campaigns.find import FindOptions, Partition, find_groups
from graph.campaigns.identity import Known, carry_over
from graph.campaigns.warm import last_groups

__all__ = ["FindOptions", "Known", "Partition", "carry_over", "describe_campaigns", "find_groups", "last_groups"]
