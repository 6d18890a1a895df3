"""The soak (`make soak`), short and small: a crowd of processes, half of it older than mozu, 300 more a second."""

import os
import sys
from pathlib import Path

import pytest

from tests.soak.run import Plan, levels, report, soak, unaccounted
from tests.support.requirements import ebpf

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(900)]

RULES = """
- rule: Never
  desc: Needs to know who everybody is and where, and nothing else, so that a flood of opens next door does no harm.
  condition: evt.type = execve and proc.cwd = /nowhere and user.uid = 4711
  output: "%proc.name %user.uid %proc.cwd"
  priority: INFO
"""
SECONDS = float(os.environ.get("MOZU_SOAK_SECONDS", "60"))


def test_a_crowd_leaves_memory_level_and_the_state_true(tmp_path: Path) -> None:
    ebpf()
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    outcome = soak(Plan(2000, 1, 300, SECONDS), [rules], tmp_path)
    report(outcome, sys.stdout)

    assert {kind: [] for kind in outcome.wrong} == outcome.wrong
    assert outcome.compared > 2000
    assert {} == unaccounted(outcome.counts)
    assert outcome.counts["_fork"]["seen"] > outcome.begun - 1000 > SECONDS * 200
    assert outcome.samples[-1].descriptors <= outcome.samples[0].descriptors + 2
    early, late = levels(outcome.samples)
    assert late < early * 1.1 + 8
