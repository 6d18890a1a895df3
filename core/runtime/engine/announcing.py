"""Announcements of a run: start and end as alerts, and heartbeats to the sinks that want them."""

from collections.abc import Callable, Sequence

from mozu.core.flow.alert_pipeline import AlertPipeline
from mozu.core.flow.heartbeats import Heartbeats
from mozu.core.flow.loss_accounting import LossAccounting
from mozu.core.flow.source_pump import SourcePump
from mozu.core.metrics import Metrics
from mozu.core.runtime.engine.built import Assembly
from mozu.core.runtime.engine.lifecycle import Lifecycle
from mozu.core.runtime.preflight import RUN_FILES
from mozu.core.runtime.run_file import instance


def announcing(
    built: Assembly,
    alerts: AlertPipeline,
    pumps: Sequence[SourcePump],
    losses: LossAccounting,
    metrics: Metrics,
    rules_digest: Callable[[], str],
) -> tuple[Lifecycle, Heartbeats]:
    """Return the notices of the run's start and end, and the heartbeats."""
    lifecycle = Lifecycle(alerts, built.version, built.state_dir / RUN_FILES, instance(built.files))
    heartbeats = Heartbeats(
        alerts, pumps, losses, metrics,
        intervals={one.entry.id: one.entry.heartbeat for one in built.sinks},
        version=built.version, rules_digest=rules_digest,
    )  # fmt: skip
    return lifecycle, heartbeats
