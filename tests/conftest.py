"""Tests are unit tests or live; generated tests are not judged by their time: a machine is as busy as it is."""

import logging
from collections.abc import Generator
from typing import Any

import hypothesis
import pytest

from mozu.core.isolation import texts
from tests.support import split

hypothesis.settings.register_profile(
    "untimed",
    parent=hypothesis.settings.default,
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("untimed")
split.watch_programs()


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """Mark every test where it is made: a unit test with a fixture of live ones is an error of its module."""
    made = yield
    for item in made if isinstance(made, list) else ():
        if isinstance(item, pytest.Function):
            split.mark(item)
            if problem := split.mistaken(item):
                raise collector.CollectError(problem)
    return made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, Any, Any]:
    """A command that a test runs in this process sets up its log to go to what is stderr then, and hides its
    secrets."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    done = yield
    texts._hidden.clear()
    root.handlers[:] = handlers
    root.setLevel(level)
    return done


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    """What a test and its fixtures ask the machine for is held against its marker."""
    with split.running(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """The same."""
    with split.running(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, Any, Any]:
    """Not at its end, when fixtures that earlier tests have shared may end as well."""
    with split.running(None):
        return (yield)
