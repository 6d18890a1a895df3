"""From sources to sinks: batches of events to the right, nothing lost without being counted."""

from mozu.core.delivery.sink_worker import Outlet
from mozu.core.flow.enrichment_buffer import Hold
from mozu.core.flow.pipeline import Pipeline
from mozu.core.isolation.stage import Stage

__all__ = ["Hold", "Outlet", "Pipeline", "Stage"]
