"""Kernel filters, kill rules and deny rules of conditions that are listed or drawn at random: the tests of each
comparison, the program of each call, and the programs' effects on calls. python -m tests.plugins.sources.filter_scenes
writes tests/data/filters/ again, after a change that is meant
"""

import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.filter.comparison import compare
from mozu.core.filter.demand import Demand, Interest
from mozu.core.language.conditions import text_of
from mozu.plugins.sources.ebpf.kernel_filter import choose, discardable_opens, without_refused
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import FilterFunction, first_inexact
from mozu.plugins.sources.ebpf.kernel_filter.passing import checked_part, passing
from mozu.plugins.sources.ebpf.kernel_filter.process_predicates import cacheable_fields
from tests.plugins.sources import filter_acts, filter_bounds
from tests.plugins.sources.filter_acts import program_of, some_of
from tests.support import filter_calls, golden
from tests.support.filter_comparison import FIELDS, wants
from tests.support.filter_conditions import OPENS, path_near, random_condition
from tests.support.filter_texts import described
from tests.support.requirements import DATA

FILE: Final = DATA / "filters" / "scenes.txt.xz"
_PROCESS_FIELDS: Final = frozenset(cacheable_fields(FIELDS))
_ETC: Final = Path("/etc")
_OF_PROCESSES: Final = (
    "proc.name = sh", "not proc.name in (sshd, login)", "proc.pname = make", "user.uid = 0", "container.id != host",
    "proc.exepath startswith /tmp/", "proc.name = sh and user.uid = 0", "proc.aname[2] = x",
)  # fmt: skip
_OF_CALLS: Final[tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = (
    (
        ("sendto", "sendmsg", "recvfrom", "recvmsg"),
        (
            "fd.connected = false", "fd.connected = true", "fd.type in (ipv4, ipv6)", "fd.type = unix",
            "fd.l4proto = udp", "evt.rawres >= 0", "fd.sport = 53", "not fd.type = ipv4", "fd.l4proto in (tcp, icmp)",
        ),
    ),
    (
        ("dup", "dup2", "dup3", "fcntl"),
        ("evt.rawres in (0, 1, 2)", "fd.type in (ipv4, ipv6)", "evt.failed = true", "fd.name contains x", "fd.num > 2"),
    ),
    (
        ("read", "write", "fchmod", "fchown", "ioctl", "copy_file_range"),
        (
            "fd.typechar = f", "fd.name startswith /etc", "evt.rawres > 100", "fd.type = ipv4", "evt.res = EBADF",
            "evt.rawres in (0, 3, 5, 77, -9, -13)",
        ),
    ),
    (
        ("unlinkat", "chmod", "mkdirat", "fchownat", "renameat2", "open_by_handle_at"),
        ("evt.failed = false", "fd.name = /etc/x", "evt.rawres = 0", "evt.res startswith E"),
    ),
    (
        ("ptrace",),
        ("evt.arg.request contains PTRACE_ATTACH", "evt.rawarg.pid = 77", "evt.rawarg.pid in (1, 2, 3, 4, 5, 6, 7)"),
    ),
    (("bpf",), ("evt.arg.cmd = BPF_PROG_LOAD", "evt.arg.cmd in (BPF_MAP_CREATE, BPF_PROG_LOAD)", "evt.failed = true")),
    (("socket",), ("evt.arg.domain contains AF_PACKET", "evt.rawarg.type = 3", "fd.type = ipv4", "evt.failed = true")),
    (("execve",), ("proc.stdin.type = ipv4", "proc.fdopencount > 3", "proc.name = sh")),
    (("connect",), ("fd.name contains x", "fd.sip in (1.2.3.4, ::1)", "fd.snet = 10.0.0.0/8", "fd.type = ipv4")),
)  # fmt: skip
_RESULTS: Final = (0, 3, 5, 77, 1 << 40, -1, -2, -9, -13)
_ENDS: Final = (bytes((10, 0, 0, 1)), bytes((1, 2, 3, 4)))
_SOCKS: Final = (
    None, filter_calls.Sock(), filter_calls.Sock(2, 6, 1, 443, 80, *_ENDS),
    filter_calls.Sock(2, 17, 7, 53, 80, *_ENDS[::-1]), filter_calls.Sock(10, 6, 7, 0, 80, bytes(16), bytes(16)),
    filter_calls.Sock(1, 0, 1), filter_calls.Sock(2, 1, 7, 0, 0, *_ENDS),
)  # fmt: skip


def _drawn_rule(chance: random.Random) -> str:
    if chance.random() < 0.5:
        types: Sequence[str] = OPENS if chance.random() < 0.5 else chance.sample(OPENS, chance.randint(1, 3))
        text = random_condition(chance, _ETC)
        if chance.random() < 0.5:
            text = f"({text}) and {chance.choice(_OF_PROCESSES)}"
    else:
        among, tests = chance.choice(_OF_CALLS)
        types = among if chance.random() < 0.3 else chance.sample(among, chance.randint(1, len(among)))
        text = some_of(chance, tests, _OF_PROCESSES)
    return f"evt.type in ({', '.join(types)}) and ({text})"


def rules(number: int) -> Iterator[str]:
    """Yield the choice of programs for some rules, and their effects on calls."""
    chance = random.Random(number)
    texts = [_drawn_rule(chance) for _ in range(chance.choice((1, 2, 2, 4, 9)))]
    demand = wants(texts)
    for needing, need in (("read", "files"), ("of_another_source", "names")):
        if chance.random() < 0.15:
            wanted = Interest(frozenset({need}), compare("evt.failed", "=", ("true",)))
            demand = demand | Demand({"syscall": {needing: wanted}})
    types = demand.of("syscall").keys() & SYSCALL_SPECS.keys()
    chosen, (opens, kept) = choose(demand, types, _PROCESS_FIELDS), discardable_opens(demand, types)
    yield "# rules"
    yield from (golden.line(f"rule {at}", text) for at, text in enumerate(texts))
    yield from (golden.line(f"process bit {at}", text_of(one)) for at, one in enumerate(chosen.predicates))
    yield golden.line("discardable opens", f"{sorted(opens)} {kept.name}")
    for refused in ("", *chosen.functions):
        left = without_refused(chosen.functions, [refused])
        yield golden.line(f"filtered where the kernel refuses {refused or 'none'}", " ".join(sorted(left)))
    for name in sorted(types):
        spec, predicate = SYSCALL_SPECS[name], demand.predicate("syscall", name)
        inexact = first_inexact(spec, predicate)
        yield f"# {name}"
        yield golden.line("first that is not exact", "" if inexact is None else text_of(inexact))
        yield golden.line("what passes", text_of(passing(spec, predicate)))
        function = chosen.functions.get(name)
        if function is not None:
            tested = checked_part(predicate, function, spec, chosen.predicates, _PROCESS_FIELDS)
            yield golden.line("in words", text_of(tested))
            yield from _reported_of(function)
            for at in range(12):
                yield from _decision(function, at, _drawn_call(chance, name, " ".join(texts)), chance)


def _reported_of(function: FilterFunction) -> Iterator[str]:
    yield golden.line("wanted", described(function.wanted))
    yield golden.line("exact match", described(function.exact))
    yield golden.line("is exact", function.is_exact)
    yield golden.line("reads verdict", function.uses_process_predicates)
    yield from program_of(function.code)


def _decision(function: FilterFunction, at: int, call: filter_calls.Call, chance: random.Random) -> Iterator[str]:
    verdict = chance.choice((0, 1, 2, (1 << 64) - 1))
    tables = filter_calls.tables_of(function.maps)
    must_pass = chance.random() < 0.3
    found = filter_calls.decided(function.code, call, verdict=verdict, must_pass=must_pass, tables=tables)
    what = f"{call.name!a} {call.real!a}" if call.path else call.sock
    yield f"# {call.spec.name} {at}: {what} {call.args} = {call.result}, verdict {verdict:#x}"
    yield golden.line("passes", f"{found.passes}{' as an exact match' * found.is_marked}")
    yield golden.line("steps", f"{found.steps} {' '.join(found.called)}")


def _drawn_call(chance: random.Random, name: str, text: str) -> filter_calls.Call:
    spec = SYSCALL_SPECS[name]
    if spec.family == "open":
        return filter_calls.random_open(chance, spec, path_near(chance, text, _ETC))
    small = (0, 1, 2, 3, 5, 7, 16, 17, 77, 1030, 0x4206, 1 << 32, (1 << 64) - 1)
    sock = chance.choice(_SOCKS[1:])
    return filter_calls.Call(spec, tuple(chance.choices(small, k=6)), chance.choice(_RESULTS), sock=sock)


SCENES: Final[dict[str, Callable[[], Iterator[str]]]] = {
    **{f"comparisons {call}": partial(filter_bounds.comparisons, call) for call in filter_bounds.CALLS},
    **{f"rules {number}": partial(rules, number) for number in range(80)},
    **{f"acts {number}": partial(filter_acts.acts, number) for number in range(64)},
    **{f"formulas {number}": partial(filter_acts.formulas, number) for number in range(8)},
}


if __name__ == "__main__":
    golden.write(FILE, {name: reported() for name, reported in SCENES.items()})
