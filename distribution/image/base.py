"""The base of the image: files of Debian packages, which apt has chosen and verified."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

SUITE: Final = "trixie"
PYTHON: Final = "3.13"
"""Version of Debian's Python in SUITE."""
_PACKAGES: Final = ("base-files", "ca-certificates", "libstdc++6", "media-types", "netbase", "python3", "tzdata")
_LEFT_OUT: Final = frozenset({"debconf", "dpkg", "mawk", "openssl", "perl-base", "tar"})
"""Packages that only scripts of installations need, and tools that nothing in the image runs."""
_NEEDLESS: Final = (
    "usr/share/man", "usr/share/locale", "usr/share/lintian", "usr/share/bug", "usr/share/info", "usr/share/perl5",
    "usr/share/python3/debpython", "usr/share/applications", "usr/share/pixmaps", "usr/lib/python3.13/idlelib",
    "usr/lib/python3.13/pydoc_data", "usr/lib/python3.13/turtledemo", "usr/lib/python3.13/ensurepip",
)  # fmt: skip
_PASSWORDS: Final = "root:x:0:0:root:/root:/usr/sbin/nologin\nmozu:x:65532:65532:mozu:/nonexistent:/usr/sbin/nologin\n"
_GROUPS: Final = "root:x:0:\nmozu:x:65532:\n"


def packages(architecture: str, folder: Path) -> list[Path]:
    """Download the packages of the base for Debian's `architecture` into `folder`, and return them, sorted by name.

    Ends the program with one line if mmdebstrap is missing.
    """
    for program, provider in (("mmdebstrap", "mmdebstrap"), ("dpkg-deb", "dpkg")):
        if shutil.which(program) is None:
            sys.exit(f"{program} is needed: apt-get install {provider}")
    folder.mkdir(parents=True)
    command = ["unshare", "--mount", "--propagation", "private"] if _is_root() else []
    command += ["mmdebstrap", "--quiet", "--variant=extract", f"--architectures={architecture}"]
    command += [f"--include={','.join(_PACKAGES)}", f"--extract-hook=cp \"$1\"/var/cache/apt/archives/*.deb '{folder}'"]
    subprocess.run([*command, SUITE, "/dev/null"], check=True)
    return sorted(path for path in folder.iterdir() if path.name.split("_")[0] not in _LEFT_OUT)


def unpack(found: Sequence[Path], target: Path) -> None:
    """Unpack packages below the empty directory `target`, with what their scripts would set up.

    `var/lib/dpkg/status.d` has the description of each package, where scanners for vulnerabilities look in an image
    without dpkg.
    """
    first = [path for path in found if path.name.startswith("base-files_")]  # it has the links /bin, /lib, /sbin
    for package in [*first, *(path for path in found if path not in first)]:
        subprocess.run(["dpkg-deb", "--extract", package, target], check=True)
    status = target / "var/lib/dpkg/status.d"
    status.mkdir(parents=True)
    for package in found:
        control = subprocess.run(["dpkg-deb", "--field", package], check=True, capture_output=True).stdout
        (status / package.name.split("_")[0]).write_bytes(control)
    for name in _NEEDLESS:
        shutil.rmtree(target / name, ignore_errors=True)
    for document in (target / "usr/share/doc").rglob("*"):
        if document.is_file() and document.name != "copyright":
            document.unlink()
    authorities = sorted((target / "usr/share/ca-certificates/mozilla").iterdir())
    certificates = target / "etc/ssl/certs/ca-certificates.crt"
    certificates.write_text("".join(path.read_text() for path in authorities))
    default = target / "usr/lib/ssl/cert.pem"
    default.parent.mkdir(exist_ok=True)
    default.symlink_to("/etc/ssl/certs/ca-certificates.crt")
    (target / "etc/passwd").write_text(_PASSWORDS)
    (target / "etc/group").write_text(_GROUPS)


def compile_modules(native: Path, target: Path, folders: Sequence[str]) -> None:
    """Compile the modules in `folders` below `target` with the Python of the base `native`, whose machine is this one.

    The image's root is read-only, so a module that is not compiled here would be compiled at each start.
    """
    inside = native / "target"
    shutil.copytree(target, inside, symlinks=True)
    command = [] if _is_root() else ["unshare", "--map-root-user"]
    command += ["chroot", str(native), f"/usr/bin/python{PYTHON}"]
    command += ["-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", "-s", "/target", "-p", "/"]
    subprocess.run([*command, *(f"/target/{name}" for name in folders)], check=True)
    for cache in inside.rglob("__pycache__"):
        shutil.copytree(cache, target / cache.relative_to(inside))
    shutil.rmtree(inside)


def _is_root() -> bool:
    return os.geteuid() == 0
