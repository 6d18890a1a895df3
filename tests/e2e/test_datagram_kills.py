"""Senders of a datagram to a marked port are killed afterwards by mozu, by whatever way they send."""

import os
import select
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from mozu.plugins.sources.ebpf import entry_paths, uring
from mozu.plugins.sources.ebpf.objects import codegen
from tests.support.requirements import ebpf, require
from tests.support.responding import configured_rules
from tests.support.running import PATIENCE, Running, mozu_run
from tests.vm.datagrams import sends

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(300)]

WAYS = [name for name in sends(0) if "program" not in name and name != "sendto without a family"]
"""Ways to send, except by a program that does not wait, and to an address without a family: its event has no address
(docs/operate/responders.md).
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        yield receiver.getsockname()[1]


@pytest.fixture(scope="module")
def acting(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Running]:
    ebpf()
    require(entry_paths.accepts_32_bit_calls(), "this kernel takes no 32-bit calls")
    reason = uring.why_not(codegen.read_types())
    require(not reason, reason)
    folder = tmp_path_factory.mktemp("datagrams")
    condition = f"evt.type in (sendto, sendmsg, sendmmsg, write) and fd.l4proto = udp and fd.sport = {port}"
    responders = [{"kill": {"dry_run": False, "per_minute": 1000}}]
    budget = {"per_minute": 1000, "per_account": 1000}
    file = configured_rules(folder, {"kill": condition}, responders, respond=budget)
    with mozu_run(folder, "-c", str(file)) as running:
        yield running
        running.stop()


def waiting(act: Callable[[], object]) -> int:
    """Start a child that does this and waits; return its pid."""
    child = os.fork()
    if not child:
        with suppress(BaseException):
            act()
            while True:
                signal.pause()
        os._exit(1)
    return child


@pytest.mark.parametrize("way", WAYS)
def test_a_sender_is_killed(acting: Running, port: int, way: str) -> None:
    child = waiting(sends(port)[way])
    descriptor = os.pidfd_open(child)
    ended = bool(select.select([descriptor], [], [], PATIENCE)[0])
    os.close(descriptor)
    if not ended:
        os.kill(child, signal.SIGTERM)
    assert (True, -signal.SIGKILL) == (ended, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
