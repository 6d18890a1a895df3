"""A machine of arm64: Debian's kernel with an initramfs that has Python and mozu as it lies in this tree, no systemd.

Debian's packages are unpacked and not configured, so nothing of arm64 runs here. Wheels are those of the package's lock
for arm64. The kernel programs are compiled for arm64 on this machine.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from distribution import wheels
from mozu.core.model.arch import AARCH64
from tests.support.acts.compat import AARCH32
from tests.support.requirements import ROOT, program
from tests.vm import machine, tree

STEPS: Final = ("ebpf", "ptrace", "deny")
_PACKAGES: Final = "python3,libstdc++6,busybox-static,linux-image-cloud-arm64"
_PYTHON: Final = "3.11"
_GLIBC: Final = ("manylinux2014", "manylinux_2_17", "manylinux_2_28")
_INIT: Final = """\
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root PYTHONPATH=/root/site:/root/vm:/root/mozu/src
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs dev /dev
mkdir -p /dev/shm; mount -t tmpfs tmpfs /dev/shm; mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /tmp
mount -t tracefs tracefs /sys/kernel/tracing; mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip link set lo up
cd /root/vm
python3 -m tests.vm.sources
poweroff -f
"""


def reports(folder: Path, seconds: float) -> Iterator[dict[str, Any]]:
    """Yield the reports of tests/vm/sources.py from the machine. `folder` takes the files that are made."""
    place = folder / "arm64"
    command = [program("mmdebstrap"), "--mode=root", "--variant=extract", "--architectures=arm64", "--quiet"]
    command += ["--format=directory", f"--include={_PACKAGES}", *tree.OPTIONS]
    subprocess.run([*command, "bookworm", str(place), *tree.sources("bookworm")], check=True)
    (kernel,) = (place / "boot").glob("vmlinuz-*")
    kernel = kernel.rename(folder / kernel.name)
    _modules(place)
    source = ROOT / "tests/support/acts/aarch32.c"
    options = ("-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-O1", "-marm", "-o")
    subprocess.run([program("arm-linux-gnueabihf-gcc"), *options, place / AARCH32.lstrip("/"), source], check=True)
    (place / "etc/hostname").write_text("vm\n")
    (place / "init").write_text(_INIT)
    (place / "init").chmod(0o755)
    yield from machine.boot_arm64(kernel, _initramfs(place, folder), folder / "arm64.console", seconds)


def _modules(place: Path) -> None:
    """Lay down the modules of Python, of mozu and of the tests, compiled if this machine has the same Python."""
    site = place / "root/site"
    platforms = [f"--platform={glibc}_{AARCH64.name}" for glibc in _GLIBC]
    wanted = sorted({f"{one.project}=={one.version}" for one in wheels.locked(AARCH64.name)})
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"]
    command += [f"--python-version={_PYTHON}", *platforms, "--target", str(site), *wanted]
    subprocess.run(command, check=True)
    builder = [sys.executable, "-m", "mozu.plugins.sources.ebpf.objects.build", "--machine", AARCH64.name]
    subprocess.run(builder, check=True)
    for name in ("core", "plugins", "bpf", "src"):
        shutil.copytree(ROOT / name, place / "root/mozu" / name, symlinks=True, ignore=tree.NO_CACHES)
    tree.copy_tests(place / tree.GUEST)
    compiled = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(place / "root")]
    subprocess.run([sys.executable, *compiled], check=True)


def _initramfs(place: Path, folder: Path) -> Path:
    for name in ("proc", "sys", "dev", "run", "tmp"):
        (place / name).mkdir(exist_ok=True)
    names = "\n".join(str(path.relative_to(place)) for path in [place, *sorted(place.rglob("*"))])
    file = folder / "arm64.cpio"
    with file.open("wb") as archive:
        command = [program("cpio"), "--quiet", "--create", "--format=newc", "--owner=0:0"]
        subprocess.run(command, cwd=place, input=names.encode(), stdout=archive, check=True)
    return file
