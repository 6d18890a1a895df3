"""Where the parts of the package `mozu` lie, so that a build reads them without the links in src/mozu.

The links are for tools that need the package's shape on disk (mypy, import-linter, editors), and a checkout may lack
them. setuptools cannot be told this in pyproject.toml: it looks for packages in directories that have their shape.
"""

import shutil
import sys
from pathlib import Path

from setuptools import find_namespace_packages, setup
from setuptools.command.build_py import build_py
from setuptools.command.editable_wheel import editable_wheel
from setuptools.command.sdist import sdist

PARTS = ("core", "plugins", "bpf")
LINKS = {
    **{f"src/mozu/{part}": f"../../{part}" for part in PARTS},
    "schemas/v1": "../core/delivery/encode/schemas/v1",
}


class BuildFromNothing(build_py):
    """Modules that an earlier build left in build/lib and the tree no longer has would end up in the wheel."""

    def run(self) -> None:
        """Copy the modules and their data."""
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)
        super().run()


class EditableByPath(editable_wheel):
    """An editable install whose one path is src, where there are links: type checkers do not follow the import hook
    that setuptools installs for packages in several places. Without links there is no other way than the hook."""

    def finalize_options(self) -> None:
        """Have the packages found below src."""
        super().finalize_options()
        if all(Path("src", "mozu", part).is_symlink() for part in PARTS):
            self.package_dir = {"": "src"}


class SdistWithLinks(sdist):
    """An archive that has the tree's shape: the links too, which setuptools leaves out."""

    def make_release_tree(self, base_dir: str, files: list[str]) -> None:
        """Copy the files that go into the archive."""
        super().make_release_tree(base_dir, files)
        for link, target in LINKS.items():
            Path(base_dir, link).symlink_to(target)


def packages() -> list[str]:
    """All of them; directories that hold nothing but data are packages as well."""
    missing = [part for part in PARTS if not Path(part, "__init__.py").is_file()]
    if missing:
        sys.exit(f"mozu cannot be built here: {', '.join(missing)} not found beside setup.py; use a complete checkout")
    found = ["mozu"]
    for part in PARTS:
        below = find_namespace_packages(part, exclude=["__pycache__", "*.__pycache__"])
        found += [f"mozu.{part}", *(f"mozu.{part}.{name}" for name in below)]
    return found


setup(
    packages=packages(),
    package_dir={"": "src", **{f"mozu.{part}": part for part in PARTS}},
    cmdclass={"build_py": BuildFromNothing, "editable_wheel": EditableByPath, "sdist": SdistWithLinks},
)
