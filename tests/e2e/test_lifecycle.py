"""A real mozu with the source ebpf: heartbeats prove that it sees, and the next start reports a death by kill -9."""

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.support.requirements import ebpf
from tests.support.running import Running, mozu_run

pytestmark = [pytest.mark.ebpf, pytest.mark.timeout(180)]

CONFIG = """
state_dir: {folder}/state
enrichers: []
evaluators: [falco: {{rules: [{folder}/rules.yaml]}}]
sinks: [stdout: {{heartbeat: 1}}]
"""
RULES = """
- rule: Never
  desc: Nothing matches it.
  condition: evt.type = openat and fd.name = /no/such/file/anywhere
  output: never
  priority: INFO
"""


def configured(folder: Path) -> list[str]:
    ebpf()
    (folder / "rules.yaml").write_text(RULES)
    (folder / "mozu.yaml").write_text(CONFIG.format(folder=folder))
    return ["-c", str(folder / "mozu.yaml")]


def notice(mozu: Running, rule: str, **values: Any) -> dict[str, Any]:
    def find() -> dict[str, Any] | None:
        return next(
            (one for one in mozu.lifecycle if one["rule"] == rule and values.items() <= one["output_fields"].items()),
            None,
        )

    found: dict[str, Any] = mozu._wait(find, f"{rule} {values}")
    return found


def test_a_heartbeat_is_sent_once_mozus_own_event_came_through(tmp_path: Path) -> None:
    with mozu_run(tmp_path, *configured(tmp_path)) as mozu:
        beat = notice(mozu, "Heartbeat", sources_passed="syscalls", sources_failed="")
        assert "Informational" == beat["priority"]
        assert beat["output_fields"]["rules_digest"] == notice(mozu, "mozu started")["output_fields"]["rules_digest"]
        (tmp_path / "rules.yaml").write_text(RULES.replace("/no/such", "/nor/such"))
        mozu.process.send_signal(signal.SIGHUP)
        digest = notice(mozu, "mozu reloaded")["output_fields"]["rules_digest"]
        assert digest != beat["output_fields"]["rules_digest"]
        notice(mozu, "Heartbeat", rules_digest=digest)
        mozu.stop()
    assert [] == mozu.alerts
    assert "mozu stopped" == mozu.lifecycle[-1]["rule"]


def test_a_death_by_kill_is_reported_by_the_next_start_and_reported_once(tmp_path: Path) -> None:
    arguments = configured(tmp_path)
    with mozu_run(tmp_path, *arguments) as mozu:
        notice(mozu, "Heartbeat")
        mozu.process.kill()
        mozu.process.wait()
    with mozu_run(tmp_path, *arguments) as after, mozu_run(tmp_path, *arguments) as beside:
        found = notice(after, "mozu ended without a word")
        assert mozu.process.pid == found["output_fields"]["pid"]
        assert "Critical" == found["priority"]
        notice(beside, "Heartbeat")
        assert [] == [one for one in beside.lifecycle if one["rule"] == "mozu ended without a word"]
        after.stop()
        beside.stop()
    with mozu_run(tmp_path, *arguments) as last:
        notice(last, "Heartbeat")
        assert [] == [one for one in last.lifecycle if one["rule"] == "mozu ended without a word"]
