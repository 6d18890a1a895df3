"""`mozu run`, whose state can be read: on SIGRTMIN it writes every process that it knows to the file MOZU_STATE.

    MOZU_STATE=FILE python -m tests.soak.watched run …
"""

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from mozu.core.cli import main
from mozu.core.runtime.engine import wiring
from mozu.core.state import StateMachine
from tests.soak.truth import Known


class ReadableState(StateMachine):
    """A state machine that can return all of its contents."""

    newest: "ReadableState"

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        ReadableState.newest = self

    def everything(self) -> dict[int, Known]:
        """Return the known processes by process id."""
        found: dict[int, Known] = {}
        for node in self._state.tables:
            process = node.version
            if not process.exited and node.main is node:
                command = (process.exe, *process.args) if process.exe or process.args else ()
                found[process.pid] = Known(
                    process.ptid, process.exepath, command, process.cwd.rstrip("/") or "/", process.uid, process.start
                )
        return found


    def doubted(self) -> list[int]:
        """Return the processes for which the state would now have to be repaired, by the machine's own comparison."""
        return [one.tid for one in self.read_procfs() if self.differs(one, self.number, threads=False)]


def _write(*_: object) -> None:
    target = Path(os.environ["MOZU_STATE"])
    fresh = target.with_suffix(".new")
    state = ReadableState.newest
    fresh.write_text(json.dumps({"sizes": state.sizes(), "processes": state.everything(), "doubted": state.doubted()}))
    fresh.rename(target)


if __name__ == "__main__":
    setattr(wiring, "StateMachine", ReadableState)  # noqa: B010  it is no export of the module
    signal.signal(signal.SIGRTMIN, _write)
    sys.exit(main())
