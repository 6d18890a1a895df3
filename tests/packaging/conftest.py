import shutil
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests.support.clean import run_clean
from tests.support.requirements import ROOT, program
from tests.support.split import needs_live

_NOT_COPIED = shutil.ignore_patterns(
    *(".git", ".venv*", "*_cache", "__pycache__", "*.egg-info", ".hypothesis", "build", "dist"),
)
KERNEL_PROGRAMS: Final = "plugins/sources/ebpf/objects/built"
PIP: Final = (sys.executable, "-m", "pip", "--disable-pip-version-check")


def _run(*command: object) -> None:
    done = run_clean(*command)
    assert done.returncode == 0, done.stdout + done.stderr


def build_wheel(tree: Path, target: Path) -> Path:
    """Build and return the wheel of `tree` as it is, with the installed setuptools."""
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", target, tree)
    (wheel,) = target.glob("*.whl")
    return wheel


def contents(wheel: Path) -> dict[str, str]:
    """Return the checksum of each file of a wheel, by name."""
    with zipfile.ZipFile(wheel) as archive:
        (record,) = [name for name in archive.namelist() if name.endswith(".dist-info/RECORD")]
        lines = archive.read(record).decode().splitlines()
    return {name: checksum for name, checksum, _ in (line.rsplit(",", 2) for line in lines)}


@pytest.fixture(scope="session")
@needs_live
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a git repository with the current tree, committed or not. Of the files that git ignores it has the kernel
    programs alone."""
    copy = tmp_path_factory.mktemp("tree") / "mozu"
    shutil.copytree(ROOT, copy, symlinks=True, ignore=_NOT_COPIED)
    git = (program("git"), "-C", copy)
    _run(*git, "init", "--quiet")
    _run(*git, "add", "--all")
    _run(*git, "-c", "user.name=mozu", "-c", "user.email=mozu@localhost", "commit", "--quiet", "--message", "All")
    return copy


@pytest.fixture(scope="session")
@needs_live
def without_links(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> Path:
    """Return a checkout as git makes it on a file system without symbolic links: files that hold the link's text."""
    clone = tmp_path_factory.mktemp("unlinked") / "mozu"
    _run(program("git"), "clone", "--quiet", "-c", "core.symlinks=false", checkout, clone)
    assert (clone / "src/mozu/core").read_text() == "../../core"
    shutil.copytree(checkout / KERNEL_PROGRAMS, clone / KERNEL_PROGRAMS)
    return clone


@pytest.fixture(scope="session")
@needs_live
def dist(tmp_path_factory: pytest.TempPathFactory, checkout: Path) -> Path:
    """Return the directory with the sdist and the wheel built from it, each in an environment that has only what the
    build requires."""
    target = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--outdir", target, checkout)
    return target


@pytest.fixture(scope="session")
@needs_live
def sdist(dist: Path) -> Path:
    (found,) = dist.glob("*.tar.gz")
    return found


@pytest.fixture(scope="session")
@needs_live
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="session")
@needs_live
def environment(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """Return the directory `bin` of a fresh virtual environment with mozu's wheel and the tested set of
    dependencies."""
    return _fresh(tmp_path_factory.mktemp("environment"), wheel)


@pytest.fixture(scope="session")
@needs_live
def authors_environment(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """Return a second such environment, for plugins that a test makes and installs."""
    return _fresh(tmp_path_factory.mktemp("author"), wheel)


def _fresh(place: Path, wheel: Path) -> Path:
    _run(sys.executable, "-m", "venv", "--without-pip", place)
    _run(*PIP, "--python", place / "bin/python", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel)
    return place / "bin"


@pytest.fixture(scope="session")
@needs_live
def installed(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that installs something into an environment with these tests' dependencies but without mozu,
    and returns the environment's directory `bin`."""

    def install(*what: object) -> Path:
        place = tmp_path_factory.mktemp("environment")
        _run(sys.executable, "-m", "venv", "--without-pip", place)
        (packages,) = place.glob("lib/python*/site-packages")
        (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
        options = ("--quiet", "--no-deps", "--no-build-isolation")
        _run(*PIP, "--python", place / "bin/python", "install", *options, *what)
        return place / "bin"

    return install


@pytest.fixture(scope="session")
@needs_live
def with_third_party(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the environment of the wheel after installing the third party's distribution."""
    copy = tmp_path_factory.mktemp("thirdparty") / "mozu-example"
    shutil.copytree(ROOT / "tests" / "support" / "thirdparty", copy, ignore=_NOT_COPIED)
    _run(*PIP, "--python", environment / "python", "install", "--quiet", copy)
    return environment
