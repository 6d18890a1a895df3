"""Pins of a source whose acts in the kernel continue when mozu dies: a directory of the BPF file system.

The kernel detaches programs without a pin and a process; removing the pins of a run that has died ends its kills and
denials.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

BPF_FS: Final = Path("/sys/fs/bpf")
"""Mount point that systemd uses."""


def pins_of(state_dir: Path) -> Path:
    """Return the directory of the pins of runs with this state directory."""
    digest = hashlib.sha256(os.fsencode(state_dir.absolute())).hexdigest()[:12]
    return BPF_FS / "mozu" / digest


def has_pins(folder: Path) -> bool:
    """Return True if a present or earlier run has pins there; False if the directory cannot be read."""
    with suppress(OSError):
        return any(folder.iterdir())
    return False


def remove_pins(folder: Path) -> None:
    """Remove all pins in the directory. Raises OSError."""
    for place in (*folder.glob("*/*"), *folder.glob("*")):
        if place.is_dir():
            place.rmdir()
        else:
            place.unlink()
