"""The observable parts of a run, without how they work."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.flow.shadow_samples import ShadowMatches
from mozu.core.flow.source_pump import SourcePump
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics


class RunView(msgspec.Struct, frozen=True):
    """The view of one run; a reload changes what the functions return."""

    metrics: Metrics
    pumps: Sequence[SourcePump]
    workers: Callable[[], Sequence[SinkWorker]]
    heartbeat_intervals: Callable[[], Mapping[str, float]]
    """Sink → seconds between heartbeats, 0 for none."""
    components: Callable[[], Sequence[Isolated[object]]]
    """Enrichers and evaluators."""
    has_started: Callable[[], bool]
    is_stopping: Callable[[], bool]
    rules_digest: Callable[[], str]
    statistics: Callable[[], Mapping[str, object]]
    shadow: Callable[[], Sequence[ShadowMatches]]
    """Rules in shadow mode."""
    version: str
    hostname: str
    started: float
    """Start of the run, in seconds since the epoch."""
