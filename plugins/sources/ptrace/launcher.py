"""Launcher that becomes the traced command: stops until it is traced, installs the seccomp filter, calls execve.

Run as a separate file by `python -I -S`, without any other part of mozu. Arguments: the filter in hexadecimal, the soft
limit of descriptors (RLIMIT_NOFILE), the socket to which the filter's listener is sent (-1 if it has none), the number
of seccomp(2), then the command. Exits with 127 if there is no such program and with 126 if it cannot be run.
"""

import ctypes
import errno
import os
import resource
import signal
import struct
import sys

NOT_FOUND = 127
NOT_RUN = 126
_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_MODE_FILTER = 2
_SET_MODE_FILTER = 1
_NEW_LISTENER, _WAIT_KILLABLE = 1 << 3, 1 << 5
"""SECCOMP_FILTER_FLAG_NEW_LISTENER and, Linux 5.19, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV."""


def _install(program: bytes, channel: int, seccomp: int) -> None:
    """Install the filter, without no_new_privs if that is allowed, because it takes the privilege of set-uid programs.

    A filter that cannot have a listener is installed without one; the listener, or the error's number, is sent to the
    socket.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    code = ctypes.create_string_buffer(program, len(program))
    head = ctypes.create_string_buffer(struct.pack("<HxxxxxxQ", len(program) // 8, ctypes.addressof(code)))
    place = ctypes.c_void_p(ctypes.addressof(head))

    def listening() -> int:
        found: int = libc.syscall(seccomp, _SET_MODE_FILTER, _NEW_LISTENER | _WAIT_KILLABLE, place)
        return found

    def silent() -> bool:
        return bool(libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, place, 0, 0) == 0)

    if channel >= 0:
        import socket  # only here: it takes a third of the launcher's time

        with socket.socket(fileno=channel) as one:
            listener = listening()
            if listener < 0 and ctypes.get_errno() == errno.EACCES and not libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
                listener = listening()
            if listener >= 0:
                socket.send_fds(one, [b"listener"], [listener])
                os.close(listener)
                return
            one.send(str(ctypes.get_errno()).encode())
    if not silent() and (libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or not silent()):
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp: {os.strerror(number)}")


def _environment() -> dict[bytes, bytes]:
    """Return the environment at execve: the interpreter may have set LC_CTYPE for itself since."""
    with open("/proc/self/environ", "rb") as file:
        pairs = (word.partition(b"=") for word in file.read().split(b"\0") if b"=" in word)
        return {name: value for name, _, value in pairs}


def main() -> int:
    """Run the command; return an exit code if that is not possible."""
    program, command = bytes.fromhex(sys.argv[1]), sys.argv[5:]
    descriptors, channel, seccomp = map(int, sys.argv[2:5])
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, hard))  # mozu has raised its own
    environment = _environment()
    for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
        if signal.getsignal(number) != signal.SIG_IGN or number != signal.SIGINT:
            signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGSTOP)
    try:
        if program:
            _install(program, channel, seccomp)
        os.execvpe(command[0], command, environment)
    except OSError as error:
        missing = error.errno in (errno.ENOENT, errno.ENOTDIR)
        os.write(2, f"mozu: {command[0]}: {os.strerror(error.errno or 0)}\n".encode("utf-8", "surrogateescape"))
        return NOT_FOUND if missing else NOT_RUN
    return NOT_RUN


if __name__ == "__main__":
    os._exit(main())
