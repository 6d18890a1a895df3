"""From sources to sinks: batches of events to the right, nothing lost without being counted."""

from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.flow.enrichment_buffer import EnrichmentBuffer
from mozu.core.flow.pipeline import Pipeline
from mozu.core.isolation.isolated import Isolated

__all__ = ["EnrichmentBuffer", "Isolated", "Pipeline", "SinkWorker"]
