"""Headers of bpf/ compiled for user space, beside a model of the kernel in C."""

import ctypes
import re
import subprocess
from pathlib import Path
from typing import Final

from mozu.plugins.sources.ebpf.maps import SIZES
from tests.support.requirements import ROOT, program

_HELPER: Final = re.compile(r"\(\((?:long|u64|void) \(\*\)\([^()]*\)\)(\w+)\)")
"""Pattern of a call of a helper by its number."""
_OPTIONS: Final = (
    *("-O0", "-shared", "-fPIC", "-Wno-unknown-pragmas", "-Wno-discarded-array-qualifiers", "-fno-strict-aliasing"),
    "-DCALL_SUBPROGRAM(name)=mozu_##name",
)


def compiled(folder: Path, model: str, types: str = "") -> ctypes.CDLL:
    """Compile a model (a file of tests/support that includes headers of bpf/) and return its functions. `types`:
    structs in C."""
    for header in (ROOT / "bpf").rglob("*.[ch]"):
        target = folder / header.relative_to(ROOT / "bpf")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(_HELPER.sub(r"helper_\1", header.read_text()))
    sizes = [f"-D{name}={size}" for name, size in SIZES.items()]
    include = [f"-I{folder}", f"-I{ROOT / 'tests/support'}"]
    if types:
        (folder / "kernel_types.h").write_text(types)
        include.append('-DKERNEL_TYPES="kernel_types.h"')
    subprocess.run(
        [program("gcc"), *_OPTIONS, *sizes, *include, "-o", folder / "model.so", ROOT / "tests/support" / model],
        check=True,
    )
    return ctypes.CDLL(str(folder / "model.so"))
