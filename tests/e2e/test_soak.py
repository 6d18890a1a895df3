"""The soak (`make soak`), short and small: a crowd of processes, half of it started before mozu, 300 more a second."""

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
OPENS = """
- rule: Never
  desc: So many events that a small ring overflows.
  condition: evt.type in (execve, openat) and proc.cwd = /nowhere and user.uid = 4711 and proc.nthreads = 77
  output: "%proc.name"
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


def test_a_state_that_a_loss_has_left_wrong_becomes_true_again(tmp_path: Path) -> None:
    ebpf()
    rules = tmp_path / "rules.yaml"
    rules.write_text(OPENS)
    outcome = soak(Plan(500, 1, 300, 10.0, replaced=40, ring=1 << 16, held=3.0), [rules], tmp_path)
    report(outcome, sys.stdout)

    lost = {name: outcome.counts[name]["lost"] for name in ("_fork", "execve", "procexit", "chdir")}
    assert min(lost.values()) > 10, "so that the test can fail"
    assert {kind: [] for kind in outcome.wrong} == outcome.wrong
    assert "processes were repaired from /proc" in (tmp_path / "log").read_text()
    assert {} == unaccounted(outcome.counts)
