"""Object files: all programs of one variant, compiled where mozu was built (build.py), to be relocated for the running
kernel (kernel_structs.py).

They lie beside this module, and are trusted as the package's own files are. Each has a digest of the sources that it
was built from, so that a clone whose sources have changed loads nothing else by mistake.
"""

import functools
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from mozu.core.api import SourceUnavailable
from mozu.core.model import arch
from mozu.core.model.arch import MACHINE
from mozu.plugins.sources.ebpf import wire
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode

_HERE: Final = Path(__file__).parent
PLACE: Final = _HERE / "built"
_OF_BUILD: Final = (
    *("build", "codegen", "compiler", "kernel_features", "kernel_structs", "relocatable", "subprograms"),
    *("../entry_paths", "../maps", "../tracepoints", "../uring", "../wire"),
)
"""Modules that objects depend on."""


class Variant(NamedTuple):
    """A way to compile the same programs."""

    name: str
    casts: bool = False
    """True if members of kernel structs are loaded (kernel_features.py), False if they are copied."""
    may_goto: bool = False
    """True for loops of Linux 6.9, which the verifier follows once (COUNTED of bpf/record.h)."""


MAY_GOTO: Final = Variant("may_goto", casts=True, may_goto=True)
CASTS: Final = Variant("casts", casts=True)
COPIES: Final = Variant("copies")
VARIANTS: Final = (MAY_GOTO, CASTS, COPIES)


class ObjectFile(msgspec.Struct, frozen=True, kw_only=True):
    """The content of a file."""

    sources: str
    """`digest_of_sources` when it was built."""
    compiler: str
    """Name of the compiler's file, which contains its version."""
    programs: dict[str, RelocatableCode]
    """Code of each program, by its entry function."""


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(ObjectFile)


def path(variant: Variant, place: Path = PLACE, machine: str = MACHINE.name) -> Path:
    """Return the file of a variant for a kind of machine."""
    return place / f"{machine}-{variant.name}.objects"


@functools.cache
def digest_of_sources() -> str:
    """Return the digest of all that objects are built from."""
    digest = sha256()
    modules = [_HERE / f"{name}.py" for name in _OF_BUILD]
    modules += sorted(Path(arch.__file__).parent.glob("*.py"))
    for file in [*modules, *sorted(file for file in wire.SOURCES.rglob("*.[ch]"))]:
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def are_current(place: Path = PLACE, machine: str = MACHINE.name) -> bool:
    """Return True if there are objects of these sources for a kind of machine."""
    try:
        found = [_decoder.decode(path(variant, place, machine).read_bytes()).sources for variant in VARIANTS]
    except (OSError, msgspec.MsgspecError):
        return False
    return all(one == digest_of_sources() for one in found)


def write(variant: Variant, compiler: str, programs: Mapping[str, RelocatableCode], place: Path, machine: str) -> Path:
    """Write a file in one step; return its path. Raises OSError."""
    content = ObjectFile(sources=digest_of_sources(), compiler=compiler, programs=dict(programs))
    file = path(variant, place, machine)
    place.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_bytes(_encoder.encode(content))
    fresh.replace(file)
    return file


def read(variant: Variant, place: Path = PLACE, machine: str = MACHINE.name) -> ObjectFile:
    """Return the programs of a variant. Raises SourceUnavailable."""
    file = path(variant, place, machine)
    try:
        found = _decoder.decode(file.read_bytes())
    except OSError as error:
        raise SourceUnavailable(
            f"source ebpf: the kernel programs {file} cannot be read ({error.strerror}); in a clone run make setup, "
            "elsewhere install mozu again"
        ) from error
    except msgspec.MsgspecError as error:
        raise SourceUnavailable(f"source ebpf: {file} has no kernel programs ({error}); install mozu again") from error
    if found.sources != digest_of_sources():
        raise SourceUnavailable(
            f"source ebpf: the kernel programs {file} were built from other sources than those of this mozu; in a "
            "clone run make setup, elsewhere install mozu again"
        )
    return found
