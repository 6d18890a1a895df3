"""Loading of BPF programs, their attachment to tracepoints, the program arrays of tail calls, and the loss counters.

A family (bpf/programs) is loaded when it is first wanted, and each of its functions is one program for all calls. At
the exit of each demanded call it is tail-called by the number of the call, through a program array (call_exits.py). A
kernel filter takes the place of the family in the program array, and continues at number + NUMBERS_END: with the
family, or with the program of the call's kill rules, which continues at number + 2 * NUMBERS_END. Demand can change at
any time: programs that stay attached are not touched.
"""

import errno
import logging
import os
import struct
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

from mozu.core.abi.limits import DATA_MAX
from mozu.core.abi.spec import SyscallSpec
from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.abi.syscall_tables import NUMBERS_END
from mozu.core.api import SourceUnavailable
from mozu.core.model.syscalls import kernel_number
from mozu.plugins.sources.ebpf import bpf_syscall, btf, checks, uring
from mozu.plugins.sources.ebpf.acts.deny_programs import DenyPrograms
from mozu.plugins.sources.ebpf.acts.kill_programs import KillPrograms
from mozu.plugins.sources.ebpf.checks import clause
from mozu.plugins.sources.ebpf.entry_paths import ALL_CALLS, COMPAT, IO_URING, EntryPath, Switch, usable_entry_paths
from mozu.plugins.sources.ebpf.kernel_filter import FilterFunction
from mozu.plugins.sources.ebpf.kernel_filter.filter_programs import FilterPrograms
from mozu.plugins.sources.ebpf.kernel_filter.kill import KillFunction
from mozu.plugins.sources.ebpf.kernel_filter.settled import EXECUTED
from mozu.plugins.sources.ebpf.maps import (
    COUNTS,
    EXECUTED_INDEX,
    JUDGED_INDEX,
    OUTPUT_INDEX,
    NamedFileMap,
    forget_requests,
    make_maps,
)
from mozu.plugins.sources.ebpf.objects import call_exits, codegen, kernel_features
from mozu.plugins.sources.ebpf.objects.call_exits import CallExits, ExitOfAllCalls, ExitOfEachCall, Pair
from mozu.plugins.sources.ebpf.objects.codegen import OUTPUT, SELFTEST
from mozu.plugins.sources.ebpf.objects.program_code import ARRAYS, ProgramCode
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode
from mozu.plugins.sources.ebpf.tracepoints import EXEC_JUDGED, PROGRAMS, SHARERS, Program

Count = tuple[int, int, int, int, int | None]
"""Counts seen, filtered, lost, over_share (part of lost), missed."""


def _is_foreign(spec: SyscallSpec) -> bool:
    """Return True if machines of this kind lack the call: only 32-bit calls can be it."""
    return spec.is_syscall and kernel_number(spec.number) is None


class Loader:
    """Owner of every descriptor of the kernel side. `ring_size` in bytes, a power of two.

    `entry_paths`: those besides the native one; that of 32-bit calls is open with it, others can be opened later.
    `types`: the kernel's BTF, if it has been read.
    """

    def __init__(
        self,
        ring_size: int,
        entry_paths: Collection[EntryPath] = (),
        types: btf.Btf | None = None,
        snaplen: int = DATA_MAX,
        *,
        can_be_pinned: bool = False,
    ) -> None:
        """Make the maps. `snaplen`: most bytes of a buffer in an event. `can_be_pinned`: True if kills may continue
        without this process."""
        self.entry_paths = tuple(path for path in entry_paths if path.name != COMPAT)
        self._cpus = bpf_syscall.possible_cpus()
        self._tracefs = checks.tracefs()
        self._attached: dict[str, list[Pair]] = {}
        """(program, attachment) of each program, by event type."""
        self._attached_paths: dict[str, list[Pair]] = {}
        """(program, attachment) of each program, by entry path besides the native one."""
        self._missed_before: dict[str, int] = {}
        self._counting = threading.Lock()
        """Lock for counts: programs are attached and detached on a worker thread while the loop counts."""
        self.unloaded: Mapping[str, str] = {}
        """Reason for which the last `attach` left out an event type, by type."""
        self.watched: set[str] = set()
        """Event types that were ever attached."""
        self._own_pid = 0
        self._snaplen = snaplen
        self._filters: dict[str, FilterFunction] = {}
        types = types or codegen.read_types()  # not kept: some 7 MB
        self._kfuncs = kernel_features.signal_numbers(types)
        self._sharers: list[Pair] = []
        """Programs that end processes which share the descriptors of a killed one."""
        self._maps = make_maps(ring_size, requests=any(path.name == IO_URING for path in self.entry_paths))
        self.named_files = NamedFileMap(self._maps)
        self._exits: CallExits = ExitOfEachCall(self._instance)
        if can_be_pinned or any(path.name == COMPAT for path in entry_paths):
            self._exits = ExitOfAllCalls(self._instance, self._maps, self._tracefs)
        self._code = ProgramCode(self._maps, types, called_as=self._exits.kind)
        kinds = [kind for _, kind in self._program_arrays()]
        self._filter_programs, self._kill_programs = FilterPrograms(self._code, kinds), KillPrograms(self._code, kinds)
        self._kills: Mapping[str, KillFunction] = {}
        """Program of kill rules by event type."""
        self._deny_programs = DenyPrograms(self._code, types)

    @property
    def ring(self) -> int:
        """Descriptor of the ring buffer's map."""
        return self._maps["RING"]

    @property
    def maps(self) -> Mapping[str, int]:
        """Descriptors by name in the C text."""
        return self._maps

    @property
    def attached(self) -> frozenset[str]:
        """Event types whose programs run."""
        return frozenset(self._attached)

    def prepare(self, names: Iterable[str]) -> None:
        """Load the programs of these types, and check that arguments can be read at a call's exit. To be called
        before `attach`."""
        wanted = list(names)
        chosen = [program for name in wanted for program in PROGRAMS[name]]
        chosen += [program for path in self.entry_paths for program in path.programs]
        self._code.provide([self._exits.program, SELFTEST, OUTPUT, *chosen])
        for array, kind in {*self._program_arrays(), ("RAW_TP_PROGS", bpf_syscall.RAW_TRACEPOINT)}:
            output = struct.pack("<I", self._code.shared_program(OUTPUT, kind))  # of execs, forks and exits, as well
            bpf_syscall.update(self._maps[array], OUTPUT_INDEX, output)
        self._own_pid = call_exits.test_exits(self._code, self._exits, self._maps, waits="splice" in wanted)

    @property
    def origin(self) -> str:
        """Text with the form of the programs, for the log."""
        return self._code.origin

    def verified(self) -> dict[str, int]:
        """Return the number of instructions that the verifier has processed, by program; its limit is a million."""
        return dict(self._code.verified)

    @property
    def own_pid(self) -> int:
        """mozu's process id in the initial pid namespace."""
        return self._own_pid

    def configure(
        self, *, threads: bool = False, environment: bool = False, realpath: bool = False, off: bool = False,
        stdio: bool = False,
    ) -> None:  # fmt: skip
        """Write the map SETTINGS: records for threads too, the environment and standard descriptors (`stdio`) in execs,
        the path reached in opens.

        mozu's own calls are filtered in any case. `off`: no program counts or records anything from now on; detaching
        takes longer.
        """
        self.named_files.write_settings(self._own_pid, threads, environment, realpath, off, stdio, self._snaplen)

    def _attach(self, program: Program, fd: int) -> int | None:
        """Return the attachment; None if this kernel has no such tracepoint."""
        try:
            if program.raw:
                return bpf_syscall.attach_raw_tracepoint(fd, program.tracepoint)
            identifier = checks.tracepoint_id(self._tracefs, program.tracepoint, program.group)
            as_link = program in SHARERS
            return None if identifier is None else bpf_syscall.attach_tracepoint(fd, identifier, as_link=as_link)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SourceUnavailable(
                f"source ebpf: the program for {program.tracepoint} cannot be attached ({error}){clause(error)}"
            ) from error

    def attach(self, names: Iterable[str]) -> frozenset[str]:
        """Load and attach the programs of these event types; return those that this kernel does not have.

        If others are attached already, types whose programs cannot be loaded are left out (`unloaded`).
        """
        fresh = [SYSCALL_SPECS[name] for name in names if name not in self._attached]
        self.unloaded = {}
        try:
            self._code.provide(program for spec in fresh for program in PROGRAMS[spec.name])
        except SourceUnavailable as error:
            if not self._attached:
                raise
            lacking = [spec for spec in fresh if not all(map(self._code.has, PROGRAMS[spec.name]))]
            self.unloaded = {spec.name: str(error) for spec in lacking}
        found = [spec for spec in fresh if spec.name not in self.unloaded]
        absent = frozenset(spec.name for spec in found if not self._attach_type(spec) and not _is_foreign(spec))
        self._update_uring_ops()
        return absent

    def _update_uring_ops(self) -> None:
        """Let requests of io_uring be read only for attached calls."""
        for opcode, entry in uring.entries(self._attached):
            bpf_syscall.update(self._maps["URING_OPS"], opcode, entry)

    def _attach_type(self, spec: SyscallSpec) -> bool:
        pairs = self._attach_programs(program for program in PROGRAMS[spec.name] if not program.is_tail_called)
        is_present = bool(pairs)
        for program in PROGRAMS[spec.name]:
            if program.is_tail_called:
                self._place(spec)
                of_exit = self._exits.watch(spec, program)
                is_present |= of_exit is not None
                pairs += of_exit or ()
        if is_present:
            self._attached[spec.name] = pairs
            self.watched.add(spec.name)
        return is_present

    def _place(self, spec: SyscallSpec) -> None:
        """Make calls of this number, on any entry path, run the filter, the program of kill rules and the family, as
        far as they exist: each at its index of the program arrays, the last one first."""
        family = next(program for program in PROGRAMS[spec.name] if program.is_tail_called)
        wanted = self._filters.get(spec.name)
        kills = None if spec.name == EXECUTED else self._kills.get(spec.name)  # at the exit of an exec: it has failed
        for array, kind in self._program_arrays():
            last = self._code.shared_program(family, kind)
            middle = last if kills is None else self._kill_programs.descriptor(kills, kind)
            first = middle if wanted is None else self._filter_programs.descriptor(wanted, kind)
            for index, program in ((2 * NUMBERS_END, last), (NUMBERS_END, middle), (0, first)):
                bpf_syscall.update(self._maps[array], spec.number + index, struct.pack("<I", program))

    def _place_exec(self) -> None:
        """Place the program of kill rules for an exec, which runs at a tracepoint."""
        array, kind = self._maps["RAW_TP_PROGS"], bpf_syscall.RAW_TRACEPOINT
        kills = self._kills.get(EXECUTED)
        if kills is None:
            bpf_syscall.delete(array, EXECUTED_INDEX)
            return
        self._code.provide([EXEC_JUDGED])
        judged = self._code.shared_program(EXEC_JUDGED, kind)
        bpf_syscall.update(array, JUDGED_INDEX, struct.pack("<I", judged))
        program = self._kill_programs.descriptor(kills, kind)
        bpf_syscall.update(array, EXECUTED_INDEX, struct.pack("<I", program))

    def _program_arrays(self) -> list[tuple[str, int]]:
        """Return the program arrays of the entry paths' tail calls, with the type of their programs."""
        used = {self._exits.array} | {path.array for path in self.entry_paths}
        return [(array, kind) for array, kind in ARRAYS.items() if array in used]

    def set_filters(self, functions: Mapping[str, FilterFunction]) -> Mapping[str, str]:
        """Tail-call these filters before the families of their types, and none for other types.

        Each type changes from one program to the next in one step, and no call is missed. Return the types whose wanted
        filter could not be used, with the reason.
        """
        usable, refused = self._filter_programs.load(
            {name: function for name, function in functions.items() if name in self._attached}
        )
        before = self._filters
        for name in before.keys() | usable.keys():  # one after the other: each that was placed is known if one fails
            others = {known: one for known, one in self._filters.items() if known != name}
            self._filters = {**others, name: usable[name]} if name in usable else others
            if name in self._attached and before.get(name) != usable.get(name):
                self._place(SYSCALL_SPECS[name])
        self._filter_programs.keep_only(usable.values())
        return refused

    @property
    def filters(self) -> Mapping[str, FilterFunction]:
        """Kernel filters that are tail-called before their families, by event type."""
        return self._filters

    def set_kills(self, functions: Mapping[str, KillFunction]) -> Mapping[str, str]:
        """Run these programs behind the filters of their types, and none behind others: a filter passes all calls that
        a rule names.

        To be called after `set_filters` with filters of the same rules. Return the types whose wanted program could not
        be used, with the reason.
        """
        wanted = {name: one for name, one in functions.items() if name in self._attached}
        refused = self._kill_programs.load(wanted)
        before, self._kills = self._kills, {name: one for name, one in wanted.items() if name not in refused}
        for name in before.keys() | self._kills.keys():
            if name == EXECUTED:
                self._place_exec()
            elif name in self._attached and before.get(name) != self._kills.get(name):
                self._place(SYSCALL_SPECS[name])
        self._kill_programs.keep_only(self._kills.values())
        self._watch_sharers(wanted=bool(self._kills))
        return refused | dict.fromkeys(functions.keys() - wanted.keys(), "this kernel has no such call")

    def set_denials(self, functions: Mapping[str, RelocatableCode]) -> Mapping[str, str]:
        """Run these programs at their hooks of the security modules, and none at others. Return the hooks whose wanted
        program could not be used, with the reason."""
        return self._deny_programs.use(functions)

    @property
    def ends_sharers(self) -> bool:
        """True if processes that share the descriptors of one killed in the kernel are ended there, too."""
        return bool(self._sharers)

    def what_acts(self) -> dict[str, int]:
        """Return the objects to pin so that kills and denials continue without this process: descriptors of links and
        maps by name. Raises OSError if the exits of calls are attached one by one, by attachments that cannot be
        pinned."""
        found = {f"deny_{hook}": link for hook, link in self._deny_programs.attachments.items()}
        if self._kills:
            if not isinstance(self._exits, ExitOfAllCalls):
                raise OSError(errno.EBUSY, "mozu was started without `on_death: go_on`; start it again")
            pairs = [*self._exits.shared, *chain(*self._attached_paths.values()), *self._sharers]
            pairs += self._attached.get("execve", ()) if EXECUTED in self._kills else ()
            found |= {f"kill_{number}": link for number, (_, link) in enumerate(pairs)}
            found |= {array: self._maps[array] for array, _ in self._program_arrays()}  # else emptied with this process
            found["RAW_TP_PROGS"] = self._maps["RAW_TP_PROGS"]
        return found | {name: self._maps[name] for name in ("KILLS", "DENIALS")}

    def _watch_sharers(self, *, wanted: bool) -> None:
        if wanted and not self._sharers and kernel_features.signals_are_usable(self._kfuncs):
            self._code.provide(SHARERS)
            self._sharers = self._attach_programs(SHARERS)
        while self._sharers and not wanted:
            program, attachment = self._sharers.pop()
            os.close(attachment)
            os.close(program)

    def _attach_programs(self, chosen: Iterable[Program]) -> list[Pair]:
        """Return (program, attachment) at each tracepoint that this kernel has."""
        pairs: list[Pair] = []
        for program in chosen:
            pair = self._instance(program, program)
            if pair is not None:
                pairs.append(pair)
        return pairs

    def _instance(self, program: Program, at: Program) -> Pair | None:
        """Load and attach a new instance at the tracepoint that `at` names; None if this kernel has none."""
        fd = self._code.load_instance(program)
        attachment = self._attach(at, fd)
        if attachment is None:
            os.close(fd)
            return None
        return fd, attachment

    def set_entry_paths(self, names: Iterable[str]) -> None:
        """Attach the programs of these entry paths besides the native one, and of no others."""
        wanted = {path.name: path for path in self.entry_paths if path.name in set(names)}
        for name, path in wanted.items():
            if name not in self._attached_paths:
                if name == IO_URING:
                    forget_requests(self._maps)
                self._attached_paths[name] = self._attach_programs(path.programs)
        for name in self._attached_paths.keys() - wanted.keys():
            for program, attachment in self._attached_paths.pop(name):
                os.close(attachment)
                os.close(program)

    def detach(self, names: Iterable[str]) -> None:
        """Detach the programs of these event types; their counters stay.

        Takes milliseconds each: the kernel waits for a grace period in which no CPU runs them.
        """
        for name in names:
            pairs = self._attached.get(name, [])
            for _, attachment in pairs:
                os.close(attachment)
            with self._counting:
                self._missed_before[name] = self._missed_before.get(name, 0) + (self._misses(pairs) or 0)
                self._attached.pop(name, None)
            self._filters.pop(name, None)
            self._exits.ignore(SYSCALL_SPECS[name])
            for array in ARRAYS:
                bpf_syscall.delete(self._maps[array], SYSCALL_SPECS[name].number)
                for behind in (NUMBERS_END, 2 * NUMBERS_END):
                    bpf_syscall.delete(self._maps[array], SYSCALL_SPECS[name].number + behind)
            self._kills = {kept: one for kept, one in self._kills.items() if kept != name}
            for program, _ in pairs:
                os.close(program)
        self._update_uring_ops()

    def _misses(self, pairs: Sequence[Pair]) -> int | None:
        found = [bpf_syscall.program_info(program)[0] for program, _ in pairs]
        known = [count for count in found if count is not None]
        return sum(known) if len(known) == len(found) else None

    def count(self, name: str) -> Count:
        """Return the loss counters of one event type since the start: map COUNTS, and recursion_misses of its
        programs."""
        raw = bpf_syscall.lookup(self._maps["COUNTS"], SYSCALL_SPECS[name].number, COUNTS.size * self._cpus)
        over_share, filtered, lost, seen = (sum(column) for column in zip(*COUNTS.iter_unpack(raw), strict=True))
        with self._counting:
            misses = self._misses(self._attached.get(name, []))
            missed = None if misses is None else misses + self._missed_before.get(name, 0)
        return seen + (missed or 0), filtered, lost, over_share, missed

    def missed_by_entry_path(self) -> dict[str, int]:
        """Return the number of skipped runs by entry path: calls whose numbers were never read."""
        paths = {ALL_CALLS: self._exits.shared, **self._attached_paths}
        return {name: self._misses(pairs) or 0 for name, pairs in paths.items()}

    def end_records(self) -> None:
        """Make all programs stop counting and recording, and wait for running ones, so that the counters and the ring
        are final."""
        self.configure(off=True)
        bpf_syscall.wait_for_programs()

    def close(self) -> None:
        """Detach all programs at once and close all descriptors."""
        with self._counting:
            attached = (*self._attached.values(), *self._attached_paths.values())
            pairs = [*chain(*attached, self._exits.shared, self._sharers)]
            self._attached.clear()
            self._attached_paths.clear()
        bpf_syscall.detach_all([attachment for _, attachment in pairs])
        for program, _ in pairs:
            os.close(program)
        self._code.close()
        self._filter_programs.keep_only(())
        self._kill_programs.keep_only(())
        self._deny_programs.close()
        for fd in self._maps.values():
            os.close(fd)
        self._maps.clear()


def prepared_loader(
    types: Iterable[str], ring_size: int, compat32: Switch, btf_file: Path, snaplen: int, log: logging.Logger, *,
    can_be_pinned: bool,
) -> Loader:  # fmt: skip
    """Return the loader, to be closed by the caller. Raises SourceUnavailable."""
    kernel = codegen.read_types(btf_file)
    entry_paths = usable_entry_paths(compat32, kernel)
    loader = Loader(ring_size, entry_paths, kernel, snaplen, can_be_pinned=can_be_pinned)
    try:
        loader.prepare(types)
        log.info("kernel programs: %s", loader.origin)
    except BaseException:
        loader.close()
        raise
    return loader
