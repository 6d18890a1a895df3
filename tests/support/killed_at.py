"""mozu, ended by SIGKILL at a moment of an act.

    python -m tests.support.killed_at STAGE PYTHON -m MODULE ARGUMENTS

STAGE `planned`: once the act was written down, before it is done. `done`: after the act, before its end is written.
"""

import os
import runpy
import signal
import sys

from mozu.core.respond.audit_log import ActStage, AuditEntry, AuditLog


def main(stage: ActStage) -> None:
    """Run the module of the command line."""
    append = AuditLog.append

    def appended(self: AuditLog, entry: AuditEntry) -> None:
        if entry.stage is not stage:
            append(self, entry)
            return
        if stage is ActStage.PLANNED:
            append(self, entry)
        os.kill(os.getpid(), signal.SIGKILL)

    AuditLog.append = appended  # type: ignore[method-assign]  # the moment
    sys.argv = sys.argv[4:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(ActStage(sys.argv[1]))
