"""System calls of eBPF, without a kernel that has them."""

import errno
from collections.abc import Callable

import pytest

from mozu.plugins.sources.ebpf import bpf_syscall


def interrupted(times: int) -> Callable[[int, bytes], int]:
    """Return a bpf(2) that is interrupted by `times` signals, one after the other."""
    left = times

    def bpf(command: int, attributes: bytes) -> int:
        nonlocal left
        left -= 1
        if left >= 0:
            raise OSError(errno.EAGAIN, "Resource temporarily unavailable")
        return 7

    return bpf


def test_a_load_that_a_signal_interrupts_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bpf_syscall, "_bpf", interrupted(3))
    assert bpf_syscall.load(bpf_syscall.TRACEPOINT, "any", bytes(8)) == 7


def test_a_load_that_is_interrupted_for_ever_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bpf_syscall, "_bpf", interrupted(1_000_000))
    with pytest.raises(BlockingIOError):
        bpf_syscall.load(bpf_syscall.TRACEPOINT, "any", bytes(8))
