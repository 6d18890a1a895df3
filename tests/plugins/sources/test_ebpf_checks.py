"""Missing capabilities of the machine are reported in one sentence with the remedy."""

import ctypes
import struct
from pathlib import Path

import pytest

from mozu.core.errors import SourceUnavailable
from mozu.plugins.sources.ebpf import btf, checks
from mozu.plugins.sources.ebpf.objects.kernel_structs import KernelLayout
from tests.plugins.sources.test_ebpf_btf import Maker
from tests.support import requirements

ALL = (1 << 2) | (1 << 38) | (1 << 39)


def status(tmp_path: Path, effective: int) -> Path:
    """Write a /proc/PID/status; return its path."""
    file = tmp_path / "status"
    file.write_text(f"Name:\tx\nCapEff:\t{effective:016x}\n")
    return file


@pytest.mark.parametrize(
    ("effective", "missing"),
    [
        (ALL, ()),
        (0, ("CAP_BPF", "CAP_PERFMON", "CAP_DAC_READ_SEARCH")),
        (ALL & ~(1 << 38), ("CAP_PERFMON",)),
        (ALL & ~(1 << 2), ("CAP_DAC_READ_SEARCH",)),
        (1 << 21, ("CAP_DAC_READ_SEARCH",)),
        (1 << 21 | 1 << 2, ()),
    ],
)
def test_missing_capabilities_are_named(effective: int, missing: tuple[str, ...]) -> None:
    assert checks.missing_capabilities(effective) == missing


def test_a_process_without_a_capability_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="this process lacks CAP_PERFMON; run mozu as root"):
        checks.check_capabilities(status(tmp_path, ALL & ~(1 << 38)))


def test_a_process_with_all_of_them_is_let_through(tmp_path: Path) -> None:
    checks.check_capabilities(status(tmp_path, ALL))


def test_the_first_place_with_events_is_the_tracefs(tmp_path: Path) -> None:
    place = tmp_path / "debug" / "tracing"
    (place / "events").mkdir(parents=True)

    assert checks.tracefs((tmp_path / "tracing", place)) == place


def test_a_tracefs_that_may_not_be_read_is_reported_with_what_would_help(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ordinary user finds such a tracefs on every machine."""

    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)
    with pytest.raises(SourceUnavailable, match=f"may not read {tmp_path}; run mozu as root, or give it CAP_DAC"):
        checks.tracefs((tmp_path,))


def test_a_tracefs_that_cannot_be_mounted_is_reported_with_the_command(tmp_path: Path) -> None:
    place = tmp_path / "nowhere"

    with pytest.raises(SourceUnavailable, match=f"mount -t tracefs nodev {place}"):
        checks.tracefs((place,))


@pytest.mark.ebpf
def test_a_tracefs_is_mounted_where_nobody_did(tmp_path: Path) -> None:
    requirements.ebpf()
    try:
        assert checks.tracefs((tmp_path,)) == tmp_path
        assert checks.tracepoint_id(tmp_path, "sys_exit_openat") is not None
    finally:
        ctypes.CDLL(None).umount(str(tmp_path).encode())


def test_a_tracepoint_that_the_kernel_lacks_has_no_number(tmp_path: Path) -> None:
    assert checks.tracepoint_id(tmp_path, "sys_exit_nothing") is None


def test_another_machine_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")

    with pytest.raises(SourceUnavailable, match="this machine is riscv64; x86_64 and aarch64 are supported"):
        checks.check_machine()


def test_a_kernel_without_btf_is_reported(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="must be built with CONFIG_DEBUG_INFO_BTF=y"):
        btf.read(["task_struct"], tmp_path / "vmlinux")


@pytest.mark.parametrize("content", [b"", b"types", b"\x34\x12" + bytes(40), b"\x9f\xeb\x01\x00" + bytes(8)])
def test_a_file_without_types_is_reported_by_its_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "types"
    file.write_bytes(content)

    with pytest.raises(SourceUnavailable, match=f"{file} is no BTF"):
        btf.read(["task_struct"], file)


def test_a_file_that_is_no_btf_is_refused() -> None:
    with pytest.raises(ValueError, match="found 0x1234"):
        btf.Btf(struct.pack("<HBBIIIII", 0x1234, 1, 0, 24, 0, 0, 0, 0), [])


def test_a_kernel_before_linux_5_15_is_reported_in_one_sentence() -> None:
    """The kernel 5.10 of Debian 11 has all structs that programs ask for, and lacks the helper."""
    types = btf.Btf(Maker().blob(), ())
    with pytest.raises(SourceUnavailable, match=r"no bpf_task_pt_regs; mozu needs Linux 5\.15 or later"):
        KernelLayout(types)
