"""Falco's stable rules on live system calls of real containers: each alert is checked for process and container."""

import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.support.docker import IMAGE, DockerEngine, docker
from tests.support.requirements import corpus, ebpf
from tests.support.running import Json, Running, mozu_run

__all__ = ["docker"]

pytestmark = [pytest.mark.ebpf, pytest.mark.docker, pytest.mark.corpus, pytest.mark.timeout(180)]

REPOSITORY, TAG = IMAGE.rsplit(":", 1)


@pytest.fixture(scope="module")
def mozu(docker: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    ebpf()
    rules = corpus("falco-rules", "falco_rules.yaml")
    suggested = "evaluators.falco.append_output=[{suggested_output: true}]"
    socket = f"enrichers.docker.socket={docker.socket}"
    folder = tmp_path_factory.mktemp("mozu")
    with mozu_run(folder, "-r", str(rules), "-o", suggested, "-o", socket) as running:
        yield running
        running.stop()


def expect(mozu: Running, rule: str, process: str, container: str, act: Callable[[], object]) -> Json:
    """Do it; the alert of this rule by this process, whose container must be complete."""
    before = len(mozu.alerts)
    act()
    alert = mozu.wait_alert(
        lambda a: a["rule"] == rule and a["output_fields"]["proc.name"] == process, f"{rule} by {process}", after=before
    )
    fields = alert["output_fields"]
    assert 12 == len(fields["container.id"])
    assert (container, REPOSITORY, TAG) == (
        fields["container.name"],
        fields["container.image.repository"],
        fields["container.image.tag"],
    )
    return alert


def shell(docker: DockerEngine, name: str, script: str, *options: str) -> None:
    docker.run("sh", "-c", script, options=("--name", name, *options))


def test_a_terminal_shell(mozu: Running, docker: DockerEngine) -> None:
    expect(
        mozu,
        "Terminal shell in container",
        "sh",
        "terminal",
        lambda: docker.run("sh", "-c", "true", options=("--name", "terminal", "--tty")),
    )


def test_a_netcat_that_runs_a_program(mozu: Running, docker: DockerEngine) -> None:
    expect(
        mozu,
        "Netcat Remote Code Execution in Container",
        "nc",
        "netcat",
        lambda: shell(docker, "netcat", "/bin/nc -w 1 127.0.0.1 9 -e /bin/sh; true"),
    )


def test_log_files_that_are_emptied(mozu: Running, docker: DockerEngine) -> None:
    alert = expect(
        mozu,
        "Clear Log Activities",
        "sh",
        "logs",
        lambda: shell(docker, "logs", "mkdir -p /var/log; : > /var/log/syslog"),
    )
    assert "/var/log/syslog" == alert["output_fields"]["fd.name"]


def test_a_packet_socket(mozu: Running, docker: DockerEngine) -> None:
    expect(
        mozu,
        "Packet socket created in container",
        "arping",
        "packets",
        lambda: shell(docker, "packets", "/bin/arping -c 1 -w 1 -I lo 127.0.0.1; true"),
    )


def test_standard_streams_that_become_a_connection(mozu: Running, docker: DockerEngine) -> None:
    script = "/bin/nc -l -p 4444 -e true & sleep 1; /bin/nc 127.0.0.1 4444 -e cat & sleep 1; true"
    alert = expect(
        mozu,
        "Redirect STDOUT/STDIN to Network Connection in Container",
        "nc",
        "streams",
        lambda: shell(docker, "streams", script),
    )
    assert "127.0.0.1" in alert["output_fields"]["fd.name"]


def test_a_release_agent(mozu: Running, docker: DockerEngine) -> None:
    expect(
        mozu,
        "Detect release_agent File Container Escapes",
        "sh",
        "escape",
        lambda: shell(docker, "escape", "echo x > /tmp/release_agent", "--cap-add", "SYS_ADMIN"),
    )


def test_a_program_that_was_not_in_the_image(mozu: Running, docker: DockerEngine) -> None:
    expect(
        mozu,
        "Drop and execute new binary in container",
        "dropped",
        "dropper",
        lambda: shell(docker, "dropper", "/bin/cp /bin/busybox /bin/dropped; /bin/dropped true; true"),
    )  # fmt: skip


def test_starting_a_container_alone_raises_nothing(mozu: Running, docker: DockerEngine) -> None:
    before = len(mozu.alerts)
    docker.run("true", options=("--name", "quiet"))
    subprocess.run(["cat", "/etc/shadow"], stdout=subprocess.DEVNULL, check=True)
    end = mozu.wait_alert(
        lambda alert: alert["output_fields"].get("proc.cmdline") == "cat /etc/shadow", "the marker", after=before
    )
    assert [] == [alert["output"] for alert in mozu.alerts[before : mozu.alerts.index(end)]]
