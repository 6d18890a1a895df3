"""The table of docs/operate/privileges.md, compared with the declarations of the built-in plugins."""

from collections.abc import Iterator
from typing import Final

from mozu.core.api import Privilege
from mozu.core.api.declarations import ComponentDeclaration
from mozu.core.runtime.builtin_plugins import BUILTINS
from mozu.core.runtime.registry import Registry
from mozu.core.state.procfs import PROC_PRIVILEGES
from tests.support.requirements import ROOT

SETTINGS: Final[dict[str, list[dict[str, object]]]] = {
    "ptrace": [{}, {"command": ["make"]}],
    "falco_http": [{"listen": "127.0.0.1:80", "token": "none"}],
    "k8s_audit": [{"listen": "127.0.0.1:80", "token": "none"}],
}
"""Settings that change a plugin's needs from those by default."""


def rows() -> Iterator[str]:
    for one in PROC_PRIVILEGES:
        yield _row("any live source of system calls", one)
    registry = Registry()
    for kind, table in BUILTINS.items():
        for name in table:
            found = registry.plugin(kind, name).declaration
            if not isinstance(found, ComponentDeclaration) or found.privileges is None:
                continue
            for values in SETTINGS.get(name, [{}]):
                more = f", `{next(iter(values))}` set" if values else ""
                for one in found.privileges(found.settings.model_validate(values)):
                    yield _row(f"{kind} `{name}`{more}", one)


def _row(component: str, one: Privilege) -> str:
    required = "yes" if one.required else "no"
    return f"| {component} | {one.capability} | {required} | {one.purpose} | {one.without} |"


def test_the_table_is_what_plugins_declare() -> None:
    page = (ROOT / "docs/operate/privileges.md").read_text().partition("| component |")[2]
    found = [line for line in page.splitlines()[2:] if line.startswith("|")]

    assert sorted(rows()) == sorted(found)
