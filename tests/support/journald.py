"""A real systemd-journald in a private mount namespace, with its socket and journal below one directory."""

import json
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.requirements import program, require

PATIENCE = 30.0
_DAEMON = Path("/usr/lib/systemd/systemd-journald")
_SET_UP = """
mount --make-rprivate /
mount -t tmpfs none /run
mkdir -p /run/systemd/journal /run/log/journal
mount --bind {sockets} /run/systemd/journal
mount --bind {journal} /run/log/journal
mkdir /run/systemd/journald.conf.d
cp {conf} /run/systemd/journald.conf.d/test.conf
exec {daemon}
"""
_CONFIGURATION = """[Journal]
Storage=volatile
RuntimeMaxUse=256M
RateLimitIntervalSec=0
ForwardToSyslog=no
ReadKMsg=no
Audit=
"""


class Journal:
    """A journald: `socket` is the path on which it listens, `records` returns the contents of its journal."""

    def __init__(self, folder: Path) -> None:
        self._journalctl, self._unshare = program("journalctl"), program("unshare")
        require(os.geteuid() == 0, "a mount namespace for journald needs root")
        require(_DAEMON.exists(), "systemd-journald is not installed")
        self._folder = folder
        self._sockets, self._journal = folder / "s", folder / "journal"
        self.socket = self._sockets / "socket"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the daemon; return when it listens."""
        for path in (self._sockets, self._journal):
            path.mkdir(exist_ok=True)
        conf = self._folder / "journald.conf"
        conf.write_text(_CONFIGURATION)
        quoted = {
            "sockets": self._sockets,
            "journal": self._journal,
            "conf": conf,
            "daemon": _DAEMON,
        }
        script = _SET_UP.format(**{name: shlex.quote(str(path)) for name, path in quoted.items()})
        with (self._folder / "journald.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._unshare, "-m", "/bin/sh", "-ec", script], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.wait(self.socket.exists, "journald listens")

    def stop(self) -> None:
        """End the daemon."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(PATIENCE)
            self._process = None
        self.socket.unlink(missing_ok=True)

    def records(self, *matches: str) -> list[dict[str, Any]]:
        """Return the records that match (`NAME=value`), oldest first."""
        command = [self._journalctl, f"--directory={self._journal}", "--output=json", "--all", "--no-pager", *matches]
        found = subprocess.run(command, capture_output=True, check=False)
        return [json.loads(line) for line in found.stdout.splitlines()]

    def wait_records(self, count: int, *matches: str) -> list[dict[str, Any]]:
        """Wait for at least `count` matching records, and return them."""
        self.wait(lambda: len(self.records(*matches)) >= count, f"{count} records")
        return self.records(*matches)

    def wait(self, test: Callable[[], bool], what: str) -> None:
        """Wait until the test passes."""
        deadline = time.monotonic() + PATIENCE
        while not test():
            if time.monotonic() > deadline or (self._process is not None and self._process.poll() is not None):
                raise AssertionError(f"not seen: {what}\n{(self._folder / 'journald.log').read_text()}")
            time.sleep(0.05)


@contextmanager
def journald(folder: Path) -> Iterator[Journal]:
    """Yield a journal that runs until the block ends."""
    journal = Journal(folder)
    journal.start()
    try:
        yield journal
    finally:
        journal.stop()


def text(value: str | list[int]) -> str:
    """Return a field of a record as text; journalctl shows what it takes for binary as a list of bytes."""
    return value if isinstance(value, str) else bytes(value).decode("utf-8", "surrogateescape")
