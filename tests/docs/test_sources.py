"""docs/operate/sources.md names every call that the live sources know."""

import re
from pathlib import Path

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.model.syscalls import event_type

PAGE = Path(__file__).parents[2] / "docs" / "operate" / "sources.md"


def _has_parameters(name: str) -> bool:
    declared = event_type(name)
    return declared is not None and bool(declared.params)


def test_the_table_of_calls_is_the_table_of_the_sources() -> None:
    section = PAGE.read_text().split("### Event types and their tracepoints")[1].split("###")[0]
    firsts = [line.split("|")[1] for line in section.splitlines() if line.startswith("|")][2:]
    listed = {name for cell in firsts for name in re.findall(r"[a-z_0-9]+", cell)}

    assert {name for name in SYSCALL_SPECS if _has_parameters(name)} <= listed
    plain = [name for cell in firsts if "(" not in cell for name in cell.replace(",", " ").split()]
    assert set(plain) <= SYSCALL_SPECS.keys()
    assert len(plain) == len(set(plain))
