"""Code of programs from object files (objects/), loaded (BPF_PROG_LOAD) in the first variant that a kernel accepts."""

import errno
import os
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from mozu.core.api import SourceUnavailable
from mozu.plugins.sources.ebpf import bpf_syscall, btf
from mozu.plugins.sources.ebpf.checks import clause
from mozu.plugins.sources.ebpf.objects import codegen, kernel_features, object_file
from mozu.plugins.sources.ebpf.objects.codegen import PARTS, part_entry
from mozu.plugins.sources.ebpf.objects.kernel_structs import CAST_TO, KernelLayout
from mozu.plugins.sources.ebpf.objects.object_file import CASTS, COPIES, MAY_GOTO, ObjectFile, Variant
from mozu.plugins.sources.ebpf.objects.relocatable import (
    Numbers,
    RelocatableCode,
    UnknownSymbol,
    bind,
    link,
    reached_by_jumps,
)
from mozu.plugins.sources.ebpf.tracepoints import Program

ARRAYS: Final = {"TP_PROGS": bpf_syscall.TRACEPOINT, "RAW_TP_PROGS": bpf_syscall.RAW_TRACEPOINT}
"""Type of programs by program array of tail calls."""
_DEPTHS: Final = (128, 64, 32)
"""Iterations of walk_path (bpf/path.h); the next value is used if the programs exceed the verifier's limit."""

Loaded = dict[tuple[str, int], int]
"""Descriptors by (entry, type)."""


class Choice(NamedTuple):
    """A form of the programs."""

    variant: Variant
    depth: int
    """Iterations of walk_path (bpf/path.h)."""


class FilterRefused(Exception):
    """A kernel filter is not available; the message is the reason, for users."""


class _Refused(Exception):
    """The kernel refuses to load a program."""

    def __init__(self, entry: str, error: OSError, says: Callable[[], str]) -> None:
        super().__init__(entry)
        self.entry, self.error, self.says = entry, error, says

    @property
    def is_too_long(self) -> bool:
        """True if it exceeds the verifier's limit."""
        return self.error.errno == errno.E2BIG

    def as_unavailable(self) -> SourceUnavailable:
        """Return the error for the user; the verifier's log is printed to stderr."""
        if self.is_too_long:
            return SourceUnavailable(
                f"source ebpf: the verifier finds the program {self.entry} too long even with a walk of "
                f"{_DEPTHS[-1]} steps; please report the version of this kernel"
            )
        print(self.says(), file=sys.stderr)
        return SourceUnavailable(
            f"source ebpf: the kernel refuses the program {self.entry} ({self.error}){clause(self.error)}; "
            "what its verifier says is on stderr"
        )


class ProgramCode:
    """Owner of code, and of the programs that calls share. `maps`: descriptors by name; `types`: the kernel's BTF.

    `called_as`: the type as which a tail-called program is loaded first, to test if the kernel accepts it.
    """

    def __init__(self, maps: Mapping[str, int], types: btf.Btf, called_as: int = bpf_syscall.TRACEPOINT) -> None:
        structs = {name: types.identity(name) if name in types else 0 for name in CAST_TO}
        functions = {name: types.function(name) or 0 for name in codegen.KFUNCS}
        self._numbers = {
            kind: Numbers({**maps, codegen.PROGRAM_ARRAY: maps[array]}, structs, functions)
            for array, kind in ARRAYS.items()
        }
        self._numbers[bpf_syscall.LSM] = Numbers(maps, structs, functions)
        self._layout = KernelLayout(types)
        self._choices = deque(Choice(COPIES, depth) for depth in _DEPTHS)
        if kernel_features.casts_are_usable(types):
            self._choices.appendleft(Choice(CASTS, _DEPTHS[0]))
            if kernel_features.may_goto_is_usable():  # on kernels that have bpf_rdonly_cast, as well
                self._choices.appendleft(Choice(MAY_GOTO, _DEPTHS[0]))
        self._files: dict[Variant, ObjectFile] = {}
        self._called_as = called_as
        self._codes: dict[str, RelocatableCode] = {}
        self._loaded: Loaded = {}
        """Programs that `load_instance` has not taken yet, or that are shared."""
        self.verified: dict[str, int] = {}
        """Number of instructions that the verifier has processed (verified_insns), by entry; its limit is a million."""

    @property
    def origin(self) -> str:
        """Text with the form of the programs that are loaded next."""
        variant, depth = self._choices[0]
        return f"object {object_file.path(variant).name}, walks of {depth} steps"

    @property
    def choice(self) -> Choice:
        """The choice for the programs that are loaded next."""
        return self._choices[0]

    def relocated(self, choice: Choice, entry: str) -> RelocatableCode:
        """Return a program or subprogram for this kernel. Raises SourceUnavailable, and UnknownSymbol if it cannot be
        one for this kernel."""
        if choice.variant not in self._files:
            self._files[choice.variant] = object_file.read(choice.variant)
        return self._layout.relocated(self._files[choice.variant].programs[entry], choice.variant, choice.depth)

    def provide(self, chosen: Iterable[Program]) -> None:
        """Provide the code of these programs, in the first variant that the verifier accepts.

        Raises SourceUnavailable; some programs may have code then (`has`).
        """
        wanted = {program.entry: program for program in chosen if program.entry not in self._codes}
        kinds = {entry: (self._type(program),) for entry, program in wanted.items()}
        while wanted:
            choice = self._choices[0]
            try:
                codes = {entry: self.relocated(choice, entry) for entry in wanted}
                self._loaded |= self._load_all(codes, kinds)
            except UnknownSymbol as error:
                raise SourceUnavailable(f"source ebpf: the program is not for this kernel: {error}") from error
            except _Refused as refused:
                may_help = refused.is_too_long or choice.variant.casts
                if len(self._choices) == 1 or not may_help:
                    raise refused.as_unavailable() from refused.error
                self._choices.popleft()
                continue
            self._codes |= codes
            break

    def has(self, program: Program) -> bool:
        """Return True if the program has code, so that it can be loaded."""
        return program.entry in self._codes

    def load_filter(
        self,
        code: RelocatableCode,
        kinds: Collection[int],
        parts: Sequence[str] = PARTS,
        hook: int = 0,
        maps: Mapping[str, int] = MappingProxyType({}),
    ) -> Loaded:
        """Load a kernel filter as programs of these types; return descriptors, to be closed by the caller. `parts`:
        subprograms that it may call; `hook`: see bpf_syscall.load; `maps`: descriptors of its own maps by name.

        If the kernel refuses it, it is loaded again with subprograms that copy. Raises FilterRefused.
        """
        copying = next(choice for choice in self._choices if not choice.variant.casts)
        refused: _Refused | None = None
        for choice in dict.fromkeys((self._choices[0], copying)):
            try:
                fit = code if choice.variant.may_goto else kernel_features.without_may_goto(code)
                linked = reached_by_jumps(link(fit, self.subprograms(choice, parts)))
                return self._load_all({code.name: linked}, {code.name: kinds}, hook, maps)
            except _Refused as error:
                refused = error
            except (SourceUnavailable, UnknownSymbol) as error:
                raise FilterRefused(str(error)) from error
        assert refused is not None
        if refused.is_too_long:
            raise FilterRefused("the verifier finds the tests too long") from refused.error
        raise FilterRefused(str(refused.as_unavailable())) from refused.error

    def subprograms(self, choice: Choice, parts: Sequence[str] = PARTS) -> Mapping[str, RelocatableCode]:
        """Return subprograms of kernel filters (codegen.PARTS) by name, to be linked. Raises SourceUnavailable."""
        return {part: self.relocated(choice, part_entry(part)) for part in parts}

    def load_instance(self, program: Program) -> int:
        """Load a new instance of a program, with its own recursion_misses; return its descriptor, to be closed by the
        caller."""
        kind = self._type(program)
        fd = self._loaded.pop((program.entry, kind), None)
        return self._another(program, kind) if fd is None else fd

    def shared_program(self, program: Program, kind: int) -> int:
        """Return the one instance of this type that all tail calls share; `close` closes its descriptor."""
        key = program.entry, kind
        if key not in self._loaded:
            self._loaded[key] = self._another(program, kind)
        return self._loaded[key]

    def _another(self, program: Program, kind: int) -> int:
        try:
            return self._load(self._codes[program.entry], kind)
        except _Refused as refused:
            raise refused.as_unavailable() from refused.error

    def _load(
        self, code: RelocatableCode, kind: int, hook: int = 0, maps: Mapping[str, int] = MappingProxyType({})
    ) -> int:
        numbers = self._numbers[kind]
        try:
            bound = bind(code, numbers._replace(maps={**numbers.maps, **maps}) if maps else numbers)
        except UnknownSymbol as unknown:
            said = str(unknown)
            raise _Refused(code.name, OSError(errno.EINVAL, said), lambda: said) from unknown
        try:
            return bpf_syscall.load(kind, code.name, bound, hook)
        except OSError as error:
            raise _Refused(code.name, error, partial(bpf_syscall.refusal, kind, code.name, bound, hook)) from error

    def _load_all(
        self,
        codes: Mapping[str, RelocatableCode],
        kinds: Mapping[str, Collection[int]],
        hook: int = 0,
        maps: Mapping[str, int] = MappingProxyType({}),
    ) -> Loaded:
        loaded: Loaded = {}
        try:
            for entry, code in codes.items():
                for kind in kinds[entry]:
                    loaded[entry, kind] = self._load(code, kind, hook, maps)
                    self.verified[entry] = bpf_syscall.program_info(loaded[entry, kind])[1] or 0
        except BaseException:
            _close(loaded)
            raise
        return loaded

    def _type(self, program: Program) -> int:
        if program.is_tail_called:
            return self._called_as
        return bpf_syscall.RAW_TRACEPOINT if program.raw else bpf_syscall.TRACEPOINT

    def close(self) -> None:
        """Close the shared programs; instances stay."""
        _close(self._loaded)
        self._loaded.clear()
        self._codes.clear()


class _Named(Protocol):
    @property
    def name(self) -> str: ...


class RulePrograms:
    """Owner of the descriptors of programs that are made for rules. `kinds`: types of programs that entry paths
    tail-call."""

    def __init__(self, code: ProgramCode, kinds: Collection[int]) -> None:
        self._code, self._kinds = code, kinds
        self._loaded: Loaded = {}

    def descriptor(self, function: _Named, kind: int) -> int:
        """Return the descriptor of the program of this type."""
        return self._loaded[function.name, kind]

    def keep_only(self, functions: Iterable[_Named]) -> None:
        """Close all other programs: those that the kernel still tail-calls stay loaded there."""
        used = {function.name for function in functions}
        for key in [key for key in self._loaded if key[0] not in used]:
            os.close(self._loaded.pop(key))


def _close(loaded: Loaded) -> None:
    for fd in loaded.values():
        os.close(fd)
