"""Root file systems of Debian, made by mmdebstrap (as root), with a kernel and the packages that mozu needs."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.support.entry_paths import entry_path
from tests.support.requirements import ROOT, program

PACKAGES: Final = (
    *("systemd-sysv", "dbus", "python3", "kmod", "linux-image-cloud-amd64"),
    *("libstdc++6", "init-system-helpers", "rpm"),
)
"""Packages in the tree; the last ones allow mozu to be installed without a network."""
GUEST: Final = "root/vm"
"""Folder in which guest.py finds its files."""
_MIRROR: Final = "http://deb.debian.org"
OPTIONS: Final = tuple(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("man", "locale"))
"""Options of mmdebstrap that leave out files that no tree needs."""
NO_CACHES: Final = shutil.ignore_patterns("__pycache__")
_UNIT: Final = """\
[Unit]
Description=what is to be done in this machine
After=basic.target

[Service]
WorkingDirectory=/root/vm
ExecStart=/usr/bin/python3 -m tests.vm.guest
StandardOutput=tty
TTYPath=/dev/ttyS1

[Install]
WantedBy=multi-user.target
"""
_WANTED: Final = "etc/systemd/system/multi-user.target.wants"


def sources(suite: str) -> list[str]:
    """Return the lines of sources.list."""
    return [f"deb {_MIRROR}/debian {suite} main", f"deb {_MIRROR}/debian-security {suite}-security main"]


def copy_tests(folder: Path) -> None:
    """Copy the files that run in a machine, as the package `tests` below this folder."""
    for name in ("vm", "support/acts"):
        shutil.copytree(ROOT / "tests" / name, folder / "tests" / name, ignore=NO_CACHES)


def make(suite: str, target: Path) -> None:
    """Download and unpack a tree without mozu. The mounts that mmdebstrap makes below `target` go with its mount
    namespace, even if it is broken off: removing `target` then reaches nothing else.
    """
    command = ["unshare", "--mount", "--propagation", "private", program("mmdebstrap"), "--mode=root"]
    command += ["--variant=apt", "--format=directory", "--quiet"]
    command += [f"--include={','.join(PACKAGES)}", *OPTIONS, suite, str(target), *sources(suite)]
    subprocess.run(command, check=True)
    (target / "etc/hostname").write_text("vm\n")
    (target / "etc/fstab").write_text("/dev/vda / ext4 rw,noatime 0 1\n")
    (target / "etc/machine-id").write_text("")


def install_kernel(suite: str, tree: Path) -> None:
    """Replace the tree's own kernel by that of another suite of Debian."""
    folder = tree / "root/kernel"
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (folder / "sources.list").write_text(f"deb [signed-by={keys}] {_MIRROR}/debian {suite} main\n")
    options = [f"Dir::Etc::SourceList={folder}/sources.list", "Dir::Etc::SourceParts=/dev/null"]
    options += [f"Dir::State::Lists={folder}/lists", f"Dir::Cache={folder}/cache", "APT::Sandbox::User=root"]
    chosen = [word for option in options for word in ("-o", option)]
    subprocess.run(["apt-get", *chosen, "-qq", "update"], check=True)
    meta = subprocess.run(
        ["apt-cache", *chosen, "depends", "linux-image-cloud-amd64"], check=True, capture_output=True, text=True
    ).stdout
    name = next(line.split()[-1] for line in meta.splitlines() if "Depends: linux-image" in line)
    subprocess.run(["apt-get", *chosen, "-qq", "download", name], check=True, cwd=folder)
    for file in (tree / "boot").iterdir():
        file.unlink()
    (file,) = folder.glob("*.deb")
    _inside(tree, "dpkg", "--force-depends", "--install", f"/root/kernel/{file.name}")
    shutil.rmtree(folder)


def kernel(tree: Path) -> tuple[Path, Path]:
    """Return the kernel and its initramfs."""
    (image,) = (tree / "boot").glob("vmlinuz-*")
    return image, image.with_name(image.name.replace("vmlinuz", "initrd.img"))


def prepare(tree: Path, packages: dict[str, Path], plan: Sequence[str], installed: str = "") -> None:
    """Lay down packages by the names that the guest knows, and the plan of each boot. `installed` names a package that
    is also installed, by dpkg, as an installer of operating systems would.
    """
    folder = tree / GUEST
    shutil.rmtree(folder, ignore_errors=True)
    copy_tests(folder)
    (folder / "programs").mkdir()
    shutil.copy(entry_path("32-bit program"), folder / "programs/entry_path")
    source = ROOT / "benchmarks/workloads/one_call.c"
    subprocess.run(["gcc", "-O2", "-static", "-o", folder / "programs/one_call", source], check=True)
    (folder / "plan").write_text("".join(f"{line}\n" for line in plan))
    for name, file in packages.items():
        shutil.copy(file, folder / name)
    if installed:
        _inside(tree, "dpkg", "--install", f"/{GUEST}/{installed}")
    (tree / "etc/systemd/system/vm.service").write_text(_UNIT)
    wanted = tree / _WANTED / "vm.service"
    wanted.unlink(missing_ok=True)
    wanted.symlink_to("../vm.service")


def _inside(tree: Path, *command: str) -> None:
    """Run the command in the tree with /proc, which goes with the mount namespace."""
    script = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'
    entered = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script, str(tree), *command]
    subprocess.run(entered, check=True, stdout=subprocess.DEVNULL)
