"""The sink itself: which program runs when, and what its end means."""

import asyncio
import os
from collections.abc import Sequence
from typing import Final

from pydantic import Field

from mozu.core.api import Context, Record, Rejected, Retry, Settings
from mozu.core.api.hookspecs import Outcome
from mozu.plugins.sinks.lines import one_line
from mozu.plugins.sinks.program.child import Child

_SHORT_LIFE: Final = 1.0
"""Seconds: a program that ends sooner is started again with back-off."""
_FIRST_DELAY, _LONGEST_DELAY = 0.1, 30.0
_FAILURES: Final = 3
"""Alerts in a row for which the program fails, after which the rest of a batch is left for later."""


class ProgramSettings(Settings):
    """What runs, and how."""

    command: str | tuple[str, ...] = Field(
        min_length=1, description="A list: the program and its arguments. Text: a line for /bin/sh."
    )
    keep_alive: bool = Field(
        True, description="One program for all alerts; false: one for each, which must end with exit code 0."
    )
    timeout: float = Field(30.0, gt=0, description="Seconds in which the program must read on, or end.")
    grace: float = Field(
        5.0, ge=0, description="Seconds that it has at the stop, after the end of its input, before it is ended."
    )


class ProgramSink:
    """Acknowledges what the program has read; with `keep_alive: false`, what it has ended well for."""

    def __init__(self, settings: ProgramSettings, context: Context) -> None:
        self._settings, self._log = settings, context.log
        command = settings.command
        self._command = ("/bin/sh", "-c", command) if isinstance(command, str) else command
        self._child: Child | None = None
        self._delay, self._not_before = 0.0, 0.0

    async def start(self) -> None:
        """The program is started with the first alert."""

    async def deliver(self, records: Sequence[Record]) -> Sequence[Outcome] | None:
        """Raises OSError if the program cannot be started, ends with lines unread, or reads nothing for too long."""
        lines = [one_line(record.body) + b"\n" for record in records]
        if not lines:
            return None
        if not self._settings.keep_alive:
            return await self._one_by_one(lines)
        child = self._running()
        if child is None:
            wait = self._not_before - asyncio.get_running_loop().time()
            if wait > 0:
                return [Retry(wait, tried=False)] * len(lines)
            child = self._child = await Child.start(self._command, self._log)
        try:
            await child.feed(b"".join(lines), self._settings.timeout)
        except OSError:  # TimeoutError is one
            await child.end(0.0)
            raise
        return None

    async def stop(self) -> None:
        """The program reads the end of its input, and gets `grace` seconds to finish."""
        child, self._child = self._child, None
        if child is not None:
            await child.end(self._settings.grace)

    def _running(self) -> Child | None:
        """The program, or None after noting how it ended."""
        child = self._child
        if child is None or child.code is None:
            return child
        self._child = None
        child.close()
        short = child.ended - child.started < _SHORT_LIFE
        self._delay = min(max(_FIRST_DELAY, 2 * self._delay), _LONGEST_DELAY) if short else 0.0
        self._not_before = child.ended + self._delay
        self._log.warning("the program has ended (%s) and is started again", child.told())
        return None

    async def _one_by_one(self, lines: Sequence[bytes]) -> Sequence[Outcome]:
        outcomes: list[Outcome] = []
        failures = 0
        for line in lines:
            outcome = await self._for_one(line)
            outcomes.append(outcome)
            failures = failures + 1 if isinstance(outcome, Retry) else 0
            if failures == _FAILURES:
                break
        return outcomes + [Retry(tried=False)] * (len(lines) - len(outcomes))

    async def _for_one(self, line: bytes) -> Outcome:
        """Its end decides, not what it has read: `true` reads nothing and is content."""
        settings = self._settings
        child = await Child.start(self._command, self._log)
        grace = settings.timeout
        try:
            await child.feed(line, settings.timeout)
        except BrokenPipeError:
            pass
        except TimeoutError:
            grace = 0.0
        await child.end(grace)
        if child.code == os.EX_OK:
            return None
        if child.code == os.EX_DATAERR:
            return Rejected(f"the program does not take it ({child.told()})")
        self._log.warning("the program failed for one alert (%s)", child.told())
        return Retry()
