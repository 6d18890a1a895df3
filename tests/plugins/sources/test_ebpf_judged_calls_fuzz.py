"""Any rules, any opens that recur: the same alerts come if the kernel discards opens that were judged."""

import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.plugins.sources.test_ebpf_kernel_filter_fuzz import random_steps
from tests.support import requirements
from tests.support.acts import opens
from tests.support.filter_comparison import OPENS
from tests.support.filter_conditions import random_condition
from tests.support.judged_live import JudgedLive
from tests.support.split import needs_live

pytestmark = pytest.mark.ebpf

ROUNDS: Final = 500 if os.environ.get("MOZU_FUZZ") == "full" else 6
STEPS, TIMES = 20, 15
OF_PROCESSES: Final = (
    "proc.aname[2] exists", "proc.pname exists", "proc.pid > 1", "user.uid = 0", "proc.sid exists", "proc.cwd exists",
    "not proc.pname = no-such-program", "proc.nthreads = 1", "proc.sname exists", "user.loginuid exists",
    "proc.pname = no-such-program", "proc.aname[3] = no-such-program", "user.uid = 4242", "proc.nthreads > 1",
)  # fmt: skip
"""Conditions that no kernel filter tests."""


@pytest.fixture(scope="module")
@needs_live
def both() -> Iterator[tuple[JudgedLive, JudgedLive]]:
    """Yield sources with and without the memory."""
    requirements.ebpf()
    with JudgedLive() as remembering, JudgedLive(0) as forgetful:
        yield remembering, forgetful


@pytest.mark.parametrize("names", [False, True], ids=["opens", "names"])
def test_the_same_alerts_come_fuzz(both: tuple[JudgedLive, JudgedLive], likely: Path, names: bool) -> None:
    """Later names of the descriptors are compared too if `names`."""
    remembering, forgetful = both
    recognised, raised = remembering.recognised, 0
    for seed in range(ROUNDS):
        chance = random.Random(f"judged {seed}")
        rules = [
            f"{OPENS} and ({random_condition(chance, likely)}) and {chance.choice(OF_PROCESSES)}"
            for _ in range(chance.randint(1, 3))
        ]
        if names:
            rules.append("evt.type = fchown and fd.name exists")
        for one in both:
            one.judge(*rules)
            one.forget_events()
        steps = random_steps(chance, likely, STEPS)
        if seed % 2:  # a chdir ends the verdicts on its process, so none would be recognised
            steps = [one for one in steps if one[1] is None or one[1].startswith(b"@")]

        pid = remembering.act_at_once(opens.again, steps, TIMES, "fchown" if names else "")
        forgetful.wait_for_end(pid)

        found = forgetful.alerts_of(pid)
        raised += len(found)
        assert found == remembering.alerts_of(pid), (seed, rules)
    assert remembering.recognised > recognised
    assert raised > 10
