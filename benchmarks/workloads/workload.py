"""What a workload is: something to run again and again, with and without a monitor, that says how fast it went."""

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Final, NamedTuple

PATH: Final = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
"""Where programs are looked for; Debian keeps servers where an ordinary user's path does not lead."""


class Run(NamedTuple):
    """What one run gave."""

    rate: float
    """Units of the workload a second."""
    p99: float | None = None
    """Milliseconds that 99 of 100 requests took at most, where something was asked and answered."""


class Workload(NamedTuple):
    """A load that ends by itself within seconds."""

    name: str
    unit: str
    """One of what `rate` counts."""
    programs: Mapping[str, str]
    """Each program that it needs, and the Debian package that brings it."""
    prepared: Callable[[], AbstractContextManager[Callable[[], Run]]]
    """Sets up all that the load needs, gives what runs it once, and takes everything down again."""


def program(name: str) -> str:
    """Its path, or its name where it is not installed."""
    return shutil.which(name, path=PATH) or name


def missing_packages(workloads: Iterable[Workload]) -> list[str]:
    """Debian packages without which some of them cannot run."""
    needed = {name: package for workload in workloads for name, package in workload.programs.items()}
    return sorted({package for name, package in needed.items() if shutil.which(name, path=PATH) is None})
