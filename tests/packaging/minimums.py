"""`python -m tests.packaging.minimums` prints constraints for pip: the lowest version of each dependency of mozu that
pyproject.toml allows. The tests' own tools are left to pip: the newest may need newer versions of the same packages."""

import tomllib
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[2]


def declared(extra: str | None = None) -> list[Requirement]:
    """What pyproject.toml asks for: always, or with an extra."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = project["dependencies"] if extra is None else project["optional-dependencies"][extra]
    return [Requirement(line) for line in lines]


def tested() -> dict[str, str]:
    """Name → version, of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = (line.split("==") for line in lines if not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def lowest(requirement: Requirement) -> str:
    """The lowest version that it allows."""
    (found,) = [one.version for one in requirement.specifier if one.operator == ">="]
    return found


def constraints() -> list[str]:
    """The lines."""
    return [f"{one.name}=={lowest(one)}" for one in declared()]


if __name__ == "__main__":
    print("\n".join(constraints()))
