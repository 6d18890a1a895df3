"""Ordinary work of a server under mozu's own rules, as they run by default, raises no alert of WARNING or above."""

from collections.abc import Iterator

import pytest

from tests.detect.ground import do
from tests.detect.work import Work, works
from tests.support.requirements import ebpf, program
from tests.support.running import Running, mozu_run

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(300)]
SHORT = [work for work in works() if work.short]


@pytest.fixture(scope="module")
def mozu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    ebpf()
    with mozu_run(tmp_path_factory.mktemp("mozu")) as running:
        yield running
        running.stop()


@pytest.mark.parametrize("work", SHORT, ids=lambda work: work.name)
def test_work_raises_nothing(work: Work, mozu: Running) -> None:
    for name in work.programs:
        program(name)
    done = do(work, mozu, SHORT.index(work))
    assert 0 == done.code
    assert [] == [alert["output"] for alert in done.loud]
