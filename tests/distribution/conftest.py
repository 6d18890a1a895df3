"""The package for Debian, built twice, and the package for arm64."""

from pathlib import Path

import pytest

from distribution import deb, wheels
from distribution.release import release_of
from tests.support.requirements import ROOT, program
from tests.support.split import needs_live


@pytest.fixture(scope="session")
@needs_live
def wheel_files() -> list[Path]:
    """Return the wheels of wheels.lock for x86-64."""
    return wheels.fetched(ROOT / "build" / "wheels", "x86_64")


@pytest.fixture(scope="session")
@needs_live
def packages(wheel_files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return two builds of the commit that is checked out."""
    program("git")
    program("dpkg-deb")
    return [deb.build(ROOT, release_of(ROOT), wheel_files, tmp_path_factory.mktemp("deb"), "x86_64") for _ in range(2)]


@pytest.fixture(scope="session")
@needs_live
def package_for_arm64(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the package for arm64 of the commit that is checked out."""
    program("git")
    program("dpkg-deb")
    found = wheels.fetched(ROOT / "build" / "wheels", "aarch64")
    return deb.build(ROOT, release_of(ROOT), found, tmp_path_factory.mktemp("arm64"), "aarch64")
