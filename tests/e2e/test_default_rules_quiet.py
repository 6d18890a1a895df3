"""Ordinary work of a server under mozu's own rules, as they run by default, raises no alert of WARNING or above."""

from collections.abc import Iterator

import pytest

from tests.detect.ground import Ground, do, ground
from tests.detect.work import Work, works
from tests.support.requirements import ebpf, program

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(300)]
SHORT = [work for work in works() if work.short]


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    ebpf()
    with ground(tmp_path_factory.mktemp("mozu")) as made:
        yield made
        made.mozu.stop()


@pytest.mark.parametrize("work", SHORT, ids=lambda work: work.name)
def test_work_raises_nothing(work: Work, beside: Ground) -> None:
    for name in work.programs:
        program(name)
    done = do(work, beside, SHORT.index(work))
    assert 0 == done.code
    assert [] == [alert["output"] for alert in done.loud]
