"""Lifecycle notices: start, reload and stop of a run, and the death of the run before it, reach every sink."""

import asyncio
import logging
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mozu.core.common.thread_pool import WorkerThread
from mozu.core.common.ticks import tick
from mozu.core.flow.alert_pipeline import AlertPipeline
from mozu.core.model.alert import Severity
from mozu.core.runtime.run_file import RunFile, RunRecord, boot_id

_log = logging.getLogger("mozu.engine")

_SIGN_INTERVAL: Final = 1.0
"""Seconds between two heartbeats in the run file."""
_UNLINK_SECONDS: Final = 1.0
"""Seconds for which a stop waits for the disk of the run file."""


class Lifecycle:
    """The notices of one run. The run file is used on a thread of its own, so that a hanging disk delays nothing."""

    def __init__(self, alerts: AlertPipeline, version: str, directory: Path, name: str) -> None:
        self._alerts, self._version, self._directory, self._name = alerts, version, directory, name
        self._file: RunFile | None = None
        self._thread: WorkerThread | None = None

    def claim(self) -> None:
        """Find out how the runs before this one ended. mozu also runs without a run file."""
        try:
            self._file = RunFile.claim(self._directory, self._name)
        except OSError as error:
            _log.warning("the run file cannot be created, so the next start cannot report an end by kill -9: %s", error)

    def release(self) -> None:
        """Release the run file: the start was refused."""
        if self._file is not None:
            self._file.release()
            self._file = None

    def started(self, sources: Sequence[str], sinks: Sequence[str], rules_digest: str) -> None:
        """Report, once everything has started, how earlier runs ended and that this one has begun."""
        for record in () if self._file is None else self._file.ended:
            self._report_death(record)
        self._alerts.notice(
            "mozu started",
            Severity.NOTICE,
            f"mozu {self._version} has started: sources {', '.join(sources)}; sinks {', '.join(sinks)}",
            version=self._version,
            pid=os.getpid(),
            rules_digest=rules_digest,
        )
        if self._file is not None:
            try:
                self._file.begin(self._version)
            except OSError as error:
                _log.warning("the run file cannot be written: %s", error)

    def _report_death(self, record: RunRecord) -> None:
        last, rebooted = _time(record.seen), record.boot not in ("", boot_id())
        more = "; the machine has been started anew since then" if rebooted else ""
        self._alerts.notice(
            "mozu ended without a word",
            Severity.CRITICAL,
            f"an earlier run of mozu (process {record.pid}, started {_time(record.started)}) ended without a word "
            f"after {last}{more}: what happened from then on until now was not seen",
            last_sign=last,
            started=_time(record.started),
            pid=record.pid,
            version=record.version,
            rebooted=int(rebooted),
        )

    def reloaded(self, rules_digest: str, changes: str) -> None:
        """Report that a new configuration, or other rules, are in force."""
        self._alerts.notice(
            "mozu reloaded", Severity.NOTICE, f"mozu reloaded: {changes}", rules_digest=rules_digest, changes=changes
        )

    def stopping(self, why: str) -> None:
        """Raise the last alert of a run: the sources have ended, and the sinks deliver what is left."""
        self._alerts.notice("mozu stopped", Severity.WARNING, f"mozu {self._version} stops: {why}", reason=why)

    async def run(self) -> None:
        """Record every second that the run is alive."""
        file = self._file
        if file is None:
            return
        self._thread = WorkerThread("mozu-run-file")
        while True:
            await tick(_SIGN_INTERVAL)
            try:
                await self._thread.run(file.sign)
            except OSError as error:
                _log.debug("the run file cannot be written: %s", error)

    async def ended(self) -> None:
        """Remove the run file after a clean end; called after `run` was cancelled."""
        if self._file is None:
            return
        thread, file = self._thread or WorkerThread("mozu-run-file"), self._file
        self._file = None
        try:
            await asyncio.wait_for(thread.run(file.end), _UNLINK_SECONDS)
        except (OSError, TimeoutError) as error:
            _log.warning("the run file cannot be removed: %s", error or "its disk does not answer")
        thread.close()


def _time(nanoseconds: int) -> str:
    if not nanoseconds:
        return "an unknown time"
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
