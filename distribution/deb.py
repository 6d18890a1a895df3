"""The package for Debian and Ubuntu.

Two builds of one commit are equal, byte for byte. Therefore the package is made from the files of the commit and not of
the working tree, from wheels with known digests, without compiled modules (postinst makes them), with a single time and
two modes for all files, and by dpkg-deb, which sorts.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from distribution import tree
from distribution.description import DESCRIPTION, HOMEPAGE, MAINTAINER, SUMMARY
from distribution.release import Release, file_of

ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
"""Machine → Debian's name of the architecture."""
SCRIPTS: Final = Path(__file__).with_name("debian")
_CONTROL: Final = """\
Package: mozu
Version: {version}-1
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {size}
Depends: python3 (>= 3.11), python3 (<< 3.14), libc6 (>= 2.28), libstdc++6, systemd (>= 252), init-system-helpers
Suggests: logrotate, openssl
Section: admin
Priority: optional
Homepage: {homepage}
Description: {summary}
{description}"""


def build(root: Path, release: Release, wheels: Sequence[Path], output: Path, machine: str) -> Path:
    """Build the package for `machine` below `output` and return its path. `wheels` are those for `machine`."""
    if shutil.which("dpkg-deb") is None:
        sys.exit("dpkg-deb is needed: apt-get install dpkg")
    output.mkdir(parents=True, exist_ok=True)
    file = output.absolute() / f"mozu_{release.version}-1_{ARCHITECTURES[machine]}.deb"
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder, "root")
        top.mkdir()
        tree.make(root, release, wheels, top, machine)
        _control(root, release, top, machine)
        tree.settle(top, release.epoch, scripts=top / "DEBIAN")
        command = ["dpkg-deb", "--root-owner-group", "--uniform-compression", "-Zzstd", "-z9"]
        command += ["--build", str(top), str(file)]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(release.epoch), "LC_ALL": "C", "TZ": "UTC"}
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return file


def _control(root: Path, release: Release, top: Path, machine: str) -> None:
    installed = sorted(_files(top))
    sums = [f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  {path.relative_to(top)}\n"
            for path in installed]  # fmt: skip
    configuration = [f"/{path.relative_to(top)}\n" for path in installed if path.relative_to(top).parts[0] == "etc"]
    size = sum(-(-path.stat().st_size // 1024) for path in installed)
    folder = top / "DEBIAN"
    folder.mkdir()
    control = _CONTROL.format(
        version=release.version, architecture=ARCHITECTURES[machine], size=size,
        maintainer=MAINTAINER, homepage=HOMEPAGE, summary=SUMMARY,
        description="".join(f" {line or '.'}\n" for line in DESCRIPTION.splitlines()),
    )  # fmt: skip
    (folder / "control").write_text(control)
    (folder / "md5sums").write_text("".join(sums))
    (folder / "conffiles").write_text("".join(configuration))
    for script in sorted(SCRIPTS.iterdir()):
        (folder / script.name).write_bytes(file_of(root, release.commit, f"distribution/debian/{script.name}"))


def _files(top: Path) -> Iterator[Path]:
    return (path for path in top.rglob("*") if path.is_file() and not path.is_symlink())
