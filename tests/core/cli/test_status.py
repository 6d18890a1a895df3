"""`mozu status`: the contents of /status on one screen."""

import json
from pathlib import Path
from typing import Any

import pytest

from mozu.core.cli import invoke
from mozu.core.cli.status import screen
from mozu.core.runtime.operations.client import parsed

ANSWER: dict[str, Any] = {
    "status": "degraded",
    "findings": [{"state": "degraded", "subject": "sink siem", "reason": "the last delivery\x1b[2J has failed"}],
    "host": "vm",
    "started": 0.0,
    "versions": {"mozu": "0.1.0", "kernel": "6.1", "rules_digest": "72c1daa81cda60767cf68b607bb87d63"},
    "statistics": {
        "seconds": 10.0,
        "cpu_seconds": 1.0,
        "memory": {"limit": 256 << 20, "resident": 90 << 20},
        "sources": {
            "syscalls": {
                "plugin": "ebpf", "not_seen": ["io_uring"], "dropped": 2, "alerts": 0,
                "types": {"openat": {"seen": 12000, "filtered": 11000, "received": 999, "lost": 1, "missed": None}},
            },
        },
        "sinks": {
            "siem": {
                "accepted": 10, "found": 5, "delivered": 8, "dropped": {"queue full": 2}, "dead_lettered": 3,
                "redriven": 2, "waiting": 4, "dead_letters": 1, "failures": 3,
            },
        },
    },
}  # fmt: skip


def test_the_screen_has_what_is_watched_lost_delivered_and_impaired() -> None:
    text = "\n".join(screen(parsed(json.dumps(ANSWER).encode())))

    assert "vm: degraded (mozu 0.1.0, kernel 6.1)" in text
    assert "10.0 % of a CPU on average, 90 MiB of 256 MiB" in text
    assert "! sink siem: the last delivery\\x1b[2J has failed" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["syscalls", "ebpf", "1", "12,000", "11,000", "999", "1", "2", "0"] in rows
    assert ["siem", "10", "8", "4", "2", "1", "3"] in rows
    assert "syscalls does not see: io_uring" in text


def test_rules_in_shadow_mode_are_listed_with_their_newest_sample() -> None:
    samples = [{"time": 0, "output": "first"}, {"time": 10**9, "output": "ran \x1b[2J"}]
    shadow = [{"rule": "New", "matches": 1200, "samples": samples}, {"rule": "Newer"}]
    text = "\n".join(screen(parsed(json.dumps({**ANSWER, "shadow": shadow}).encode())))

    assert "  New: 1,200 matches\n" in text
    assert "ran \\x1b[2J" in text
    assert "first" not in text
    assert "  Newer: 0 matches" in text
    assert "shadow" not in "\n".join(screen(parsed(json.dumps(ANSWER).encode())))


def test_where_no_run_answers_the_exit_code_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    socket = tmp_path / "http.sock"

    assert 1 == invoke(["status", "-o", f"http.listen=unix:{socket}"])

    assert f"no run answers at unix:{socket}" in capsys.readouterr().err
