"""Every scenario of the folder is starved of the CPU if MOZU_STARVE demands it."""

from collections.abc import Iterator

import pytest

from tests.support.starvation import CONDITION, SLOWER, starved

_SECONDS = 120
"""Seconds of the timeout of a test without its own, as in pyproject.toml."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give starved scenarios more time."""
    for item in items:
        if SLOWER > 1 and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(_SECONDS * SLOWER))


@pytest.fixture(autouse=True)
def starvation(request: pytest.FixtureRequest) -> Iterator[None]:
    """Starve each mozu that the test starts, unless the test is about starvation itself."""
    with starved("" if request.module.__name__.endswith("test_starved") else CONDITION):
        yield
