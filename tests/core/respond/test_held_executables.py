"""Executables that are held open: their numbers are not reused, and agree with those seen by kernel programs."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from mozu.core.common.mounts import mounts
from mozu.core.respond.held_executables import HeldExecutable, held_executables

PROGRAM: Final = "/usr/bin/sleep"


def test_what_is_not_there_or_another_user_could_have_put_there_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    for name, mode in (("group", 0o775), ("all", 0o757)):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(mode)
    paths = [str(tmp_path / name) for name in ("folder", "group", "all", "absent")]
    assert [PROGRAM] == [one.path for one in held_executables((*paths, PROGRAM))]


def test_a_descriptor_is_open_for_as_long_as_it_is_used() -> None:
    before = len(os.listdir("/proc/self/fd"))
    found = held_executables([PROGRAM, "/usr/bin/cat"])
    assert before + 2 == len(os.listdir("/proc/self/fd"))
    del found
    assert before == len(os.listdir("/proc/self/fd"))


def info(folder: Path, text: str) -> Path:
    """Write the fdinfo of every descriptor; return the folder."""
    for number in range(256):
        (folder / str(number)).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pos:\t0\nflags:\t012100000\nmnt_id:\t24\nino:\t812\n", (0x800001, 812)),
        ("pos:\t0\nflags:\t012100000\nmnt_id:\t24\n", (0x800001, os.stat(PROGRAM).st_ino)),  # before Linux 5.14
        ("pos:\t0\nflags:\t012100000\nmnt_id:\t25\nino:\t812\n", None),  # a mount outside of mozu's mount namespace
        ("pos:\t0\n", None),
    ],
)
def test_the_kernels_numbers_are_those_of_fdinfo_and_mountinfo(
    tmp_path: Path, text: str, expected: tuple[int, int] | None
) -> None:
    """Check because stat(2) has other numbers on btrfs and overlayfs."""
    assert expected == HeldExecutable(PROGRAM, {24: 0x800001}, info(tmp_path, text)).in_kernel


@pytest.mark.live
def test_the_number_of_a_deleted_file_is_not_given_again(tmp_path: Path) -> None:
    """Check because a file system on a disk gives the number of a deleted file to the next one."""
    tool = tmp_path / "tool"
    tool.touch(mode=0o755)
    held = HeldExecutable(str(tool), {one.id: 0 for one in mounts()})
    number = tool.stat().st_ino
    tool.unlink()
    later = set()
    for turn in range(50):
        (tmp_path / str(turn)).touch()
        later.add((tmp_path / str(turn)).stat().st_ino)
    assert held.in_kernel == (0, number)
    assert number not in later


OVERLAID: Final = """
mount -t tmpfs mozu "$1"; cd "$1"; mkdir lower upper work all; cp /usr/bin/sleep lower/tool
mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work mozu all
shift; exec "$@"
"""
"""A program that runs in a mount namespace of its own."""
MAPPED: Final = r"""
import subprocess, sys
from mozu.core.respond.held_executables import held_executables
for path in sys.argv[1:]:
    with subprocess.Popen([path, "600"]) as process:
        lines = []
        while not lines:  # the parent goes on before the kernel has mapped the file
            lines = [line for line in open(f"/proc/{process.pid}/maps") if line.rstrip().endswith("/tool")]
        process.kill()
    device, inode = lines[0].split()[3:5]
    major, minor = (int(one, 16) for one in device.split(":"))
    (held,) = held_executables([path])
    print(held.in_kernel == (major << 20 | minor, int(inode)))
"""


@pytest.mark.live
def test_they_are_the_numbers_that_the_kernel_itself_writes_of_a_process_that_runs_the_file(tmp_path: Path) -> None:
    """Check on a file system in memory and on an overlay above it."""
    tools = [str(tmp_path / "lower/tool"), str(tmp_path / "all/tool")]
    words = ["unshare", "-m", "sh", "-ec", OVERLAID, "sh", str(tmp_path), sys.executable, "-c", MAPPED, *tools]
    assert ["True", "True"] == subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
