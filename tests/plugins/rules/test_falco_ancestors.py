"""No exception of mozu's own rules spares a process for ancestors alone, if everything in a container or in a login has
them."""

from collections.abc import Mapping, Set
from typing import Any, Final

import pytest

from mozu.core.language.conditions import And, Node, Not, Or, RuleInput, Test, compile_rules
from mozu.core.language.conditions.ast import FieldRef, bottom_up
from mozu.core.language.rules import load
from mozu.plugins.rules.falco.settings import PACKS
from tests.plugins.rules.making import CONTAINER, context, event, process

Known = Mapping[str, Any]
_KNOWN: Final = frozenset({
    "proc.aname", "proc.atrusted_name", "proc.aexe", "proc.aexepath", "proc.apid", "proc.acmdline", "proc.pname",
    "proc.pexe", "proc.pexepath", "proc.ppid", "proc.pcmdline", "container.id", "container.type", "user.loginuid",
})  # fmt: skip
"""Known fields of a process below such ancestors in a container, or in a login."""
_CONTAINER: Final[Known] = {"container": CONTAINER, "loginuid": -1}
_LOGIN: Final[Known] = {"loginuid": 1000}
CHAINS: Final[list[tuple[Known, tuple[str, ...]]]] = [
    (_CONTAINER, ("sh", "containerd-shim", "systemd")),
    (_CONTAINER, ("sh", "conmon", "systemd", "systemd")),
    (_CONTAINER, ("sh", "conmon", "podman", "bash", "sshd-session", "sshd", "systemd")),
    (_CONTAINER, ("sh", "containerd-shim", "containerd", "dockerd", "systemd")),
    (_CONTAINER, ("sh", "containerd-shim", "containerd", "kubelet", "systemd")),
    (_CONTAINER, ("sh", "containerd-shim", "dockerd", "docker-init", "containerd-shim", "systemd")),
    (_CONTAINER, ("sh", "tini", "containerd-shim", "systemd")),
    (_CONTAINER, ("sh", "runc", "bash", "sshd-session", "sshd", "systemd")),
    (_LOGIN, ("bash", "sshd-session", "sshd", "systemd")),
    (_LOGIN, ("sh", "bash", "sshd", "sshd", "systemd")),
    (_LOGIN, ("bash", "login", "systemd")),
    (_LOGIN, ("sh", "sh", "cron", "systemd")),
    (_LOGIN, ("systemd",)),
]
"""Known facts of a process, and its ancestors, nearest first: in containers of engines below systemd, of engines that
reap, of an engine in a container, entered from a login; in logins, and left by a login to the first process.
"""


class KnownTests:
    """Compiled tests of the default rules on fields that are known."""

    def __init__(self) -> None:
        fields = context().fields
        self.rules = load([PACKS], fields).rules.rules
        tests = {id(node): node for rule in self.rules for node in _tests(rule.checked.node)}
        self._places = {key: place for place, key in enumerate(tests)}
        inputs = [RuleInput(str(place), "syscall", node) for place, node in enumerate(tests.values())]
        self._program = compile_rules(inputs, fields, "all")

    def spared(self, known: Known, ancestors: tuple[str, ...]) -> set[str]:
        """Return the rules that cannot match a process below these ancestors, whatever its other fields are."""
        made = event("execve", process("x", parents=ancestors, **known))
        true = {place for _, place in self._program.evaluate([made])}
        return {rule.name for rule in self.rules if self._value(rule.checked.node, true) is False}

    def _value(self, root: Node, true: Set[int]) -> bool | None:
        """Return the value of a condition by Kleene's logic: None if it depends on unknown fields."""

        def visit(node: Node, inner: list[bool | None]) -> bool | None:
            if isinstance(node, Not):
                return None if inner[0] is None else not inner[0]
            if isinstance(node, And | Or):
                decisive = isinstance(node, Or)
                return decisive if decisive in inner else None if None in inner else not decisive
            return self._places[id(node)] in true if id(node) in self._places else None

        return bottom_up(root, visit)


def _tests(root: Node) -> list[Test]:
    found: list[Test] = []

    def visit(node: Node, _: list[None]) -> None:
        if isinstance(node, Test) and isinstance(node.left, FieldRef) and node.left.name in _KNOWN:
            found.append(node)

    bottom_up(root, visit)
    return found


@pytest.fixture(scope="module")
def tests() -> KnownTests:
    return KnownTests()


@pytest.mark.parametrize(("known", "ancestors"), CHAINS, ids=["-".join(chain) for _, chain in CHAINS])
def test_what_is_an_ancestor_of_everything_spares_from_no_rule(
    known: Known, ancestors: tuple[str, ...], tests: KnownTests
) -> None:
    elsewhere = tuple(name if name in ("sh", "bash") else "x" for name in ancestors)

    assert set() == tests.spared(known, ancestors) - tests.spared(known, elsewhere)
