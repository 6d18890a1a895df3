"""The sink `program`: starts the command, restarts it with back-off, and uses its exit code as an outcome."""

import asyncio
import os
import shutil
from collections.abc import Sequence
from typing import Final

from pydantic import Field

from mozu.core.api import ChecksStart, Context, Obstacle, Outcome, Record, Rejected, Retry, Settings
from mozu.core.common.backoff import Backoff
from mozu.core.common.control_chars import single_line
from mozu.plugins.sinks.program.child_process import ChildProcess

_MIN_LIFETIME: Final = 1.0
"""Seconds; a program that ends sooner is restarted with back-off."""
_RESTART_BACKOFF: Final = (0.1, 30.0)
"""First and longest seconds between the end of such a program and its restart, without jitter."""
_MAX_FAILURES: Final = 3
"""Failures of the program in a row after which the rest of a batch is retried later."""


class ProgramSettings(Settings):
    """Settings of the sink `program`."""

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


class ProgramSink(ChecksStart):
    """Sink that acknowledges alerts which the program has read; with `keep_alive: false`, alerts for which it ended
    with exit code 0."""

    def __init__(self, settings: ProgramSettings, context: Context) -> None:
        self._settings, self._log = settings, context.log
        command = settings.command
        self._command = ("/bin/sh", "-c", command) if isinstance(command, str) else command
        self._child: ChildProcess | None = None
        self._backoff = Backoff(*_RESTART_BACKOFF, jitter=0.0)

    def obstacles(self) -> Sequence[Obstacle]:
        """Return an obstacle if the program is missing or may not be executed. Programs in a shell line are not
        checked."""
        program = self._command[0]
        if shutil.which(program) is not None:
            return []
        return [Obstacle(f"the program {program} is not there, or may not be executed; set `command`")]

    async def start(self) -> None:
        """Do nothing: the program is started with the first alert."""

    async def deliver(self, records: Sequence[Record]) -> Sequence[Outcome] | None:
        """Write the records as lines. Raises OSError if the program cannot be started, ends with lines unread, or reads
        nothing for too long."""
        lines = [single_line(record.body) + b"\n" for record in records]
        if not lines:
            return None
        if not self._settings.keep_alive:
            return await self._one_by_one(lines)
        child = self._running()
        if child is None:
            wait = self._backoff.left()
            if wait > 0:
                return [Retry(wait, tried=False)] * len(lines)
            child = self._child = await ChildProcess.start(self._command, self._log)
        try:
            await child.feed(b"".join(lines), self._settings.timeout)
        except OSError:  # TimeoutError is one
            await child.end(0.0)
            raise
        return None

    async def stop(self) -> None:
        """Close the program's input, and give it `grace` seconds to finish."""
        child, self._child = self._child, None
        if child is not None:
            await child.end(self._settings.grace)

    def _running(self) -> ChildProcess | None:
        """Return the running program; None if there is none, after logging how it ended."""
        child = self._child
        if child is None or child.code is None:
            return child
        self._child = None
        child.close()
        if child.ended - child.started < _MIN_LIFETIME:
            self._backoff.failed(ago=asyncio.get_running_loop().time() - child.ended)
        else:
            self._backoff.succeeded()
        self._log.warning("the program has ended (%s) and is restarted", child.describe_end())
        return None

    async def _one_by_one(self, lines: Sequence[bytes]) -> Sequence[Outcome]:
        outcomes: list[Outcome] = []
        failures = 0
        for line in lines:
            outcome = await self._for_one(line)
            outcomes.append(outcome)
            failures = failures + 1 if isinstance(outcome, Retry) else 0
            if failures == _MAX_FAILURES:
                break
        return outcomes + [Retry(tried=False)] * (len(lines) - len(outcomes))

    async def _for_one(self, line: bytes) -> Outcome:
        """Run the program for one alert. The exit code decides, not what was read: `true` reads nothing and
        succeeds."""
        settings = self._settings
        child = await ChildProcess.start(self._command, self._log)
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
            return Rejected(f"the program does not take it ({child.describe_end()})")
        self._log.warning("the program failed for one alert (%s)", child.describe_end())
        return Retry()
