"""Compilation of C to eBPF with the distribution's libbcc, in a short-lived child (compile_child.py).

The daemon maps neither libbcc nor LLVM, which take a hundred megabytes: a child does, returns the instructions and
ends. It has a working directory of its own, which libbcc changes while it compiles, and a limit of memory; its messages
on stderr become one error.
"""

import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from mozu.core.api import SourceUnavailable
from mozu.core.cpu_wait import CpuWait, ExtraTime
from mozu.core.model.arch import MACHINE
from mozu.plugins.sources.ebpf import compile_child
from mozu.plugins.sources.ebpf.stub_headers import HEADERS

_PLACES: Final = (f"/usr/lib/{MACHINE.library_folder}", "/usr/lib64", "/usr/lib", "/usr/local/lib64", "/usr/local/lib")
_LIBRARY: Final = "libbcc.so.0"
_MEMORY: Final = 1 << 30
"""Bytes of address space; LLVM takes about 300 MB for all programs at once."""
_SECONDS: Final = 120.0
"""Seconds after which the child is stopped, without the time spent waiting for a CPU: a hundred times the time for all
programs."""
_SHOWN: Final = 400
"""Most bytes of the compiler's messages in an error."""


class BpfCompiler(NamedTuple):
    """A compiler that this machine has."""

    library: Path

    @property
    def version(self) -> str:
        """Text that identifies the compiler: the name of the file, which contains the version, and its size."""
        file = self.library.resolve()
        return f"{file.name} of {file.stat().st_size} bytes"

    def compile(self, text: str, include: Path, entries: Collection[str]) -> dict[str, bytes]:
        """Compile the text; return the instructions by entry.

        bcc makes programs only from functions in its main text, and rewrites pointer accesses there. Raises
        SourceUnavailable if the text does not compile, or the child fails.
        """
        from mozu.plugins.sources.ebpf.header_tree import header_tree  # imports what a start from the cache needs not

        files = {**HEADERS, "main.c": text}
        with header_tree(files) as tree:
            command = [sys.executable, "-I", "-S", compile_child.__file__, str(self.library)]
            command += [str(include.absolute()), str(_MEMORY), *entries]
            try:
                code, said = _ended(command, tree)
            except TimeoutError as error:
                raise SourceUnavailable(f"source ebpf: the compiler did not end within {_SECONDS:.0f} s") from error
            except OSError as error:
                raise SourceUnavailable(f"source ebpf: the compiler's process does not start ({error})") from error
            if code:
                raise SourceUnavailable(f"source ebpf: the kernel programs do not compile ({_reason(code, said)})")
            return {entry: (tree / f"{entry}.code").read_bytes() for entry in entries}


def find_compiler(places: tuple[str, ...] = _PLACES) -> BpfCompiler | None:
    """Return the distribution's libbcc; None if it is not installed."""
    for place in places:
        library = Path(place) / _LIBRARY
        if library.is_file():
            return BpfCompiler(library)
    return None


def needed_compiler(places: tuple[str, ...] = _PLACES) -> BpfCompiler:
    """Return the distribution's libbcc. Raises SourceUnavailable, with the package to install, if there is none."""
    found = find_compiler(places)
    if found is None:
        raise SourceUnavailable(
            f"source ebpf: there are programs that the code cache does not have, and no compiler ({_LIBRARY}): install "
            "libbpfcc (Debian, Ubuntu) or bcc (Fedora, RHEL, Alpine, Arch), or import programs (mozu ebpf import)"
        )
    return found


def _ended(command: Sequence[str], folder: Path) -> tuple[int, bytes]:
    """Run the child; return its exit code and its messages. Raises OSError, and TimeoutError after _SECONDS without the
    time spent waiting for a CPU."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe) as child:
        left, extra = _SECONDS, ExtraTime(CpuWait(child.pid))
        try:
            while True:
                try:
                    _, said = child.communicate(timeout=left)
                except subprocess.TimeoutExpired:
                    left = extra.take()
                    if not left:
                        raise TimeoutError from None
                else:
                    return child.returncode, said
        except BaseException:
            child.kill()
            raise


def _reason(code: int, said: bytes) -> str:
    """Return the compiler's first error, else its last message, else how the child ended."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "error:" in line]
    shown = (errors or lines[-1:] or [""])[0][:_SHOWN]
    ended = f"ended by signal {-code}" if code < 0 else ""
    return "; ".join(part for part in (shown, ended) if part) or f"the child ended with {code}"
