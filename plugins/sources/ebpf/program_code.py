"""Code of programs (code_supply.py), loaded (BPF_PROG_LOAD) in the first variant that a kernel accepts."""

import errno
import os
import sys
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from mozu.core.api import SourceUnavailable
from mozu.plugins.sources.ebpf import bpf_syscall, btf, kfunc_casts, may_goto, placeholders
from mozu.plugins.sources.ebpf.bpf_refusal import clause
from mozu.plugins.sources.ebpf.code_cache import CodeCache
from mozu.plugins.sources.ebpf.code_supply import CodeSupply
from mozu.plugins.sources.ebpf.codegen import PARTS, Unit, Variant, part_unit, program_unit
from mozu.plugins.sources.ebpf.kernel_structs import CAST_TO
from mozu.plugins.sources.ebpf.loop_entries import reached_by_jumps
from mozu.plugins.sources.ebpf.relocatable import Numbers, RelocatableCode, UnknownSymbol, bind, link
from mozu.plugins.sources.ebpf.tracepoints import Program

ARRAYS: Final = {"TP_PROGS": bpf_syscall.TRACEPOINT, "RAW_TP_PROGS": bpf_syscall.RAW_TRACEPOINT}
"""Type of programs by program array of tail calls."""
_DEPTHS: Final = (128, 64, 32)
"""Iterations of walk_path (bpf/path.h); the next value is used if the programs exceed the verifier's limit."""

Loaded = dict[tuple[str, int], int]
"""Descriptors by (entry, type)."""


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

    def __init__(
        self, maps: Mapping[str, int], types: btf.Btf, cache: CodeCache | None = None,
        called_as: int = bpf_syscall.TRACEPOINT,
    ) -> None:  # fmt: skip
        structs = {name: types.identity(name) for name in CAST_TO if name in types}
        found = {name: types.function(name) for name in placeholders.FUNCTIONS}
        functions = {name: number for name, number in found.items() if number is not None}
        self._numbers = {
            kind: Numbers({**maps, placeholders.PROGRAMS: maps[array]}, structs, functions)
            for array, kind in ARRAYS.items()
        }
        self._numbers[bpf_syscall.LSM] = Numbers(maps, structs, functions)
        self._variants = deque(Variant(casts=False, depth=depth) for depth in _DEPTHS)
        if kfunc_casts.are_usable(types):
            self._variants.appendleft(Variant(casts=True, depth=_DEPTHS[0]))
            if may_goto.is_usable():  # on kernels that have bpf_rdonly_cast, as well
                self._variants.appendleft(Variant(casts=True, depth=_DEPTHS[0], may_goto=True))
        self.supply = CodeSupply(types, cache)
        self._called_as = called_as
        self._codes: dict[str, RelocatableCode] = {}
        self._subprograms: dict[Variant, Mapping[str, RelocatableCode]] = {}
        self._loaded: Loaded = {}
        """Programs that `load_instance` has not taken yet, or that are shared."""
        self.verified: dict[str, int] = {}
        """Number of instructions that the verifier has processed (verified_insns), by entry; its limit is a million."""

    def compile(self, chosen: Iterable[Program]) -> None:
        """Provide the code of these programs, in the first variant that the verifier accepts.

        All missing code is compiled at once, with the subprograms of kernel filters. Raises SourceUnavailable; some
        programs may have code then (`has`).
        """
        wanted = {program.entry: program for program in chosen if program.entry not in self._codes}
        kinds = {entry: (self._type(program),) for entry, program in wanted.items()}
        units = {entry: program_unit(program) for entry, program in wanted.items()}
        self._loaded |= self._load_cached(units, kinds)
        while units:
            variant = self._variants[0]
            parts, missing = self._kept_subprograms(variant, PARTS)
            both = [*units.values(), *missing]
            compiled = self.supply.compile(both, variant)
            codes = {entry: compiled[entry] for entry in units}
            try:
                self._loaded |= self._load_all(codes, kinds)
            except _Refused as refused:
                may_help = refused.is_too_long or variant.casts
                if len(self._variants) == 1 or not may_help:
                    raise refused.as_unavailable() from refused.error
                self._variants.popleft()
                continue
            self._codes |= codes
            self.supply.keep(both, variant, compiled)
            fresh = {unit.entry: compiled[unit.entry] for unit in missing}
            self._subprograms[variant] = {**self._subprograms.get(variant, {}), **parts, **fresh}
            break

    def has(self, program: Program) -> bool:
        """Return True if the program has code, so that it can be loaded."""
        return program.entry in self._codes

    def _load_cached(self, units: dict[str, Unit], kinds: Mapping[str, Collection[int]]) -> Loaded:
        """Load cached code, and remove it from `units`; code that the kernel refuses is compiled again.

        If the cache has code in a later variant, the kernel has refused the former ones: the next compilation begins
        with that one.
        """
        loaded: Loaded = {}
        for variant in tuple(self._variants):
            for entry, code in self.supply.from_cache(units.values(), variant).items():
                with suppress(_Refused):
                    loaded |= self._load_all({entry: code}, kinds)
                    self._codes[entry] = code
                    del units[entry]
                    while self._variants[0] != variant:
                        self._variants.popleft()
            if not units:
                break
        return loaded

    def load_filter(
        self, code: RelocatableCode, kinds: Collection[int], parts: Sequence[str] = PARTS, hook: int = 0
    ) -> Loaded:
        """Load a kernel filter as programs of these types; return descriptors, to be closed by the caller. `parts`:
        subprograms that it may call; `hook`: see bpf_syscall.load.

        If the kernel refuses it, it is loaded again with subprograms that copy. Raises FilterRefused.
        """
        first = self._variants[0]
        refused: _Refused | None = None
        copying = next(variant for variant in self._variants if not variant.casts)
        for variant in dict.fromkeys((first, copying)):
            try:
                fit = code if variant.may_goto else may_goto.removed(code)
                linked = reached_by_jumps(link(fit, self.subprograms(variant, parts)))
                return self._load_all({code.name: linked}, {code.name: kinds}, hook)
            except _Refused as error:
                refused = error
            except UnknownSymbol as error:
                raise FilterRefused(str(error)) from error
            except SourceUnavailable as error:
                if refused is None:
                    raise FilterRefused(str(error)) from error
                break
        assert refused is not None
        if refused.is_too_long:
            raise FilterRefused("the verifier finds the tests too long") from refused.error
        raise FilterRefused(str(refused.as_unavailable())) from refused.error

    def subprograms(
        self, variant: Variant | None = None, parts: Sequence[str] = PARTS
    ) -> Mapping[str, RelocatableCode]:
        """Return subprograms of kernel filters (codegen.PARTS) by name, to be linked. Raises SourceUnavailable."""
        variant = variant or self._variants[0]
        present = self._subprograms.get(variant, {})
        if not all(part_unit(part).entry in present for part in parts):
            codes, missing = self._kept_subprograms(variant, parts)
            if missing:
                compiled = self.supply.compile(missing, variant)
                self.supply.keep(missing, variant, compiled)
                codes |= compiled
            self._subprograms[variant] = present = {**present, **codes}
        return {part: present[part_unit(part).entry] for part in parts}

    def _kept_subprograms(
        self, variant: Variant, parts: Sequence[str]
    ) -> tuple[dict[str, RelocatableCode], list[Unit]]:
        """Return the cached subprograms by entry, and the units of the others."""
        units = [part_unit(part) for part in parts]
        kept = dict(self.supply.from_cache(units, variant))
        return kept, [unit for unit in units if unit.entry not in kept]

    def verify(self, program: Program, code: RelocatableCode) -> None:
        """Load code once, as the program would be. Raises SourceUnavailable if the kernel refuses it."""
        try:
            os.close(self._load(code, self._type(program)))
        except _Refused as refused:
            raise refused.as_unavailable() from refused.error

    def digests(self, unit: Unit) -> list[bytes]:
        """Return the digests of the compiler's input for a unit, in each variant that this kernel may accept."""
        return [self.supply.digest(variant, unit) for variant in self._variants]

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

    def _load(self, code: RelocatableCode, kind: int, hook: int = 0) -> int:
        try:
            bound = bind(code, self._numbers[kind])
        except UnknownSymbol as unknown:
            said = str(unknown)
            raise _Refused(code.name, OSError(errno.EINVAL, said), lambda: said) from unknown
        try:
            return bpf_syscall.load(kind, code.name, bound, hook)
        except OSError as error:
            raise _Refused(code.name, error, partial(bpf_syscall.refusal, kind, code.name, bound, hook)) from error

    def _load_all(
        self, codes: Mapping[str, RelocatableCode], kinds: Mapping[str, Collection[int]], hook: int = 0
    ) -> Loaded:
        loaded: Loaded = {}
        try:
            for entry, code in codes.items():
                for kind in kinds[entry]:
                    loaded[entry, kind] = self._load(code, kind, hook)
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


def _close(loaded: Loaded) -> None:
    for fd in loaded.values():
        os.close(fd)
