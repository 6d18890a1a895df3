from collections.abc import Iterator

import pytest

from mozu.plugins.sources.ebpf.source import EbpfSource
from tests.support import requirements
from tests.support.live import Live, context, demand


@pytest.fixture(scope="session")
def live() -> Iterator[Live]:
    """The source with everything that it can see switched on."""
    requirements.ebpf()
    wanted = demand("*", facets=("tree", "cwd", "ids", "env", "realpath"))
    with Live(EbpfSource(64 << 20, context()), wanted) as running:
        yield running
