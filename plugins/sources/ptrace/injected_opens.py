"""Opens of traced programs, done by mozu, so that the judged file is the one that the program gets, whatever other
threads do.

At the stop of an open its file is held (reading/held_open.py) and judged. Then the call is marked, and waits for the
listener of the filter (notifications.py: seccomp user notification), by which the program gets the held file
(SECCOMP_IOCTL_NOTIF_ADDFD). Until then it blocks all signals: a signal would end the wait, and no open of a file is
interrupted. If mozu has other rights than the program, or only the program itself can do the open, the call runs
unchanged.
"""

import logging
import os
import socket
from typing import Final

from mozu.plugins.sources.ptrace import native
from mozu.plugins.sources.ptrace.call_gate import CallGate
from mozu.plugins.sources.ptrace.notifications import NoListener, SeccompListener, receive_listener
from mozu.plugins.sources.ptrace.proc_fs import AT_FDCWD
from mozu.plugins.sources.ptrace.reading.held_open import HeldOpen, PathChangedError
from mozu.plugins.sources.ptrace.reading.opens import OpenReader
from mozu.plugins.sources.ptrace.reading.reader import SyscallReader, TracedTask
from mozu.plugins.sources.ptrace.rights import OwnRights, Rights
from mozu.plugins.sources.ptrace.seccomp import HANDED_OVER

_MOST_CHANGES: Final = 50
"""Most times that another process may create the file between the look-up and the open; then the call is denied."""
_EPERM: Final = -1
_ERESTARTSYS: Final = -512
_ERESTARTNOINTR: Final = -513
"""Results that no program sees (linux/errno.h): with the second the call is restarted after any handler."""


class InjectedOpens:
    """Opens on the tracer's thread. `channel`: socket from which the listener comes, once the command has its
    filter."""

    def __init__(self, channel: socket.socket, log: logging.Logger) -> None:
        self._channel, self._log = channel, log
        self._listener: SeccompListener | None = None
        self._asked = False
        self._own = OwnRights()
        self._rights: Rights | None = None
        """Rights of the task whose open is held."""

    def hold(self, task: TracedTask, reader: SyscallReader) -> HeldOpen | None:
        """Return the file that this open would reach; None if the call runs unchanged. Raises the OSError of the
        open."""
        if not isinstance(reader, OpenReader) or task.is_confined or self._listening() is None:
            return None
        self._rights = self._own.shared_by(task.tid)
        return None if self._rights is None else reader.hold(task)

    def give(self, task: TracedTask, reader: SyscallReader, held: HeldOpen, gate: CallGate) -> None:
        """Let the stopped call return the held file. `gate`: judges a file that has replaced it meanwhile.

        Raises TaskGone.
        """
        listener, rights = self._listening(), self._rights
        assert listener is not None
        assert rights is not None
        task.own_mask = native.replace_signal_mask(task.tid, native.ALL_SIGNALS)
        native.set_last_argument(task.tid, HANDED_OVER)
        native.resume(native.SYSCALL, task.tid)
        if not listener.await_call(task.tid, lambda: _runs(task.tid)):
            return
        opened = self._opened(task, reader, held, rights, gate)
        if opened < 0:
            listener.answer(opened)
            return
        listener.give(opened, closes_on_exec=held.closes_on_exec)
        os.close(opened)

    @staticmethod
    def ends(task: TracedTask) -> bool:
        """Return True if a call at its exit is over; False if it is restarted, because a signal arrived before it could
        wait.

        Raises TaskGone.
        """
        if task.own_mask is None:
            return True
        native.set_last_argument(task.tid, task.args[5])
        native.replace_signal_mask(task.tid, task.own_mask)
        task.own_mask = None
        if native.read_result(task.tid) != _ERESTARTSYS:
            return True
        native.set_result(task.tid, _ERESTARTNOINTR)
        return False

    def _opened(
        self, task: TracedTask, reader: SyscallReader, held: HeldOpen, rights: Rights, gate: CallGate
    ) -> int:
        """Return a descriptor, or the negative error of the call."""
        now = held
        try:
            for _ in range(_MOST_CHANGES):
                try:
                    return now.open(rights)
                except PathChangedError:
                    there_now = self.hold(task, reader)
                    if there_now is None:
                        break
                    now.close()
                    now = there_now
                    if gate.denies(task, reader, now):
                        break
        except OSError as error:
            return -(error.errno or 0) or _EPERM
        finally:
            now.close()
        return _EPERM

    def _listening(self) -> SeccompListener | None:
        if not self._asked:
            self._asked = True
            try:
                os.close(native.open_without_links(AT_FDCWD, b"/", os.O_PATH))  # a sandbox may refuse openat2
                self._listener = SeccompListener(receive_listener(self._channel))
            except (OSError, NoListener) as error:
                text = "source ptrace: opens run as programs ask for them, and their threads can change paths: %s"
                self._log.warning(text, error)
            self._channel.close()
        return self._listener

    def close(self) -> None:
        """Close the channel and the listener. Idempotent."""
        self._asked = True
        self._channel.close()
        if self._listener is not None:
            self._listener.close()
            self._listener = None


def _runs(tid: int) -> bool:
    """Return True if the task may still reach the wait: it is not stopped and has not ended."""
    try:
        with open(f"/proc/{tid}/stat", "rb") as file:
            return file.read().rpartition(b") ")[2][:1] not in b"tTZX"
    except OSError:
        return False
