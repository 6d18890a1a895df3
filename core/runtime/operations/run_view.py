"""What there is to be seen of a run: the parts that are asked, and nothing of how they work."""

from collections.abc import Callable, Mapping, Sequence

import msgspec

from mozu.core.delivery.sink_worker import SinkWorker
from mozu.core.flow.source_pump import SourcePump
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics


class RunView(msgspec.Struct, frozen=True):
    """Of one run; a reload changes what the functions give."""

    metrics: Metrics
    pumps: Sequence[SourcePump]
    workers: Callable[[], Sequence[SinkWorker]]
    heartbeat_intervals: Callable[[], Mapping[str, float]]
    """Sink → seconds, 0 for none."""
    components: Callable[[], Sequence[Isolated[object]]]
    """Enrichers and evaluators."""
    has_started: Callable[[], bool]
    is_stopping: Callable[[], bool]
    rules_digest: Callable[[], str]
    statistics: Callable[[], Mapping[str, object]]
    version: str
    hostname: str
    started: float
    """Seconds since the epoch."""
