"""Ways to build: each makes the same wheel, or fails."""

import shutil
import sys
import tarfile
from pathlib import Path

import pytest

from tests.packaging.conftest import KERNEL_PROGRAMS, build_wheel, contents
from tests.support.clean import run_clean
from tests.support.requirements import program

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_NOT_IN_THE_SDIST = {".ci/run"}
_MADE_BY_SETUPTOOLS = {"PKG-INFO", "setup.cfg"}


def tracked(checkout: Path) -> set[str]:
    """Return the files of a tree that git tracks."""
    done = run_clean(program("git"), "-C", checkout, "ls-files")
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines())


def test_the_sdist_gives_the_wheel_of_the_checkout(wheel: Path, checkout: Path, tmp_path: Path) -> None:
    assert contents(build_wheel(checkout, tmp_path)) == contents(wheel)


def test_a_checkout_without_links_gives_the_same_wheel(wheel: Path, without_links: Path, tmp_path: Path) -> None:
    assert contents(build_wheel(without_links, tmp_path)) == contents(wheel)


def test_what_an_earlier_build_left_behind_does_not_get_into_the_wheel(
    wheel: Path, checkout: Path, tmp_path: Path
) -> None:
    left_behind = checkout / "build/lib/mozu/core/left_behind.py"
    left_behind.parent.mkdir(parents=True, exist_ok=True)
    left_behind.touch()
    assert contents(build_wheel(checkout, tmp_path)) == contents(wheel)


@pytest.mark.parametrize("part", ["core", "plugins", "bpf"])
def test_an_incomplete_checkout_builds_nothing_and_says_so_in_a_sentence(
    checkout: Path, tmp_path: Path, part: str
) -> None:
    shutil.copytree(checkout, tmp_path / "tree", symlinks=True, ignore=shutil.ignore_patterns(".git", part))
    done = run_clean(
        sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", tmp_path / "tree",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode != 0
    assert list(tmp_path.glob("*.whl")) == []
    sentence = f"mozu cannot be built here: {part} not found beside setup.py; use a complete checkout"
    assert sentence in [line.strip() for line in (done.stdout + done.stderr).splitlines()]


def test_the_sdist_mirrors_the_tree(sdist: Path, checkout: Path) -> None:
    with tarfile.open(sdist) as archive:
        held = {member.name.partition("/")[2] for member in archive if not member.isdir()}
    made = {name for name in held if ".egg-info/" in name or name.startswith(KERNEL_PROGRAMS)} | _MADE_BY_SETUPTOOLS
    assert held - made == tracked(checkout) - _NOT_IN_THE_SDIST


def test_the_sdist_has_the_links_and_they_lead_to_its_own_directories(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        links = {member.name.partition("/")[2]: member.linkname for member in archive if member.issym()}
    parts = {f"src/mozu/{part}": f"../../{part}" for part in ("core", "plugins", "bpf")}
    assert links == {**parts, "schemas/v1": "../core/delivery/encode/schemas/v1"}
