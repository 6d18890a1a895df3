"""The kernel runs the program of any formula for made-up calls, and decides as Python does."""

import ctypes
import os
import random
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.plugins.sources.ebpf import wire
from mozu.plugins.sources.ebpf.kernel_filter.check import Subject
from mozu.plugins.sources.ebpf.kernel_filter.filter_program import OpenedName, open_program, plain_program
from tests.support import filter_facts, requirements
from tests.support.bpf_run import FilterRunner, filter_runner
from tests.support.filter_facts import Facts, is_true, of_open, of_socket, random_facts, random_formula, random_name
from tests.support.split import needs_live

pytestmark = pytest.mark.ebpf

ROUNDS: Final = 300 if os.environ.get("MOZU_FUZZ") == "full" else 40
EACH: Final = 25
PID: Final = 4_000_001


@pytest.fixture(scope="module")
@needs_live
def runner() -> Iterator[FilterRunner]:
    requirements.ebpf()
    with filter_runner() as running:
        yield running


def call_of(facts: Facts, number: int) -> bytes:
    call = filter_facts.call_of(facts, number)
    filter_facts.put(call, "syscall_ctx", "task", PID << 32 | PID)
    assert wire.place("syscall_ctx", "number").offset == 96
    return bytes(call)


def with_numbers(facts: Facts, *arguments: int, result: int) -> Facts:
    """Return the facts with these first arguments, among which are those of an openat, and this result."""
    numbers = {**facts.numbers, (Subject.CALL, "result", 0): result}
    numbers |= {(Subject.CALL, "args", at): value & (1 << 64) - 1 for at, value in enumerate(arguments)}
    for member, at in (("flags", 2), ("mode", 3)):
        numbers[Subject.OPEN, member, 0] = numbers[Subject.CALL, "args", at]
    return facts._replace(numbers=numbers)


def test_opens_pass_if_and_only_if_the_formula_is_true_fuzz(
    runner: FilterRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths are absolute and relative; a path that is not plain passes, and so does one that reached an
    unknown place.
    """
    monkeypatch.chdir(tmp_path)
    number, decided = SYSCALL_SPECS["openat"].number, {True: 0, False: 0}
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        wanted = random_formula(chance, of_open)
        with runner.loaded(open_program(wanted, OpenedName.UNUSED), number) as program:
            for _ in range(EACH):
                facts = random_facts(chance)
                given = facts.name
                if chance.random() < 0.3:
                    given = given[1:]
                    facts = facts._replace(name=os.fsencode(tmp_path) + facts.name)
                rough = chance.random() < 0.1
                text = ctypes.create_string_buffer(given + b"/." if rough else given)
                flags, mode = chance.choice((0, 1, 2, 0o100, 0o200000)), chance.choice((0, 0o777))
                result = min(facts.numbers[Subject.CALL, "result", 0], 0x8000)
                result = 0x8000 if result >= 0 else result  # a descriptor that is not open
                facts = with_numbers(facts, -100, ctypes.addressof(text), flags, mode, result=result)
                facts = facts._replace(real=b"")
                found = runner.passes(program, call_of(facts, number), PID, facts.verdict)
                expected = is_true(wanted, facts)
                may_pass = rough or b"/.." in facts.name  # the kernel takes `..b` for a path that is not plain, too
                may_pass = may_pass or result >= 0
                assert found is expected or (found and may_pass), (seed, wanted, facts)
                decided[found] += 1
    assert min(decided.values()) > 2 * ROUNDS


def test_opens_pass_by_the_path_that_they_reached_fuzz(
    runner: FilterRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names are short and long, on the root's file system and on others, through symbolic links and without."""
    monkeypatch.chdir(tmp_path)
    number, decided = SYSCALL_SPECS["openat"].number, {True: 0, False: 0}
    with ExitStack() as stack:
        found = [(given, real, opened(stack, given)) for given, real in reachable(tmp_path, random.Random(1))]
        for seed in range(ROUNDS):
            chance = random.Random(seed)
            wanted = random_formula(chance, of_open)
            with runner.loaded(open_program(wanted, OpenedName.UNUSED), number) as program:
                for _ in range(EACH):
                    given, real, fd = chance.choice(found)
                    text = ctypes.create_string_buffer(given if chance.random() < 0.5 else relative(given, tmp_path))
                    facts = random_facts(chance)._replace(name=given, real=real)
                    facts = with_numbers(facts, -100, ctypes.addressof(text), 0, 0, result=fd)
                    passed = runner.passes(program, call_of(facts, number), PID, facts.verdict)
                    expected = is_true(wanted, facts)
                    may_pass = b"/.." in given + real
                    assert passed is expected or (passed and may_pass), (seed, wanted, facts)
                    decided[passed] += 1
    assert min(decided.values()) > 2 * ROUNDS


def opened(stack: ExitStack, given: bytes) -> int:
    fd = os.open(given, os.O_RDONLY)
    stack.callback(os.close, fd)
    return fd


def relative(path: bytes, start: Path) -> bytes:
    return path.removeprefix(os.fsencode(start) + b"/")


def reachable(top: Path, chance: random.Random) -> Iterator[tuple[bytes, bytes]]:
    """Yield (path, the path that it reaches) of files that exist."""
    for count in range(60):
        path = os.fsencode(top) + random_name(chance)
        if len(path) > 240:
            continue
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.close(os.open(path, os.O_RDONLY | (0 if os.path.isdir(path) else os.O_CREAT)))
        except (NotADirectoryError, FileExistsError):
            continue  # a part of it is a file already
        yield path, path
        link = os.fsencode(top / f"link{count}")
        os.symlink(os.path.dirname(path), link)
        yield link + b"/" + os.path.basename(path), path
    long = os.fsencode(top / ("x" * 31))
    for name in (long, long + b"y", long[:-1]):
        Path(os.fsdecode(name)).touch()
        yield name, name
        yield b"/proc/%d/root%b" % (os.getpid(), name), name
    yield b"/dev/null", b"/dev/null"
    yield b"/proc/self/status", b"/proc/%d/status" % os.getpid()
    yield b"/proc/%d/status" % os.getpid(), b"/proc/%d/status" % os.getpid()
    yield b"/sys/kernel/notes", b"/sys/kernel/notes"


def descriptors(stack: ExitStack) -> Iterator[tuple[int, dict[str, int]]]:
    """Yield descriptors of this process, and the values that struct sock_info has for each."""
    listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    tcp = stack.enter_context(socket.create_connection(listening.getsockname()))
    port = struct.unpack("=H", struct.pack("!H", listening.getsockname()[1]))[0]
    udp = stack.enter_context(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
    pair = [stack.enter_context(one) for one in socket.socketpair()]
    null = os.open(os.devnull, os.O_RDONLY)
    stack.callback(os.close, null)
    some = 0xFFFF888000000000
    yield tcp.fileno(), {"file": some, "family": 2, "state": 1, "port": port, "protocol": 6}
    yield udp.fileno(), {"file": some, "family": 10, "state": 7, "port": 0, "protocol": 17}
    yield pair[0].fileno(), {"file": some, "family": 1, "state": 1, "port": 0, "protocol": 0}
    yield null, {"file": some, "family": 0, "state": 0, "port": 0, "protocol": 0}
    yield 9999, dict.fromkeys(("file", "family", "state", "port", "protocol"), 0)


@pytest.mark.parametrize("name", ["fchmod", "dup"])
def test_calls_on_descriptors_pass_if_and_only_if_the_formula_is_true_fuzz(runner: FilterRunner, name: str) -> None:
    spec, decided = SYSCALL_SPECS[name], {True: 0, False: 0}
    with ExitStack() as stack:
        found = list(descriptors(stack))
        for seed in range(ROUNDS):
            chance = random.Random(seed)
            wanted = random_formula(chance, of_socket)
            with runner.loaded(plain_program(wanted, spec), spec.number) as program:
                for _ in range(EACH):
                    fd, sock = chance.choice(found)
                    result = fd if name == "dup" else chance.choice((0, -1, -20))
                    facts = with_numbers(random_facts(chance), fd, result=result)
                    facts = facts._replace(
                        numbers={**facts.numbers, **{(Subject.SOCKET, key, 0): one for key, one in sock.items()}}
                    )
                    expected = is_true(wanted, facts)
                    passed = runner.passes(program, call_of(facts, spec.number), PID, facts.verdict)
                    assert expected is passed, (seed, wanted, facts)
                    decided[passed] += 1
    assert min(decided.values()) > 2 * ROUNDS
