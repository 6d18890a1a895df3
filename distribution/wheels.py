"""The wheels that a package carries: their choice (wheels.lock), download, and merger into a single directory.

Extension modules have the version of Python and the machine in their names, and all other files in the wheels of a
release are the same for every Python. Therefore a single directory serves all of PYTHONS, and any other difference is
an error here.
"""

import hashlib
import itertools
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

LOCK: Final = Path(__file__).with_name("wheels.lock")
"""File with the SHA-256 and the name of each wheel, in the format of `sha256sum`."""
PYTHONS: Final = ("3.11", "3.12", "3.13")
"""Versions of Python in Debian 12, Ubuntu 24.04 and Debian 13."""
MACHINES: Final = ("x86_64", "aarch64")
"""Machines by the names of uname, which rpm and the names of wheels use too."""
_GLIBC: Final = ("manylinux2014", *(f"manylinux_2_{minor}" for minor in (17, 24, 26, 27, 28)))
_OF_INSTALLERS: Final = ("RECORD", "WHEEL", "sboms/")
"""Files of NAME.dist-info that describe a single wheel, not the release; `merge` leaves them out."""


class Wheel(NamedTuple):
    """A line of the lock."""

    file: str
    sha256: str

    @property
    def project(self) -> str:
        """Return the project's name as in the file's name, with underscores."""
        return self.file.split("-")[0]

    @property
    def version(self) -> str:
        """Return the version of the release."""
        return self.file.split("-")[1]

    def fits(self, python: str) -> bool:
        """Return True if the wheel is for this Python, alone or with others."""
        return f"-cp{python.replace('.', '')}-" in self.file or "-none-any." in self.file

    def runs_on(self, machine: str) -> bool:
        """Return True if the wheel is for this machine, alone or with others."""
        return self.file.endswith((f"_{machine}.whl", "-none-any.whl"))


def locked(machine: str) -> list[Wheel]:
    """Return the wheels of the lock for this machine."""
    lines = (line.split() for line in LOCK.read_text().splitlines() if not line.startswith("#"))
    return [wheel for wheel in (Wheel(file, digest) for digest, file in lines) if wheel.runs_on(machine)]


def fetched(kept: Path, machine: str) -> list[Path]:
    """Return the wheels of the lock for this machine, in the lock's order; download into `kept` those that are missing
    there.

    A wheel whose digest differs from that of the lock is never returned.
    """
    wheels = locked(machine)
    for python in PYTHONS:
        missing = [one for one in wheels if one.fits(python) and not _is_whole(kept / one.file, one.sha256)]
        if missing:
            lines = [f"{one.project}=={one.version} --hash=sha256:{one.sha256}" for one in missing]
            _download(kept, machine, python, lines, "--no-deps", "--require-hashes")
    for one in wheels:
        if not _is_whole(kept / one.file, one.sha256):
            sys.exit(f"{kept / one.file} is not the file of {LOCK.name}; write that anew: python -m distribution lock")
    return [kept / one.file for one in wheels]


def write_lock(root: Path) -> None:
    """Write the lock: the wheels to which the versions of constraints.txt resolve now."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    with tempfile.TemporaryDirectory() as folder:
        for machine, python in itertools.product(MACHINES, PYTHONS):
            constraints = ("--constraint", str(root / "constraints.txt"))
            _download(Path(folder), machine, python, project["dependencies"], *constraints)
        found = sorted(Path(folder).iterdir(), key=lambda path: path.name.lower())
        lines = [f"{_digest(path)}  {path.name}\n" for path in found]
    LOCK.write_text("# The wheels of the package; `python -m distribution lock` writes them.\n" + "".join(lines))


def merge(files: Sequence[Path], site: Path) -> None:
    """Unpack wheels into the directory `site`."""
    taken: dict[str, Path] = {}
    for file in files:
        with zipfile.ZipFile(file) as archive:
            for name in archive.namelist():
                if name.endswith("/") or _of_one_wheel(name):
                    continue
                content, place = archive.read(name), site / name
                if ".data/" in name:
                    sys.exit(f"{file.name}: {name} does not belong among modules, which is not supported")
                if name not in taken:
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.write_bytes(content)
                elif place.read_bytes() != content:
                    both = f"{taken[name].name} and {file.name}"
                    sys.exit(f"{name} is not the same in {both}: one directory cannot serve both")
                taken.setdefault(name, file)


def by_release(files: Iterable[Path]) -> dict[tuple[str, str], list[Wheel]]:
    """Return (project, version) → the wheels of that release."""
    found: dict[tuple[str, str], list[Wheel]] = defaultdict(list)
    for file in files:
        wheel = Wheel(file.name, _digest(file))
        found[wheel.project, wheel.version].append(wheel)
    return found


def _of_one_wheel(name: str) -> bool:
    folder, _, rest = name.partition("/")
    return folder.endswith(".dist-info") and rest.startswith(_OF_INSTALLERS)


def _download(target: Path, machine: str, python: str, requirements: Sequence[str], *options: str) -> None:
    platforms = [word for tag in _GLIBC for word in ("--platform", f"{tag}_{machine}")]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(requirements))
        file.flush()
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet"]
        command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", python]
        command += ["--abi", f"cp{python.replace('.', '')}", *platforms, "--dest", str(target), *options]
        subprocess.run([*command, "--requirement", file.name], check=True)


def _is_whole(path: Path, sha256: str) -> bool:
    return path.is_file() and _digest(path) == sha256


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
