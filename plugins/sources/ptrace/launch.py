"""Start of a command under the tracer: the launcher stops until it is traced, then becomes the command."""

import contextlib
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.api import SourceUnavailable
from mozu.core.common.alert_output import command_output
from mozu.core.common.descriptors import initial_soft_limit
from mozu.core.model.syscalls import kernel_number
from mozu.plugins.sources.ptrace import native, seccomp
from mozu.plugins.sources.ptrace.call_gate import ALWAYS_STOPPED, SECCOMP
from mozu.plugins.sources.ptrace.injected_opens import InjectedOpens
from mozu.plugins.sources.ptrace.tracer import Tracer

_LAUNCHER: Final = Path(__file__).with_name("launcher.py")


def launch(
    tracer: Tracer, command: Iterable[str], types: Iterable[str], log: logging.Logger
) -> "subprocess.Popen[bytes]":
    """Start the command, which has all of mozu's descriptors and stops at calls of these types. On the tracer's thread.

    Raises SourceUnavailable.
    """
    numbers = _numbers(types)
    if tracer.gate is not None:
        numbers += ALWAYS_STOPPED
    opens: list[int] = []
    with contextlib.ExitStack() as ends:
        channel = -1
        if tracer.gate is not None and tracer.gate.opens:
            opens = _numbers(tracer.gate.opens)
            own, others = socket.socketpair()
            ends.enter_context(others)
            others.set_inheritable(True)
            channel = others.fileno()
            tracer.injected_opens = InjectedOpens(own, log)
        numbers_said = map(str, (initial_soft_limit(), channel, SECCOMP))
        program = seccomp.build_filter(numbers, opens=opens).hex()
        arguments = [sys.executable, "-I", "-S", str(_LAUNCHER), program, *numbers_said, *command]
        process = subprocess.Popen(arguments, close_fds=False, env=_environment(), stdout=command_output())
    tracer.root = process.pid
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    if not os.WIFSTOPPED(status):
        raise SourceUnavailable(f"the command could not be prepared (status {status})")
    try:
        native.seize(process.pid, native.OPTIONS | native.EXITKILL)
    except (OSError, native.TaskGone) as error:
        process.kill()
        os.waitpid(process.pid, 0)
        raise SourceUnavailable(
            f"this machine does not allow tracing ({error}); in a container allow ptrace in its seccomp profile"
        ) from error
    tracer.adopt(process.pid, process.pid)
    return process


def _numbers(types: Iterable[str]) -> list[int]:
    """Return the numbers of the calls among these types that this machine has."""
    found = (kernel_number(SYSCALL_SPECS[name].number) for name in types if SYSCALL_SPECS[name].is_syscall)
    return [number for number in found if number is not None]


def _environment() -> dict[bytes, bytes]:
    """Return the environment of this process, without the variable that the interpreter set at its start."""
    found = dict(os.environb)
    with open("/proc/self/environ", "rb") as file:
        if not any(word.startswith(b"LC_CTYPE=") for word in file.read().split(b"\0")):
            found.pop(b"LC_CTYPE", None)
    return found
