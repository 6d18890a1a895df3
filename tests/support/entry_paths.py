"""The program entry_path.c: an act, by each entry path into the kernel."""

from pathlib import Path
from typing import Final

from tests.support.build import compiled

ENTRY_PATHS: Final = {
    "native": ("-DNATIVE",),
    "32-bit program": ("-m32", "-DNARROW"),
    "int 0x80 of a 64-bit program": ("-DNARROW",),
    "io_uring": ("-DRING",),
    "io_uring, polled": ("-DRING", "-DPOLLED"),
}
_FLAGS: Final = ("-nostdlib", "-static", "-no-pie", "-fno-pie", "-fno-stack-protector", "-ffreestanding")


def entry_path(name: str) -> Path:
    """Return the program that acts by this entry path: `entry_path VERB ARGUMENT`."""
    return compiled("entry_path", *_FLAGS, *ENTRY_PATHS[name])
