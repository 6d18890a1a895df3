"""A helper that plays a scenario on a disk queue."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from mozu.core.delivery.disk_queue import DiskQueue
from mozu.core.metrics import Metrics


class Here:
    """A stand-in for the spool's thread that does each piece of work at once: a scenario goes the same way each time,
    on any clock.
    """

    def __init__(self, name: str) -> None:
        pass

    async def run(self, work: Callable[[], Any]) -> Any:
        """Return the result of `work`, called at once."""
        return work()

    def close(self) -> None:
        """Do nothing: there is no thread."""


def play(
    path: Path, scenario: Callable[[DiskQueue], Coroutine[Any, Any, Any]], **settings: Any
) -> tuple[Any, dict[str, float], str]:
    """Run a scenario on an open queue; return its result, the counters, and the text of the damage reports."""

    async def main() -> tuple[Any, dict[str, float], str]:
        metrics, tasks = Metrics(), list[asyncio.Task[Any]]()
        async with asyncio.TaskGroup() as group:
            options = {"max_bytes": 1 << 30, "fsync": False, "drop_oldest": False, "live_first": False, **settings}
            capacity = options.pop("capacity", 1 << 30)

            def spawn(work: Coroutine[Any, Any, None], name: str) -> None:
                tasks.append(group.create_task(work))

            queue = DiskQueue(path, capacity, metrics, spawn=spawn, **options)
            damage = await queue.open()
            result = await scenario(queue)
            queue.close()
            while queue.in_memory() > len(queue._ledger.at_risk):
                await asyncio.sleep(0)
            await queue.stop("stop deadline")
        return result, {labels.get("reason", name): value for name, labels, value in metrics.collect()}, damage

    return asyncio.run(main())


async def take(queue: DiskQueue, many: int) -> list[str]:
    rules: list[str] = []
    while len(rules) < many:
        rules += [item.form.rule for _, item in await queue.get(many)]
    return rules
