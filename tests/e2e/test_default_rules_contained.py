"""Acts that raise mozu's own rules on the host raise them in a container, too: every act of the host, done again in a
container that has the host's programs.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

import pytest

from tests.support.docker import DockerEngine, docker
from tests.support.requirements import ebpf
from tests.support.running import Json, Running, mozu_run
from tests.support.stage import Stage, rules_amid_builds, stage
from tests.support.triggers import kernel_lacks
from tests.support.triggers.own import HOST
from tests.support.triggers.ways import BOX

__all__ = ["docker", "stage"]

pytestmark = [pytest.mark.ebpf, pytest.mark.docker, pytest.mark.timeout(300)]
OF_THE_HOST: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Editor wrote below root's home": "people edit on the host; File below root's home written",
        "Kernel helper program set on the host": "Kernel helper program set from a container",
        "Host stopped by hand": "a container has no machine to stop",
        "Namespace of another process entered on the host": "Namespace entered from a container",
        "Kernel protection changed": "the engine mounts /proc/sys so that nothing in it can be written",
        "Secrets mounted elsewhere": "File system mounted in a container",
        "System directory covered by a mount": "File system mounted in a container",
        "Text decoded on the host": "Text decoded in a container",
    }
)
"""Rule whose act is possible on the host alone → its counterpart for containers, or the reason."""
ACTS: Final = [trigger for trigger in HOST if trigger.rule not in OF_THE_HOST and not kernel_lacks(trigger.call)]
_BOX: Final = "contained"
_PREPARED: Final = (
    "mkdir -p /boot /var/log /var/lib /var/mail; ln -s busybox /bin/login; "
    "echo 'daemon:x:1:1::/:/bin/sh' >> /etc/passwd; echo 'root:*:1::::::' > /etc/shadow; "
    "for address in 203.0.113.1 169.254.169.254; do ip addr add $address/32 dev lo; done; ip link set lo up"
)
_LISTENS: Final = "import socket, time; s = socket.create_server(('203.0.113.1', 443), backlog=64); time.sleep(3600)"
_SETTINGS: Final = ("level=paranoid", "rule_matching=all", "append_output=[{suggested_output: true}]")


@pytest.fixture(scope="module")
def mozu(docker: DockerEngine, stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Yield the run under which every act was done."""
    ebpf()
    folder, place = tmp_path_factory.mktemp("mozu"), stage.words["TMP"]
    options = [argument for path in rules_amid_builds(folder) for argument in ("-r", str(path))]
    options += [argument for setting in _SETTINGS for argument in ("-o", f"evaluators.falco.{setting}")]
    options += ["-o", f"enrichers.containers.docker.socket={docker.socket}"]
    options += ["-o", f"sources.syscalls.source.ebpf.ring_size={64 << 20}"]
    stage.words["NET"] = "env"  # the container has the addresses itself
    with mozu_run(folder, *options) as running:
        box = ("--name", _BOX, *BOX, "--volume", f"{place}:{place}", "--env", "PATH=/usr/bin:/usr/sbin:/bin")
        docker.begin("sleep", "1000", options=box)
        docker.docker("exec", _BOX, "sh", "-c", _PREPARED)
        docker.docker("exec", "--detach", _BOX, os.path.realpath(sys.executable), "-c", _LISTENS)
        for trigger in ACTS:
            quiet = '"$@" < /dev/null > /dev/null 2>&1; true'
            docker.docker("exec", _BOX, "sh", "-c", quiet, "act", *stage.command(trigger))
        yield running
        running.stop()
        docker.remove(_BOX)


@pytest.mark.parametrize("rule", sorted({trigger.rule for trigger in ACTS}))
def test_the_act_of_the_host_raises_the_same_rule_in_a_container(rule: str, mozu: Running) -> None:
    mozu.wait_alert(partial(_is_of, rule), f"{rule} in a container")


def test_nothing_was_lost(mozu: Running) -> None:
    assert mozu.process.poll() is None
    assert [] == [alert for alert in mozu.alerts if alert["rule"] == "Events lost"]


def test_what_is_left_out_are_rules_with_an_act_on_the_host() -> None:
    assert OF_THE_HOST.keys() - {trigger.rule for trigger in HOST} == set()


def _is_of(rule: str, alert: Json) -> bool:
    return (alert["rule"], alert["output_fields"].get("container.name")) == (rule, _BOX)
