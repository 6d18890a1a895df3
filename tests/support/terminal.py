"""A program on a terminal of its own, and what it shows."""

import os
import pty
import select
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

PATIENCE: Final = 60.0


class Terminal:
    """The other side of it."""

    def __init__(self, command: Sequence[str], at: Path, variables: Mapping[str, str]) -> None:
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:
            try:
                for number in (signal.SIGINT, signal.SIGQUIT):  # ignored by what runs in the background of a script
                    signal.signal(number, signal.SIG_DFL)
                os.chdir(at)
                os.execvpe(command[0], list(command), dict(variables))
            finally:
                os._exit(127)
        self.shown = ""
        """All of it."""
        self._read_to = 0

    @property
    def descriptor(self) -> int:
        """To set its size."""
        return self._descriptor

    def keys(self, text: str) -> None:
        """As with a keyboard; `\\x1a` is Ctrl-Z."""
        os.write(self._descriptor, text.encode())

    def until(self, text: str) -> str:
        """Wait for a text that is shown after the last one that was waited for; give what stands before it."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.shown[self._read_to :]:
            assert time.monotonic() < deadline, f"{text!r} did not appear; shown: {self.shown!r}"
            if select.select([self._descriptor], [], [], 0.1)[0]:
                self.shown += self._read()
        begin, self._read_to = self._read_to, self.shown.index(text, self._read_to) + len(text)
        return self.shown[begin : self._read_to]

    def _read(self) -> str:
        try:
            return os.read(self._descriptor, 4096).decode("utf-8", "replace")
        except OSError:  # EIO: nobody has the other side any more
            return ""

    def end(self) -> int:
        """Wait for the end of the program; its exit code."""
        deadline = time.monotonic() + PATIENCE
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.pid = 0
                return os.waitstatus_to_exitcode(status)
            assert time.monotonic() < deadline, f"the program did not end; shown: {self.shown!r}"
            if select.select([self._descriptor], [], [], 0.05)[0]:
                self.shown += self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._descriptor)
        if self.pid:
            os.kill(self.pid, 9)
            os.waitpid(self.pid, 0)
