"""Compiled programs: families of bpf/programs as code, and programs loaded from it."""

import errno
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final

from mozu.core.errors import SourceUnavailable
from mozu.plugins.sources.ebpf import casts, kernel, programs, wire
from mozu.plugins.sources.ebpf.calls import Program
from mozu.plugins.sources.ebpf.compiler import compile_text
from mozu.plugins.sources.ebpf.gates import Gate

_DEPTHS: Final = (128, 64, 32)
"""Turns a walk up a path may take; the next one where the verifier finds the programs too long."""


class ProgramTooLong(Exception):
    """The verifier gave up; a shorter walk may pass."""


class Code:
    """Owns compilations and the programs that calls share. `constants` stand in the C text: maps, sizes, numbers."""

    def __init__(self, constants: Mapping[str, int]) -> None:
        self._constants = constants
        types = programs.read_types()
        self._casts = casts.find(types)
        self._kernel = programs.kernel_text(types, self._casts)
        self._depth = 0
        self._modules: dict[str, Any] = {}
        """Entry → the compilation that holds it."""
        self._loaded: dict[tuple[str, int], int] = {}
        """Entry and type → a program that nobody has taken, or that is shared."""
        self.verified: dict[str, int] = {}
        """Entry → instructions that the verifier looked at; it gives up at a million."""

    def compile(self, chosen: Iterable[Program]) -> None:
        """Compile the families of those that are new, with the longest walk that the verifier accepts."""
        wanted = {program.entry: program for program in chosen if program.entry not in self._modules}
        while wanted:
            module = compile_text(self._source(programs.demand_text(wanted.values())), wire.SOURCES)
            try:
                fresh = {name: self._load(module, name, _type(program)) for name, program in wanted.items()}
            except ProgramTooLong as error:
                self._depth += 1
                if self._depth == len(_DEPTHS):
                    raise SourceUnavailable(
                        f"source ebpf: the verifier finds the program {error} too long even with a walk of "
                        f"{_DEPTHS[-1]} steps; please report the version of this kernel"
                    ) from error
                continue
            for name, fd in fresh.items():
                self.verified[name] = kernel.program_info(fd)[1] or 0
                self._loaded[name, _type(wanted[name])] = fd
                self._modules[name] = module
            return

    def _source(self, main: str) -> str:
        return programs.source_text(self._kernel, self._constants, _DEPTHS[self._depth], main)

    def gates(self, gates: Iterable[Gate]) -> dict[str, int]:
        """Entry → descriptor of a program, for each array that a gate can stand in; to be closed by the caller.

        Raises SourceUnavailable, and ProgramTooLong where the verifier gives up.
        """
        main, generated = programs.gates_text(gates)
        module = compile_text(self._source(main), wire.SOURCES, generated)
        loaded: dict[str, int] = {}
        try:
            for gate in gates:
                for array, kind in programs.ARRAYS.items():
                    entry = gate.entry(array)
                    loaded[entry] = self._load(module, entry, kind)
                    self.verified[entry] = kernel.program_info(loaded[entry])[1] or 0
        except BaseException:
            for fd in loaded.values():
                os.close(fd)
            raise
        finally:
            module.cleanup()
        return loaded

    def instance(self, program: Program) -> int:
        """A program of one's own, with counters of its own; gives its descriptor, to be closed by the caller."""
        fd = self._loaded.pop((program.entry, _type(program)), None)
        return self._load(self._modules[program.entry], program.entry, _type(program)) if fd is None else fd

    def shared(self, program: Program, kind: int) -> int:
        """The one program of this type that everybody shares; its descriptor stays ours."""
        key = program.entry, kind
        if key not in self._loaded:
            self._loaded[key] = self._load(self._modules[program.entry], program.entry, kind)
        return self._loaded[key]

    def _load(self, module: Any, entry: str, kind: int) -> int:
        code = self._casts.linked(module.dump_func(entry.encode()))
        try:
            return kernel.load(kind, entry, code)
        except OSError as error:
            if error.errno == errno.E2BIG:
                raise ProgramTooLong(entry) from error
            print(kernel.refusal(kind, entry, code), file=sys.stderr)
            raise SourceUnavailable(
                f"source ebpf: the kernel refuses the program {entry} ({error}); what its verifier says is on stderr"
            ) from error

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
