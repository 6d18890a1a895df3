"""From sources to sinks: batches of events to the right, nothing lost without being counted."""

from mozu.core.pipeline.hold import Hold
from mozu.core.pipeline.outlet import Outlet
from mozu.core.pipeline.pipeline import Pipeline
from mozu.core.pipeline.stage import Stage

__all__ = ["Hold", "Outlet", "Pipeline", "Stage"]
