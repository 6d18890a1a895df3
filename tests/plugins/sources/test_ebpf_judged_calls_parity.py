"""Between the acts by which sources are compared, the same alerts come whether the kernel recognises opens or not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.plugins.sources.test_ptrace_parity import ACTS
from tests.support import requirements
from tests.support.filter_comparison import OPENS
from tests.support.judged_live import JudgedLive
from tests.support.split import needs_live

pytestmark = pytest.mark.ebpf

COUNT: Final = 40
FEW: Final = (
    *("proc.name = another", "user.uid = 11", "proc.cwd contains inner", "proc.is_sid_leader = true", "fd.num > 8"),
    *("proc.nthreads > 1", "fd.name endswith other", "proc.nchilds > 0", "not thread.cap_effective contains CAP_KILL"),
)
"""Conditions, one for each rule: each holds of some processes, before or after an act."""


@pytest.fixture(scope="module")
@needs_live
def both() -> Iterator[tuple[JudgedLive, JudgedLive]]:
    """Yield sources with and without the memory."""
    requirements.ebpf()
    with JudgedLive() as remembering, JudgedLive(0) as forgetful:
        for one in (remembering, forgetful):
            one.judge(*(f"{OPENS} and {condition} and proc.aname[2] exists" for condition in FEW))
        yield remembering, forgetful


@pytest.mark.parametrize("family", ["opens", "changes", "sockets", "processes"])
def test_acts_amid_equal_opens_raise_the_same_alerts(
    both: tuple[JudgedLive, JudgedLive], tree: Path, tmp_path_factory: pytest.TempPathFactory, family: str
) -> None:
    remembering, forgetful = both
    chosen = [act for act in (made(tree) for made in ACTS.values()) if act[0].__module__.endswith(f".{family}")]
    for one in both:
        one.forget_events()

    path, gates = tree / "inner" / "deep" / "file", tmp_path_factory.mktemp("gates")
    pid = remembering.act_amid_opens(path, gates, chosen, COUNT)
    forgetful.wait_for_end(pid)

    found, expected = ([reported for reported in one.reported() if reported.name.startswith(str(tree))] for one in both)
    assert found == expected
    assert expected or family in ("sockets", "processes"), "which change nothing of the process that opens"
