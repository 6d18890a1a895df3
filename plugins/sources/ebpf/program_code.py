"""Compiled programs: families of bpf/programs as code, and programs loaded from it."""

import errno
import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, NamedTuple

from mozu.core.api import SourceUnavailable
from mozu.plugins.sources.ebpf import codegen, kernel, wire
from mozu.plugins.sources.ebpf import kfunc_casts as casts
from mozu.plugins.sources.ebpf.compiler import compile_text
from mozu.plugins.sources.ebpf.kernel_filter import FilterFunction
from mozu.plugins.sources.ebpf.kfunc_casts import NONE, Casts
from mozu.plugins.sources.ebpf.tracepoints import Program

_DEPTHS: Final = (128, 64, 32)
"""Turns a walk up a path may take; the next one where the verifier finds the programs too long."""


class ProgramTooLong(Exception):
    """The verifier gave up."""


class _Refused(Exception):
    """The kernel does not take a program."""

    def __init__(self, entry: str, error: OSError, says: Callable[[], str]) -> None:
        super().__init__(entry)
        self.entry, self.error, self.says = entry, error, says

    @property
    def is_too_long(self) -> bool:
        """Whether the verifier gave up."""
        return self.error.errno == errno.E2BIG

    def told(self) -> SourceUnavailable:
        """For people, with the verifier's own words on stderr."""
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


class _Form(NamedTuple):
    """A way to compile the same text."""

    cast: Casts
    depth: int


class ProgramCode:
    """Owns compilations and the programs that calls share. `constants` stand in the C text: maps, sizes, numbers."""

    def __init__(self, constants: Mapping[str, int]) -> None:
        self._constants = constants
        types = codegen.read_types()
        self._cast = casts.find(types)
        self._forms = deque(_Form(NONE, depth) for depth in _DEPTHS)
        if self._cast != NONE:
            self._forms.appendleft(_Form(self._cast, _DEPTHS[0]))
        self._kernel = {cast: codegen.kernel_text(types, cast) for cast in (self._cast, NONE)}
        self._modules: dict[str, Any] = {}
        """Entry → the compilation that holds it."""
        self._loaded: dict[tuple[str, int], int] = {}
        """Entry and type → a program that nobody has taken, or that is shared."""
        self.verified: dict[str, int] = {}
        """Entry → instructions that the verifier looked at; it gives up at a million."""

    def compile(self, chosen: Iterable[Program]) -> None:
        """Compile the families of those that are new, in the first form that the verifier accepts.

        Raises SourceUnavailable.
        """
        wanted = {program.entry: program for program in chosen if program.entry not in self._modules}
        while wanted:
            module = compile_text(self._source(self._forms[0], codegen.demand_text(wanted.values())), wire.SOURCES)
            try:
                fresh = self._load_all(module, [(name, _type(program)) for name, program in wanted.items()])
            except _Refused as refused:
                module.cleanup()
                may_help = refused.is_too_long or self._forms[0].cast != NONE
                if len(self._forms) == 1 or not may_help:
                    raise refused.told() from refused.error
                self._forms.popleft()
                continue
            for name, fd in fresh.items():
                self._loaded[name, _type(wanted[name])] = fd
                self._modules[name] = module
            return

    def _source(self, form: _Form, main: str) -> str:
        return codegen.source_text(self._kernel[form.cast], self._constants, form.depth, main)

    def filters(self, functions: Iterable[FilterFunction]) -> dict[str, int]:
        """Entry → descriptor of a program, for each array that a function can stand in; to be closed by the caller.

        Raises SourceUnavailable, and ProgramTooLong where the verifier gives up.
        """
        chosen = list(functions)
        form = self._forms[0]
        if form.cast != NONE:
            with suppress(_Refused):
                return self._filters(chosen, form)
        try:
            return self._filters(chosen, form._replace(cast=NONE))
        except _Refused as refused:
            raise ProgramTooLong(refused.entry) if refused.is_too_long else refused.told() from refused.error

    def _filters(self, functions: Iterable[FilterFunction], form: _Form) -> dict[str, int]:
        main, generated = codegen.filters_text(functions)
        module = compile_text(self._source(form, main), wire.SOURCES, generated)
        try:
            entries = [
                (function.entry(array), kind) for function in functions for array, kind in codegen.ARRAYS.items()
            ]
            return self._load_all(module, entries)
        finally:
            module.cleanup()

    def instance(self, program: Program) -> int:
        """A program of one's own, with counters of its own; gives its descriptor, to be closed by the caller."""
        fd = self._loaded.pop((program.entry, _type(program)), None)
        return self._another(program, _type(program)) if fd is None else fd

    def shared(self, program: Program, kind: int) -> int:
        """The one program of this type that everybody shares; its descriptor stays ours."""
        key = program.entry, kind
        if key not in self._loaded:
            self._loaded[key] = self._another(program, kind)
        return self._loaded[key]

    def _another(self, program: Program, kind: int) -> int:
        try:
            return self._load(self._modules[program.entry], program.entry, kind)
        except _Refused as refused:
            raise refused.told() from refused.error

    def _load(self, module: Any, entry: str, kind: int) -> int:
        code = self._cast.linked(module.dump_func(entry.encode()))
        try:
            return kernel.load(kind, entry, code)
        except OSError as error:
            raise _Refused(entry, error, partial(kernel.refusal, kind, entry, code)) from error

    def _load_all(self, module: Any, entries: Iterable[tuple[str, int]]) -> dict[str, int]:
        loaded: dict[str, int] = {}
        try:
            for entry, kind in entries:
                loaded[entry] = self._load(module, entry, kind)
                self.verified[entry] = kernel.program_info(loaded[entry])[1] or 0
        except BaseException:
            for fd in loaded.values():
                os.close(fd)
            raise
        return loaded

    def close(self) -> None:
        """Give all memory back; what `instance` gave lives on."""
        for fd in self._loaded.values():
            os.close(fd)
        for module in {id(module): module for module in self._modules.values()}.values():
            module.cleanup()
        self._loaded.clear()
        self._modules.clear()


def _type(program: Program) -> int:
    return kernel.RAW_TRACEPOINT if program.raw else kernel.TRACEPOINT
