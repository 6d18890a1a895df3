import shutil
import sys
from pathlib import Path

import pytest

from tests.support.clean import run_clean
from tests.support.requirements import ROOT
from tests.support.split import needs_live

_NOT_COPIED = shutil.ignore_patterns(".git", ".venv", "*_cache", "__pycache__", "*.egg-info", "build", "dist")


def _run(*command: object) -> None:
    done = run_clean(*command)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
@needs_live
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """sdist, and the wheel built from it; made from a copy, so that nothing stale in the tree can slip in."""
    copy = tmp_path_factory.mktemp("tree") / "mozu"
    shutil.copytree(ROOT, copy, symlinks=True, ignore=_NOT_COPIED)
    target = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--outdir", target, copy)
    return target


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """A fresh virtual environment with mozu's wheel; its directory `bin`."""
    place = tmp_path_factory.mktemp("environment")
    _run(sys.executable, "-m", "venv", place)
    _run(place / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
    return place / "bin"


@pytest.fixture(scope="session")
def with_third_party(environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the third party's distribution."""
    copy = tmp_path_factory.mktemp("thirdparty") / "mozu-example"
    shutil.copytree(ROOT / "tests" / "support" / "thirdparty", copy, ignore=_NOT_COPIED)
    _run(environment / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", copy)
    return environment
