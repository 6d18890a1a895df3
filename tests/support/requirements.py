"""What a test needs of the machine. Where CI can have it, its absence is a failure and not a skip."""

import os
import shutil
from pathlib import Path

import pytest

from mozu.plugins.sources.ebpf.compiler import find_compiler
from tests.support import split

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
"""Tables and recordings that this project has written for its tests."""
CI = os.environ.get("CI") == "true"


def require(condition: bool, reason: str) -> None:
    """Skip with the reason, or fail with it in CI. Only live tests may ask."""
    split.check(reason)
    if condition:
        return
    if CI:
        pytest.fail(f"CI must have this: {reason}")
    pytest.skip(reason)


def corpus(*parts: str) -> Path:
    """A file of the corpus of other people's rules and captures. Skips where MOZU_CORPUS does not say where that is."""
    path = foreign(*parts)
    if path is None:
        pytest.skip("reads other people's rules or captures: set MOZU_CORPUS to the folder that holds them")
    return path


def foreign(*parts: str) -> Path | None:
    """The same; None without MOZU_CORPUS. What is missing in a corpus that is there is a failure."""
    folder = os.environ.get("MOZU_CORPUS")
    if not folder:
        return None
    path = Path(folder, *parts)
    if not path.exists():
        pytest.fail(f"MOZU_CORPUS is {folder}, and {path} is not there")
    return path


def root(what: str) -> None:
    """Root, for what an ordinary user may not do."""
    require(os.geteuid() == 0, f"{what} needs root")


def ebpf() -> None:
    """Root, BTF and the distribution's libbcc."""
    root("loading eBPF programs")
    require(Path("/sys/kernel/btf/vmlinux").exists(), "this kernel has no BTF")
    require(find_compiler() is not None, "libbpfcc is not installed")


def program(name: str) -> str:
    """Path of a program that a Debian package brings."""
    path = shutil.which(name)
    require(path is not None, f"the program {name} is not installed")
    assert path is not None
    return path
