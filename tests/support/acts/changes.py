"""Where a process stands, who it is, and what it does to names."""

import os
from typing import Any

from tests.support.acts.raw import call


def go(name: str, path: str, start: str = "/") -> dict[str, Any]:
    """chdir, fchdir or chroot; where it led."""
    os.chdir(start)
    target: object = path
    if name == "fchdir":
        target = os.open(path, os.O_RDONLY)
    result = call(name, target)
    return {"result": result, "cwd": os.getcwd(), "target": target}


def by_name(name: str, arguments: list[object], directory: str = "/") -> int:
    """Any call with the working directory set."""
    os.chdir(directory)
    return call(name, *arguments)


def between(name: str, first: str, second: str, arguments: list[object], directory: str = "/") -> dict[str, Any]:
    """A call that takes two directory descriptors, written 1 and 2 among its arguments."""
    os.chdir(directory)
    one, two = os.open(first, os.O_RDONLY), os.open(second, os.O_RDONLY)
    given = [{"1": one, "2": two}.get(a, a) if isinstance(a, str) else a for a in arguments]
    return {"result": call(name, *given), "first": one, "second": two}


def with_descriptor(name: str, path: str, arguments: list[object]) -> dict[str, Any]:
    """A call whose first argument is the descriptor of a file."""
    fd = os.open(path, os.O_RDONLY)
    return {"fd": fd, "result": call(name, fd, *arguments)}
