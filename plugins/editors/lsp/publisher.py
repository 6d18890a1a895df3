"""Findings on their way to the editor: computed on one thread, the newest text first."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from mozu.core.api.rule_workspace import Findings, RuleFinding, RuleWorkspace

T = TypeVar("T")
Publish = Callable[[str, Sequence[RuleFinding]], None]
"""Function that sends the findings of a file."""


class FindingsPublisher:
    """The publisher of findings."""

    def __init__(self, rules: RuleWorkspace, publish: Publish) -> None:
        self._rules, self._publish = rules, publish
        self._thread = ThreadPoolExecutor(1, "findings")
        self._waiting: dict[str, None] = {}
        self._is_running = False
        self._changes = 0
        self._shown: dict[str, Sequence[RuleFinding]] = {}

    async def changed(self, file: str) -> None:
        """Find and publish the findings of a file whose text has changed, and of all that load with it."""
        self._changes += 1
        self._waiting[file] = None
        if self._is_running:
            return
        self._is_running = True
        try:
            while self._waiting:
                one = next(iter(self._waiting))
                del self._waiting[one]
                await self._find(one)
        finally:
            self._is_running = False

    async def run(self, function: Callable[[], T]) -> T:
        """Return the result of a function, called on the thread of the findings."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    def close(self) -> None:
        """Let the thread end."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _find(self, file: str) -> None:
        loop, changes = asyncio.get_running_loop(), self._changes
        found = self._rules.findings(file)
        while (one := await loop.run_in_executor(self._thread, _next, found)) is not None:
            self._show(one)
        if changes != self._changes:
            self._waiting[file] = None  # it may have stopped early because another file changed

    def _show(self, findings: Findings) -> None:
        for file, found in findings.items():
            if found != self._shown.get(file, []):
                self._shown[file] = found
                self._publish(file, found)


def _next(found: Iterator[Findings]) -> Findings | None:
    return next(found, None)
