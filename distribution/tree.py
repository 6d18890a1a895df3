"""The tree of files that a package installs.

/usr/lib/mozu              a virtual environment of /usr/bin/python3: modules of mozu and of its dependencies
/usr/share/mozu/rules      mozu's own rules
/etc/mozu                  configuration; the administrator's part of it is in files/
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
"""Directory in which an administrator installs plugins (pip install --target)."""
_PACKS: Final = "mozu/plugins/rules/packs"
_BUILDER: Final = "mozu.plugins.sources.ebpf.objects.build"
_PROGRAMS: Final = "plugins/sources/ebpf/objects/built"
"""Directory of the kernel programs among the modules."""
_PARTS: Final = ("core", "plugins", "bpf")
_LICENCES: Final = ("LICEN", "COPYING", "NOTICE")
"""Prefixes of the names of licence files, in capitals."""


def make(root: Path, release: Release, wheels: Sequence[Path], target: Path, machine: str) -> None:
    """Write the whole tree below the empty directory `target`. `wheels` are those for `machine`."""
    site = target / SITE
    merge(wheels, site)
    source = target.with_name("source")
    export(root, release.commit, (*_PARTS, "src", "LICENSE", "CHANGELOG.md", "distribution/files"), source)
    _environment(target)
    _modules(source, site, release, machine)
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
    """Set the same time on all files, and modes by the kind of file, whatever the umask. `scripts`: Debian's control
    directory."""
    programs = {top / "usr/bin", top / HOME / "bin", scripts}
    plain = {"control", "md5sums", "conffiles"}
    for path in [top, *top.rglob("*")]:
        if not path.is_symlink():
            runs = path.is_dir() or (path.parent in programs and path.name not in plain)
            path.chmod(0o755 if runs else 0o644)
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def _let_personality_change(target: Path) -> None:
    """Remove LockPersonality from the units: on arm64, mozu calls personality(PER_LINUX32), for itself alone, to find
    out if the machine runs 32-bit programs."""
    for name in ("mozu.service", "mozu@.service"):
        unit = target / UNITS / name
        kept, _, rest = unit.read_text().partition("LockPersonality=yes\n")
        unit.write_text(kept + rest)


def _environment(target: Path) -> None:
    """Make what `python3 -m venv` would make, for all Python versions at once."""
    home = target / HOME
    (home / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n")
    (home / "bin").mkdir()
    (home / "bin/python3").symlink_to("/usr/bin/python3")
    for python in PYTHONS:
        (home / f"lib/python{python}").mkdir()
        (home / f"lib/python{python}/site-packages").symlink_to("../site-packages")
    (target / SITE / "mozu-local-plugins.pth").write_text(f"{LOCAL_PLUGINS}\n")


def _modules(source: Path, site: Path, release: Release, machine: str) -> None:
    package = site / "mozu"
    _kernel_programs(source, machine)
    shutil.copytree(source / "src/mozu", package, ignore=shutil.ignore_patterns(*_PARTS))
    for part in _PARTS:
        shutil.copytree(source / part, package / part)
    information = site / f"mozu-{release.version.split('~')[0]}.dist-info"
    information.mkdir()
    version = release.version.replace("~git", "+git")
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: mozu\nVersion: {version}\n")
    points = "[console_scripts]\nmozu = mozu.core.cli:main\n[pytest11]\nmozu = mozu.core.testing.pytest_plugin\n"
    (information / "entry_points.txt").write_text(points)


def _kernel_programs(source: Path, machine: str) -> None:
    """Compile the kernel programs, from the packaged sources and with the dependencies of the running Python."""
    start = (
        f"import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module('{_BUILDER}', run_name='__main__')"
    )
    command = [sys.executable, "-c", start, str(source / "src"), "--machine", machine, str(source / _PROGRAMS)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}  # -B would not reach the builder's own children
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)


def _documents(
    source: Path, site: Path, release: Release, wheels: Sequence[Path], target: Path, machine: str
) -> None:  # fmt: skip
    writer = [sys.executable, "-I", "-S", "-B", manual.__file__]
    writer += [str(site), str(target), release.version, release.date]
    if machine != platform.machine():
        writer.append(sysconfig.get_path("platlib"))
    packs = site / _PACKS  # a link whose target exists once the package is installed
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
    """Return mozu's own licence, followed by the paths of the other licences."""
    others = sorted(
        str(path.relative_to(site))
        for path in site.rglob("*")
        if path.is_file() and ".dist-info/" in str(path) and path.name.upper().startswith(_LICENCES)
    )
    listed = "\n".join(f"  /{SITE}/{name}" for name in others)
    return f"{(source / 'LICENSE').read_text()}\n\nLicences of what is in /{SITE} besides:\n\n{listed}\n"
