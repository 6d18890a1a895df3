"""`mozu top`: rates between two readings."""

import json
from typing import Any

from mozu.core.cli.top import screen
from mozu.core.runtime.operations.client import parsed
from mozu.core.runtime.operations.status_document import RunStatus


def status(seconds: float, seen: int, matches: int, delivered: int) -> RunStatus:
    answer: dict[str, Any] = {
        "status": "ready", "host": "vm", "started": 0.0,
        "versions": {"mozu": "1", "kernel": "6", "rules_digest": "00"},
        "statistics": {
            "seconds": seconds, "cpu_seconds": 1.0, "memory": {},
            "sources": {
                "syscalls": {
                    "plugin": "ebpf",
                    "types": {"openat": {"seen": seen, "filtered": seen - 1, "received": 1}, "close": {}},
                }
            },
            "sinks": {"siem": {"accepted": 10, "delivered": delivered, "waiting": 10 - delivered}},
            "metrics": [
                {"name": "rule_matches_total", "labels": {"rule": "A \x1b[2J"}, "value": matches},
                {"name": "rule_matches_total", "labels": {"rule": "never"}, "value": 0},
                {"name": "rule_seconds_total", "labels": {"rule": "slow"}, "value": seconds / 50},
                {"name": "rule_seconds_total", "labels": {"rule": "never"}, "value": 0},
                {"name": "spool_oldest_seconds", "labels": {"kind": "sink", "id": "siem"}, "value": 75.2},
                {"name": "containers", "labels": {"kind": "enricher", "id": "containers"}, "value": 12},
                {"name": "container_lookups_total", "labels": {"id": "containers", "by": "files"}, "value": seen},
                {"name": "container_lookups_total", "labels": {"id": "containers", "by": "api"}, "value": 20},
            ],
        },
        "containers": {"syscalls": {"0123456789ab": {"name": "web", "events": seen}, "host": {"events": 7}}},
    }  # fmt: skip
    return parsed(json.dumps(answer).encode())


def test_rates_are_of_the_time_between_two_looks() -> None:
    text = "\n".join(screen(status(10, 100, 4, 3), status(12, 1100, 5, 9)))

    rows = [line.split() for line in text.splitlines()]
    assert ["openat", "500", "500", "0.0", "0.0", "1,100"] in rows
    assert ["A", "\\x1b[2J", "0.5", "5"] in rows
    assert ["slow", "0.0", "0", "2.000%"] in rows
    assert ["0123456789ab", "web", "500"] in rows
    assert "host" not in [row[0] for row in rows if row]
    assert ["siem", "3.0", "1", "75", "s", "0", "0"] in rows
    assert ["containers", "12", "500", "1,120"] in rows
    assert "never" not in text
    assert "close" not in text


def test_what_was_not_there_before_counts_from_nothing() -> None:
    before = status(10, 0, 0, 0)
    before.statistics.sources.clear()
    before.statistics.sinks.clear()

    text = "\n".join(screen(before, status(12, 20, 2, 2)))

    assert ["openat", "10", "9.5", "0.5", "0.0", "20"] in [line.split() for line in text.splitlines()]
