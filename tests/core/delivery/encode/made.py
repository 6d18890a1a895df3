"""Alerts for the tests of formats: plain ones, and any number of hostile ones."""

import os
import random
from collections.abc import Iterator
from typing import Any, Final

from mozu.core.delivery.encode.known import REQUESTED_FIELDS
from mozu.core.model.alert import Alert, Ref, Severity, Stamp, Template, alert_id

TIME: Final = 1_767_225_600_000_000_001
"""2026-01-01T00:00:00.000000001Z"""
COUNT: Final = 20_000 if os.environ.get("MOZU_FUZZ") == "full" else 250
STAMP: Final = Stamp("node-a", "siem", "18a2f", 42)

PIECES: Final = (
    *("\n", "\r", "\r\n", "\0", "\x1b[31m", "\x7f", "\x85", "\x9b31m", "\u2028", "\u2029", "\u202e", "\u2066"),
    *("\u200b", "\u200f", "\u2060", "\u00ad", "\U000e0041"),
    *("\ufeff", "\udc80", "\udcff\udcfe", "\ufffe", "\U0001f426", "é", "|", "\\", "\\\\", "=", '"', "'", "]", "\\n"),
    *("\\|", " k=v"),
    *("CEF:0|a|b|c|d|e|9|", '"},{"priority":"Debug"}', "<13>1 - - - - - -", "\n00:00:00.0: Alert forged", "%", "$(x)"),
    *("x", "proc", " ", "  ", "/etc/passwd", "<NA>", "null", "true"),
)
TAGS: Final = ("mitre_persistence", "mitre_defense_evasion", "TA0112", "T1059.004", "T1562.001", "T9999", "host")
EVENTS: Final = ("execve", "openat", "connect", "procexit", "setuid", "unlinkat", "init_module", "bpf", "no_such", "")
ORDINARY: Final = ("10.0.0.1", "::1", "fe80::1%eth0", "ipv4", "file", "directory", "host", 443, True, False, "tcp")
NUMBERS: Final = (0, 1, -1, 22, 65535, 65536, (1 << 31), (1 << 63) - 1, (1 << 64) - 1, 1 << 70, -(1 << 70))


def plain() -> Alert:
    """Return an alert on a shell in a container."""
    refs: list[str | Ref] = []
    for key in ("proc.cmdline", "user.name", "proc.tty", "evt.arg.flags"):
        refs += [f" {key}=", Ref(key, "uint" if key == "proc.tty" else "string")]
    return Alert(
        rule="Terminal shell in container",
        priority=Severity.NOTICE,
        source="syscall",
        time=TIME,
        template=Template(("a shell was opened", *refs)),
        values={"proc.cmdline": "sh -i", "user.name": "root", "proc.tty": 34816, "evt.arg.flags": "EXE_WRITABLE"},
        tags=("T1059.004", "container", "mitre_execution", "shell"),
        event_type="execve",
        event_num=7,
        hostname="node-a",
        id=alert_id(TIME, "node-a/1", "Terminal shell in container"),
        enrichment={
            "proc.pid": 4242,
            "proc.vpid": 7,
            "thread.tid": 4242,
            "proc.name": "sh",
            "proc.exepath": "/bin/sh",
            "proc.cmdline": "sh -i",
            "proc.cwd": "/tmp/",
            "proc.argv": "sh\0-i",
            "proc.tty": 34816,
            "proc.entity_id": "0b8f0e5c6e0d4c1f9a7d3e2b1c0a9f8e",
            "proc.pentity_id": "7d1c2b3a4958677a1b20f37a86c04f3f",
            "proc.ppid.ts": TIME - 6_000_000_000,
            "proc.sid.leader": f"0b8f0e5c6e0d4c1f9a7d3e2b1c0a9f8e 4242 {TIME - 5_000_000_000} /bin/sh",
            "proc.pgid.leader": f"0b8f0e5c6e0d4c1f9a7d3e2b1c0a9f8e 4242 {TIME - 5_000_000_000} /bin/sh",
            "proc.entry.leader": f"0b8f0e5c6e0d4c1f9a7d3e2b1c0a9f8e 4242 {TIME - 5_000_000_000} /bin/sh",
            "proc.entry.type": "container",
            "proc.ancestors": [
                f"7d1c2b3a4958677a1b20f37a86c04f3f 4200 {TIME - 6_000_000_000} /usr/bin/runc",
                "- 1 0 /usr/lib/systemd/systemd",
            ],
            "evt.host_id": "3f2a9c0d1b4e4f6a8c7d5e9b0a1c2d3e",
            "proc.pid.ts": TIME - 5_000_000_000,
            "proc.ppid": 4200,
            "proc.pname": "runc",
            "proc.pexepath": "/usr/bin/runc",
            "proc.pcmdline": "runc init",
            "user.uid": 0,
            "user.name": "root",
            "group.gid": 0,
            "group.name": "root",
            "container.full_id": "a5f6603b5da7bd6d1d654dfa2be4e095f81f10b15f90a310e2773953988d21d6",
            "container.name": "web",
            "container.type": "docker",
            "container.image.id": "5d0da3dc9764",
            "container.image.repository": "docker.io/library/nginx",
            "container.image.tag": "1.27",
            "container.image.digest": "sha256:0f37a86c04f3f2c8f2d8ac0e1a9bb4b4c7a5d0a6f4f1c0e1d2b3a4958677a1b2",
            "container.privileged": False,
            "k8s.ns.name": "shop",
            "k8s.pod.name": "web-7f9c",
            "k8s.pod.uid": "1a2b3c4d-0000-4000-8000-123456789abc",
            "evt.failed": False,
        },
    )


def connecting() -> Alert:
    """Return an alert on the same process, connecting to an address."""
    alert = plain()
    alert.event_type = "connect"
    alert.enrichment |= {"fd.type": "ipv4", "fd.name": "10.0.0.2:40000->203.0.113.9:443"}
    alert.enrichment |= {"fd.role": "client", "fd.l4proto": "tcp"}
    alert.enrichment |= {"fd.cip": "10.0.0.2", "fd.cport": 40000, "fd.sip": "203.0.113.9", "fd.sport": 443}
    return alert


def reading() -> Alert:
    """Return an alert on the same process, opening a file."""
    alert = plain()
    alert.event_type = "openat"
    alert.enrichment |= {"fd.type": "file", "fd.name": "/etc/shadow", "fs.path.name": "/etc/shadow"}
    return alert


def hostile_text(chance: random.Random) -> str:
    """Return a text made of pieces that break formats; about one in a hundred is of 64 kB."""
    text = "".join(chance.choices(PIECES, k=chance.randint(0, 6)))
    return text * (65536 // len(text)) if text and chance.random() < 0.01 else text


def _value(chance: random.Random) -> tuple[str, Any]:
    kind = chance.choice(("string", "string", "uint", "bool", "bytes", "ipaddr", "list", "missing", "double"))
    values: dict[str, Any] = {
        "string": hostile_text(chance),
        "uint": chance.choice(NUMBERS),
        "bool": chance.random() < 0.5,
        "bytes": chance.randbytes(chance.randint(0, 40)),
        "ipaddr": chance.randbytes(chance.choice((4, 16))),
        "list": tuple(hostile_text(chance) for _ in range(3)),
        "missing": None,
        "double": chance.choice((0.5, float("inf"), float("nan"))),
    }
    return "string" if kind in ("list", "missing") else kind, values[kind]


def _fact(chance: random.Random) -> Any:
    ordinary = chance.choice(ORDINARY)
    strange = chance.choice((hostile_text(chance), chance.choice(NUMBERS), None, [hostile_text(chance)]))
    return chance.choice((ordinary, strange))


def hostile(count: int = COUNT, seed: int = 1) -> Iterator[tuple[Alert, Stamp]]:
    """Yield alerts in which every part may have any value, with their stamps; the same ones for the same seed."""
    chance = random.Random(seed)
    for number in range(1, count + 1):
        keys = ["proc.cmdline", "proc.env[a]", "evt.arg.x", "container.image", "jevt.value[/a]", "no.such"]
        refs, values = [], {}
        for key in chance.sample(keys, chance.randint(0, len(keys))):
            kind, values[key] = _value(chance)
            refs.append(Ref(key, kind, is_list=isinstance(values[key], tuple)))
        source = chance.choice(("syscall", "syscall", "k8s_audit", "internal", hostile_text(chance)))
        yield (
            Alert(
                rule=f"R{hostile_text(chance)}",
                priority=chance.choice(list(Severity)),
                source=source,
                time=chance.choice((0, 1, TIME, TIME + chance.randint(0, 10**15))),
                template=Template((hostile_text(chance), *refs)),
                values=values,
                tags=tuple(sorted({*chance.choices(TAGS, k=3), hostile_text(chance)})),
                event_type=chance.choice(EVENTS),
                hostname=hostile_text(chance) or "h",
                id=alert_id(TIME, str(number), "r"),
                enrichment={
                    name: _fact(chance)
                    for name in chance.sample(REQUESTED_FIELDS, chance.randint(0, len(REQUESTED_FIELDS)))
                },
                incomplete=chance.choice(((), ("docker",))),
            ),
            Stamp(hostile_text(chance), "siem", "18a2f", number),
        )
