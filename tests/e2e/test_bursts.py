"""A burst of matching calls: every call from the ring buffer becomes an alert that arrives; no queue drops any."""

import subprocess
from pathlib import Path

import pytest

from tests.support.build import compiled
from tests.support.requirements import ebpf
from tests.support.running import mozu_run

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(300)]

CALLS = 30_000
RULES = """
- rule: The burst calls
  desc: Nothing else calls this.
  condition: evt.type = userfaultfd
  output: called by %proc.name
  priority: WARNING
"""


def test_a_burst_of_matching_calls_arrives_whole_with_default_settings(tmp_path: Path) -> None:
    ebpf()
    (tmp_path / "rules.yaml").write_text(RULES)
    with mozu_run(tmp_path, "-r", str(tmp_path / "rules.yaml")) as mozu:
        run = subprocess.run([compiled("flood"), str(CALLS)], check=True, capture_output=True, text=True)
        statistics = mozu.stop()
    count = statistics["sources"]["syscalls"]["types"]["userfaultfd"]
    assert int(run.stdout) == count["seen"] == count["received"] + count["lost"] + count["missed"] + count["filtered"]
    arrived = sum(alert["rule"] == "The burst calls" for alert in mozu.alerts)
    assert arrived == count["received"] > 0
    assert {} == statistics["sinks"]["stdout"]["dropped"]
