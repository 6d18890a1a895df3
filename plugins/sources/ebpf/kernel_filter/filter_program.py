"""The program of a kernel filter: it reads the subjects of checks, decides, and continues or counts.

It is tail-called by an entry path (bpf/programs/native.c), with any context, for a call in the map SYSCALL_CTX. An
event that passes continues with a tail call into the program of its family. Memory of the kernel or of the caller is
read by subprograms in C (bpf/programs/filter_parts.c), compiled once for all rules.
"""

from enum import Enum
from hashlib import blake2b
from typing import Final

from mozu.core.abi.spec import RESULT, SyscallSpec
from mozu.core.abi.syscall_tables import NUMBERS_END
from mozu.core.filter.formula import FALSE, Formula, all_of, any_of, complement, factor
from mozu.plugins.sources.ebpf import wire
from mozu.plugins.sources.ebpf.assembly import FRAME, Alu, CodeAssembler, Condition, Label, Register, Width
from mozu.plugins.sources.ebpf.kernel_filter.address_lists import ADDRESSES, NETWORKS, AddressMaps
from mozu.plugins.sources.ebpf.kernel_filter.check import (
    AddressCheck,
    Check,
    NumberCheck,
    Subject,
    about,
    checks,
    cost,
    has,
    replaced,
    without,
)
from mozu.plugins.sources.ebpf.kernel_filter.check_code import CALL, SCRATCH, VERDICT, CheckCode, chunked
from mozu.plugins.sources.ebpf.kernel_filter.decision import decide
from mozu.plugins.sources.ebpf.kernel_filter.ends import is_about_ends, lists_of
from mozu.plugins.sources.ebpf.kernel_filter.names import with_byte_hints
from mozu.plugins.sources.ebpf.kernel_filter.results import DONE, FAILED
from mozu.plugins.sources.ebpf.kernel_filter.sockets import (
    is_about_protocols,
    is_about_sockets,
    wants_no_connections,
)
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode

_LOOKUP: Final = 400
"""Cost of a look-up of a process, in comparisons of which most are not made."""
_MAP_LOOKUP, _TAIL_CALL = 1, 12
"""Numbers of helpers, by enum bpf_func_id of linux/bpf.h."""
_SLOT: Final = 8
"""Bytes of a slot in the frame."""
_STACK: Final = 512
"""MAX_BPF_STACK of the kernel. Subprograms use it from its end on, so slots that must be preserved are at its other
end. If they were not, the verifier would find no pointers there."""
_KEY, _CALL_AT, _SCRATCH_AT, _CONTEXT_AT, _VERDICT_AT = range(-_STACK, -_STACK + 5 * _SLOT, _SLOT)
"""Slots in the frame: the key of look-ups; struct filter_call of bpf/programs/filter_parts.c, the argument of
subprograms; the context; the verdict."""
_NO_MAPS: Final = AddressMaps(())
_REACHED_AS_GIVEN, REACHED_UNKNOWN = 0, 2
"""enum reached of bpf/kernel_filter.h."""
_ENDS_UNKNOWN: Final = 1
"""enum ends_found of bpf/ends.h."""
_KEY_BEGINS: Final = {ADDRESSES: "version", NETWORKS: "prefix"}
"""First member of a key in struct end, by map."""
_HAS_NO_ADDRESS: Final = NumberCheck(Subject.CALL, "args", "==", 0, element=4)
"""Test for a sendto without an address."""


class OpenedName(Enum):
    """Treatment of a filtered open's path, with the subprogram that decides if the open must pass."""

    UNUSED = ""
    KEPT = "part_must_emit_path"
    """The kernel keeps the path for events on the descriptor."""
    EMITTED = "part_must_emit_differing"
    """An open passes if the kernel's path of the file differs from its own."""


def open_program(wanted: Formula, names: OpenedName, exact: Formula = FALSE) -> RelocatableCode:
    """Return the filter of an open: numbers are tested first; the path is read only if they do not decide, or paths are
    kept.

    A wanted open that is an exact match besides is marked; `exact` tests only subjects of `wanted`.

    The process is looked up first if that may save reading the path or very many tests; else last, for a call that is
    wanted if its process is. The tests are made twice: for an open that reached the given path, and for one that
    reached another. Raises ProgramTooLong.
    """
    wanted, exact = with_byte_hints(wanted), with_byte_hints(exact)
    by_numbers = without(wanted, is_of_name)
    asks = has(wanted, _is_of_process)
    lookup_last = asks and cost(wanted) < _LOOKUP and (bool(names.value) or _unmatched(by_numbers) is not FALSE)
    program = FilterProgram()
    if asks and not lookup_last:
        program.find_verdict()
    program.call("part_open_args")
    if names.value:
        by_numbers = any_of((by_numbers, DONE))
    program.require(_possible(by_numbers) if lookup_last else by_numbers, program.discarded)
    if names.value or has(wanted, is_of_name):
        program.find_name()
    unmatched, otherwise = Label(), Label()
    if has(wanted, is_of_real_path):
        program.find_real_path(otherwise)
    for as_given in (True, False) if has(wanted, is_of_real_path) else (True,):
        if not as_given:
            program.jump(unmatched)
            program.bind(otherwise)
        if as_given:
            decided, marked = about(wanted, Subject.NAME), about(exact, Subject.NAME)
        else:
            decided, marked = wanted, exact
        decided = factor(decided, cost)
        if lookup_last:
            program.require(_possible(decided), unmatched)
            program.find_verdict()
        program.pass_if(decided, factor(marked, cost))
    program.bind(unmatched)
    if names.value:
        program.pass_if_called(names.value)
    return program.finished()


def plain_program(wanted: Formula, spec: SyscallSpec, exact: Formula = FALSE) -> RelocatableCode:
    """Return the filter of another call: numbers are tested first; then the descriptor is read once, and the ends of a
    connection, if they are tested. Raises ProgramTooLong.

    `exact`: see `open_program`.
    """
    program = FilterProgram(AddressMaps(lists_of(wanted)))
    of_sockets, of_ends = has(wanted, is_about_sockets), has(wanted, is_about_ends)
    if has(wanted, _is_of_process):
        program.find_verdict()
    if of_sockets or of_ends:
        if spec.name == "sendto" and wants_no_connections(wanted):
            # What goes out without an address goes through a connection.
            program.require(complement(all_of((DONE, _HAS_NO_ADDRESS))), program.discarded)
        by_numbers = without(wanted, lambda check: is_about_sockets(check) or is_about_ends(check))
        program.require(by_numbers, program.discarded)
    if of_sockets:
        program.find_socket(spec, wants_protocol=has(wanted, is_about_protocols))
    if of_ends:
        if of_sockets:
            program.require(without(wanted, is_about_ends), program.discarded)
        program.find_ends(wanted)
    program.pass_if(wanted, exact)
    return program.finished(None if of_sockets else spec)


def failed_program(wanted: Formula, exact: Formula = FALSE) -> RelocatableCode:
    """Return the filter of a call that is an event at its exit only if it failed; a successful one is not counted here.

    `exact`: see `open_program`. Raises ProgramTooLong.
    """
    program = FilterProgram()
    program.require(FAILED, program.ended)
    if has(wanted, _is_of_process):
        program.find_verdict()
    program.pass_if(wanted, exact)
    return program.finished()


def is_of_name(check: Check) -> bool:
    """Return True if the check is about a path."""
    return check.of_name


def is_of_real_path(check: Check) -> bool:
    """Return True if the check is about the path that was reached."""
    return check.subject is Subject.REAL


def _is_of_process(check: Check) -> bool:
    return check.of_process


def _unmatched(wanted: Formula) -> Formula:
    """Return the formula for processes of which no process predicate is true."""
    return replaced(wanted, lambda check: FALSE if check.of_process else check)


def _possible(wanted: Formula) -> Formula:
    """Return the formula's necessary condition for any verdict on the process."""
    return without(wanted, _is_of_process)


class FilterProgram:
    """A filter under construction."""

    def __init__(self, maps: AddressMaps = _NO_MAPS) -> None:
        self.code = CodeAssembler(frame=_STACK)
        self._maps = maps
        self._tests = CheckCode(self.code, maps)
        self.passed, self.ended = Label(), Label()
        """Labels at which an event passes without a test, and of the end."""
        self._matched: list[tuple[Label, Formula]] = []
        """Labels at which an event passes by tests, with the condition for an exact match."""
        self._knows_verdict = False
        self.discarded = Label()
        """Label at which the event is counted as filtered."""
        self.find_places()

    def find_places(self) -> None:
        """Append the look-ups of the call and of the scratch memory."""
        self.code.store(FRAME, _CONTEXT_AT, Register.R1, Width.DOUBLE)
        self.look_up("SYSCALL_CTX", CALL)
        self.look_up("FILTER_SCRATCH", SCRATCH)
        self.keep(call=CALL, scratch=SCRATCH)

    def keep(self, *, call: Register | None = None, scratch: Register | None = None) -> None:
        """Append stores of registers into the frame, because calls of subprograms overwrite all registers."""
        for register, at in ((call, _CALL_AT), (scratch, _SCRATCH_AT)):
            if register is not None:
                self.code.store(FRAME, at, register, Width.DOUBLE)

    def look_up(self, array: str, to: Register, key: int = 0) -> None:
        """Append the look-up of a key, which always exists; the verifier requires the test."""
        self.code.store(FRAME, _KEY, key, Width.DOUBLE)
        self.code.move(Register.R2, FRAME)
        self.code.compute(Alu.ADD, Register.R2, _KEY)
        self.code.load_map(Register.R1, array)
        self.code.call_helper(_MAP_LOOKUP)
        self.code.jump_if(Condition.EQ, Register.R0, 0, self.ended)
        self.code.move(to, Register.R0)

    # --- what is read

    def call(self, subprogram: str) -> None:
        """Append a call of a subprogram (bpf/programs/filter_parts.c) with its result in R0. All other registers are
        overwritten, or loaded again."""
        self._call(subprogram)
        self.code.load(CALL, FRAME, _CALL_AT, Width.DOUBLE)
        self.code.load(SCRATCH, FRAME, _SCRATCH_AT, Width.DOUBLE)
        if self._knows_verdict:
            self.code.load(VERDICT, FRAME, _VERDICT_AT, Width.DOUBLE)

    def _call(self, subprogram: str) -> None:
        self.code.move(Register.R1, FRAME)
        self.code.compute(Alu.ADD, Register.R1, _CALL_AT)
        self.code.call_subprogram(subprogram)

    def find_verdict(self) -> None:
        """Append the look-up of the verdict on the process."""
        self._knows_verdict = False
        self.call("part_process_bits")
        self.code.move(VERDICT, Register.R0)
        self.code.store(FRAME, _VERDICT_AT, VERDICT, Width.DOUBLE)
        self._knows_verdict = True

    def find_name(self) -> None:
        """Append the read of the given name; an event passes if the name cannot be tested."""
        self.call("part_name")
        self.code.jump_if(Condition.EQ, Register.R0, 0, self.passed)

    def find_real_path(self, otherwise: Label) -> None:
        """Append the read of the path that was reached: continue here if it is the given one, at `otherwise` if it is
        another; an event passes if it is unknown."""
        self.call("part_reached")
        self.code.jump_if(Condition.EQ, Register.R0, REACHED_UNKNOWN, self.passed)
        self.code.jump_if(Condition.NE, Register.R0, _REACHED_AS_GIVEN, otherwise)

    def find_socket(self, spec: SyscallSpec, *, wants_protocol: bool) -> None:
        """Append the read of the call's descriptor. A message that was sent or received used a socket in any case."""
        code, known = self.code, Label()
        code.load(Register.R1, CALL, descriptor_at(spec), Width.DOUBLE)
        code.store(SCRATCH, in_scratch("sock_fd"), Register.R1, Width.DOUBLE)
        code.store(SCRATCH, in_scratch("sock_wants_protocol"), int(wants_protocol), Width.DOUBLE)
        code.store(SCRATCH, in_scratch("sock_is_socket"), 0, Width.DOUBLE)
        if spec.family == "message":
            code.load(Register.R1, CALL, wire.place("syscall_ctx", "result").offset, Width.DOUBLE)
            code.jump_if(Condition.SLT, Register.R1, 0, known)
            code.store(SCRATCH, in_scratch("sock_is_socket"), 1, Width.DOUBLE)
            code.bind(known)
        self.call("part_sock")

    def find_ends(self, wanted: Formula) -> None:
        """Append the read of a connection's ends, and the look-ups of those that are tested; an event passes if they
        are unknown."""
        self.call("part_ends")
        self.code.jump_if(Condition.EQ, Register.R0, _ENDS_UNKNOWN, self.passed)
        for end in sorted({check.about for check in checks(wanted) if isinstance(check, AddressCheck)}, key=str):
            for kind in self._maps.kinds:
                self._find_lists(end.value[1], kind)

    def _find_lists(self, end: str, kind: str) -> None:
        """Append the look-up of an end in a map: the lists there are added to those of the end."""
        code, absent = self.code, Label()
        lists = in_scratch(f"{end}lists")
        code.move(Register.R2, SCRATCH)
        code.compute(Alu.ADD, Register.R2, in_scratch(end + _KEY_BEGINS[kind]))
        code.load_map(Register.R1, self._maps.symbol(kind))
        code.call_helper(_MAP_LOOKUP)
        code.jump_if(Condition.EQ, Register.R0, 0, absent)
        code.load(Register.R1, Register.R0, 0, Width.DOUBLE)
        code.load(Register.R2, SCRATCH, lists, Width.DOUBLE)
        code.compute(Alu.OR, Register.R1, Register.R2)
        code.store(SCRATCH, lists, Register.R1, Width.DOUBLE)
        code.bind(absent)

    # --- decisions

    def require(self, formula: Formula, otherwise: Label) -> None:
        """Append a test: continue here only if the formula is true."""
        after = Label()
        decide(self.code, chunked(formula), self._tests, after, otherwise, after)
        self.code.bind(after)

    def pass_if(self, formula: Formula, exact: Formula) -> None:
        """Append a test: the event passes if `formula` is true, and is an exact match if `exact` is true as well."""
        after, matched = Label(), Label()
        decide(self.code, chunked(formula), self._tests, matched, after, after)
        self.code.bind(after)
        self._matched.append((matched, exact))

    def jump(self, label: Label) -> None:
        """Append a jump to the label."""
        self.code.jump(label)

    def pass_if_called(self, subprogram: str) -> None:
        """Append a call after which the event passes if the subprogram returns nonzero. No test of the process may
        follow."""
        # On some paths to here the verdict was not read. Before Linux 6.3 the verifier refuses reads of unwritten
        # slots.
        self._knows_verdict = False
        self.call(subprogram)
        self.code.jump_if(Condition.NE, Register.R0, 0, self.passed)

    def bind(self, label: Label) -> None:
        """Bind the label to this place."""
        self.code.bind(label)

    # --- the end

    def finished(self, spec: SyscallSpec | None = None) -> RelocatableCode:
        """Append the end, which discards events that have not passed, and return the code. `spec`: of a call whose
        socket was not read yet."""
        code = self.code
        code.bind(self.discarded)
        self._call("part_count_filtered")
        code.bind(self.ended)
        code.move(Register.R0, 0)
        code.exit()
        is_exact = Label()
        for label, exact in self._matched:
            code.bind(label)
            if spec is not None and has(exact, is_about_sockets):
                self.find_socket(spec, wants_protocol=has(exact, is_about_protocols))
            decide(code, chunked(exact), self._tests, is_exact, self.passed, None)
        code.bind(is_exact)
        code.store(CALL, wire.place("syscall_ctx", "exact").offset, 1, Width.BYTE)
        self.go_on(NUMBERS_END)
        code.move(Register.R0, 0)
        code.exit()
        return named(code.assembled(""), "filter")

    def go_on(self, index: int) -> None:
        """Append a tail call of the program at this index plus the number of the call."""
        code = self.code
        code.bind(self.passed)
        code.load(Register.R1, FRAME, _CONTEXT_AT, Width.DOUBLE)
        code.load_map(Register.R2, "PROGS")
        code.load(Register.R3, CALL, wire.place("syscall_ctx", "number").offset, Width.WORD)
        code.compute(Alu.ADD, Register.R3, index)
        code.call_helper(_TAIL_CALL)


def named(code: RelocatableCode, kind: str) -> RelocatableCode:
    """Return the code under a name made from its instructions, so that equal programs are one."""
    text = repr(code.relocations).encode() + code.instructions
    return code._replace(name=f"{kind}_{blake2b(text, digest_size=8).hexdigest()}")


def descriptor_at(spec: SyscallSpec) -> int:
    """Return the offset of a call's descriptor in struct syscall_ctx: its result, or an argument."""
    result, arguments = (wire.place("syscall_ctx", name) for name in ("result", "args"))
    return result.offset if spec.layout.fd == RESULT else arguments.offset + spec.layout.fd * arguments.size


def in_scratch(member: str) -> int:
    """Return the offset of a member of struct filter_scratch."""
    return wire.place("filter_scratch", member).offset
