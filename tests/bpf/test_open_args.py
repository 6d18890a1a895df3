"""Places of an open's path, flags and mode among the arguments of each call (bpf/open_args.h), in user space."""

import ctypes
import struct

import pytest

from tests.support.kernel_tree import memory, scratch, users_text

pytestmark = pytest.mark.live

OPENAT, OPEN, CREAT, OPENAT2 = 257, 2, 85, 437
AT_FDCWD = -100


@pytest.mark.parametrize(
    ("number", "args", "expected"),
    [
        (OPEN, (11, 22, 33, 44), (AT_FDCWD, 11, 22, 33, 0)), (CREAT, (11, 22, 33, 44), (AT_FDCWD, 11, 0o1101, 22, 0)),
        (OPENAT, (7, 11, 22, 33), (7, 11, 22, 33, 0)), (OPENAT, (-100, 11, 22, 33), (-100, 11, 22, 33, 0)),
        (OPENAT2, (7, 11, 0, 24), (7, 11, 22, 33, 44)),
    ],
)  # fmt: skip
def test_what_an_open_was_asked_for_is_where_each_call_has_it(
    kernel: ctypes.CDLL, number: int, args: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    kernel.begin()
    call = memory(kernel, "syscall_ctx", "calls")
    call.put("number", number)
    for at, value in enumerate(args):
        call.put("args", value, at)
    if number == OPENAT2:
        end = (1 << 16) - 25  # its last byte is the NUL of a text
        call.put("args", users_text(kernel, struct.pack("<3Q", 22, 33, 44), end).value, 2)

    kernel.parse()

    g = scratch(kernel)
    found = [g[f"open.{name}"] for name in ("dirfd", "user", "flags", "mode", "resolve")]
    assert list(expected) == found
