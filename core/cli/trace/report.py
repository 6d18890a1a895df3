"""Reports of `mozu trace`: JUnit XML, SARIF 2.1.0, JSON, a page for a browser."""

import json
import re
import shlex
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

import msgspec

from mozu.core.cli.alert_page import alert_page
from mozu.core.cli.terminal import safe
from mozu.core.common.own_file import write_own
from mozu.core.delivery.encode.falco_json import FalcoJson
from mozu.core.errors import MozuError
from mozu.core.model.alert import Alert, Severity
from mozu.core.model.event import printable
from mozu.core.model.value_types import Json, JsonObject

SARIF_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_NOT_XML: Final = re.compile("[\ufffe\uffff]")


class TraceOutcome(msgspec.Struct, frozen=True):
    """The outcome of one run."""

    command: tuple[str, ...]
    tree: str
    """The directory in which the command ran."""
    exit_code: int
    """The command's exit code."""
    seconds: float
    rules: tuple[str, ...]
    """Names of all rules that could have raised an alert."""
    alerts: tuple[Alert, ...]
    version: str
    """Version of mozu."""
    hostname: str = ""
    began: float = 0.0
    """Seconds since the epoch."""


def junit(outcome: TraceOutcome) -> bytes:
    """Return a report with a test case for each rule, failed if the rule raised alerts, and one for the command itself.

    Valid by the schemas of Jenkins and of Ant; the latter requires a fixed order of parts.
    """
    by_rule: dict[str, list[Alert]] = {rule: [] for rule in outcome.rules}
    for alert in outcome.alerts:
        by_rule.setdefault(alert.rule, []).append(alert)
    failed = sum(map(bool, by_rule.values())) + (outcome.exit_code != 0)
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(
        root, "testsuite",
        {
            "name": "mozu trace", "id": "0", "package": "mozu", "hostname": outcome.hostname or "localhost",
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(outcome.began)),
            "time": f"{outcome.seconds:.3f}",
            "tests": str(len(by_rule) + 1), "failures": str(failed), "errors": "0",
        },
    )  # fmt: skip
    properties = ElementTree.SubElement(suite, "properties")
    ElementTree.SubElement(properties, "property", {"name": "mozu.version", "value": outcome.version})
    case = _case(suite, "command", _xml(shlex.join(outcome.command)), outcome.seconds)
    if outcome.exit_code:
        _failure(case, f"the command ended with {outcome.exit_code}", "exit", "")
    for rule, alerts in by_rule.items():
        case = _case(suite, "rules", _xml(rule), 0.0)
        if alerts:
            worst = min(alert.priority for alert in alerts)
            count = f"{len(alerts)} alert{'s' if len(alerts) > 1 else ''}"
            lines = "\n".join(f"{alert.priority.label}: {_xml(alert.message())}" for alert in alerts)
            _failure(case, f"{count}: {_xml(alerts[0].message())}", worst.label, lines)
    for name in ("system-out", "system-err"):
        ElementTree.SubElement(suite, name)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"


def _case(suite: ElementTree.Element, group: str, name: str, seconds: float) -> ElementTree.Element:
    found = {"classname": f"mozu.{group}", "name": name, "time": f"{seconds:.3f}"}
    return ElementTree.SubElement(suite, "testcase", found)


def _failure(case: ElementTree.Element, message: str, kind: str, text: str) -> None:
    ElementTree.SubElement(case, "failure", {"message": message, "type": kind}).text = text


def _xml(text: str) -> str:
    """Characters that XML has no place for are escaped."""
    return _NOT_XML.sub("\ufffd", safe(text))


def sarif(outcome: TraceOutcome) -> bytes:
    """Return one run of one tool, with a result for each alert."""
    alerts = outcome.alerts
    names = list(dict.fromkeys((*outcome.rules, *(alert.rule for alert in alerts))))
    place = {name: number for number, name in enumerate(names)}
    shown = [printable(name) for name in names]
    rules: list[JsonObject] = [{"id": _slug(name), "name": name, "shortDescription": {"text": name}} for name in shown]
    run: JsonObject = {
        "tool": {
            "driver": {
                "name": "mozu", "semanticVersion": _semantic(outcome.version), "rules": rules,
            }
        },
        "invocations": [
            {
                "commandLine": printable(shlex.join(outcome.command)),
                "exitCode": outcome.exit_code,
                "executionSuccessful": outcome.exit_code == 0,
            }
        ],
        "originalUriBaseIds": {"TREE": {"uri": _uri(outcome.tree.rstrip("/") + "/")}},
        "results": [_result(alert, place[alert.rule], outcome) for alert in alerts],
    }  # fmt: skip
    return _json({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]})


def _result(alert: Alert, rule: int, outcome: TraceOutcome) -> JsonObject:
    return {
        "ruleId": _slug(alert.rule),
        "ruleIndex": rule,
        "level": _level(alert.priority),
        "message": {"text": printable(alert.message())},
        "locations": [{"physicalLocation": {"artifactLocation": _location(alert, outcome)}}],
        "guid": _uuid(alert.id),
        "properties": {"priority": alert.priority.label, "tags": list(alert.tags), "mozuId": alert.id},
    }


def _uuid(text: str) -> str:
    """SARIF knows the UUIDs of RFC 4122 only, by the form of their digits."""
    return f"{text[:14]}5{text[15:19]}a{text[20:]}" if len(text) == 36 else "00000000-0000-5000-a000-000000000000"


def _location(alert: Alert, outcome: TraceOutcome) -> dict[str, str]:
    """Return the file that the alert is about, else the program, else the command; relative if it is in the tree."""
    values = alert.values
    candidates = (values.get("fd.name"), values.get("proc.exepath"), outcome.command[0])
    path = next((str(text) for text in candidates if isinstance(text, str) and text.startswith("/")), None)
    tree = outcome.tree.rstrip("/") + "/"
    if path is None:
        return {"uri": ".", "uriBaseId": "TREE"}
    if path.startswith(tree):
        return {"uri": quote(printable(path[len(tree) :])), "uriBaseId": "TREE"}
    return {"uri": _uri(path)}


def _uri(path: str) -> str:
    return "file://" + quote(printable(path))


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "rule"


def _level(priority: Severity) -> str:
    if priority <= Severity.ERROR:
        return "error"
    return "warning" if priority is Severity.WARNING else "note"


def _semantic(version: str) -> str:
    match = re.match(r"\d+\.\d+\.\d+", version)
    return match[0] if match else "0.0.0"


def as_json(outcome: TraceOutcome) -> bytes:
    """Return one object; its alerts have the shape of the format `json`."""
    encoder = FalcoJson()
    return _json(
        {
            "mozu": outcome.version,
            "command": [printable(word) for word in outcome.command],
            "exit_code": outcome.exit_code,
            "seconds": round(outcome.seconds, 3),
            "alerts": [encoder.document(alert) for alert in outcome.alerts],
        }
    )


def html(outcome: TraceOutcome) -> bytes:
    """Return the page of `mozu view`."""
    encoder = FalcoJson()
    return alert_page(encoder.document(alert) for alert in outcome.alerts)


def _json(value: Json) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=True, default=str).encode() + b"\n"


FORMATS: Final[Mapping[str, Callable[[TraceOutcome], bytes]]] = {
    "junit": junit, "sarif": sarif, "json": as_json, "html": html,
}  # fmt: skip


def write(outcome: TraceOutcome, reports: Sequence[tuple[str, Path]]) -> None:
    """Write each (format, file). Raises MozuError if a file cannot be written."""
    for form, path in reports:
        try:
            write_own(path, FORMATS[form](outcome))
        except OSError as error:
            raise MozuError(f"the report {path} cannot be written: {error.strerror}") from error
