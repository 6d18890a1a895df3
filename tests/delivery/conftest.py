"""Every scenario of the folder is starved of the CPU if MOZU_STARVE says so."""

from collections.abc import Iterator

import pytest

from tests.support.starvation import CONDITION, starved


@pytest.fixture(autouse=True)
def starvation(request: pytest.FixtureRequest) -> Iterator[None]:
    """Starve each mozu that the test starts, unless the test is about starvation itself."""
    with starved("" if request.module.__name__.endswith("test_starved") else CONDITION):
        yield
