"""Falco's rules about images, privileges, mounts and pods are raised by real containers of every runtime."""

from collections.abc import Callable, Iterator
from typing import Final

import pytest

from tests.e2e.test_every_rule import FILES, FILLED
from tests.support.containerd import Containerd, containerd
from tests.support.cri import Pods, pods
from tests.support.docker import IMAGE, DockerEngine, docker
from tests.support.podman import Podman, podman
from tests.support.requirements import corpus, ebpf
from tests.support.running import Running, mozu_run

__all__ = ["containerd", "docker", "podman", "pods"]

pytestmark = [pytest.mark.ebpf, pytest.mark.docker, pytest.mark.corpus, pytest.mark.timeout(300)]

REPOSITORY: Final = IMAGE.rsplit(":", 1)[0]
EXCEPTED: Final = f"""
- list: user_known_k8s_ns_kube_system_images
  items: [{REPOSITORY}]
  override: {{items: replace}}
"""
APPENDED: Final = "append_output=[{suggested_output: true, extra_fields: [container.image.tag, k8s.ns.name]}]"
RULES: Final = {
    "plain": "Launch Disallowed Container",
    "privileged": "Launch Privileged Container",
    "mount": "Launch Sensitive Mount Container",
}
"""Kind of container → the rule that it raises."""


@pytest.fixture(scope="module")
def mozu(
    docker: DockerEngine,
    containerd: Containerd,
    podman: Podman,
    pods: Pods,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Running]:
    """Yield a run that watches all runtimes."""
    ebpf()
    folder = tmp_path_factory.mktemp("mozu")
    filled = folder / "filled.yaml"
    filled.write_text(FILLED + EXCEPTED)
    rules = [argument for name in FILES for argument in ("-r", str(corpus("falco-rules", name)))]
    settings = ('selection=[{enable: {rule: "*"}}]', "rule_matching=all", APPENDED)
    options = [argument for setting in settings for argument in ("-o", f"evaluators.falco.{setting}")]
    options += ["-o", f"sources.syscalls.source.ebpf.ring_size={64 << 20}"]
    server = pods.server
    enrichers = (
        f"docker: {{socket: {docker.socket}, data_root: {docker.data_root}}}",
        f"podman: {{storage: [{podman.storage}]}}",
        f"{{containerd: {{id: plain, socket: {containerd.socket}, state: {containerd.state},"
        f" root: {containerd.root / 'root'}}}}}",
        f"containers: {{docker: null, podman: null, cri: {{sockets: [{server.socket}]}},"
        f" containerd: {{socket: {server.socket}, state: {server.state}, root: {server.root / 'root'}}}}}",
    )
    options += ["-o", f"enrichers=[{', '.join(enrichers)}]"]
    with mozu_run(folder, *rules, "-r", str(filled), *options) as running:
        yield running
        running.stop()


def raised(mozu: Running, begin: Callable[[str, str], None], runtime: str) -> None:
    """Begin a container of each kind; its rule is raised with the container's name and image."""
    repository, tag = IMAGE.rsplit(":", 1)
    for kind, rule in RULES.items():
        name, before = f"{runtime}-{kind}", len(mozu.alerts)
        begin(name, kind)
        reported = {"container.name": name, "container.image.repository": repository, "container.image.tag": tag}
        mozu.wait_alert(
            lambda alert, rule=rule, reported=reported: (
                alert["rule"] == rule  # type: ignore[misc]  # bound in a loop
                and reported.items() <= alert["output_fields"].items()
            ),
            f"{rule} by {name}",
            after=before,
        )


def test_of_docker(mozu: Running, docker: DockerEngine) -> None:
    options = {"privileged": ("--privileged", "--runtime", "bounded"), "mount": ("--volume", "/etc:/host:ro")}
    made = []

    def begin(name: str, kind: str) -> None:
        made.append(docker.begin(options=("--name", name, *options.get(kind, ()))))

    raised(mozu, begin, "docker")
    docker.remove(*made)


def test_of_containerd(mozu: Running, containerd: Containerd) -> None:
    options = {"privileged": ("--privileged",), "mount": ("--mount", "type=bind,src=/etc,dst=/host,options=rbind:ro")}
    raised(mozu, lambda name, kind: containerd.begin(name, *options.get(kind, ())), "ctr")
    for kind in RULES:
        containerd.remove(f"ctr-{kind}")


def test_of_podman(mozu: Running, podman: Podman) -> None:
    options = {"privileged": ("--privileged", "--cap-drop", "SYS_RESOURCE"), "mount": ("--volume", "/etc:/host:ro")}
    made = []

    def begin(name: str, kind: str) -> None:
        made.append(podman.begin("--name", name, *options.get(kind, ())))

    raised(mozu, begin, "podman")
    podman.remove(*made)


def test_of_pods(mozu: Running, pods: Pods) -> None:
    sandboxes = []

    def begin(name: str, kind: str) -> None:
        sandbox = pods.pod(f"pod-of-{name}", privileged=kind == "privileged")
        sandboxes.append(sandbox)
        pods.container(
            sandbox, name, privileged=kind == "privileged", mounts={"/etc": "/host"} if kind == "mount" else {}
        )

    raised(mozu, begin, "cri")
    pods.remove(*sandboxes)


def test_a_rule_that_excepts_a_namespace_is_raised_in_the_others_only(mozu: Running, pods: Pods) -> None:
    """Client tools of Kubernetes may run in kube-system, which the rule excepts."""
    rule = "Kubernetes Client Tool Launched in Container"
    command = ("/bin/sh", "-c", "/bin/ln -s busybox /bin/kubectl; /bin/kubectl get pods; sleep 1000")
    before = len(mozu.alerts)
    sandboxes = [pods.pod(f"client-{namespace}", namespace=namespace) for namespace in ("kube-system", "shop")]
    for sandbox, name in zip(sandboxes, ("excepted", "seen"), strict=True):
        pods.container(sandbox, name, *command)
    found = mozu.wait_alert(
        lambda alert: alert["rule"] == rule and alert["output_fields"]["container.name"] == "seen", rule, after=before
    )
    pods.remove(*sandboxes)
    assert found["output_fields"]["k8s.ns.name"] == "shop"
    names = [alert["output_fields"]["container.name"] for alert in mozu.alerts[before:] if alert["rule"] == rule]
    assert names == ["seen"]
