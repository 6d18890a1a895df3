"""Alerts with few values, or with values at the limits of what a format can carry."""

from collections.abc import Iterator
from typing import Any, Final

from msgspec.structs import replace

from mozu.core.model.alert import Alert, Ref, Severity, Template
from tests.core.delivery.encode.made import connecting, plain, reading

_VALUES: Final[tuple[Any, ...]] = ("", "<NA>", 0, "12", "é\u2028", True, ["a"], {"a": 1})
"""Values that are tried in each field, one after the other."""
_ENDS: Final[tuple[dict[str, Any], ...]] = (
    {"fd.cip": "10.0.0.2", "fd.sip": None},
    {"fd.cip": None, "fd.sip": "10.0.0.2"},
    {"fd.cip": "2001:db8::2", "fd.sip": None},
    {"fd.cip": None, "fd.sip": "2001:DB8:0::2"},
    {"fd.cip": "2001:db8::2", "fd.sip": "2001:db8::3"},
    {"fd.cip": "fe80::1%eth0", "fd.sip": "no address"},
    {"fd.cport": 65_535, "fd.sport": 65_536},
    {"fd.cport": 0, "fd.sport": None},
    {"fd.role": "server", "fd.l4proto": "udp"},
    {"fd.role": None, "fd.l4proto": "icmp"},
    {"fd.role": "client", "fd.l4proto": "raw"},
)
_PATHS: Final = ("/", "a", "/a", "a/b", "/a/b/", "//", "a/")
_OBJECTS: Final[tuple[dict[str, Any], ...]] = (
    {"fd.type": "file"},
    {"fd.type": "directory"},
    {"fd.type": "ipv4"},
    {"fd.type": "file", "fd.name": None},
    {"fd.type": "directory", "fd.name": None, "fs.path.name": None},
    {"fd.type": None},
    {"fd.type": None, "fs.path.name": None},
)
_TAGS: Final = (
    (),
    ("mitre_execution",),
    ("T1059",),
    ("T1059.004", "T1611"),
    ("mitre_execution", "mitre_persistence"),
    ("mitre_execution", "mitre_persistence", "T1059", "T1059.004"),
    ("mitre_execution", "T1059", "T9999"),
    ("T9999.001",),
)
_POD: Final = ("k8s.ns.name", "k8s.pod.name", "k8s.pod.uid")
_IMAGE: Final = (
    "container.image.id", "container.image.digest", "container.image.repository", "container.image.tag",
)  # fmt: skip
_USER: Final = ("user.uid", "user.name")
_GROUP: Final = ("group.gid", "group.name")
_PROCESS: Final = tuple(key for key in plain().enrichment if key.startswith(("proc.", "thread.")))


def corners() -> Iterator[Alert]:
    """Yield the alerts, the same ones at each call."""
    yield _empty()
    yield from _of_values()
    for key in connecting().enrichment:
        for value in _VALUES:
            yield _with(connecting(), {key: value})
    for absent in (_POD, _IMAGE, _IMAGE[:2], _USER, _GROUP, _USER + _GROUP, _PROCESS, _PROCESS + _USER):
        yield _with(plain(), dict.fromkeys(absent))
    for uid in ("no uuid", "1A2B3C4D-0000-4000-8000-123456789ABC"):
        yield _with(plain(), {"k8s.pod.uid": uid})
    for changed in _ENDS:
        yield _with(connecting(), changed)
    for path in _PATHS:
        for changed in _OBJECTS:
            target = {"fd.name": path, "fs.path.name": f"{path}n", "fs.path.target": f"{path}t"}
            yield _with(reading(), target | changed)
    for tags in _TAGS:
        yield replace(plain(), tags=tags)
    for event_type in ("close", "futex", "container", "pluginevent"):
        yield replace(plain(), event_type=event_type)
    for priority in Severity:
        yield replace(plain(), priority=priority)
    for time in (0, 1, 253_402_300_799_999_999_999, 253_402_300_800_000_000_000, -1):
        yield replace(plain(), time=time)


def _with(alert: Alert, changed: dict[str, Any]) -> Alert:
    return replace(alert, enrichment={**alert.enrichment, **changed})


def _empty() -> Alert:
    return replace(
        plain(), rule="", id="", hostname="", source="", event_type="", tags=(), template=Template(()), values={},
        enrichment={},
    )  # fmt: skip


def _of_values() -> Iterator[Alert]:
    """Yield alerts of rules and of mozu itself with each kind of value, in the text and beside it."""
    values: dict[Ref, Any] = {
        Ref("toupper(proc.name)", "string", is_field=False): "SH",
        Ref("evt.datetime", "string", is_time=True): "2026",
        Ref("evt.arg.mode", "uint", "octal"): 0o755,
        Ref("evt.arg.addr", "uint", "hex"): 0xFF,
        Ref("evt.latency", "reltime", "padded"): 5,
        Ref("evt.is_io", "bool"): True,
        Ref("evt.is_wait", "bool"): False,
        Ref("evt.rate", "double"): 0.5,
        Ref("evt.buffer", "bytes"): b"a\0b\xff",
        Ref("fd.net", "ipaddr"): b"\x7f\0\0\1",
        Ref("proc.aname", "string", is_list=True): ("a\tb", "c\x1b"),
        Ref("proc.args", "string"): "a\tb\x7f",
        Ref("user.name", "string"): None,
        Ref("a.b-c.", "uint"): (1 << 64) - 1,
        Ref("beyond", "uint"): 1 << 64,
        Ref("least", "int"): -(1 << 63),
        Ref("below", "int"): -(1 << 63) - 1,
    }
    for source in ("syscall", "internal"):
        for enrichment in (plain().enrichment, {}):
            for parts, extra in (((*values,), ()), (("text",), (*values,)), ((), ())):
                yield replace(
                    plain(), source=source, template=Template(parts, extra), enrichment=enrichment,
                    values={ref.key: value for ref, value in values.items()},
                )  # fmt: skip
            for ref, value in values.items():
                yield replace(
                    plain(), source=source, template=Template(("text ", ref)), values={ref.key: value},
                    enrichment=enrichment,
                )  # fmt: skip
