"""Files of containers that are reached by a link to their root: a rule knows where they really lie, whatever the
layers of the container are. Overlays have a file system of their own; with vfs (docker) and native (containerd) the
root of a container is a directory of the host's file system."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

import pytest

from tests.support.containerd import containerd_engine
from tests.support.docker import docker_engine
from tests.support.requirements import ebpf
from tests.support.running import Json, Running, mozu_run
from tests.support.stage import rules_amid_builds

pytestmark = [pytest.mark.ebpf, pytest.mark.docker, pytest.mark.timeout(300)]

WRITTEN: Final = {
    "Library preloaded into all programs": "/etc/ld.so.preload",
    "Log removed or emptied": "/var/log/x.log",
    "Security service configuration changed": "/etc/audit/rules.d/x.rules",
    "Static pod manifest written": "/etc/kubernetes/manifests/x.yaml",
    "User database written by an unexpected program": "/etc/passwd",
    "Scheduled job changed": "/etc/cron.d/x",
    "systemd service or timer changed": "/etc/systemd/system/x.service",
    "Shell start-up file changed": "/etc/profile.d/x.sh",
    "Desktop autostart entry changed": "/etc/xdg/autostart/x.desktop",
    "Boot configuration changed": "/etc/udev/rules.d/x.rules",
    "sudo rules changed": "/etc/sudoers.d/x",
    "Login modules changed": "/etc/pam.d/x",
    "SSH server configuration changed": "/etc/ssh/sshd_config",
    "System program written": "/usr/bin/x",
    "Python start-up hook changed": "/usr/lib/python3/site-packages/x.pth",
    "File below /etc written by an unexpected program": "/etc/x",
    "SSH login key added": "/root/.ssh/authorized_keys",
    "Package database written": "/var/lib/dpkg/status",
    "File among libraries or local programs written": "/usr/lib/x.so",
    "File below root's home written": "/root/x",
    "Hidden file or directory created in a world-writable directory": "/var/tmp/.x",
    "File created at the root of a container": "/x",
}
READ: Final = {
    "Password database read by an unexpected program": "/etc/shadow",
    "Private SSH key read by an unexpected program": "/root/.ssh/id_rsa",
    "Secret of a user or service read by an unexpected program": "/root/.aws/credentials",
    "Host private key read by an unexpected program": "/etc/ssl/private/x",
    "Service account token read by an unexpected program": "/run/secrets/kubernetes.io/serviceaccount/token",
    "Command history read by a tool": "/root/.bash_history",
}
LAYERS: Final = ("overlay2 of docker", "vfs of docker", "overlayfs of containerd", "native of containerd")
_MARK: Final = "reached-by-a-link"


def script(kind: str) -> str:
    """Return a script that does every write and read by a link to the root, in a shell that its last line
    identifies.
    """
    lines = ["/bin/ln -s / /tmp/link"]
    for path in (*WRITTEN.values(), *READ.values()):
        lines.append(f"/bin/mkdir -p {path.rpartition('/')[0] or '/'}; echo x > /tmp/link{path}")
    lines += [f"/bin/cat /tmp/link{path}" for path in READ.values()]
    return "\n".join([*lines, f": {_MARK} {kind}"])


def _run(kind: str) -> None:
    """Run the script in a container with such layers."""
    driver, _, runtime = kind.partition(" of ")
    command = ("/bin/sh", "-c", script(kind))
    if runtime == "docker":
        with contextmanager(docker_engine)(driver) as docker:
            docker.run(*command)
    else:
        with contextmanager(containerd_engine)(driver) as containerd:
            containerd.begin("box")
            containerd.ctr("tasks", "exec", "--exec-id", "x", "box", *command)


@pytest.fixture(scope="module")
def mozu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    ebpf()
    folder = tmp_path_factory.mktemp("mozu")
    options = [argument for path in rules_amid_builds(folder) for argument in ("-r", str(path))]
    for setting in ("level=paranoid", "rule_matching=all", "append_output=[{suggested_output: true}]"):
        options += ["-o", f"evaluators.falco.{setting}"]
    with mozu_run(folder, *options) as running:
        yield running
        running.stop()


@pytest.mark.parametrize("kind", LAYERS)
def test_a_link_to_the_root_hides_no_file(kind: str, mozu: Running) -> None:
    before = len(mozu.alerts)
    _run(kind)

    def is_of_it(alert: Json, rule: str) -> bool:
        fields = alert["output_fields"]
        lines = f"{fields.get('proc.cmdline')} {fields.get('proc.pcmdline')}"
        return alert["rule"] == rule and f"{_MARK} {kind}" in lines and fields["container.id"] != "host"

    for rule, path in (WRITTEN | READ).items():
        mozu.wait_alert(partial(is_of_it, rule=rule), f"{rule}: {path}", after=before)
