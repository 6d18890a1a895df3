from collections.abc import Iterator

import pytest

from mozu.plugins.sources.ebpf.source import EbpfSource
from tests.support import requirements
from tests.support.live import QUIET, Live, context, demand


@pytest.fixture(scope="session")
def live() -> Iterator[Live]:
    """The source with everything switched on that a busy machine does not do all the time."""
    requirements.ebpf()
    wanted = demand(*QUIET, facets=("tree", "cwd", "ids", "env", "realpath"))
    with Live(EbpfSource(64 << 20, context()), wanted, shared=True) as running:
        yield running


@pytest.fixture(scope="module")
def undemanded() -> Iterator[Live]:
    """A source whose demand each test sets."""
    requirements.ebpf()
    with Live(EbpfSource(64 << 20, context()), demand()) as running:
        yield running
