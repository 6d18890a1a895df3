"""Where a source pins what goes on to act in the kernel when mozu dies: a directory of the BPF file system.

The kernel detaches what has no pin and no process; removing the pins of a run that has died ends its kills and denials.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

BPF_FS: Final = Path("/sys/fs/bpf")
"""Where systemd mounts it."""


def pins_of(state_dir: Path) -> Path:
    """Those of the runs with this state directory."""
    digest = hashlib.sha256(os.fsencode(state_dir.absolute())).hexdigest()[:12]
    return BPF_FS / "mozu" / digest


def has_pins(folder: Path) -> bool:
    """Whether a run, of now or of before, has left anything in force there. A directory that cannot be read: no."""
    with suppress(OSError):
        return any(folder.iterdir())
    return False


def remove_pins(folder: Path) -> None:
    """Nothing goes on there. Raises OSError."""
    for place in (*folder.glob("*/*"), *folder.glob("*")):
        if place.is_dir():
            place.rmdir()
        else:
            place.unlink()
