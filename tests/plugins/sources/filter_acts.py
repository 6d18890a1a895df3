"""Kill rules, deny rules and programs of formulas, drawn at random, and their effects on calls."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.filter.comparison import Comparison
from mozu.core.filter.formula import FALSE, Formula, any_of
from mozu.core.language.conditions import text_of
from mozu.plugins.sources.ebpf import wire
from mozu.plugins.sources.ebpf.kernel_filter.deny import deny_functions, undenied
from mozu.plugins.sources.ebpf.kernel_filter.deny_program import deny_program
from mozu.plugins.sources.ebpf.kernel_filter.exact_match import reads_no_more
from mozu.plugins.sources.ebpf.kernel_filter.filter_program import OpenedName, open_program, plain_program
from mozu.plugins.sources.ebpf.kernel_filter.kill import decided, kill_functions, undecided
from mozu.plugins.sources.ebpf.kernel_filter.kill_program import kill_program
from mozu.plugins.sources.ebpf.maps import DENY_SLOTS
from mozu.plugins.sources.ebpf.objects.relocatable import INSTRUCTION, RelocatableCode, Symbol
from tests.support import bpf_machine, filter_facts, golden
from tests.support.filter_comparison import wants
from tests.support.filter_conditions import OPENS
from tests.support.filter_facts import Facts, random_facts, random_formula, with_facts
from tests.support.filter_texts import described


def some_of(chance: random.Random, tests: Sequence[str], further: Sequence[str] = ()) -> str:
    """Return a condition of some of these tests joined, and maybe one of `further`."""
    chosen = chance.sample(tests, min(len(tests), chance.choice((1, 2, 2, 3))))
    negated = [f"{chance.choice(('', '', '', 'not '))}({one})" for one in chosen]
    whole = chance.choice((" and ", " and ", " or ")).join(negated)
    return f"({whole}) and {chance.choice(further)}" if further and chance.random() < 0.4 else whole


def program_of(code: RelocatableCode) -> Iterator[str]:
    """Yield the length of a program, and the subprograms that it calls."""
    parts = [one.name for one in code.relocations if one.kind is Symbol.SUBPROGRAM]
    yield golden.line("program", f"{len(code.instructions) // INSTRUCTION.size} instructions, {' '.join(parts)}")


_KILLING: Final[tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = (
    (
        OPENS,
        (
            "fd.realpath = /etc/shadow", "fd.realpath startswith /etc/", "fd.realpath endswith .key", "fd.num >= 0",
            "evt.is_open_write = true", "not fd.realpath in (/a, /b)", "fd.realpath contains x", "evt.failed = true",
            "evt.rawres > 3", "evt.rawres >= -1", "evt.rawres != -2", "fd.num = 3", "fd.name = /a",
            "evt.is_open_exec = true",
        ),
    ),
    (
        ("execve", "execveat"),
        (
            "proc.exepath startswith /tmp/", "evt.res = SUCCESS", "proc.is_exe_upper_layer = true", "evt.rawres >= 0",
            "proc.is_exe_lower_layer = true", "not proc.exepath endswith sh", "proc.is_exe_from_memfd = true",
            "evt.rawres = 0", "evt.rawres < 1", "proc.name = x", "evt.failed = false",
        ),
    ),
    (
        ("connect",),
        (
            "fd.sip = 10.1.2.3", "fd.snet in (10.0.0.0/8, fc00::/7)", "fd.sport in (80, 443)", "fd.l4proto = tcp",
            "fd.type = unix", "evt.rawres >= 0", "fd.sport >= 1024", "fd.type != ipv6", "evt.failed = false",
            "evt.rawres in (0, -115)",
        ),
    ),
    (
        ("sendto", "sendmsg", "sendmmsg"),
        ("fd.sip = 2001:db8::1", "fd.sport = 53", "fd.l4proto = udp", "fd.l4proto in (tcp, udp)", "fd.type = ipv4"),
    ),
    (("dup", "dup2", "dup3"), ("fd.type in (ipv4, ipv6)", "evt.rawres in (0, 1, 2)", "evt.rawres < 3", "fd.sport = 1")),
    (
        ("ptrace", "kill"),
        ("evt.rawarg.pid = 77", "evt.rawres = 0", "evt.rawarg.pid in (1, 2)", "evt.arg.request = PTRACE_ATTACH"),
    ),
)  # fmt: skip


def acts(number: int) -> Iterator[str]:
    """Yield the reasons why rules can kill or deny or not, the programs of those that can, and their effects."""
    chance = random.Random(number)
    predicates = []
    for _ in range(chance.choice((1, 2, 3))):
        among, tests = chance.choice(_KILLING)
        types = among if chance.random() < 0.8 else among[: chance.randint(1, len(among))]
        text = some_of(chance, tests)
        demand = wants([f"evt.type in ({', '.join(types)}) and ({text})"])
        predicates.append({name: demand.predicate("syscall", name) for name in sorted(demand.of("syscall"))})
        yield f"# {' '.join(types)}: {text}"
        for name, one in predicates[-1].items():
            spec = SYSCALL_SPECS[name]
            yield golden.line(f"{name} is not killed for", _reason(undecided(spec, one)))
            yield golden.line(f"{name} is not denied for", _reason(undenied(name, predicates[-1])))
            if undecided(spec, one) is None:
                yield golden.line(f"{name} is killed for", described(decided(spec, one)))
    killing = [
        {SYSCALL_SPECS[name]: one for name, one in each.items() if undecided(SYSCALL_SPECS[name], one) is None}
        for each in predicates
    ]
    for name, function in kill_functions(killing).items():
        yield f"# kills at {name}"
        yield from program_of(function.code)
        yield from _acts_of(function.code, chance, SYSCALL_SPECS[name].number)
    denying = [{name: one for name, one in each.items() if undenied(name, each) is None} for each in predicates]
    for hook, code in deny_functions(denying).items():
        yield f"# denies at {hook}"
        yield from program_of(code)
        yield from _acts_of(code, chance, None)


def _reason(why: Comparison | str | None) -> str:
    return text_of(why) if isinstance(why, Comparison) else str(why)


def _acts_of(code: RelocatableCode, chance: random.Random, number: int | None, runs: int = 12) -> Iterator[str]:
    """Yield the effects of a program on random calls. `number` is the call's; None: the program is at a hook of the
    security modules.
    """
    for at in range(runs):
        facts = with_facts(chance, random_facts(chance))
        real = chance.choice((facts.real, b"/etc/shadow", b"/tmp/x.key", b"/a", b"/bin/sh"))
        yield golden.line(f"run {at}", _run(code, facts._replace(real=real), number, chance.choice((0, 1, 1, 1, 2))))


def _run(code: RelocatableCode, facts: Facts, number: int | None, found: int) -> str:
    """Return the effects of a program on a call; `found` is the result of each of its subprograms."""
    scratch = filter_facts.scratch_of(facts, junk=bytes(600))
    parts = {one.name: lambda: found for one in code.relocations if one.kind is Symbol.SUBPROGRAM}
    if "part_process_bits" in parts:
        parts["part_process_bits"] = lambda: facts.verdict
    if number is None:
        slots = [scratch + bytearray(8) for _ in range(DENY_SLOTS)]
        scratch = slots[0]
        ended = bpf_machine.run(code, {"DENY_SLOTS": slots}, parts, argument=("", "DENY_SLOTS"))
    else:
        call = filter_facts.call_of(facts, number)
        ended = bpf_machine.run(code, {"SYSCALL_CTX": call, "FILTER_SCRATCH": scratch}, parts)
    place = wire.place("filter_scratch", "kill_rule")
    rule = int.from_bytes(scratch[place.offset : place.offset + place.size], "little")
    end = f"returns {ended.returned}" if ended.tail_call is None else "goes on"
    return f"{end} for rule {rule} after {ended.steps} steps, {' '.join(ended.called)}"


_OPENAT, _PTRACE, _RECVFROM, _CONNECT = (SYSCALL_SPECS[name] for name in ("openat", "ptrace", "recvfrom", "connect"))


def formulas(number: int) -> Iterator[str]:
    """Yield a program of each kind, made of formulas that are drawn at random."""
    chance = random.Random(number)
    for what, code, call in _programs(chance):
        yield f"# {what}"
        yield from program_of(code)
        yield from _acts_of(code, chance, call)


def _programs(chance: random.Random) -> Iterator[tuple[str, RelocatableCode, int | None]]:
    """Yield (name, program, number of the call) of each kind."""
    for opened in OpenedName:
        wanted, exact = _wanted(chance, filter_facts.of_open)
        yield f"open {opened.name}", open_program(wanted, opened, exact), _OPENAT.number
    for spec, tests in ((_RECVFROM, filter_facts.of_socket), (_PTRACE, filter_facts.of_call)):
        wanted, exact = _wanted(chance, tests)
        yield spec.name, plain_program(wanted, spec, exact), spec.number
    for spec, tests in ((_OPENAT, filter_facts.of_reached), (_CONNECT, filter_facts.of_address)):
        yield f"kill at {spec.name}", kill_program(_rules(chance, tests), spec), spec.number
    for hook, tests in (("bprm_check_security", filter_facts.of_program), ("socket_connect", filter_facts.of_address)):
        yield f"deny at {hook}", deny_program(_rules(chance, tests), hook), None


def _rules(chance: random.Random, tests: Callable[[random.Random], Formula]) -> list[tuple[int, Formula]]:
    return [(number, random_formula(chance, tests)) for number in (1, 2)]


def _wanted(chance: random.Random, tests: Callable[[random.Random], Formula]) -> tuple[Formula, Formula]:
    """Return (formula of all that passes, formula of exact matches)."""
    exact, other = (random_formula(chance, tests) for _ in range(2))
    wanted = any_of((exact, other))
    return wanted, exact if reads_no_more(exact, wanted) else FALSE
