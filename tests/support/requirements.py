"""What a test needs of the machine. Where CI can have it, its absence is a failure and not a skip."""

import os
import shutil
from pathlib import Path

import pytest

from tests.support import split

ROOT = Path(__file__).parents[2]
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
    """A file of the corpus of other people's rules and captures (MOZU_CORPUS)."""
    path = Path(os.environ.get("MOZU_CORPUS", ROOT.parent / "shared" / "corpus")).joinpath(*parts)
    if not path.exists():
        pytest.skip(f"{path} is not there: set MOZU_CORPUS to the corpus of rule files and captures")
    return path


def ebpf() -> None:
    """Root, BTF and the distribution's bcc."""
    require(os.geteuid() == 0, "loading eBPF programs needs root")
    require(Path("/sys/kernel/btf/vmlinux").exists(), "this kernel has no BTF")
    require(Path("/usr/lib/python3/dist-packages/bcc/__init__.py").exists(), "python3-bpfcc is not installed")


def program(name: str) -> str:
    """Path of a program that a Debian package brings."""
    path = shutil.which(name)
    require(path is not None, f"the program {name} is not installed")
    assert path is not None
    return path
