"""Plans for launching the processes of one component."""

import asyncio
import logging
import queue
import threading
from concurrent.futures import Future

from mozu.core.api import Context
from mozu.core.runtime.config import Entry
from mozu.core.runtime.config.isolation import IsolationSettings
from mozu.core.runtime.hosting.process.spec import ChildSpec
from mozu.core.runtime.hosting.process.worker import Worker
from mozu.core.runtime.registry import Registry


class ProcessPlan:
    """The plan for one component. Its processes are launched by one thread that lives as long as mozu does: the kernel
    kills a child when the thread that launched it ends (PR_SET_PDEATHSIG)."""

    def __init__(self, spec: ChildSpec, settings: IsolationSettings, context: Context) -> None:
        self.spec, self.settings, self.context = spec, settings, context
        self._wanted: queue.SimpleQueue[Future[Worker]] = queue.SimpleQueue()
        threading.Thread(target=self._serve, name=f"mozu-launch-{spec.id}", daemon=True).start()

    def launch(self) -> Worker:
        """Launch a process, blocking until the component is built. Raises ProcessFailed."""
        return self._asked().result()

    async def launch_beside(self) -> Worker:
        """Launch a process without blocking the event loop; see `launch`."""
        return await asyncio.wrap_future(self._asked())

    def _asked(self) -> "Future[Worker]":
        answer: Future[Worker] = Future()
        self._wanted.put(answer)
        return answer

    def _serve(self) -> None:
        while True:
            answer = self._wanted.get()
            if not answer.set_running_or_notify_cancel():
                continue
            worker = Worker(self.spec, self.settings, self.context)
            try:
                worker.launch()
            except BaseException as error:  # noqa: BLE001  set as the exception of the future
                answer.set_exception(error)
            else:
                answer.set_result(worker)


def process_plan(registry: Registry, entry: Entry, context: Context, hostname: str) -> ProcessPlan:
    """Return the plan for an entry with `isolation: process`. Raises PluginError and ConfigError."""
    spec = ChildSpec(
        kind=entry.kind,
        plugin=entry.name,
        entry_point=registry.plugin(entry.kind, entry.name).origin.plugin,
        id=entry.id,
        settings=registry.settings(entry),
        offline=context.offline,
        requested_fields=context.requested_fields,
        content_type=context.content_type,
        schema=context.schema,
        hostname=hostname,
        state_path=context.state_path,
        level=logging.getLogger().getEffectiveLevel(),
    )
    return ProcessPlan(spec, entry.isolation, context)
