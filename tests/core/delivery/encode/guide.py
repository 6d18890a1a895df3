"""The generated parts of docs/integrate/formats.md; `TZ=UTC python -m tests.core.delivery.encode.guide FILE` updates
them."""

import json
import re
import sys
from pathlib import Path

from mozu.core.delivery.encode import FORMATS
from mozu.core.model.alert import LEVELS
from mozu.core.runtime.config.describe import settings_of
from tests.core.delivery.encode.made import STAMP, connecting

_PART = re.compile(r"<!-- (\w+)(?: (\w+))? -->\n.*?<!-- end -->", re.DOTALL)


def example(name: str) -> str:
    """Return the output of a format for one alert; JSON is indented for reading."""
    declared = FORMATS[name]
    line = declared.build(declared.settings()).encode(connecting(), STAMP).decode()
    if line.startswith("{"):
        return f"```json\n{json.dumps(json.loads(line), indent=1, ensure_ascii=False)}\n```"
    return f"```text\n{line}\n```"


def options(name: str) -> str:
    """Return the options of a format as a Markdown table."""
    rows = [
        f"| `{item.name}` | {item.type.replace('|', chr(92) + '|')} | `{item.default}` | {item.text} |"
        for item in settings_of(FORMATS[name].settings)
    ]
    return "\n".join(["| option | type | default | meaning |", "|---|---|---|---|", *rows])


def severities(_: str) -> str:
    """Return the table of priorities."""
    rows = [
        f"| {severity.label} | {severity.value} | {levels.ocsf} {levels.ocsf_name} | {levels.ecs} | {levels.cef} "
        f"| {levels.otel} {levels.otel_name} |"
        for severity, levels in LEVELS.items()
    ]
    head = "| priority | syslog | OCSF `severity_id` | ECS `event.severity` | CEF | CloudEvents `severitynumber` |"
    return "\n".join([head, "|---|---|---|---|---|---|", *rows])


def renewed(page: str) -> str:
    """Return the page with its generated parts up to date."""
    makers = {"example": example, "options": options, "severities": severities}

    def part(found: re.Match[str]) -> str:
        head = " ".join(filter(None, found.groups()))
        return f"<!-- {head} -->\n{makers[found[1]](found[2] or '')}\n<!-- end -->"

    return _PART.sub(part, page)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(renewed(path.read_text()))
