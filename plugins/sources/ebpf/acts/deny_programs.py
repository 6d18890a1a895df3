"""The loaded programs of deny rules, attached to hooks of the security modules, and their reports."""

import os
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Final

from mozu.core.api import KernelDenial, KernelKill
from mozu.plugins.sources.ebpf import bpf_syscall, btf
from mozu.plugins.sources.ebpf.maps import DENIAL, MAX_DENIALS
from mozu.plugins.sources.ebpf.objects import kernel_features
from mozu.plugins.sources.ebpf.objects.call_exits import Pair
from mozu.plugins.sources.ebpf.objects.codegen import DENY_PARTS
from mozu.plugins.sources.ebpf.objects.program_code import FilterRefused, ProgramCode
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode

_OPEN, _EXEC, _CONNECT, _SEND = range(4)
"""enum deny_hook of bpf/kernel_deny.h."""
_WHAT: Final = {_OPEN: "open of", _EXEC: "exec of", _CONNECT: "connect to", _SEND: "datagram to"}
_AF_INET: Final = 2


class DenyPrograms:
    """Owner of the programs, each of which is attached while its descriptors are open."""

    def __init__(self, code: ProgramCode, types: btf.Btf) -> None:
        self._code = code
        self._functions = {hook: kernel_features.hook_function(types, hook) for hook in kernel_features.HOOKS}
        self._attached: dict[str, tuple[str, Pair]] = {}
        """Name of the code and (program, attachment), by hook."""

    def use(self, functions: Mapping[str, RelocatableCode]) -> dict[str, str]:
        """Attach these programs to their hooks, and no others; a hook has a program at every moment in between. Return
        the hooks whose program the kernel refuses, with the reason."""
        refused: dict[str, str] = {}
        for hook, code in functions.items():
            before = self._attached.get(hook)
            if before is not None and before[0] == code.name:
                continue
            try:
                self._attached[hook] = code.name, self._placed(hook, code)
            except FilterRefused as error:
                self._attached.pop(hook, None)
                refused[hook] = str(error)
            if before is not None:
                _close(before[1])
        for hook in [hook for hook in self._attached if hook not in functions]:
            _close(self._attached.pop(hook)[1])
        return refused

    def _placed(self, hook: str, code: RelocatableCode) -> Pair:
        number = self._functions[hook]
        if number is None:
            raise FilterRefused("this kernel has no BPF LSM")
        ((_, program),) = self._code.load_filter(code, (bpf_syscall.LSM,), DENY_PARTS, number).items()
        try:
            return program, bpf_syscall.attach_hook(program)
        except OSError as error:
            os.close(program)
            raise FilterRefused(str(error)) from error

    @property
    def attachments(self) -> dict[str, int]:
        """Links of the programs, by hook."""
        return {hook: pair[1] for hook, (_, pair) in self._attached.items()}

    def close(self) -> None:
        """Detach all programs: nothing is denied any more."""
        self.use({})


def denials(queue: int, rules: Sequence[KernelKill]) -> Iterator[KernelDenial]:
    """Yield the denials in the map DENIALS, oldest first. `rules`: the rules in force, by their numbers from 1 on."""
    for _ in range(MAX_DENIALS):
        entry = bpf_syscall.pop(queue, DENIAL.size)
        if entry is None:
            return
        yield _denial(entry, rules)


def _denial(entry: bytes, rules: Sequence[KernelKill]) -> KernelDenial:
    time, start, pid, uid, number, hook, acted, _, family, port, address, comm, path = DENIAL.unpack(entry)
    rule = rules[number - 1]
    if hook in (_CONNECT, _SEND):
        target = f"{IPv4Address(address[:4])}:{port}" if family == _AF_INET else f"[{IPv6Address(address)}]:{port}"
    else:
        target = _text(path)
    return KernelDenial(
        rule=rule.rule, responder=rule.responder, what=f"{_WHAT[hook]} {target}", pid=pid, name=_text(comm), uid=uid,
        start=start, time=time, acted=bool(acted),
    )  # fmt: skip


def _text(until_nul: bytes) -> str:
    return until_nul.partition(b"\0")[0].decode(errors="surrogateescape")


def _close(pair: Pair) -> None:
    for descriptor in reversed(pair):
        os.close(descriptor)
