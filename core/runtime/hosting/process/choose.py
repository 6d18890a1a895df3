"""Construction of a component in a child process, with those of its capabilities that work across a process
boundary."""

from typing import Final

from mozu.core.api import Kind
from mozu.core.errors import PluginError
from mozu.core.runtime.hosting.process.plan import ProcessPlan
from mozu.core.runtime.hosting.process.remote import (
    AckingRemoteSource,
    AlertAckingRemoteSource,
    CheckedRemoteSink,
    RemoteEvaluator,
    RemoteSink,
    RemoteSource,
    ReopeningRemoteSink,
)
from mozu.core.runtime.hosting.process.worker import Worker

_IMPOSSIBLE: Final = frozenset({"origin", "readers", "recorded_names"})
"""Members of capabilities that every event may ask for: a source with one of these cannot work from a child process."""


def remote(plan: ProcessPlan) -> object:
    """Launch the first instance, blocking until it is built. Raises ProcessFailed and PluginError."""
    return _hosted(plan, plan.launch())


async def remote_again(plan: ProcessPlan) -> object:
    """Launch another instance and return it once it is built."""
    return _hosted(plan, await plan.launch_beside())


def _hosted(plan: ProcessPlan, worker: Worker) -> object:
    offered = frozenset(worker.built.capabilities)
    impossible = offered & _IMPOSSIBLE
    if impossible:
        worker.end("it cannot run there")
        text = f"it cannot run with isolation: process, for its `{min(impossible)}` is asked in mozu itself"
        raise PluginError(plan.spec.plugin, text)
    if plan.spec.kind is Kind.SOURCE:
        return _source(offered)(worker)
    if plan.spec.kind is Kind.EVALUATOR:
        return RemoteEvaluator(plan, worker)
    return _sink(offered)(plan, worker)


def _source(offered: frozenset[str]) -> type[RemoteSource]:
    if "ack_alerts" in offered:
        return AlertAckingRemoteSource
    return AckingRemoteSource if "ack" in offered else RemoteSource


def _sink(offered: frozenset[str]) -> type[RemoteSink]:
    if "reopen" in offered:
        return ReopeningRemoteSink
    return CheckedRemoteSink if "check" in offered else RemoteSink
