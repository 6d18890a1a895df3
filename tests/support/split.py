"""The division into live and unit tests, with checks that no live test passes for a unit test.

A live test needs more than Python, an ordinary user and the files of this project: the kernel's programs, root, a real
service, a program that a distribution brings, a package registry, many seconds. `make live` runs these, `make unit` all
others.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest

LIVE_FOLDERS: Final = ("delivery", "e2e", "projects")
"""Folders of tests/ in which all tests are live."""
LIVE_MARKERS: Final = frozenset({"live", "ebpf", "docker", "kafka", "slow"})
"""Markers that make a test live."""
ORDINARY: Final = frozenset({Path(sys.executable).name, "cat", "false", "sh", "sleep", "tee", "true", "uname"})
"""Programs that every machine has; apart from them, a unit test starts only programs of this project and its own."""
_NEEDS: Final = "needs_live"

_Fixture = TypeVar("_Fixture", bound=Callable[..., Any])
_running: list[pytest.Item | None] = []


def needs_live(fixture: _Fixture) -> _Fixture:
    """Mark a fixture (below `@pytest.fixture`) that only live tests may use."""
    setattr(fixture, _NEEDS, True)
    return fixture


def mark(item: pytest.Item) -> None:
    """Add the marker `live` to the item if its folder or its other markers make it live."""
    folder = item.path.relative_to(item.config.rootpath / "tests").parts[0]
    if folder in LIVE_FOLDERS or any(marker.name in LIVE_MARKERS for marker in item.iter_markers()):
        item.add_marker("live")


def mistaken(item: pytest.Function) -> str | None:
    """Return why the item cannot be a unit test though nothing marks it as live; None if it can."""
    if item.get_closest_marker("live"):
        return None
    info = item._fixtureinfo  # pytest has no public way to a test's fixtures before the test runs
    found = [name for name, made in info.name2fixturedefs.items() if any(hasattr(one.func, _NEEDS) for one in made)]
    if not found:
        return None
    return f"{item.name} uses the fixture {', '.join(sorted(found))}, which needs a live machine: {_advice()}"


def check(need: str) -> None:
    """Fail the running test if it is a unit test and requests what only live tests have."""
    item = _running[-1] if _running else None
    if item is not None and not item.get_closest_marker("live"):
        pytest.fail(f"a unit test asks for what a live machine has ({need}): {_advice()}")


@contextmanager
def running(item: pytest.Item | None) -> Iterator[None]:
    """Record the item as the running one during the block; None for what belongs to no test in particular."""
    _running.append(item)
    try:
        yield
    finally:
        _running.pop()


def watch_programs() -> None:
    """Fail unit tests, from now on, that start a program which not every machine has."""
    own = (str(Path(__file__).parents[2]), tempfile.gettempdir())

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen" and _running:
            program = os.fspath(arguments[0])
            if Path(program).name not in ORDINARY and not program.startswith(own):
                check(f"the program {program}")

    sys.addaudithook(hook)


def _advice() -> str:
    return f"mark it (one of {', '.join(sorted(LIVE_MARKERS))}), or do without"
