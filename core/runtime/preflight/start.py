"""The parts of a start, and what each would find on this machine."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.api import ChecksStart, Obstacle
from mozu.core.common.control_chars import visible
from mozu.core.common.owner_identity import checks_of_command
from mozu.core.common.pid_namespace import PRIVATE, sees_all_processes
from mozu.core.errors import MozuError
from mozu.core.isolation.ends import is_ours
from mozu.core.isolation.texts import text_of
from mozu.core.runtime.config.delivery import STATE_DIR
from mozu.core.runtime.config.model import Entry
from mozu.core.runtime.config.recording import CaptureSettings, RecordSettings
from mozu.core.runtime.preflight.recordings import recording_obstacles
from mozu.core.runtime.run_file import instance, is_running

_log: Final = logging.getLogger("mozu.preflight")
RUN_FILES: Final = "run"
"""Directory of run files below `state_dir`."""


class StartRefused(MozuError):
    """The refusal of a start that would fail; the text has a line for each reason."""


class Finding(msgspec.Struct, frozen=True):
    """An obstacle, with the thing that it affects: `sink archive`, `capture.path_prefix`."""

    subject: str
    obstacle: Obstacle

    def __str__(self) -> str:
        return f"{self.subject}: {self.obstacle.reason}"


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """The parts that would be started."""

    components: Sequence[tuple[str, object]] = ()
    """(kind and id, component), built and not started."""
    sinks: Sequence[Entry] = ()
    """Sinks, whose spools are inspected."""
    sources: Sequence[str] = ()
    """Ids of sources."""
    machine_wide: Sequence[str] = ()
    """Ids of sources that may watch every process of the machine. A run leaves them out: such a source warns itself."""
    record: RecordSettings = RecordSettings()
    capture: CaptureSettings = CaptureSettings()
    state_dir: Path = STATE_DIR
    files: tuple[str, ...] = ()
    """Files that the configuration was read from."""

    def findings(self, *, beside_itself: bool = False) -> list[Finding]:
        """Return all findings. With `beside_itself`, of a command: if mozu already runs with this configuration,
        resources that another process holds are no obstacle, because the running mozu holds them, and files are
        checked as the user whose directories they are in, if that is not root."""
        with checks_of_command() if beside_itself else nullcontext():
            found = [Finding(*one) for one in self._obstacles()]
        if beside_itself and any(one.obstacle.held for one in found) and self._is_running():
            return [one for one in found if not one.obstacle.held]
        return found

    def _obstacles(self) -> Iterator[tuple[str, Obstacle]]:
        yield from recording_obstacles(self.record, self.capture, self.sources)
        if not sees_all_processes():
            yield from ((f"source {name}", Obstacle(PRIVATE)) for name in self.machine_wide)
        for entry in self.sinks:
            if entry.spool.enabled:
                from mozu.core.delivery.spool import spool_obstacles  # imports SQLite

                for obstacle in spool_obstacles(entry.spool.file(entry.id)):
                    yield f"sink {entry.id}", obstacle
        for subject, component in self.components:
            if isinstance(component, ChecksStart):
                for obstacle in _asked(component):
                    yield subject, obstacle

    def _is_running(self) -> bool:
        return is_running(self.state_dir / RUN_FILES, instance(self.files))


def require(start: Start) -> None:
    """Check before anything is started. Raises StartRefused; findings that do not refuse the start are logged as
    warnings."""
    found = start.findings()
    refusing = [visible(str(one)) for one in found if one.obstacle.refuses]
    if refusing:
        raise StartRefused("\n".join(refusing))
    for one in found:
        _log.warning("%s; mozu keeps retrying", one)


def _asked(component: ChecksStart) -> Sequence[Obstacle]:
    try:
        return list(component.obstacles())
    except BaseException as error:  # a plugin's code: what it raises is an answer
        if is_ours(error):
            raise
        return [Obstacle(f"it cannot say what a start would find: {type(error).__name__}: {text_of(error)}")]
