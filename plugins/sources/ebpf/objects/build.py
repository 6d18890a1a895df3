"""Building of object files, in a clone and where packages are made:

    python -m mozu.plugins.sources.ebpf.objects.build [--machine MACHINE] [PLACE]

Every variant is compiled with several layouts of kernel structs that no kernel has, and what differs becomes
relocations (differences.py). Files that are current stay. MACHINE may be another one than this: what differs between
them is C text.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from mozu.core.model.arch import MACHINE, MACHINES
from mozu.plugins.sources.ebpf import codegen, placeholders, subprograms, wire
from mozu.plugins.sources.ebpf.loop_entries import reached_by_jumps
from mozu.plugins.sources.ebpf.objects import compiler, drawn, object_file
from mozu.plugins.sources.ebpf.objects.compiler import Compilation
from mozu.plugins.sources.ebpf.objects.differences import Decoder
from mozu.plugins.sources.ebpf.objects.object_file import VARIANTS, Variant
from mozu.plugins.sources.ebpf.objects.text import main_text
from mozu.plugins.sources.ebpf.relocatable import RelocatableCode

LAYOUTS: Final = tuple(map(drawn.draw, ("one", "two", "three")))
_OTHER_MACHINE: Final = """\
import platform, runpy, sys
platform.machine = lambda: sys.argv[2]
runpy.run_module("mozu.plugins.sources.ebpf.objects.build", run_name="__main__")
"""


def units() -> list[codegen.Unit]:
    """Return the programs and the subprograms of kernel filters as they are compiled."""
    parts = (*codegen.PARTS, *codegen.KILL_PARTS, *codegen.DENY_PARTS)
    return [*map(codegen.program_unit, codegen.every_program()), *map(codegen.part_unit, parts)]


def built(variants: Iterable[Variant] = VARIANTS) -> dict[Variant, dict[str, RelocatableCode]]:
    """Return the programs and subprograms by variant and entry. Raises DoesNotCompile and Undecodable."""
    wanted, chosen = [*units(), *codegen.SUBPROGRAMS], list(variants)
    entries = tuple(unit.entry for unit in wanted)
    sources = [Compilation(main_text(one, layout, wanted), entries) for one in chosen for layout in LAYOUTS]
    raw = iter(compiler.compiled(sources, wire.SOURCES))
    decoder = Decoder(LAYOUTS)
    return {variant: _joined([next(raw) for _ in LAYOUTS], decoder) for variant in chosen}


def _joined(raw: list[dict[str, bytes]], decoder: Decoder) -> dict[str, RelocatableCode]:
    codes = {}
    for entry in raw[0]:
        text, found = decoder.relocated(entry, [one[entry] for one in raw])
        code = placeholders.relocatable(entry, text)
        codes[entry] = reached_by_jumps(code._replace(relocations=(*code.relocations, *found)))
    library = subprograms.library({name: codes.pop(f"mozu_{name}") for name in subprograms.NAMES})
    return {entry: subprograms.joined(code, library) for entry, code in codes.items()}


def main(arguments: list[str]) -> int:
    """Build what is not current; return the exit code."""
    parser = argparse.ArgumentParser(prog="mozu.plugins.sources.ebpf.objects.build")
    parser.add_argument("--machine", choices=sorted(MACHINES), default=MACHINE.name)
    parser.add_argument("place", nargs="?", type=Path, default=object_file.PLACE)
    chosen = parser.parse_args(arguments)
    if chosen.machine != MACHINE.name:  # MACHINE is settled when it is imported
        command = [sys.executable, "-c", _OTHER_MACHINE, "--machine", chosen.machine, str(chosen.place)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.run(command, env=environment).returncode
    if object_file.are_current(chosen.place, chosen.machine):
        return 0
    print(f"kernel programs for {chosen.machine}: {len(VARIANTS)} variants, {len(LAYOUTS)} compilations each")
    version = compiler.needed_compiler().resolve().name
    for variant, programs in built().items():
        file = object_file.write(variant, version, programs, chosen.place, chosen.machine)
        count = sum(len(code.instructions) // 8 for code in programs.values())
        print(f"  {file}: {len(programs)} programs, {count} instructions")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
