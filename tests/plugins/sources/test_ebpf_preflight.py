"""What speaks against a start of the source `ebpf`, found without one."""

from pathlib import Path

import pytest

from mozu.plugins.sources.ebpf import codegen, preflight
from tests.support import requirements


@pytest.mark.ebpf
def test_nothing_speaks_against_a_start_here() -> None:
    requirements.ebpf()
    assert preflight.problem(None) is None


@pytest.mark.ebpf
def test_a_kernel_below_the_floor_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    requirements.ebpf()
    monkeypatch.setattr(codegen, "_HELPER", "bpf_of_a_later_kernel")

    assert preflight.problem(None) == "this kernel has no bpf_of_a_later_kernel; mozu needs Linux 5.15 or later"


@pytest.mark.ebpf
def test_a_kernel_without_btf_is_reported(tmp_path: Path) -> None:
    requirements.ebpf()
    said = preflight.problem(None, tmp_path / "vmlinux")

    assert said is not None
    assert "the kernel must be built with CONFIG_DEBUG_INFO_BTF=y" in said
