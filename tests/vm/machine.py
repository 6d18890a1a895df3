"""Virtual machines by qemu without KVM: an image of a tree, and boots of it."""

import json
import selectors
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.support.requirements import program
from tests.vm import tree as trees

_GIB: Final = 3
"""Size of a disk in GiB; unwritten parts take no space."""
_MEMORY: Final = 2048
_CPUS: Final = 2


class NotFinished(Exception):
    """Error of a machine that did not end in time; the message has the end of its console."""


def image(tree: Path, file: Path) -> None:
    """Make an ext4 file system with the files of a tree."""
    file.unlink(missing_ok=True)
    command = [program("mke2fs"), "-q", "-F", "-t", "ext4", "-O", "^has_journal", "-d", str(tree), str(file)]
    subprocess.run([*command, f"{_GIB}G"], check=True)


def boot(tree: Path, disk: Path, seconds: float) -> Iterator[dict[str, Any]]:
    """Yield the reports of guest.py until the machine is switched off. The kernel is the tree's. Raises NotFinished
    after `seconds`.
    """
    kernel, initramfs = trees.kernel(tree)
    console = disk.with_suffix(".console")
    command = [program("qemu-system-x86_64"), "-accel", "tcg,thread=multi", "-cpu", "max"]
    command += ["-smp", str(_CPUS), "-m", str(_MEMORY), "-nodefaults", "-display", "none"]
    command += ["-serial", f"file:{console}", "-serial", "stdio", "-kernel", str(kernel), "-initrd", str(initramfs)]
    command += ["-drive", f"file={disk},format=raw,if=virtio,cache=unsafe"]
    command += ["-append", "console=ttyS0 root=/dev/vda rw quiet panic=-1 lsm=landlock,lockdown,yama,integrity,bpf"]
    yield from _reports(command, console, seconds)


def boot_arm64(kernel: Path, initramfs: Path, console: Path, seconds: float) -> Iterator[dict[str, Any]]:
    """Yield the reports of a machine of arm64 that has all its files in its initramfs, and one serial port for the
    console and the reports. Raises NotFinished after `seconds`.
    """
    command = [program("qemu-system-aarch64"), "-machine", "virt", "-accel", "tcg,thread=multi", "-cpu", "cortex-a57"]
    command += ["-smp", str(_CPUS), "-m", str(_MEMORY), "-nodefaults", "-display", "none", "-no-reboot"]
    command += ["-chardev", f"stdio,id=console,logfile={console}", "-serial", "chardev:console"]
    command += ["-kernel", str(kernel), "-initrd", str(initramfs), "-append", "console=ttyAMA0 quiet panic=-1"]
    yield from _reports(command, console, seconds)


def _reports(command: list[str], console: Path, seconds: float) -> Iterator[dict[str, Any]]:
    deadline = time.monotonic() + seconds
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as machine:
        assert machine.stdout is not None
        try:
            for line in _lines(machine.stdout.fileno(), deadline):
                if line.startswith(b"{"):
                    yield json.loads(line)
        except TimeoutError as error:
            said = console.read_bytes()[-3000:].decode(errors="replace")
            raise NotFinished(f"the machine was not done after {seconds:.0f} s; its console: {said}") from error
        finally:
            machine.kill()


def _lines(descriptor: int, deadline: float) -> Iterator[bytes]:
    buffer = b""
    with selectors.DefaultSelector() as selector, open(descriptor, "rb", buffering=0, closefd=False) as stream:
        selector.register(stream, selectors.EVENT_READ)
        while True:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
            if not (more := stream.read(65536)):
                return
            *lines, buffer = (buffer + more).split(b"\n")
            yield from (line.strip() for line in lines)
