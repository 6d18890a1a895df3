"""Measurements of docs/operate/privileges.md: with the capabilities of a row things work, with one less they fail as
the row says.
"""

import json
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from mozu.core.api.declarations import ComponentDeclaration
from mozu.core.common.linux_capabilities import NUMBERS
from mozu.core.runtime.builtin_plugins import BUILTINS
from mozu.core.runtime.registry import Registry
from mozu.core.state.procfs import PROC_PRIVILEGES
from tests.support.requirements import ROOT, ebpf
from tests.support.tracing import ORDINARY_UID, environment, ordinary, place

EBPF: Final = ("CAP_BPF", "CAP_PERFMON", "CAP_DAC_READ_SEARCH")
FEW: Final = "enrichers: []\nsinks: [stdout: {format: json}]\nevaluators: [falco: {rules: [rules.yaml]}]\n"
RULES: Final = """
- rule: Opened
  desc: A program that ran before mozu, and is root's, opens a file.
  condition: evt.type in (open, openat) and fd.name = /etc/hostname and proc.name = sh
  output: opened (exe=%proc.exepath)
  priority: NOTICE
"""
UNCHECKED: Final = """
import sys
from mozu.plugins.sources.ebpf import checks
checks.check_capabilities = lambda *found: None
from mozu.core.cli import main
sys.argv[0] = "mozu"
main()
"""
"""Wrapper that starts mozu so that only the kernel refuses."""


def run(folder: Path, capabilities: tuple[str, ...], *program: str) -> "subprocess.CompletedProcess[str]":
    """Run a Python program to its end as an ordinary user with these capabilities."""
    _, interpreter = ordinary()
    env = environment(folder)
    env["PYTHONPATH"] += f":{ROOT}"
    line = [interpreter, "-m", "tests.support.capabilities", str(ORDINARY_UID), ",".join(capabilities), interpreter]
    return subprocess.run(
        [*line, *program], cwd=folder, env=env, capture_output=True, text=True, timeout=150, check=False
    )


def mozu(folder: Path, capabilities: tuple[str, ...], sources: str, *options: str, code: str = "") -> str:
    """Return the output of a short run: alerts, log, and `ended with N`."""
    (folder / "mozu.yaml").write_text(f"{FEW}sources: [{sources}]\nstate_dir: {folder}/state\n")
    start = ("-c", code) if code else ("-m", "mozu")
    done = run(folder, capabilities, *start, "run", "-c", "mozu.yaml", "--duration", "2", *options)
    return f"{done.stdout}{done.stderr}ended with {done.returncode}"


def answer(folder: Path, capabilities: tuple[str, ...], code: str) -> str:
    """Return the output of a line of Python, or the name of its exception."""
    done = run(folder, capabilities, "-c", code)
    return done.stdout.strip() or done.stderr.strip().rpartition("\n")[2].partition(":")[0]


# --- measurements: (folder, capabilities) → text


def kernel_takes_programs(folder: Path, capabilities: tuple[str, ...]) -> str:
    return mozu(folder, capabilities, "ebpf", code=UNCHECKED).rpartition("\n")[2]


def program_that_ran_before(folder: Path, capabilities: tuple[str, ...]) -> str:
    """Start a loop of root's program, so that its opens come after mozu's start; return whether its path is known."""
    with subprocess.Popen(["sh", "-c", "while :; do read x < /etc/hostname; sleep 0.2; done"]) as busy:
        try:
            found = mozu(folder, (*EBPF, *capabilities), "ebpf")
        finally:
            busy.kill()
    return "known" if "(exe=/" in found else "not known" if "opened" in found else found


def root_process_is_followed(folder: Path, capabilities: tuple[str, ...]) -> str:
    _, interpreter = ordinary()
    script = '"$@" & while kill -0 $!; do sleep 0.1; done'
    own = ["unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", script, "sh"]
    (folder / "mozu.yaml").write_text(f"{FEW}sources: [ptrace]\nstate_dir: {folder}/state\n")
    env = environment(folder)
    env["PYTHONPATH"] += f":{ROOT}"
    line = [interpreter, "-m", "tests.support.capabilities", str(ORDINARY_UID), ",".join(capabilities), interpreter]
    done = subprocess.run(
        [*own, *line, "-m", "mozu", "run", "-c", "mozu.yaml", "--duration", "2"], cwd=folder, env=env,
        capture_output=True, text=True, timeout=150, check=False,
    )  # fmt: skip
    return "refused" if "may be traced" in done.stderr else "followed" if "follows" in done.stderr else done.stderr


def new_privileges(folder: Path, capabilities: tuple[str, ...]) -> str:
    found = mozu(folder, capabilities, "ptrace: {command: [grep, NoNewPrivs, /proc/self/status]}")
    return next(line for line in found.splitlines() if line.startswith("NoNewPrivs"))


def container_root(folder: Path, capabilities: tuple[str, ...]) -> str:
    with subprocess.Popen(["sleep", "600"]) as process:
        code = (
            "from mozu.plugins.enrichers.users.roots import of_container\n"
            f"with of_container(':', [{process.pid}]) as found: print('opened')"
        )
        try:
            return answer(folder, capabilities, code)
        finally:
            process.kill()


def engine_socket(folder: Path, capabilities: tuple[str, ...]) -> str:
    path = folder / "engine.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o660)
        listener.listen()
        code = f"import socket\nsocket.socket(socket.AF_UNIX).connect({str(path)!r})\nprint('connected')"
        found = answer(folder, capabilities, code)
    path.unlink()
    return found


def engine_files(folder: Path, capabilities: tuple[str, ...]) -> str:
    (folder / "data" / "containers").mkdir(parents=True, exist_ok=True)
    (folder / "data" / "containers").chmod(0o700)
    code = (
        "from pathlib import Path\nfrom mozu.plugins.enrichers.containers.docker.files import EngineFiles\n"
        f"print(EngineFiles(Path({str(folder / 'data')!r})).readable())"
    )
    return answer(folder, capabilities, code)


def task_files(folder: Path, capabilities: tuple[str, ...]) -> str:
    bundle = folder / "state" / "io.containerd.runtime.v2.task" / "default" / "web1"
    bundle.mkdir(parents=True, exist_ok=True)
    (bundle / "config.json").write_text("{}")
    bundle.parent.chmod(0o700)
    code = (
        "from pathlib import Path\nfrom mozu.plugins.enrichers.containers.containerd.files import StateFiles\n"
        f"print(StateFiles(Path({str(folder / 'state')!r})).bundle('web1') is not None)"
    )
    return answer(folder, capabilities, code)


def storage_files(folder: Path, capabilities: tuple[str, ...]) -> str:
    containers = folder / "storage" / "overlay-containers"
    containers.mkdir(parents=True, exist_ok=True)
    (containers / "containers.json").write_text(f'[{{"id": "{"a" * 64}"}}]')
    containers.chmod(0o700)
    code = (
        "from mozu.plugins.enrichers.containers.podman.files import AllStorage\n"
        f"found = AllStorage([{str(folder / 'storage')!r}])\n"
        "(place,) = found.roots()\n"  # below a folder that all may write: storage names its own user's containers alone
        "print(found.find('a' * 64, place.owner()) is not None)"
    )
    return answer(folder, capabilities, code)


def low_port(folder: Path, capabilities: tuple[str, ...], source: str = "falco_http") -> str:
    (folder / "rules.yaml").write_text("[]\n")
    return mozu(folder, capabilities, f"{source}: {{listen: '127.0.0.1:81', token: none}}").rpartition("\n")[2]


def low_port_for_api_server(folder: Path, capabilities: tuple[str, ...]) -> str:
    return low_port(folder, capabilities, "k8s_audit")


class Case(NamedTuple):
    """Row of the table."""

    plugin: str
    """Kind and name of the plugin, or `the state`."""
    settings: dict[str, object]
    measure: Callable[[Path, tuple[str, ...]], str]
    capabilities: tuple[str, ...]
    """Capabilities of the plugin with these settings; each is removed once."""
    works: str
    fails: Mapping[str, str]
    """Capability that is removed → measurement without it."""


CASES: Final = (
    Case("source ebpf", {}, kernel_takes_programs, EBPF, "ended with 0", dict.fromkeys(EBPF, "ended with 1")),
    Case("the state", {}, program_that_ran_before, ("CAP_SYS_PTRACE",), "known", {"CAP_SYS_PTRACE": "not known"}),
    Case("source ptrace", {}, root_process_is_followed, ("CAP_SYS_PTRACE",), "followed", {"CAP_SYS_PTRACE": "refused"}),
    Case(
        "source ptrace", {"command": ["true"]}, new_privileges, ("CAP_SYS_ADMIN",), "NoNewPrivs:\t0",
        {"CAP_SYS_ADMIN": "NoNewPrivs:\t1"},
    ),
    Case(
        "enricher users", {}, container_root, ("CAP_SYS_PTRACE",), "opened", {"CAP_SYS_PTRACE": "PermissionError"},
    ),
    Case(
        "enricher docker", {}, engine_socket, ("CAP_DAC_OVERRIDE",), "connected",
        {"CAP_DAC_OVERRIDE": "PermissionError"},
    ),
    Case(
        "enricher docker", {}, engine_files, ("CAP_DAC_READ_SEARCH",), "True", {"CAP_DAC_READ_SEARCH": "False"},
    ),
    Case(
        "enricher containerd", {}, engine_socket, ("CAP_DAC_OVERRIDE",), "connected",
        {"CAP_DAC_OVERRIDE": "PermissionError"},
    ),
    Case(
        "enricher containerd", {}, task_files, ("CAP_DAC_READ_SEARCH",), "True", {"CAP_DAC_READ_SEARCH": "False"},
    ),
    Case(
        "enricher cri", {}, engine_socket, ("CAP_DAC_OVERRIDE",), "connected", {"CAP_DAC_OVERRIDE": "PermissionError"},
    ),
    Case(
        "enricher containers", {}, engine_socket, ("CAP_DAC_OVERRIDE",), "connected",
        {"CAP_DAC_OVERRIDE": "PermissionError"},
    ),
    Case(
        "enricher containers", {}, task_files, ("CAP_DAC_READ_SEARCH",), "True", {"CAP_DAC_READ_SEARCH": "False"},
    ),
    Case(
        "enricher podman", {}, storage_files, ("CAP_DAC_READ_SEARCH",), "True", {"CAP_DAC_READ_SEARCH": "False"},
    ),
    Case(
        "source falco_http", {"listen": "127.0.0.1:81", "token": "none"}, low_port, ("CAP_NET_BIND_SERVICE",),
        "ended with 0", {"CAP_NET_BIND_SERVICE": "ended with 1"},
    ),
    Case(
        "source k8s_audit", {"listen": "127.0.0.1:81", "token": "none"}, low_port_for_api_server,
        ("CAP_NET_BIND_SERVICE",), "ended with 0", {"CAP_NET_BIND_SERVICE": "ended with 1"},
    ),
)  # fmt: skip


def said_of_containers(folder: Path, capabilities: tuple[str, ...]) -> str:
    """Return the reported obstacles to reading runtimes whose sockets are not there."""
    task_files(folder, ())
    storage_files(folder, ())
    engine_files(folder, ())
    database = folder / "root" / "io.containerd.metadata.v1.bolt"
    database.mkdir(parents=True)
    (database / "meta.db").touch()
    for path in (folder / "storage", folder / "state" / "io.containerd.runtime.v2.task", database, folder / "data"):
        path.chmod(0o700)
    none = str(folder / "none.sock")
    settings = {
        "docker": {"socket": none, "data_root": str(folder / "data")},
        "containerd": {"socket": none, "state": str(folder / "state"), "root": str(folder / "root")},
        "cri": {"sockets": [none]},
        "podman": {"storage": [str(folder / "storage")]},
    }
    (folder / "mozu.yaml").write_text(
        f"{FEW.replace('[]', json.dumps([{'containers': settings}]), 1)}sources: [ptrace]\n"
    )
    done = run(folder, capabilities, "-m", "mozu", "check", "-c", "mozu.yaml")
    return done.stdout + done.stderr


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a directory with rules, to which every user may write."""
    ebpf()
    with place() as found:
        found.chmod(0o777)
        (found / "rules.yaml").write_text(RULES)
        yield found


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.plugin} {case.measure.__name__}")
def test_with_all_of_its_capabilities_it_works(folder: Path, case: Case) -> None:
    assert case.works == case.measure(folder, case.capabilities)


@pytest.mark.parametrize(
    ("case", "less"),
    [(case, less) for case in CASES for less in case.fails],
    ids=lambda value: value if isinstance(value, str) else f"{value.plugin} {value.measure.__name__}",
)
def test_with_one_less_it_fails_as_the_table_says(folder: Path, case: Case, less: str) -> None:
    left = tuple(name for name in case.capabilities if name != less)

    assert case.fails[less] == case.measure(folder, left)


def test_files_that_a_capability_lets_mozu_read_are_not_said_to_be_in_its_way(folder: Path) -> None:
    """access(2) would answer for the real user, without capabilities."""
    assert "CAP_DAC_READ_SEARCH" not in said_of_containers(folder, ("CAP_DAC_READ_SEARCH",))


def test_files_that_nothing_lets_mozu_read_are_said_to_be_in_its_way(folder: Path) -> None:
    assert 3 == said_of_containers(folder, ()).count("mozu needs CAP_DAC_READ_SEARCH")


def test_every_capability_that_is_declared_is_measured() -> None:
    registry = Registry()
    declared = {("the state", one.capability) for one in PROC_PRIVILEGES}
    settings: dict[str, list[dict[str, object]]] = {}
    for case in CASES:
        settings.setdefault(case.plugin, []).append(case.settings)
    for kind, table in BUILTINS.items():
        for name in table:
            found = registry.plugin(kind, name).declaration
            if isinstance(found, ComponentDeclaration) and found.privileges is not None:
                for values in settings.get(f"{kind} {name}", [{}]):
                    model = found.settings.model_validate(values)
                    declared |= {(f"{kind} {name}", one.capability) for one in found.privileges(model)}

    assert declared == {(case.plugin, name) for case in CASES for name in case.fails}
    assert all(name in NUMBERS for _, name in declared)
