"""Merging wheels of several Python versions into one directory."""

import re
import zipfile
from pathlib import Path

import pytest

from distribution import wheels
from tests.packaging import minimums


def wheel(folder: Path, tag: str, files: dict[str, str]) -> Path:
    file = folder / f"some-1.0-{tag}.whl"
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file


def test_what_is_the_same_is_there_once_and_extension_modules_lie_beside_each_other(tmp_path: Path) -> None:
    both = {"some/__init__.py": "same", "some-1.0.dist-info/METADATA": "Name: some"}
    files = [
        wheel(tmp_path, tag, {**both, f"some/fast.{tag}.so": tag, "some-1.0.dist-info/RECORD": tag})
        for tag in ("cp311", "cp313")
    ]
    site = tmp_path / "site"
    wheels.merge(files, site)

    found = {str(path.relative_to(site)): path.read_text() for path in site.rglob("*") if path.is_file()}
    assert found == {**both, "some/fast.cp311.so": "cp311", "some/fast.cp313.so": "cp313"}


def test_a_file_that_differs_ends_the_build(tmp_path: Path) -> None:
    files = [wheel(tmp_path, tag, {"some/__init__.py": tag}) for tag in ("cp311", "cp313")]
    text = "some/__init__.py is not the same in some-1.0-cp311.whl and some-1.0-cp313.whl: one directory"
    with pytest.raises(SystemExit, match=re.escape(text)):
        wheels.merge(files, tmp_path / "site")


def test_what_is_to_lie_outside_the_modules_ends_the_build(tmp_path: Path) -> None:
    file = wheel(tmp_path, "cp311", {"some-1.0.data/scripts/some": ""})
    with pytest.raises(SystemExit, match="does not belong among modules"):
        wheels.merge([file], tmp_path / "site")


@pytest.mark.parametrize("machine", wheels.MACHINES)
@pytest.mark.parametrize("python", wheels.PYTHONS)
def test_the_lock_has_every_project_in_its_tested_version_for_every_python(python: str, machine: str) -> None:
    locked = wheels.locked(machine)
    projects = {one.project for one in locked}

    assert len(projects) > 20
    assert {one.project for one in locked if one.fits(python)} == projects
    known = minimums.tested()
    assert {one.version for one in locked if known[one.project.replace("_", "-").lower()] != one.version} == set()
