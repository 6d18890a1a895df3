"""Findings of a kernel filter about the descriptor of a call (bpf/sock_info.h), in user space."""

import ctypes

import pytest

from tests.support.kernel_tree import SOCKET, Made, memory, scratch

pytestmark = pytest.mark.live


@pytest.mark.parametrize("is_socket", [0, 1])
@pytest.mark.parametrize("wants_protocol", [0, 1])
def test_a_socket_is_known_by_family_state_and_port(kernel: ctypes.CDLL, is_socket: int, wants_protocol: int) -> None:
    made = Made(kernel)
    sock = made.tree.entry(None, "socket:[1]", 3, SOCKET)
    made.tree.file(4, 1, sock, family=10, protocol=17, state=7, port=0x3500)
    g = scratch(kernel)

    kernel.look_up_socket(4, is_socket, wants_protocol)

    members = ("family", "state", "port", "protocol")
    assert [10, 7, 0x3500, 17 * wants_protocol] == [g[f"sock.{name}"] for name in members]
    assert g["sock.file"]
    kernel.look_up_socket(5, 0, 1)
    assert [0, 0, 0, 0] == [g[f"sock.{name}"] for name in members]
    assert g["sock.file"]
    kernel.look_up_socket(12, is_socket, 1)
    assert [0, 0, 0, 0, 0] == [g[f"sock.{name}"] for name in (*members, "file")]


@pytest.mark.parametrize(("fd", "expected"), [(-1, 0), (0, 0), (4, 10), (15, 1), (16, 0), (1 << 30, 0)])
def test_a_descriptor_is_one_of_the_table(kernel: ctypes.CDLL, fd: int, expected: int) -> None:
    made = Made(kernel)
    sock = made.tree.entry(None, "socket:[1]", 3, SOCKET)
    made.tree.file(4, 1, sock, family=10)
    made.tree.file(15, 1, sock, family=1)

    kernel.look_up_socket(fd, 0, 0)

    assert expected == scratch(kernel)["sock.family"]


def test_the_file_of_a_request_of_io_uring_is_known_before_its_descriptor(kernel: ctypes.CDLL) -> None:
    made = Made(kernel)
    sock = made.tree.entry(None, "socket:[1]", 3, SOCKET)
    made.tree.file(4, 1, sock, family=10)
    made.tree.file(3, 1, sock, family=2)
    kernel.look_up_socket(4, 0, 0)
    call, g = memory(kernel, "syscall_ctx", "calls"), scratch(kernel)
    call.put("file", g["sock.file"])

    for result, fd, family in ((0, 3, 10), (0, 9, 10), (3, 3, 2)):
        call.put("result", result)
        kernel.look_up_socket(fd, 0, 0)
        assert family == g["sock.family"], (result, fd)
