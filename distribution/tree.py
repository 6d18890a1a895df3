"""The tree of files that a package installs.

    /usr/lib/mozu              a virtual environment of /usr/bin/python3: modules of mozu and of its dependencies
    /usr/share/mozu/rules      mozu's own rules
    /etc/mozu                  configuration; what of it is the administrator's is in files/
"""

import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from distribution import manual
from distribution.bill import bill
from distribution.release import Release, export
from distribution.wheels import PYTHONS, by_release, merge

HOME: Final = "usr/lib/mozu"
SITE: Final = f"{HOME}/lib/site-packages"
RULES: Final = "usr/share/mozu/rules"
UNITS: Final = "usr/lib/systemd/system"
LOCAL_PLUGINS: Final = "/usr/local/lib/mozu/site-packages"
"""Where an administrator installs plugins: pip install --target."""
_PACKS: Final = "mozu/plugins/rules/packs"
_PARTS: Final = ("core", "plugins", "bpf")
_LICENCES: Final = ("LICEN", "COPYING", "NOTICE")
"""How the names of their files begin."""


def make(root: Path, release: Release, wheels: Sequence[Path], target: Path, machine: str) -> None:
    """Write all of it below `target`, which is empty. `wheels`: for this machine."""
    site = target / SITE
    merge(wheels, site)
    source = target.with_name("source")
    export(root, release.commit, (*_PARTS, "src", "LICENSE", "CHANGELOG.md", "distribution/files"), source)
    _environment(target)
    _modules(source, site, release)
    packs = site / _PACKS
    (target / RULES).parent.mkdir(parents=True)
    shutil.move(packs, target / RULES)
    packs.symlink_to(Path("/", RULES))
    shutil.copytree(source / "distribution/files", target, symlinks=True, dirs_exist_ok=True)
    if machine == "aarch64":
        _let_personality_change(target)
    (target / "etc/mozu/rules.available").symlink_to(Path("../..", RULES))
    for keep in target.rglob(".keep"):  # git has no empty directories
        keep.unlink()
    _documents(source, site, release, wheels, target, machine)
    shutil.rmtree(source)


def settle(top: Path, epoch: int, scripts: Path | None = None) -> None:
    """One time for everything; modes by what a file is, whatever the umask. `scripts`: Debian's control directory."""
    programs = {top / "usr/bin", top / HOME / "bin", scripts}
    plain = {"control", "md5sums", "conffiles"}
    for path in [top, *top.rglob("*")]:
        if not path.is_symlink():
            runs = path.is_dir() or (path.parent in programs and path.name not in plain)
            path.chmod(0o755 if runs else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def _let_personality_change(target: Path) -> None:
    """arm64 says by personality(PER_LINUX32) whether it has 32-bit programs: mozu tries that, for itself alone."""
    for name in ("mozu.service", "mozu@.service"):
        unit = target / UNITS / name
        kept, _, rest = unit.read_text().partition("LockPersonality=yes\n")
        unit.write_text(kept + rest)


def _environment(target: Path) -> None:
    """What `python3 -m venv` would make, for every Python at once."""
    home = target / HOME
    (home / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n")
    (home / "bin").mkdir()
    (home / "bin/python3").symlink_to("/usr/bin/python3")
    for python in PYTHONS:
        (home / f"lib/python{python}").mkdir()
        (home / f"lib/python{python}/site-packages").symlink_to("../site-packages")
    (target / SITE / "mozu-local-plugins.pth").write_text(f"{LOCAL_PLUGINS}\n")


def _modules(source: Path, site: Path, release: Release) -> None:
    package = site / "mozu"
    shutil.copytree(source / "src/mozu", package, ignore=shutil.ignore_patterns(*_PARTS))
    for part in _PARTS:
        shutil.copytree(source / part, package / part)
    information = site / f"mozu-{release.version.split('~')[0]}.dist-info"
    information.mkdir()
    version = release.version.replace("~git", "+git")
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: mozu\nVersion: {version}\n")
    points = "[console_scripts]\nmozu = mozu.core.cli:main\n[pytest11]\nmozu = mozu.core.testing.pytest_plugin\n"
    (information / "entry_points.txt").write_text(points)


def _documents(
    source: Path, site: Path, release: Release, wheels: Sequence[Path], target: Path, machine: str
) -> None:  # fmt: skip
    writer = [sys.executable, "-I", "-S", "-B", manual.__file__]
    writer += [str(site), str(target), release.version, release.date]
    if machine != platform.machine():
        writer.append(sysconfig.get_path("platlib"))
    packs = site / _PACKS  # a link that leads nowhere before the package is installed
    packs.unlink()
    packs.symlink_to(target / RULES)
    subprocess.run(writer, check=True)
    packs.unlink()
    packs.symlink_to(Path("/", RULES))
    folder = target / "usr/share/doc/mozu"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mozu.cdx.json").write_text(bill(release, by_release(wheels), site))
    shutil.copy(source / "CHANGELOG.md", folder)
    (folder / "copyright").write_text(_licences(source, site))


def _licences(source: Path, site: Path) -> str:
    """mozu's own licence, and where the others are."""
    others = sorted(
        str(path.relative_to(site))
        for path in site.rglob("*")
        if path.is_file() and ".dist-info/" in str(path) and path.name.upper().startswith(_LICENCES)
    )
    listed = "\n".join(f"  /{SITE}/{name}" for name in others)
    return f"{(source / 'LICENSE').read_text()}\n\nLicences of what is in /{SITE} besides:\n\n{listed}\n"
