"""A workload: an activity that is repeated with and without a monitor, and reports its speed."""

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Final, NamedTuple

PATH: Final = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
"""Directories of programs; Debian keeps servers outside an ordinary user's path."""


class Run(NamedTuple):
    """The result of one run."""

    rate: float
    """Units of the workload a second."""
    p99: float | None = None
    """Milliseconds that 99 of 100 requests took at most, where something was asked and answered."""


class Workload(NamedTuple):
    """A load that ends by itself within seconds."""

    name: str
    unit: str
    """The unit that `rate` counts."""
    programs: Mapping[str, str]
    """Required program → Debian package that brings it."""
    prepared: Callable[[], AbstractContextManager[Callable[[], Run]]]
    """Context manager that sets up the load, yields a function that runs it once, and takes everything down again."""


def program(name: str) -> str:
    """Return the path of a program, or its name if it is not installed."""
    return shutil.which(name, path=PATH) or name


def missing_packages(workloads: Iterable[Workload]) -> list[str]:
    """Debian packages without which some of them cannot run."""
    needed = {name: package for workload in workloads for name, package in workload.programs.items()}
    return sorted({package for name, package in needed.items() if shutil.which(name, path=PATH) is None})
