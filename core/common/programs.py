"""Programs that are run to their end: an argument list and never a shell, nothing of mozu's own environment."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from mozu.core.cpu_wait import CpuWait, timeout

PROGRAM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Search path for programs."""
_ENVIRONMENT: Final = {"PATH": PROGRAM_PATH, "LANG": "C.UTF-8"}
"""Environment of programs; mozu's own may hold secrets."""


class Finished(msgspec.Struct, frozen=True):
    """The end of a program: its exit code and output."""

    code: int
    output: str
    errors: str


async def run_program(
    command: Sequence[str | Path], *, stdin: bytes = b"", seconds: float, pass_fds: Sequence[int] = ()
) -> Finished:
    """Run a program to its end. After `seconds`, CPU wait aside, it is killed with its process group. Raises OSError
    and TimeoutError."""
    child = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        pass_fds=pass_fds,
        env=_ENVIRONMENT,
    )
    try:
        async with timeout(seconds, CpuWait(child.pid)):
            output, errors = await child.communicate(stdin)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()
        raise
    return Finished(child.returncode or 0, output.decode("utf-8", "replace"), errors.decode("utf-8", "replace"))
