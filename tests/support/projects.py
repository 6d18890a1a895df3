"""Projects of other people: the origin of their sources, the command that builds them, and the results."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.support.requirements import ROOT, program, require
from tests.support.tracing import ORDINARY_UID, ordinary

_REGISTRY: Final = ("PIP_", "SSL_", "REQUESTS_")
"""Prefixes of the variables that describe the way to a machine's registries."""


class Project(NamedTuple):
    """A project."""

    name: str
    prepare: Callable[[Path], None]
    """Function that writes fresh sources into the directory."""
    command: Callable[[], list[str]]
    """Function that returns the command which builds or tests the project in the directory."""
    result: Callable[[Path, str], Any]
    """Function that reads the result from the directory and the output."""
    is_own: bool = False
    """True to run as this process's user, in its environment."""
    variables: Mapping[str, str] = {}
    severe: frozenset[str] = frozenset()
    """Rules above the severity of a warning that the project does break."""


def registry_variables() -> dict[str, str]:
    """Return the variables that a build needs to fetch from registries."""
    return {name: value for name, value in os.environ.items() if name.startswith(_REGISTRY)}


def give_away(at: Path) -> None:
    """Give a directory with all its contents to the ordinary user."""
    if os.geteuid() == 0:
        for found in (at, *at.rglob("*")):
            os.chown(found, ORDINARY_UID, ORDINARY_UID, follow_symlinks=False)


def _run(*command: object, at: Path) -> None:
    done = subprocess.run(
        [str(word) for word in command], cwd=at, capture_output=True, text=True, timeout=600, check=False
    )
    require(done.returncode == 0, f"{command[0]}: {(done.stdout + done.stderr)[-2000:]}")


def _hashes(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as wheel:
        return {name: hashlib.sha256(wheel.read(name)).hexdigest() for name in wheel.namelist()}


def from_pypi(name: str, version: str) -> Project:
    """Return a package that is built from source, in an environment that pip makes for the build."""

    def prepare(at: Path) -> None:
        options = ["-q", "--no-binary", ":all:", "--no-deps", "--no-build-isolation", "-d", at]
        _run(sys.executable, "-m", "pip", "download", *options, f"{name}=={version}", at=at)
        (archive,) = at.glob("*.tar.gz")
        with tarfile.open(archive) as tar:
            tar.extractall(at, filter="data")
        archive.unlink()
        (found,) = at.iterdir()
        found.rename(at / "source")

    def command() -> list[str]:
        return [ordinary()[1], "-m", "pip", "wheel", "--no-deps", "--no-cache-dir", "-w", "made", "./source"]

    def result(at: Path, output: str) -> dict[str, str]:
        (wheel,) = (at / "made").glob("*.whl")
        return _hashes(wheel)

    return Project(f"{name} from PyPI", prepare, command, result, variables={"SOURCE_DATE_EPOCH": "1700000000"})


def _private_apt(at: Path) -> list[str]:
    """Return options of apt for the machine's own archives with sources, without a use of the machine's state."""
    parts = at / "parts"
    parts.mkdir()
    for place in (Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("*")):
        if place.suffix in (".list", ".sources") and place.is_file():
            text = re.sub(r"^Types:.*$", "Types: deb-src", place.read_text(), flags=re.MULTILINE)
            (parts / place.name.replace("sources.list", "main.list")).write_text(
                re.sub(r"^deb ", "deb-src ", text, flags=re.MULTILINE)
            )
    for name in ("lists/partial", "cache/archives/partial"):
        (at / name).mkdir(parents=True)
    places = {
        "Dir::Etc::sourcelist": "/dev/null", "Dir::Etc::sourceparts": parts, "Dir::State::lists": at / "lists",
        "Dir::Cache": at / "cache", "APT::Sandbox::User": "root",
    }  # fmt: skip
    return [word for name, value in places.items() for word in ("-o", f"{name}={value}")]


def from_debian(name: str) -> Project:
    """Return a source package of Debian as a project."""

    def prepare(at: Path) -> None:
        program("dpkg-buildpackage")
        program("dh")
        apt = at / "apt"
        apt.mkdir()
        options = _private_apt(apt)
        _run("apt-get", *options, "-q", "update", at=apt)
        _run("apt-get", *options, "-q", "source", "--download-only", name, at=apt)
        (description,) = apt.glob("*.dsc")
        _run("dpkg-source", "--no-check", "-x", description, at / "source", at=at)
        shutil.rmtree(apt)

    def command() -> list[str]:
        return ["sh", "-c", "cd source && exec dpkg-buildpackage -us -uc -b"]

    def result(at: Path, output: str) -> dict[str, str]:
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in at.glob("*.deb")}

    return Project(f"{name} from Debian", prepare, command, result)


def own_tests() -> Project:
    """Return mozu's own tests of its core as a project."""

    def command() -> list[str]:
        options = ["-q", "-p", "no:cacheprovider", "--timeout=900", "-c", f"{ROOT}/pyproject.toml"]
        return [sys.executable, "-m", "pytest", *options, "--rootdir", str(ROOT), f"{ROOT}/tests/core"]

    def result(at: Path, output: str) -> list[str]:
        closing = output.strip().splitlines()[-1]
        return re.findall(r"\d+ (?:passed|failed|skipped|errors?|xfailed)", closing)

    severe = frozenset({"Program without a file run by a build"})  # a memfd tests if 32-bit calls work
    return Project("pytest tests/core", lambda at: None, command, result, is_own=True, severe=severe)
