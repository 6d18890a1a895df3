"""`python -m tests.packaging.minimums` prints constraints for pip: the lowest version of each dependency of mozu that
pyproject.toml allows. The tests' own tools are left to pip: the newest may need newer versions of the same packages."""

import tomllib
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[2]


def declared(extra: str | None = None) -> list[Requirement]:
    """Return the requirements in pyproject.toml: the unconditional ones, or those of an extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["dependencies"] if extra is None else project["optional-dependencies"][extra]
    return [Requirement(line) for line in lines]


def tested() -> dict[str, str]:
    """Return name → version, of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def lowest(requirement: Requirement) -> str:
    """Return the lowest version that the requirement allows."""
    (found,) = [one.version for one in requirement.specifier if one.operator == ">="]
    return found


def constraints() -> list[str]:
    """Return the lines of the constraints file."""
    return [f"{one.name}=={lowest(one)}" for one in declared()]


if __name__ == "__main__":
    print("\n".join(constraints()))
