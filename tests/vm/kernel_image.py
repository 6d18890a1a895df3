"""What is in the file of a kernel (vmlinuz), without booting it: its name and its BTF.

On x86-64 the setup header is that of Documentation/arch/x86/boot.rst: `setup_sects` at 0x1f1, `kernel_version` at
0x20e, `payload_offset` and `payload_length` at 0x248. The payload is vmlinux, compressed, and four bytes with its size.
On arm64 the file is the kernel as it lies in memory (Documentation/arch/arm64/booting.rst): its texts and its BTF are
found by how they begin.
"""

import re
import struct
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

from tests.support.requirements import program

_PROGRAMS: Final = {
    b"\x02\x21\x4c\x18": ("lz4", "-dc"),
    b"\x28\xb5\x2f\xfd": ("zstd", "-dc"),
    b"\xfd7zX": ("xz", "--single-stream", "-dc"),
    b"\x1f\x8b\x08\x00": ("gzip", "-dc"),
}
"""How a payload begins → what decompresses it."""
_SECTION: Final = struct.Struct("<IIQQQQIIQQ")
"""Elf64_Shdr."""


_ARM64_AT, _ARM64 = 0x38, b"ARMd"
_BTF: Final = bytes.fromhex("9feb0100 18000000")
"""How BTF begins: magic, version, flags, length of the header."""


class KernelImage(NamedTuple):
    """What the kernel will say of itself once it runs."""

    release: str
    """uname -r."""
    version: str
    """uname -v."""
    btf: bytes
    """/sys/kernel/btf/vmlinux; empty where it has none."""


def read(file: Path) -> KernelImage:
    """Raises ValueError where it is compressed in an unknown way, or is no ELF file."""
    image = file.read_bytes()
    if image[_ARM64_AT : _ARM64_AT + len(_ARM64)] == _ARM64:
        return _arm64(image)
    (place,) = struct.unpack_from("<H", image, 0x20E)
    name = image[0x200 + place : image.index(b"\0", 0x200 + place)].decode()
    release, rest = name.split(" ", 1)
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (image[0x1F1] + 1) * 512 + offset
    payload = image[start : start + length]
    if payload[:4] not in _PROGRAMS:
        raise ValueError(f"{file}: the kernel is compressed in an unknown way ({payload[:4].hex()})")
    command, *options = _PROGRAMS[payload[:4]]
    done = subprocess.run([program(command), *options], input=payload[:-4], capture_output=True, check=False)
    return KernelImage(release, rest[rest.index("#") :], _section(done.stdout, b".BTF"))


def _arm64(image: bytes) -> KernelImage:
    release, version = re.search(rb"Linux version (\S+) ", image), re.search(rb"#\d+ SMP [^\0\n]*", image)
    if release is None or version is None:
        raise ValueError("the kernel does not say its version")
    start = image.find(_BTF)
    _, _, texts, length = struct.unpack_from("<4I", image, start + 8)
    return KernelImage(release[1].decode(), version[0].decode(), image[start : start + 24 + texts + length])


def _section(elf: bytes, name: bytes) -> bytes:
    if not elf.startswith(b"\x7fELF"):
        raise ValueError(f"a kernel begins as an ELF file, found {elf[:4].hex()!r}")
    (table,) = struct.unpack_from("<Q", elf, 0x28)
    size, count, names = struct.unpack_from("<HHH", elf, 0x3A)
    sections = [_SECTION.unpack_from(elf, table + number * size) for number in range(count)]
    at = sections[names][4]
    for section in sections:
        first = at + section[0]
        if elf[first : elf.index(b"\0", first)] == name:
            return elf[section[4] : section[4] + section[5]]
    return b""
