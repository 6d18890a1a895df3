"""The package for Debian, built twice."""

from pathlib import Path

import pytest

from distribution import deb, wheels
from distribution.release import release_of
from tests.support.requirements import ROOT, program
from tests.support.split import needs_live


@pytest.fixture(scope="session")
@needs_live
def wheel_files() -> list[Path]:
    """Of wheels.lock."""
    return wheels.fetched(ROOT / "build" / "wheels")


@pytest.fixture(scope="session")
@needs_live
def packages(wheel_files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two builds of the commit that is checked out."""
    program("git")
    program("dpkg-deb")
    return [deb.build(ROOT, release_of(ROOT), wheel_files, tmp_path_factory.mktemp("deb")) for _ in range(2)]
