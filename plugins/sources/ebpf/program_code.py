"""Compiles families of bpf/programs with bcc, and loads programs from the code (BPF_PROG_LOAD)."""

import errno
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, NamedTuple

from mozu.core.api import SourceUnavailable
from mozu.plugins.sources.ebpf import bpf_syscall, codegen, kfunc_casts, wire
from mozu.plugins.sources.ebpf.compiler import compile_text
from mozu.plugins.sources.ebpf.kernel_filter import FilterFunction
from mozu.plugins.sources.ebpf.kfunc_casts import NO_CAST, KfuncCast
from mozu.plugins.sources.ebpf.tracepoints import Program

_DEPTHS: Final = (128, 64, 32)
"""Iterations of walk_path (bpf/path.h); the next one where the programs exceed the verifier's limit."""


class VerifierLimit(Exception):
    """A program exceeds the verifier's limit of instructions."""


class _Refused(Exception):
    """The kernel refuses to load a program."""

    def __init__(self, entry: str, error: OSError, says: Callable[[], str]) -> None:
        super().__init__(entry)
        self.entry, self.error, self.says = entry, error, says

    @property
    def is_too_long(self) -> bool:
        """Whether it exceeds the verifier's limit."""
        return self.error.errno == errno.E2BIG

    def as_unavailable(self) -> SourceUnavailable:
        """The error for the user; the verifier's log goes to stderr."""
        if self.is_too_long:
            return SourceUnavailable(
                f"source ebpf: the verifier finds the program {self.entry} too long even with a walk of "
                f"{_DEPTHS[-1]} steps; please report the version of this kernel"
            )
        print(self.says(), file=sys.stderr)
        return SourceUnavailable(
            f"source ebpf: the kernel refuses the program {self.entry} ({self.error}); "
            "what its verifier says is on stderr"
        )


class _Variant(NamedTuple):
    """How the same C text is compiled: with or without casts, and the depth of walk_path."""

    cast: KfuncCast
    depth: int


class ProgramCode:
    """Owns compiled code, and the programs that calls share. `constants`: values of names in the C text."""

    def __init__(self, constants: Mapping[str, int]) -> None:
        self._constants = constants
        types = codegen.read_types()
        self._cast = kfunc_casts.find(types)
        self._variants = deque(_Variant(NO_CAST, depth) for depth in _DEPTHS)
        if self._cast != NO_CAST:
            self._variants.appendleft(_Variant(self._cast, _DEPTHS[0]))
        self._kernel = {cast: codegen.kernel_text(types, cast) for cast in (self._cast, NO_CAST)}
        self._modules: dict[str, Any] = {}
        """Entry → the compilation that holds it."""
        self._loaded: dict[tuple[str, int], int] = {}
        """Entry and type → a loaded program: not yet taken by `load_instance`, or shared."""
        self.verified: dict[str, int] = {}
        """Entry → instructions that the verifier processed (verified_insns); its limit is a million."""

    def compile(self, chosen: Iterable[Program]) -> None:
        """Compile the families of new programs, in the first variant that the verifier accepts.

        Raises SourceUnavailable.
        """
        wanted = {program.entry: program for program in chosen if program.entry not in self._modules}
        while wanted:
            module = compile_text(self._source(self._variants[0], codegen.demand_text(wanted.values())), wire.SOURCES)
            try:
                fresh = self._load_all(module, [(name, _type(program)) for name, program in wanted.items()])
            except _Refused as refused:
                module.cleanup()
                may_help = refused.is_too_long or self._variants[0].cast != NO_CAST
                if len(self._variants) == 1 or not may_help:
                    raise refused.as_unavailable() from refused.error
                self._variants.popleft()
                continue
            for name, fd in fresh.items():
                self._loaded[name, _type(wanted[name])] = fd
                self._modules[name] = module
            return

    def _source(self, variant: _Variant, main: str) -> str:
        return codegen.source_text(self._kernel[variant.cast], self._constants, variant.depth, main)

    def filters(self, functions: Iterable[FilterFunction]) -> dict[str, int]:
        """Load kernel filters, each for both program arrays; entry → descriptor, to be closed by the caller.

        Raises SourceUnavailable, and VerifierLimit.
        """
        chosen = list(functions)
        variant = self._variants[0]
        if variant.cast != NO_CAST:
            with suppress(_Refused):
                return self._load_filters(chosen, variant)
        try:
            return self._load_filters(chosen, variant._replace(cast=NO_CAST))
        except _Refused as refused:
            raise VerifierLimit(refused.entry) if refused.is_too_long else refused.as_unavailable() from refused.error

    def _load_filters(self, functions: Iterable[FilterFunction], variant: _Variant) -> dict[str, int]:
        main, generated = codegen.filters_text(functions)
        module = compile_text(self._source(variant, main), wire.SOURCES, generated)
        try:
            arrays = codegen.ARRAYS.items()
            entries = [(function.entry(array), kind) for function in functions for array, kind in arrays]
            return self._load_all(module, entries)
        finally:
            module.cleanup()

    def load_instance(self, program: Program) -> int:
        """A new instance of a program, with its own recursion_misses; its descriptor is closed by the caller."""
        fd = self._loaded.pop((program.entry, _type(program)), None)
        return self._another(program, _type(program)) if fd is None else fd

    def shared_program(self, program: Program, kind: int) -> int:
        """The one instance of this type that all tail calls share; its descriptor is closed by `close`."""
        key = program.entry, kind
        if key not in self._loaded:
            self._loaded[key] = self._another(program, kind)
        return self._loaded[key]

    def _another(self, program: Program, kind: int) -> int:
        try:
            return self._load(self._modules[program.entry], program.entry, kind)
        except _Refused as refused:
            raise refused.as_unavailable() from refused.error

    def _load(self, module: Any, entry: str, kind: int) -> int:
        code = self._cast.relocated(module.dump_func(entry.encode()))
        try:
            return bpf_syscall.load(kind, entry, code)
        except OSError as error:
            raise _Refused(entry, error, partial(bpf_syscall.refusal, kind, entry, code)) from error

    def _load_all(self, module: Any, entries: Iterable[tuple[str, int]]) -> dict[str, int]:
        loaded: dict[str, int] = {}
        try:
            for entry, kind in entries:
                loaded[entry] = self._load(module, entry, kind)
                self.verified[entry] = bpf_syscall.program_info(loaded[entry])[1] or 0
        except BaseException:
            for fd in loaded.values():
                os.close(fd)
            raise
        return loaded

    def close(self) -> None:
        """Close the shared programs and free the code; instances stay."""
        for fd in self._loaded.values():
            os.close(fd)
        for module in {id(module): module for module in self._modules.values()}.values():
            module.cleanup()
        self._loaded.clear()
        self._modules.clear()


def _type(program: Program) -> int:
    return bpf_syscall.RAW_TRACEPOINT if program.raw else bpf_syscall.TRACEPOINT
