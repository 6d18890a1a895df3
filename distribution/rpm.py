"""The package for distributions with rpm, of the same tree as Debian's. Two builds of a commit are equal byte for byte.

rpmbuild gets a spec that copies the tree without further changes: no generated dependencies, no stripping, no links
by build id. The time of the build is the commit's, and the host has no name.
"""

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

SCRIPTS: Final = ("post", "preun", "postun")
_SPEC: Final = """\
Name: mozu
Version: {version}
Release: 1
Summary: {summary}
License: Apache-2.0
URL: {homepage}
Packager: {maintainer}
AutoReqProv: no
Requires: python3 >= 3.11
Requires: python3 < 3.14
Requires: glibc >= 2.28
Requires: libstdc++
Requires: systemd >= 252
Requires(post): systemd
Requires(preun): systemd

%description
{description}
%install
cp -a {top}/. %{{buildroot}}/

{scripts}
%files -f {files}
"""
_SETTINGS: Final = {
    "debug_package": "%{nil}",
    "__os_install_post": "%{nil}",
    "_build_id_links": "none",
    "_buildhost": "localhost",
    "use_source_date_epoch_as_buildtime": "1",
    "_binary_payload": "w9.zstdio",
}


def build(root: Path, release: Release, wheels: Sequence[Path], output: Path, machine: str) -> Path:
    """Build the package for `machine` below `output` and return its path. `wheels` are those for `machine`."""
    if shutil.which("rpmbuild") is None:
        sys.exit("rpmbuild is needed: apt-get install rpm")
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        top = folder / "root"
        top.mkdir()
        tree.make(root, release, wheels, top, machine)
        tree.settle(top, release.epoch)
        (folder / "files").write_text("".join(f"{line}\n" for line in _listed(top)))
        (folder / "mozu.spec").write_text(_spec(root, release, top, folder / "files"))
        settings = {**_SETTINGS, "_topdir": folder / "rpmbuild", "_rpmdir": folder, "_rpmfilename": "mozu.rpm"}
        command = ["rpmbuild", "-bb", "--quiet", f"--target={machine}", f"--dbpath={folder}/database"]
        command += [word for macro, value in settings.items() for word in ("--define", f"{macro} {value}")]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(release.epoch), "LC_ALL": "C", "TZ": "UTC"}
        done = subprocess.run(
            [*command, str(folder / "mozu.spec")], check=False, capture_output=True, text=True, env=environment
        )
        if done.returncode:
            sys.exit(f"rpmbuild ended with {done.returncode}: {done.stdout}{done.stderr}")
        return Path(shutil.move(folder / "mozu.rpm", output.absolute() / f"mozu-{release.version}-1.{machine}.rpm"))


def _spec(root: Path, release: Release, top: Path, files: Path) -> str:
    scripts = [
        f"%{name}\n{file_of(root, release.commit, f'distribution/scriptlets/{name}').decode()}" for name in SCRIPTS
    ]
    return _SPEC.format(
        version=release.version, summary=SUMMARY, homepage=HOMEPAGE, maintainer=MAINTAINER, description=DESCRIPTION,
        top=top, scripts="\n".join(scripts), files=files,
    )  # fmt: skip


def _listed(top: Path) -> Iterator[str]:
    """Yield the lines of %files: everything below mozu's own directories, and mozu's files elsewhere."""
    for path in sorted(top.rglob("*")):
        place = path.relative_to(top)
        if path.is_dir() and not path.is_symlink():
            if not any("mozu" in part for part in place.parts):
                continue
            kind = "%dir "
        else:
            kind = "%config(noreplace) " if place.parts[0] == "etc" and not path.is_symlink() else ""
        mode = "-" if path.is_symlink() else f"{path.stat().st_mode & 0o7777:04o}"
        yield f'%attr({mode},root,root) {kind}"/{place}"'
