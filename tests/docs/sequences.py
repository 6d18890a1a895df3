"""The sequences of docs/integrate/sequences.md: rules and queries of the page, and the acts that each query finds or
does not."""

import re
from typing import Any, Final

import msgspec
import yaml

from tests.support.requirements import ROOT

PAGE: Final = (ROOT / "docs/integrate/sequences.md").read_text()
_BLOCKS: Final[dict[str, str]] = dict(re.findall(r"^## (.*?)\n.*?```\w+\n(.*?)```", PAGE, re.S | re.M))
RULES: Final[list[dict[str, Any]]] = yaml.safe_load(_BLOCKS["The events"])
VIEW: Final = re.findall(r"```sql\n(CREATE VIEW .*?)```", PAGE, re.S)[0]


class Sequence(msgspec.Struct, frozen=True):
    """A query, by its heading; the act that it finds, and acts that it must not find (acts/sequences.sh)."""

    heading: str
    act: str
    near: tuple[str, ...]

    @property
    def query(self) -> str:
        return _BLOCKS[self.heading]


SEQUENCES: Final = (
    Sequence("A program deletes itself", "erases_itself", ("erases_another",)),
    Sequence(
        "A file is fetched, run and removed",
        "fetched_run_removed",
        ("fetched_run_kept", "copied_run_removed", "fetched_removed"),
    ),
    Sequence(
        "A program connects and becomes a shell",
        "implant_becomes_a_shell",
        ("implant_connects", "implant_is_a_shell_only", "system_shell_connects"),
    ),
    Sequence("A hook of git connects", "hook_connects", ("hook_stays",)),
    Sequence(
        "Many files are encrypted", "ten_files_are_encrypted", ("nine_files_are_encrypted", "ten_files_are_decrypted")
    ),
)
