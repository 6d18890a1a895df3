"""The code cache: programs that were compiled for this kernel and accepted by it, one per file, for later starts.

A file is named after its program and the digest of the compiler's whole input (codegen.py), of the kernel's build and
of its BTF, so unsuitable ones are not found. A user who may write such a file loads code into the kernel: files that
others than root may write are not read (trusted_directory.py), damaged ones are not used (cache_entry.py), and both are
reported. Only a process that runs as root writes.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

from mozu.plugins.sources.ebpf.cache_entry import CacheEntry, Damaged, decode, encode
from mozu.plugins.sources.ebpf.compiler import find_compiler
from mozu.plugins.sources.ebpf.relocatable import RelocatableCode
from mozu.plugins.sources.ebpf.trusted_directory import TrustedDirectory, Untrusted

PLACE: Final = Path("/var/cache/mozu/ebpf")
SUFFIX: Final = ".code"
_MOST: Final = 400
"""Most files that are kept, the newest: those of several kernels and versions, and of earlier rules."""
_NAMED: Final = 16
"""Hexadecimal digits of the digest in a file's name."""


class KernelBuild(NamedTuple):
    """The kernel that code was compiled for."""

    kernel: str
    """Release and version (uname)."""
    btf: str
    """SHA-256 of the kernel's BTF."""


class CacheFile(NamedTuple):
    """A file of the directory."""

    name: str
    size: int
    entry: CacheEntry | None
    problem: str
    """Reason for which the file would not be loaded; empty if it would."""


def running_kernel(btf: str) -> KernelBuild:
    """Return the build of this machine's kernel; `btf` is the digest of its BTF."""
    name = os.uname()
    return KernelBuild(f"{name.release} {name.version}", btf)


def machine_cache(place: Path | None, btf: str, say: Callable[[str], None]) -> "CodeCache | None":
    """Return the cache for this machine's kernel and compiler; None if `place` is None. `btf`: see `running_kernel`."""
    if place is None:
        return None
    compiler = find_compiler()
    return CodeCache(place, running_kernel(btf), "" if compiler is None else compiler.version, say)


class CodeCache:
    """A directory of code for one kernel. `say` is called with a line for everything that is not loaded or not stored.

    `compiler`: version of this machine's compiler, empty if it has none. Entries of another compiler are compiled
    again.
    """

    def __init__(
        self, place: Path, kernel: KernelBuild, compiler: str, say: Callable[[str], None], owner: int = 0
    ) -> None:
        self.place = place
        self._kernel, self._compiler, self._say, self._owner = kernel, compiler, say, owner
        self._directory = TrustedDirectory(place, owner)
        self._said: set[str] = set()

    def _once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self._say(text)

    def _unkept(self, reason: str) -> None:
        self._once(f"source ebpf: compiled programs are not kept in {self.place}: {reason}")

    def key(self, digest: bytes) -> bytes:
        """Return the key of an entry, from the digest of the compiler's input."""
        return blake2b(digest + repr(self._kernel).encode(), digest_size=32).digest()

    def read(self, wanted: Sequence[tuple[str, bytes]]) -> dict[str, RelocatableCode]:
        """Return the trusted code of (program, key) pairs that are in the cache, by program."""
        found: dict[str, RelocatableCode] = {}
        try:
            with self._directory.opened() as directory:
                for name, key in wanted:
                    code = self._read(directory, name, key)
                    if code is not None:
                        found[name] = code
        except FileNotFoundError:
            return {}
        except (OSError, Untrusted) as error:
            self._once(f"source ebpf: no compiled program is loaded from {self.place}: {error}; all are compiled anew")
        return found

    def _read(self, directory: int, name: str, key: bytes) -> RelocatableCode | None:
        file = file_name(name, key)
        try:
            entry = decode(self._directory.read(directory, file))
            if problem := self._unfit(entry, name, key):
                raise Damaged(problem)
        except FileNotFoundError:
            return None
        except (OSError, Untrusted, Damaged) as error:
            self._once(f"source ebpf: {self.place / file} is not loaded: {error}; the program is compiled anew")
            return None
        return entry.code

    def _unfit(self, entry: CacheEntry, name: str, key: bytes) -> str:
        """Return the reason for which an entry is not the wanted one; empty if it is."""
        if problem := self.foreign(entry):
            return problem
        if entry.key != key or entry.code.name != name:
            return "it is another program than its name says"
        if self._compiler and entry.compiler != self._compiler:
            return f"it was compiled by {entry.compiler}, and this machine has {self._compiler}"
        return ""

    def foreign(self, entry: CacheEntry) -> str:
        """Return the reason for which an entry is not for this kernel; empty if it is."""
        if (entry.kernel, entry.btf) == self._kernel:
            return ""
        what = "another kernel" if entry.kernel != self._kernel.kernel else "another build of this kernel"
        return f"it is for {what} ({entry.kernel})"

    def entry(self, key: bytes, code: RelocatableCode) -> CacheEntry:
        """Return an entry for this kernel by this compiler."""
        return CacheEntry(
            key=key, kernel=self._kernel.kernel, btf=self._kernel.btf, compiler=self._compiler, code=code
        )

    def write(self, entries: Sequence[CacheEntry]) -> bool:
        """Store the entries; return False if that fails, which is reported."""
        if not entries:
            return True
        if os.geteuid() != self._owner:
            self._unkept("only root may write there")
            return False
        try:
            self._directory.make()
            with self._directory.opened() as directory, self._directory.locked(directory):
                for entry in entries:
                    self._directory.write(directory, file_name(entry.code.name, entry.key), encode(entry))
                self._prune(directory)
        except BlockingIOError:
            self._unkept("another mozu writes there at this moment")
        except (OSError, Untrusted) as error:
            self._unkept(str(error))
        else:
            return True
        return False

    def _prune(self, directory: int) -> None:
        ages = [(os.stat(name, dir_fd=directory).st_mtime_ns, name) for name in _names(directory)]
        for _, name in sorted(ages, reverse=True)[_MOST:]:
            os.unlink(name, dir_fd=directory)

    def files(self) -> Iterator[CacheFile]:
        """Yield all stored files, including those for other kernels. Raises OSError and Untrusted."""
        with self._directory.opened() as directory:
            for name in _names(directory):
                yield self._file(directory, name)

    def _file(self, directory: int, name: str) -> CacheFile:
        entry = None
        size = os.stat(name, dir_fd=directory, follow_symlinks=False).st_size
        try:
            entry = decode(self._directory.read(directory, name))
            problem = self._unfit(entry, entry.code.name, entry.key)
            if not problem and name != file_name(entry.code.name, entry.key):
                problem = "it is another program than its name says"
        except (OSError, Untrusted, Damaged) as error:
            problem = str(error)
        return CacheFile(name, size, entry, problem)


def file_name(program: str, key: bytes) -> str:
    """Return the name of a program's file."""
    return f"{program}-{key.hex()[:_NAMED]}{SUFFIX}"


def _names(directory: int) -> list[str]:
    return sorted(name for name in os.listdir(directory) if name.endswith(SUFFIX))
