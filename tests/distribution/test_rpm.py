"""The package for distributions with rpm: two builds of a commit are equal, and it installs the same as Debian's."""

import hashlib
from pathlib import Path
from typing import Final

import pytest

from distribution import rpm
from distribution.release import release_of
from tests.support.clean import run_clean
from tests.support.requirements import ROOT, program, root
from tests.support.split import needs_live

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_KEPT: Final = {"etc/mozu/mozu.yaml", "etc/logrotate.d/mozu"}
"""Configuration files, which an upgrade leaves as the administrator changed them."""


@pytest.fixture(scope="module")
@needs_live
def rpms(wheel_files: list[Path], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return two builds of the commit that is checked out."""
    program("git")
    program("rpmbuild")
    return [rpm.build(ROOT, release_of(ROOT), wheel_files, tmp_path_factory.mktemp("rpm"), "x86_64") for _ in range(2)]


def said(*command: str | Path) -> str:
    done = run_clean(*command)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def contents(place: Path) -> dict[str, tuple[object, ...]]:
    """Return, for every file and link below `place`, the mode, time and digest, or the target of the link."""
    found: dict[str, tuple[object, ...]] = {}
    for path in place.rglob("*"):
        name = str(path.relative_to(place))
        if path.is_symlink():
            found[name] = ("link", path.readlink())
        elif path.is_file():
            found[name] = (path.stat().st_mode, int(path.stat().st_mtime), hashlib.sha256(path.read_bytes()).digest())
    return found


def test_two_builds_are_equal_byte_for_byte(rpms: list[Path]) -> None:
    first, second = (hashlib.sha256(file.read_bytes()).hexdigest() for file in rpms)
    assert first == second


def test_it_installs_the_files_of_the_package_for_debian(
    rpms: list[Path], packages: list[Path], tmp_path: Path
) -> None:  # fmt: skip
    root("rpm changes its root directory")
    debian, installed = tmp_path / "debian", tmp_path / "installed"
    said(program("dpkg-deb"), "-x", packages[0], debian)
    said(program("rpm"), "--root", installed, "--dbpath=/of-rpm", "--nodeps", "--noscripts", "--install", rpms[0])

    found = {name: what for name, what in contents(installed).items() if not name.startswith("of-rpm/")}
    assert found == contents(debian)


def test_the_configuration_is_marked_as_such(rpms: list[Path]) -> None:
    listed = said(program("rpm"), "--query", "--package", "--configfiles", rpms[0]).split()
    assert set(listed) == {f"/{name}" for name in _KEPT}


def test_its_scripts_are_shell(rpms: list[Path], tmp_path: Path) -> None:
    for name in ("POSTIN", "PREUN", "POSTUN"):
        script = tmp_path / name
        script.write_text(said(program("rpm"), "--query", "--package", "--queryformat", f"%{{{name}}}", rpms[0]))
        assert script.read_text().strip()
        assert said(program("sh"), "-n", script) == ""
