"""Detection of 32-bit calls in this kernel.

On arm64 the kernel reports it: it refuses the personality of 32-bit programs if the processor, or its configuration,
has no AArch32. On x86-64 one call is made, by a child that runs a few instructions and no program. Executing a 32-bit
program from memory would show the same, and raise an alert in every other monitor.
"""

import ctypes
import mmap
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

from mozu.core.model.arch import AARCH64, MACHINE

_SETTING: Final = Path("/proc/sys/abi/vsyscall32")
"""File that exists if the kernel was built with the 32-bit ABI (arch/x86/entry/vdso/vdso32-setup.c)."""

_CODE: Final = bytes.fromhex(
    "b839000000"  # mov eax, 57           fork
    "0f05"  #       syscall
    "85c0"  #       test eax, eax
    "751e"  #       jne end               the parent, or an error
    "b89d000000"  # mov eax, 157          prctl
    "bf04000000"  # mov edi, 4            PR_SET_DUMPABLE
    "31f6"  #       xor esi, esi          no core, if the next call faults
    "0f05"  #       syscall
    "b814000000"  # mov eax, 20           getpid of the 32-bit table
    "cd80"  #       int 0x80
    "b83c000000"  # mov eax, 60           exit
    "31ff"  #       xor edi, edi
    "0f05"  #       syscall
    "c3"  #    end: ret
)
"""Code of int (void), which returns the child's pid or -errno. The child makes a 32-bit call and exits, without calling
libc."""

_PER_LINUX32: Final = 8
_SAME: Final = 0xFFFFFFFF
"""Argument of personality(2) that only returns the present value."""
_NO_GATE: Final = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL)
"""Signals for a process that enters the kernel by a missing gate."""


def accepted() -> bool:
    """Return True if this kernel has the 32-bit ABI (CONFIG_COMPAT, CONFIG_IA32_EMULATION), and it is not switched
    off."""
    return _has_aarch32() if MACHINE is AARCH64 else _has_ia32()


def _has_aarch32() -> bool:
    """Return True if arm64 has AArch32 (arch/arm64/kernel/sys.c). The personality is only this thread's, and is
    restored."""
    libc = ctypes.CDLL(None)
    before = libc.personality(ctypes.c_ulong(_SAME))
    if libc.personality(ctypes.c_ulong(_PER_LINUX32)) == -1:
        return False
    libc.personality(ctypes.c_ulong(before))
    return True


def _has_ia32() -> bool:
    """Return True if x86-64 has ia32; False also if it is switched off by ia32_emulation=0.

    Only a fault proves its absence: a child killed otherwise (for example by a seccomp filter of mozu's service), or
    memory that may not be made executable, proves nothing about other processes.
    """
    if not _SETTING.exists():
        return False
    try:
        pid = _fork_caller()
    except OSError:
        return True
    with suppress(ChildProcessError):  # SIGCHLD is ignored, and the kernel has forgotten the child
        _, status = os.waitpid(pid, 0)
        return not (os.WIFSIGNALED(status) and os.WTERMSIG(status) in _NO_GATE)
    return True


def _fork_caller() -> int:
    """Return the pid of a child that makes the call. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    with mmap.mmap(-1, mmap.PAGESIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as page:
        page.write(_CODE)
        start = ctypes.c_char.from_buffer(page)
        try:
            address = ctypes.addressof(start)
            # Never writable and executable at the same time: monitors report that.
            if libc.mprotect(ctypes.c_void_p(address), mmap.PAGESIZE, mmap.PROT_READ | mmap.PROT_EXEC):
                raise OSError(ctypes.get_errno(), "mprotect")
            pid: int = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
        finally:
            del start  # else the mapping could not be closed
    if pid < 0:
        raise OSError(-pid, os.strerror(-pid))
    return pid
