"""Obstacles to a start of the source `ebpf`, found without starting it."""

from pathlib import Path

import pytest

from mozu.plugins.sources.ebpf import visibility
from mozu.plugins.sources.ebpf.objects import kernel_structs, object_file
from tests.support import requirements


@pytest.mark.ebpf
def test_nothing_speaks_against_a_start_here() -> None:
    requirements.ebpf()
    assert visibility.problem() is None


@pytest.mark.ebpf
def test_a_kernel_below_the_floor_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    requirements.ebpf()
    monkeypatch.setattr(kernel_structs, "HELPER", "bpf_of_a_later_kernel")

    assert visibility.problem() == "this kernel has no bpf_of_a_later_kernel; mozu needs Linux 5.15 or later"


@pytest.mark.ebpf
def test_a_kernel_without_btf_is_reported(tmp_path: Path) -> None:
    requirements.ebpf()
    said = visibility.problem(tmp_path / "vmlinux")

    assert said is not None
    assert "the kernel must be built with CONFIG_DEBUG_INFO_BTF=y" in said


@pytest.mark.ebpf
def test_programs_of_other_sources_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clone may have a bpf/ that has changed since make setup."""
    requirements.ebpf()
    monkeypatch.setattr(object_file, "digest_of_sources", lambda: "other")
    said = visibility.problem()

    assert said is not None
    assert "were built from other sources than those of this mozu; in a clone run make setup" in said
