"""A command that is run beside a source that sees the whole machine."""

import os
import subprocess
from collections.abc import Sequence
from typing import Any

from mozu.core.api import Event, SyscallEvent
from mozu.core.model.fields.proc.read import lineage


class WatchedCommand:
    """A child of this process, once it is started."""

    def __init__(self, command: Sequence[str], **options: Any) -> None:
        """Make a command. `options` are those of `subprocess.Popen`."""
        self._command, self._options = list(command), options
        self._child: subprocess.Popen[bytes] | None = None
        self._mine = os.getpid()
        self.failure = ""
        """Reason why the command could not be started; empty if it was."""

    def run(self) -> None:
        """Run the command to its end; blocks, and belongs on a thread."""
        try:
            self._child = subprocess.Popen(self._command, **self._options)
        except OSError as error:
            self.failure = error.strerror or str(error)
        else:
            self._child.wait()

    def end(self) -> None:
        """Kill the command if it still runs."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def belongs(self, event: Event) -> bool:
        """Return True for events of this process's children and their descendants."""
        return isinstance(event, SyscallEvent) and any(one.pid == self._mine for one in lineage(event))
