"""Microseconds per alert: each format, and redaction of ordinary and of suspicious alerts.

    python -m benchmarks.encode
"""

import time
from collections.abc import Callable
from statistics import median

from mozu.core.delivery.encode import FORMATS
from mozu.core.delivery.redact import Redactor
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Ref, Severity, Stamp, Template, alert_id
from mozu.core.model.value_types import FieldValue

_ROUNDS, _ALERTS = 7, 2000
_STAMP = Stamp("node-a", "siem", "18a2f", 42)
_FACTS: dict[str, FieldValue] = {
    "proc.pid": 4242,
    "proc.vpid": 7,
    "thread.tid": 4242,
    "proc.name": "curl",
    "proc.exepath": "/usr/bin/curl",
    "proc.cwd": "/tmp/",
    "proc.pid.ts": 1_767_225_595_000_000_000,
    "proc.ppid": 4200,
    "proc.pname": "bash",
    "proc.pexepath": "/usr/bin/bash",
    "proc.pcmdline": "bash -c curl https://example.com/path/to/file",
    "user.uid": 0,
    "user.name": "root",
    "group.gid": 0,
    "group.name": "root",
    "container.full_id": "a5f6603b5da7bd6d1d654dfa2be4e095f81f10b15f90a310e2773953988d21d6",
    "container.name": "web",
    "container.type": "docker",
    "container.image.repository": "docker.io/library/nginx",
    "container.image.tag": "1.27",
    "evt.failed": False,
    "fd.type": "ipv4",
    "fd.name": "10.0.0.2:40000->203.0.113.9:443",
    "fd.cip": "10.0.0.2",
    "fd.cport": 40000,
    "fd.sip": "203.0.113.9",
    "fd.sport": 443,
    "fd.l4proto": "tcp",
    "fd.role": "client",
}


def made(command: str) -> Alert:
    """An alert as the default rules raise it."""
    time_ns = 1_767_225_600_000_000_001
    values: dict[str, FieldValue] = {
        "evt.type": "connect",
        "user.name": "root",
        "user.uid": 0,
        "proc.name": "curl",
        "proc.exepath": "/usr/bin/curl",
        "proc.pname": "bash",
        "proc.cmdline": command,
        "proc.tty": 34816,
        "container.id": "a5f6603b5da7",
    }
    parts: list[str | Ref] = ["Outbound connection by a download tool ("]
    for key, value in values.items():
        parts += [f" {key}=", Ref(key, "string" if isinstance(value, str) else "uint")]
    return Alert(
        rule="Outbound connection by a download tool",
        priority=Severity.NOTICE,
        source="syscall",
        time=time_ns,
        template=Template((*parts, ")")),
        values=values,
        tags=("T1105", "container", "mitre_command_and_control", "network"),
        event_type="connect",
        hostname="node-a",
        id=alert_id(time_ns, "node-a/1", "r"),
        enrichment={**_FACTS, "proc.cmdline": command},
    )


def microseconds(call: Callable[[], object]) -> float:
    """Return microseconds of CPU per call, the median of several rounds."""
    rounds = []
    for _ in range(_ROUNDS):
        start = time.process_time()
        for _ in range(_ALERTS):
            call()
        rounds.append((time.process_time() - start) / _ALERTS * 1e6)
    return median(rounds)


def main() -> None:
    """Print two tables."""
    ordinary = made("curl https://example.com/path/to/file -o /tmp/out.bin")
    print("| format | µs per alert | bytes |\n|---|---|---|")
    for name, declared in FORMATS.items():
        encoder = declared.build(declared.settings())
        cost = microseconds(lambda encoder=encoder: encoder.encode(ordinary, _STAMP))  # type: ignore[misc]
        print(f"| {name} | {cost:.1f} | {len(encoder.encode(ordinary, _STAMP))} |")
    redactor = Redactor(Metrics())
    print("\n| redaction of | µs per alert |\n|---|---|")
    print(f"| an ordinary alert | {microseconds(lambda: redactor(ordinary)):.1f} |")

    def suspicious() -> None:
        redactor(made("curl -H Authorization: Bearer abcdefgh123 https://bob:Hunter2xyz@example.com/"))

    base = microseconds(lambda: made("curl https://example.com/"))
    print(f"| an alert with two secrets | {microseconds(suspicious) - base:.1f} |")


if __name__ == "__main__":
    main()
