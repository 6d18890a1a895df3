"""Each of mozu's own rules on an event that it is for, and on a neighbour that it must leave alone."""

from collections.abc import Callable

import pytest

from mozu.core.api import Event, SyscallEvent
from mozu.core.language.rules import load
from mozu.core.model.fields.registry import FieldRegistry
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.rules.falco.settings import PACKS, FalcoSettings
from tests.plugins.rules.making import (
    CONTAINER,
    connected,
    context,
    event,
    executed,
    opened,
    process,
    unix_connected,
)

WRITE = ("O_WRONLY", "O_CREAT", "O_TRUNC")
AWAY = bytes((203, 0, 113, 9))


def _exec(name: str, *args: str, parents: tuple[str, ...] = ("bash",), **more: object) -> SyscallEvent:
    return executed(process(name, *args, parents=parents, **more))


CASES: dict[str, tuple[list[Callable[[], Event]], list[Callable[[], Event]]]] = {
    "File created at the root of a container": (
        [lambda: opened(process("touch", "/unchi", container=CONTAINER), "/unchi", *WRITE)],
        [
            lambda: opened(process("touch", "/unchi"), "/unchi", *WRITE),
            lambda: opened(process("touch", container=CONTAINER), "/srv/unchi", *WRITE),
            lambda: opened(process("cat", container=CONTAINER), "/unchi", "O_RDONLY"),
            lambda: opened(process("runc:[2:INIT]", container=CONTAINER), "/.x", *WRITE),
            lambda: opened(process("touch", container=CONTAINER), "/unchi", *WRITE, fd=-13),
        ],
    ),
    "Package manager run in a container": (
        [
            lambda: _exec("apk", "add", "curl", container=CONTAINER),
            lambda: _exec("pip", "/usr/bin/pip", "install", "x", container=CONTAINER),
        ],
        [
            lambda: _exec("apt-get", "update"),
            lambda: _exec("dpkg", "-i", "x.deb", parents=("apt-get",), container=CONTAINER),
            lambda: _exec("npm", "start", container=CONTAINER),
        ],
    ),
    "Container reached the engine that runs it": (
        [lambda: unix_connected(process("curl", container=CONTAINER), "/var/run/docker.sock")],
        [
            lambda: unix_connected(process("curl"), "/var/run/docker.sock"),
            lambda: unix_connected(process("curl", container=CONTAINER), "/run/app.sock"),
        ],
    ),
    "Password database read by an unexpected program": (
        [lambda: opened(process("cat", "/etc/shadow", parents=("bash",)), "/etc/shadow", "O_RDONLY")],
        [
            lambda: opened(process("sshd"), "/etc/shadow", "O_RDONLY"),
            lambda: opened(process("(systemd)"), "/etc/shadow", "O_RDONLY"),
            lambda: opened(process("perl", parents=("sh", "dpkg")), "/etc/shadow", "O_RDONLY"),
            lambda: opened(process("cat"), "/etc/passwd", "O_RDONLY"),
            lambda: opened(process("cat"), "/etc/shadow", "O_RDONLY", fd=-13),
        ],
    ),
    "Private SSH key read by an unexpected program": (
        [
            lambda: opened(process("cat"), "/home/ann/.ssh/id_ed25519", "O_RDONLY"),
            lambda: opened(process("tar"), "/etc/ssh/ssh_host_ed25519_key", "O_RDONLY"),
        ],
        [
            lambda: opened(process("ssh"), "/home/ann/.ssh/id_ed25519", "O_RDONLY"),
            lambda: opened(process("cat"), "/home/ann/.ssh/id_ed25519.pub", "O_RDONLY"),
            lambda: opened(process("cat"), "/home/ann/.ssh/config", "O_RDONLY"),
        ],
    ),
    "Shell started by a network server": (
        [lambda: _exec("sh", "-c", "id", parents=("nginx",))],
        [
            lambda: _exec("sh", "-c", "id", parents=("make",)),
            lambda: _exec("sh", "-c", "cp pg_wal/1 /archive/1", parents=("postgres",)),
            lambda: _exec("logger", "x", parents=("nginx",)),
        ],
    ),
    "Shell without a script started by an interpreter": (
        [
            lambda: _exec("bash", "-i", parents=("python3",)),
            lambda: _exec("sh", parents=("python3.11",)),
        ],
        [
            lambda: _exec("sh", "-c", "uname", parents=("python3",)),
            lambda: _exec("bash", "-i", parents=("sshd",)),
        ],
    ),
    "Program run from memory": (
        [
            lambda: _exec("x", exepath="/dev/shm/x"),
            lambda: _exec("3", exepath="/memfd:x (deleted)", exe_flags=4),
        ],
        [
            lambda: _exec("x", exepath="/usr/bin/x"),
            lambda: _exec("runc:[2:INIT]", exepath="/memfd:runc_cloned:/proc/self/exe (deleted)", exe_flags=4),
        ],
    ),
    "Program run from a temporary directory": (
        [lambda: _exec("x", exepath="/tmp/x")],
        [
            lambda: _exec("conftest", exepath="/tmp/b/conftest", parents=("sh", "configure", "make")),
            lambda: _exec("x", exepath="/opt/tmp/x"),
        ],
    ),
    "Interpreter or shell made itself root": (
        [lambda: event("setuid", process("python3", parents=("bash", "tmux"), loginuid=1000), res=0, uid=0)],
        [
            lambda: event("setuid", process("python3", parents=("sudo", "bash"), loginuid=1000), res=0, uid=0),
            lambda: event("setuid", process("python3", parents=("bash",), loginuid=-1), res=0, uid=0),
            lambda: event("setuid", process("sudo", parents=("bash",), loginuid=1000), res=0, uid=0),
            lambda: event("setuid", process("python3", parents=("bash",), loginuid=1000), res=0, uid=1000),
            lambda: event("setuid", process("python3", parents=("bash",), loginuid=1000), res=-1, uid=0),
        ],
    ),
    "Hidden directory in a public place entered": (
        [lambda: event("chdir", process("bash", cwd="/tmp/.x/"), res=0, path="/tmp/.x")],
        [
            lambda: event("chdir", process("bash", cwd="/tmp/x/"), res=0, path="/tmp/x"),
            lambda: event("chdir", process("bash", cwd="/home/ann/.config/"), res=0, path="/home/ann/.config"),
        ],
    ),
    "Editor wrote below root's home": (
        [lambda: opened(process("vim", "/root/.bashrc"), "/root/.bashrc", *WRITE)],
        [
            lambda: opened(process("vim"), "/root/.bashrc", "O_RDONLY"),
            lambda: opened(process("vim"), "/root/.bashrc.swp", *WRITE),
            lambda: opened(process("vim"), "/root/.viminfo", *WRITE),
            lambda: opened(process("bash"), "/root/.bash_history", *WRITE),
            lambda: opened(process("vim", container=CONTAINER), "/root/.bashrc", *WRITE),
        ],
    ),
    "File below etc written by an unexpected program": (
        [lambda: opened(process("tee", "/etc/cron.d/x"), "/etc/cron.d/x", *WRITE)],
        [
            lambda: opened(process("dpkg"), "/etc/cron.d/x", *WRITE),
            lambda: opened(process("sed", parents=("sh", "dpkg")), "/etc/x.conf", *WRITE),
            lambda: opened(process("useradd"), "/etc/passwd-", *WRITE),
            lambda: opened(process("systemd-resolve"), "/etc/resolv.conf", *WRITE),
            lambda: opened(process("cat"), "/etc/x.conf", "O_RDONLY"),
        ],
    ),
    "SSH login key planted": (
        [lambda: opened(process("bash"), "/home/ann/.ssh/authorized_keys", *WRITE)],
        [
            lambda: opened(process("sshd"), "/home/ann/.ssh/authorized_keys", *WRITE),
            lambda: opened(process("cat"), "/home/ann/.ssh/authorized_keys", "O_RDONLY"),
        ],
    ),
    "Shell or netcat connected out": (
        [
            lambda: connected(process("bash", "-i"), AWAY, 4444),
            lambda: connected(process("nc", "203.0.113.9", "4444"), AWAY, 4444, res=-115),
        ],
        [
            lambda: connected(process("curl"), AWAY, 443),
            lambda: connected(process("bash"), bytes((127, 0, 0, 1)), 8080),
            lambda: connected(process("bash"), AWAY, 53, proto="udp"),
            lambda: connected(process("bash"), AWAY, 4444, res=-111),
        ],
    ),
}


@pytest.fixture(scope="module")
def evaluator() -> FalcoEvaluator:
    return FalcoEvaluator(FalcoSettings(rules=(PACKS,), rule_matching="all"), context())


def test_every_rule_has_its_cases(evaluator: FalcoEvaluator) -> None:
    assert {rule.name for rule in evaluator.rules} == set(CASES)


@pytest.mark.parametrize("rule", CASES)
def test_the_rule_fires_on_what_it_is_for(evaluator: FalcoEvaluator, rule: str) -> None:
    hits, _ = CASES[rule]

    fired = [[alert.rule for alert in evaluator.evaluate([hit()])] for hit in hits]

    assert [[rule]] * len(hits) == fired


@pytest.mark.parametrize("rule", CASES)
def test_the_rule_leaves_its_neighbours_alone(evaluator: FalcoEvaluator, rule: str) -> None:
    _, misses = CASES[rule]

    fired = [alert.rule for miss in misses for alert in evaluator.evaluate([miss()]) if alert.rule == rule]

    assert [] == fired


def test_every_rule_carries_a_tactic_and_a_technique_of_mitre(evaluator: FalcoEvaluator) -> None:
    plain = [
        rule.name
        for rule in evaluator.rules
        if not any(tag.startswith("mitre_") for tag in rule.tags) or not any(tag[:1] == "T" for tag in rule.tags)
    ]

    assert [] == plain


def test_every_output_names_the_container(evaluator: FalcoEvaluator) -> None:
    wanted = ("container_id=%container.id", "container_name=%container.name", "image=%container.image.repository")

    silent = [rule.name for rule in evaluator.rules if not all(part in rule.output_text for part in wanted)]

    assert [] == silent


def test_the_packs_load_without_a_warning() -> None:
    fields: FieldRegistry = context().fields

    assert [] == list(load([PACKS], fields).report.problems())
