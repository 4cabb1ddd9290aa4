"""The event lake: the truth everything else is rebuilt from. Knows no readers and no graph."""

from graph.lake.ingest import IngestSummary
from graph.lake.lake import Lake

__all__ = ["IngestSummary", "Lake"]
