"""Rules with a test, as folders to push."""

from pathlib import Path
from typing import Final

RULE: Final = """\
- rule: Netcat started
  desc: d
  condition: evt.type = execve and proc.name = nc
  output: nc of {version}
  priority: NOTICE
"""
TEST: Final = """\
- test: netcat is seen
  event: {evt.type: execve, proc.name: nc}
  match: Netcat started
"""


def folder_of(parent: Path, version: str, **more: str) -> Path:
    """Write a folder with the rule and its test, and with other files (`name=text`, as NAME.yaml); return it."""
    folder = parent / version
    folder.mkdir()
    for name, text in {"web": RULE.replace("{version}", version), "web_test": TEST, **more}.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def in_force(versions: Path) -> str:
    """Return the text of the rules in force; empty if there are none."""
    file = versions / "current" / "web.yaml"
    return file.read_text() if file.exists() else ""
