"""Requirements of tests on the machine. If CI can meet one, its absence is a failure there, not a skip."""

import os
import shutil
from pathlib import Path

import pytest

from mozu.plugins.sources.ebpf.objects import object_file
from tests.support import split

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
"""Folder of tables and recordings that this project has made for its tests."""
CI = os.environ.get("CI") == "true"


def require(condition: bool, reason: str) -> None:
    """Skip with the reason, or fail with it in CI, unless the condition holds. Only live tests may call this."""
    split.check(reason)
    if condition:
        return
    if CI:
        pytest.fail(f"CI must have this: {reason}")
    pytest.skip(reason)


def corpus(*parts: str) -> Path:
    """Return a file of the corpus of other people's rules and captures. Skip if MOZU_CORPUS is not set."""
    path = foreign(*parts)
    if path is None:
        pytest.skip("reads other people's rules or captures: set MOZU_CORPUS to the folder that holds them")
    return path


def foreign(*parts: str) -> Path | None:
    """Return a file of the corpus; None without MOZU_CORPUS. Fail if the file is missing in an existing corpus."""
    folder = os.environ.get("MOZU_CORPUS")
    if not folder:
        return None
    path = Path(folder, *parts)
    if not path.exists():
        pytest.fail(f"MOZU_CORPUS is {folder}, and {path} is not there")
    return path


def root(what: str) -> None:
    """Require root, for what an ordinary user may not do."""
    require(os.geteuid() == 0, f"{what} needs root")


def ebpf() -> None:
    """Require root, BTF, and kernel programs of the current sources (tests/conftest.py builds them)."""
    root("loading eBPF programs")
    require(Path("/sys/kernel/btf/vmlinux").exists(), "this kernel has no BTF")
    require(object_file.are_current(), "the kernel programs are not built: make setup")


def program(name: str) -> str:
    """Return the path of a program that a Debian package brings."""
    path = shutil.which(name)
    require(path is not None, f"the program {name} is not installed")
    assert path is not None
    return path
