"""Hooks, compared with their documentation."""

import inspect
import re
from pathlib import Path

from mozu.core.api import API_VERSION
from mozu.core.api.capabilities import CAPABILITIES
from mozu.core.api.hookspecs import Hooks

ROOT = Path(__file__).parents[2]
BONES = ("Called:", "Returns:", "May block:", "If it raises:")


def hooks() -> dict[str, str]:
    return {
        name: f"{name}({', '.join(list(inspect.signature(hook).parameters)[1:])})"
        for name, hook in vars(Hooks).items()
        if name.startswith("mozu_")
    }


def test_every_hook_has_a_section_with_its_arguments() -> None:
    sections = set(re.findall(r"^## (mozu_.*)$", (ROOT / "docs/plugins/hooks.md").read_text(), re.MULTILINE))
    assert set(hooks().values()) == sections


def test_every_hook_docstring_has_the_same_bones() -> None:
    for name in hooks():
        text = inspect.getdoc(getattr(Hooks, name)) or ""
        assert [bone for bone in BONES if bone in text] == list(BONES), name


def test_the_documented_api_version_is_the_one_in_force() -> None:
    assert f"version {API_VERSION} (`API_VERSION`)" in (ROOT / "docs/plugins/hooks.md").read_text()


def test_every_capability_has_a_row_with_its_member() -> None:
    section = (ROOT / "docs/plugins/hooks.md").read_text().partition("## Capabilities")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| [^|]+ \| `(?:async )?(\w+)", section, re.MULTILINE)
    assert {(one.protocol.__name__, one.member) for one in CAPABILITIES} == set(rows)


def test_every_capability_is_in_the_contract_of_components() -> None:
    contract = (ROOT / "docs/plugins/component.md").read_text()
    assert [one.protocol.__name__ for one in CAPABILITIES if f"`{one.protocol.__name__}`" not in contract] == []
