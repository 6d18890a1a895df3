"""The example in docs/plugins/writing.md of this package works as written."""

import re
import struct
from pathlib import Path
from typing import Any

from mozu.core.model.syscalls import call_number

PAGE = Path(__file__).parents[3] / "docs/plugins/writing.md"


def written() -> dict[str, Any]:
    """Return the module of the page."""
    (code,) = re.findall(r"```python\n# mozu_calls\.py\n(.*?)```", PAGE.read_text(), re.DOTALL)
    found: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), found)
    return found


def test_the_example_makes_events_of_calls() -> None:
    memory = {4096: struct.pack("<QQ", 1024, 4096)}

    def made(name: str, *args: int) -> Any:
        read = lambda address, size: memory[address][:size]  # noqa: E731  the example's parameter
        return written()["call_event"](call_number(name), (*args, 0, 0, 0), 0, read, tid=7, pid=7, time=1)

    assert (made("kill", 8, 15).type, made("kill", 8, 15).args) == ("kill", (0, 8, 15))
    assert made("setrlimit", 3, 4096).args[1:3] == (1024, 4096)


def test_every_promised_name_is_there() -> None:
    text = PAGE.read_text().split("What is promised of `mozu.core.abi`")[1].split("Everything else")[0]
    names = set(re.findall(r"`(\w+)`", text)) - {"memory", "number", "API_VERSION", "limits"}

    package = PAGE.parents[2] / "core/abi"
    source = "\n".join(file.read_text() for file in package.glob("*.py"))
    defined = {name for name in names if re.search(rf"^(?:def |class )?{name}\b(?:\(|:| =)", source, re.MULTILINE)}
    assert defined == names
