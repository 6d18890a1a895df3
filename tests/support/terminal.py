"""A program on a private terminal, and its output there."""

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
    """The controlling side of the terminal."""

    def __init__(self, command: Sequence[str], at: Path, variables: Mapping[str, str]) -> None:
        self.pid, self._descriptor = pty.fork()
        if self.pid == 0:
            try:
                for number in (signal.SIGINT, signal.SIGQUIT):  # children in the background of a script ignore these
                    signal.signal(number, signal.SIG_DFL)
                os.chdir(at)
                os.execvpe(command[0], list(command), dict(variables))
            finally:
                os._exit(127)
        self.shown = ""
        """The whole output."""
        self._read_to = 0

    @property
    def descriptor(self) -> int:
        """Return the descriptor with which the size can be set."""
        return self._descriptor

    def keys(self, text: str) -> None:
        """Write a text as a keyboard would; `\\x1a` is Ctrl-Z."""
        os.write(self._descriptor, text.encode())

    def until(self, text: str) -> str:
        """Wait for a text after the last one that was waited for; return the output before it."""
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
        except OSError:  # EIO: the other side is closed
            return ""

    def end(self) -> int:
        """Wait for the end of the program; return its exit code."""
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
