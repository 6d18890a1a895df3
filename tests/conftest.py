"""Hooks that divide the tests into unit tests and live ones. Generated tests have no deadline: a machine may be
busy."""

import fcntl
import logging
import os
import subprocess
import sys
from collections.abc import Generator
from typing import Any

import hypothesis
import pytest

from mozu.core.isolation import texts
from mozu.plugins.sources.ebpf.objects import compiler, object_file
from tests.support import split

hypothesis.settings.register_profile(
    "untimed",
    parent=hypothesis.settings.default,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("untimed")
split.watch_programs()


def pytest_configure(config: pytest.Config) -> None:
    """Build the kernel programs if their sources have changed, as `make setup` does; a single process does it for
    all."""
    if hasattr(config, "workerinput") or object_file.are_current() or compiler.find_compiler() is None:
        return
    object_file.PLACE.mkdir(exist_ok=True)
    lock = os.open(object_file.PLACE, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run([sys.executable, "-m", "mozu.plugins.sources.ebpf.objects.build"], check=True)
    finally:
        os.close(lock)


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """Mark every test when it is collected: a unit test with a fixture of live ones is an error of its module."""
    made = yield
    for item in made if isinstance(made, list) else ():
        if isinstance(item, pytest.Function):
            split.mark(item)
            if problem := split.mistaken(item):
                raise collector.CollectError(problem)
    return made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, Any, Any]:
    """Restore the log, which a command that a test runs in this process sets up for its stderr, and forget the
    command's secrets."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    done = yield
    texts._hidden.clear()
    root.handlers[:] = handlers
    root.setLevel(level)
    return done


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """Check the requirements of a test and its fixtures, as they are set up, against the test's marker."""
    with split.running(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Check the requirements of a test, as it runs, against its marker."""
    with split.running(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, Any, Any]:
    """Check nothing at the end of a test, when fixtures that earlier tests have shared may end as well."""
    with split.running(None):
        return (yield)
