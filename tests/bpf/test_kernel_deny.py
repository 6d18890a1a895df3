"""Arguments of the security modules' hooks, and denials (bpf/kernel_deny.h), with the structs of the running kernel."""

import struct
from typing import Any, Final

import pytest

from mozu.plugins.sources.ebpf import maps, wire
from tests.bpf.test_kernel_kill import ACTS, DRY, MINUTE, OFF, OTHERWISE, RULE, SPARED_PID, UNKNOWN, Kills, Rule, kills
from tests.support.kernel_machine import KILLS, PID, REGULAR, SETTINGS, Machine, pointer
from tests.support.kernel_tree import Memory

pytestmark = pytest.mark.live

OPEN, EXEC, CONNECT, SEND = range(4)
NONE: Final = 9
"""Value of a slot's hook before one is noted in it."""
AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6 = 0, 1, 2, 10
TCP, UDP = 6, 17
FMODE_EXEC, FASTOPEN = 0x20, 0x20000000
HOOK_AT: Final = wire.size("filter_scratch") + 8 + 28
V4, LOCAL, LOOPBACK = bytes([10, 0, 0, 2]), bytes([10, 0, 0, 1]), bytes([127, 0, 0, 1])
V6, LOOPBACK6 = bytes(range(1, 17)), bytes(15) + b"\1"


class Slot:
    """struct deny_slot."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.at = machine.kernel.place(maps.SIZES["DENY_SLOT_SIZE"])
        self.filter = Memory("filter_scratch", self.at)
        machine.kernel.write(self.at + HOOK_AT, struct.pack("<I", NONE))

    def asked(self, function: str, *arguments: int) -> tuple[int, int]:
        """Return enum reached, and the hook that was noted."""
        found = getattr(self.machine.library, function)(*map(pointer, (self.at, *arguments)))
        return found, struct.unpack("<I", self.machine.kernel.bytes_at(self.at + HOOK_AT, 4))[0]

    def path(self) -> bytes:
        return self.filter.bytes_at("real.bytes", self.filter["real.length"])

    def destination(self) -> tuple[int, int, int, bytes]:
        """Return family, protocol, port and address."""
        family, protocol, port = (self.filter[f"facts.{name}"] for name in ("family", "protocol", "port"))
        return family, protocol, port, self.filter.bytes_at("facts.address", 16)


@pytest.fixture
def slot(machine: Machine) -> Slot:
    return Slot(machine)


def test_an_open_is_known_by_path_and_flags(machine: Machine, slot: Slot) -> None:
    assert (OTHERWISE, OPEN) == slot.asked("opening", machine.named("a", block=1))
    file = machine.named("b")
    machine.put("file", file, f_flags=0o102 | ~FMODE_EXEC & 0xFF00)
    assert (OTHERWISE, OPEN) == slot.asked("opening", file)
    assert (b"/srv/b", 0o102 | 0xFF00) == (slot.path(), slot.filter["open.flags"])


def test_an_open_of_an_exec_or_of_what_has_no_path_is_left_to_user_space(machine: Machine, slot: Slot) -> None:
    executed = machine.named("a")
    machine.put("file", executed, f_flags=FMODE_EXEC)
    assert (UNKNOWN, NONE) == slot.asked("opening", executed)
    assert UNKNOWN == slot.asked("opening", machine.file(0))[0]
    pipe = machine.file(machine.dentry(0, "pipe:[7]", machine.inode(REGULAR, 3)), machine.mount(0, 0, 0, 3))
    assert UNKNOWN == slot.asked("opening", pipe)[0]


def test_an_open_beyond_the_root_of_its_process_has_its_path(machine: Machine, slot: Slot) -> None:
    """The mount is not attached anywhere: rules see the path within the mount."""
    root = machine.dentry(0, "/", machine.inode(block=2))
    detached = machine.mount(0, 0, root, 2)
    file = machine.file(machine.dentry(root, "a", machine.inode(REGULAR, 2)), detached)
    assert (OTHERWISE, OPEN) == slot.asked("opening", file)
    assert b"/a" == slot.path()


@pytest.mark.parametrize(
    ("beginning", "expected"),
    [(b"\x7fELF\2", (OTHERWISE, EXEC)), (b"\x7fELG", (UNKNOWN, NONE)), (b"#!/b", (UNKNOWN, NONE))],
)
def test_a_program_is_looked_at_once_it_is_one_and_no_script(
    machine: Machine, slot: Slot, beginning: bytes, expected: tuple[int, int]
) -> None:
    started = machine.kernel.new("linux_binprm", {"buf": beginning}, file=machine.named("tool"))

    assert expected == slot.asked("starting", started)
    if expected[0] == OTHERWISE:
        assert (b"/srv/tool", 0) == (slot.path(), slot.filter["facts.executable"])


def sock(machine: Machine, family: int, protocol: int, **common: int | bytes) -> int:
    parts = {f"__sk_common.{name}": value for name, value in {"skc_family": family, **common}.items()}
    return machine.kernel.new("sock", parts, sk_protocol=protocol)


def socket(machine: Machine, at: int) -> int:
    return machine.kernel.new("socket", sk=at)


def v4(address: bytes, port: int = 0x1234) -> bytes:
    """Return a struct sockaddr_in."""
    return struct.pack("<HH", AF_INET, port >> 8 | (port & 255) << 8) + address + bytes(8)


def v6(address: bytes, family: int = AF_INET6) -> bytes:
    """Return a struct sockaddr_in6."""
    return struct.pack("<HHI", family, 0x3412, 0) + address + bytes(4)


MAPPED = bytes(10) + b"\xff\xff"


@pytest.mark.parametrize(
    ("given", "bound", "expected"),
    [
        (v4(V4), LOCAL, (AF_INET, V4)),
        (v4(bytes(4)), LOCAL, (AF_INET, LOCAL)),
        (v4(bytes(4)), bytes(4), (AF_INET, LOOPBACK)),
        (v6(V6), LOCAL, (AF_INET6, V6)),
        (v6(bytes(16)), LOCAL, (AF_INET6, LOOPBACK6)),
        *(
            (v6(bytes(at) + b"\1" + bytes(15 - at)), LOCAL, (AF_INET6, bytes(at) + b"\1" + bytes(15 - at)))
            for at in (0, 4, 8, 12)
        ),
        (v6(MAPPED + V4), LOCAL, (AF_INET, V4)),
        (v6(MAPPED + bytes(4)), LOCAL, (AF_INET, LOCAL)),
    ],
)
def test_a_connection_goes_to_what_the_kernel_makes_of_the_address(
    machine: Machine, slot: Slot, given: bytes, bound: bytes, expected: tuple[int, bytes]
) -> None:
    of = socket(machine, sock(machine, AF_INET, TCP, skc_rcv_saddr=bound))
    slot.machine.kernel.write(slot.at + wire.place("filter_scratch", "facts.address").offset, b"\xee" * 20)
    at = machine.kernel.text(given)

    assert (OTHERWISE, CONNECT) == slot.asked("connecting", of, at, len(given))
    assert (expected[0], TCP, 0x1234, expected[1].ljust(16, b"\0")) == slot.destination()
    assert 0xEEEEEEEE == slot.filter["facts.executable"]


@pytest.mark.parametrize(
    ("given", "length", "protocol"),
    [
        (v4(V4), 15, TCP),
        (v6(V6), 23, TCP),
        (v4(V4), 16, UDP),
        (v6(V6, AF_UNSPEC), 28, TCP),
        (v6(V6, AF_UNIX), 28, TCP),
    ],
)
def test_a_connection_that_fails_or_is_none_is_left_to_user_space(
    machine: Machine, slot: Slot, given: bytes, length: int, protocol: int
) -> None:
    of = socket(machine, sock(machine, AF_INET, protocol))
    assert UNKNOWN == slot.asked("connecting", of, machine.kernel.text(given), length)[0]


@pytest.mark.parametrize(("given", "length"), [(v4(V4), 16), (v4(V4), 15 + 2), (v6(V6), 24), (v6(V6), 28)])
def test_an_address_need_not_be_longer_than_its_family_needs(
    machine: Machine, slot: Slot, given: bytes, length: int
) -> None:
    of = socket(machine, sock(machine, AF_INET, TCP))
    assert OTHERWISE == slot.asked("connecting", of, machine.kernel.text(given), length)[0]


def message(machine: Machine, name: bytes | None, **more: int) -> int:
    at = 0 if name is None else machine.kernel.text(name)
    members: dict[str, Any] = {"msg_name": at, "msg_namelen": len(name or b""), **more}
    return machine.kernel.new("msghdr", members)


PEER: Final[dict[str, int | bytes]] = {"skc_dport": 0x7856, "skc_daddr": LOCAL, "skc_v6_daddr": V6}


@pytest.mark.parametrize(
    ("family", "name", "expected"),
    [
        (AF_INET, v4(V4), (AF_INET, 0x1234, V4)),
        (AF_INET, None, (AF_INET, 0x5678, LOCAL)),
        (AF_INET6, None, (AF_INET6, 0x5678, V6)),
        (AF_INET, b"\0\0" + v4(V4)[2:], (AF_INET, 0x1234, V4)),
        (AF_INET6, b"\0\0" + v4(V4)[2:], (AF_INET6, 0x5678, V6)),
    ],
    ids=["address", "peer", "peer of IPv6", "no family", "no family of IPv6"],
)
def test_a_datagram_goes_to_its_address_or_to_the_peer(
    machine: Machine, slot: Slot, family: int, name: bytes | None, expected: tuple[int, int, bytes]
) -> None:
    of = socket(machine, sock(machine, family, UDP, **PEER))

    assert (OTHERWISE, SEND) == slot.asked("sending", of, message(machine, name))
    assert (expected[0], UDP, expected[1], expected[2].ljust(16, b"\0")) == slot.destination()


def test_messages_that_go_nowhere_or_on_a_connection_are_left_to_user_space(machine: Machine, slot: Slot) -> None:
    without_peer = socket(machine, sock(machine, AF_INET, UDP))
    connected = socket(machine, sock(machine, AF_INET, TCP, **PEER))
    for of, given in (
        (without_peer, message(machine, None)),
        (without_peer, message(machine, v4(V4)[:15])),
        (socket(machine, 0), message(machine, v4(V4))),
        (connected, message(machine, v4(V4))),
        (connected, message(machine, v4(V4), msg_flags=~FASTOPEN)),
        (connected, message(machine, None, msg_flags=FASTOPEN)),
    ):
        assert (UNKNOWN, NONE) == slot.asked("sending", of, given)


def test_a_message_that_connects_is_a_connection(machine: Machine, slot: Slot) -> None:
    of = socket(machine, sock(machine, AF_INET, TCP, **PEER))
    assert (OTHERWISE, CONNECT) == slot.asked("sending", of, message(machine, v4(V4), msg_flags=FASTOPEN))
    assert (AF_INET, TCP, 0x1234, V4.ljust(16, b"\0")) == slot.destination()


def denial(machine: Machine, slot: Slot) -> tuple[int, tuple[Any, ...] | None]:
    """Return the result of the call's denial, and the entry in the queue, None if there is none."""
    slot.filter.put("kill_rule", RULE)
    before = machine.library.pushes()
    found = machine.library.deny(pointer(slot.at))
    assert 0 == machine.library.mistakes_made()
    at = machine.library.pushed() if machine.library.pushes() > before else 0
    return found, maps.DENIAL.unpack(machine.kernel.bytes_at(at, maps.DENIAL.size)) if at else None


@pytest.mark.parametrize(("mode", "denied"), [(ACTS, 1), (DRY, 0)])
def test_a_denial_is_put_into_the_queue_with_what_it_was_about(
    machine: Machine, slot: Slot, mode: int, denied: int
) -> None:
    given = kills(machine, Rule(mode, minute=3))
    machine.kernel.put("task_struct", machine.task, {"comm": b"curl"})
    slot.asked("opening", machine.named("a"))
    slot.asked("connecting", socket(machine, sock(machine, AF_INET, TCP)), machine.kernel.text(v4(V4)), 16)

    found, entry = denial(machine, slot)

    text = (b"/srv/a").ljust(256, b"\0")
    comm, address = b"curl".ljust(16, b"\0"), V4.ljust(16, b"\0")
    numbers = (PID, 1001, RULE, CONNECT, denied, TCP, AF_INET, 0x1234)
    assert (denied, (3 * MINUTE, 5_000_000_000, *numbers, address, comm, text)) == (found, entry)
    assert Rule(mode, minute=3, spent=1, acts=1) == given.rule(RULE)
    assert Rule(DRY, minute=3, spent=1) == given.rule(0)


@pytest.mark.parametrize(
    ("one", "every"),
    [(Rule(minute=3, spent=5), Rule(DRY)), (Rule(), Rule(DRY, minute=3, spent=5)), (Rule(), Rule(DRY))],
)
def test_what_is_protected_or_above_the_budget_is_left_to_user_space(
    machine: Machine, slot: Slot, one: Rule, every: Rule
) -> None:
    given = Kills(machine, one, every)
    if (one, every) == (Rule(), Rule(DRY)):
        given.spare(SPARED_PID, PID, 500)

    assert (0, None) == denial(machine, slot)
    assert (0, 1, 0) == (given.rule(RULE).acts, given.rule(RULE).left, given.rule(0).left)


@pytest.mark.parametrize("why", ["the rule is off", "the source is off", "no rules", "no such rule", "no settings"])
def test_nothing_is_denied_or_counted_without_a_rule_that_acts(machine: Machine, slot: Slot, why: str) -> None:
    given = kills(machine, Rule(OFF if why == "the rule is off" else ACTS, minute=3))
    before = given.rule(RULE)
    machine.settings.put("off", why == "the source is off")
    if why.startswith("no "):
        machine.library.shorten_map(SETTINGS if why == "no settings" else KILLS, why == "no such rule")

    assert (0, None) == denial(machine, slot)
    assert before == given.rule(RULE)
