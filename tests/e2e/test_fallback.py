"""Without eBPF, `syscalls` watches by ptrace: an alert about a child process each time."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.docker import DockerEngine, docker
from tests.support.own_namespace import CONFIG, OWN_NAMESPACE, RULES, Run, command, finished
from tests.support.requirements import ROOT, ebpf, root
from tests.support.tracing import ORDINARY_UID, environment, ordinary, place

__all__ = ["docker"]

HIDE_BTF: Final = "mount -t tmpfs none /sys/kernel/btf && "


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a directory with rules and a configuration, to which every user may write."""
    root("a pid namespace")
    with place() as found:
        found.chmod(0o777)
        (found / "rules.yaml").write_text(RULES)
        (found / "mozu.yaml").write_text(CONFIG)
        yield found


def check(run: Run, reason: str) -> None:
    """Check that a child process was seen by ptrace, and that every output states the reason."""
    assert 0 == run.code, run.log
    assert ["sh"] == [fields["proc.pname"] for fields in run.of("A child process")]
    (fallback,) = run.of("Source fallback")
    assert ("ptrace", "syscalls", True) == (fallback["plugin"], fallback["evt_source"], reason in fallback["reason"])
    assert "requests of io_uring" in fallback["not_seen"]
    (line,) = [one for one in run.log.splitlines() if one.startswith("mozu: warning: source syscalls: ")]
    assert f"ebpf cannot start ({reason}" in line
    assert ("ptrace", True) == (run.source["plugin"], reason in run.source["instead_of"]["ebpf"])
    assert {"syscalls"} == {fields["sources_passed"] for fields in run.of("Heartbeat")}
    assert 0 == run.source["rejected"] == sum(count["lost"] for count in run.source["types"].values())


def test_a_kernel_without_btf(folder: Path) -> None:
    line = [*OWN_NAMESPACE, "sh", "-c", HIDE_BTF + 'exec "$@"', "sh", *command(sys.executable)]

    run = finished(line, folder, {**os.environ, "PYTHONPATH": str(ROOT / "src")})

    check(run, "/sys/kernel/btf/vmlinux cannot be read")


def test_a_file_with_the_types_of_a_kernel_that_does_not_show_them(folder: Path) -> None:
    ebpf()
    shutil.copyfile("/sys/kernel/btf/vmlinux", folder / "types")
    option = f"sources.syscalls.source.ebpf.btf={folder / 'types'}"
    line = [*OWN_NAMESPACE, "sh", "-c", HIDE_BTF + 'exec "$@"', "sh", *command(sys.executable, "-o", option)]

    run = finished(line, folder, {**os.environ, "PYTHONPATH": str(ROOT / "src")})

    assert (0, "ebpf") == (run.code, run.source["plugin"]), run.log
    assert "sh" in [fields["proc.pname"] for fields in run.of("A child process")]


NO_BPF: Final = str(ROOT / "tests/support/no_bpf.py")
ANOTHER: Final = 'setpriv --reuid 65534 --clear-groups sleep 120 & exec "$@"'
"""Process of another user, beside the command that is executed then."""


def test_a_seccomp_filter_that_refuses_bpf_is_named(folder: Path) -> None:
    line = [*OWN_NAMESPACE, sys.executable, NO_BPF, *command(sys.executable)]

    run = finished(line, folder, {**os.environ, "PYTHONPATH": str(ROOT / "src")})

    check(run, "the kernel gives no map for ring of ")
    assert "a seccomp filter is in force (Seccomp: 2 in /proc/self/status)" in run.log
    assert "ring_size" not in run.log


def test_processes_of_other_users_are_traced_only_where_that_is_asked_for(folder: Path) -> None:
    beside = [*OWN_NAMESPACE, "sh", "-c", ANOTHER, "sh", sys.executable, NO_BPF]
    environment_of_tests = {**os.environ, "PYTHONPATH": str(ROOT / "src")}

    refused = finished([*beside, *command(sys.executable)], folder, environment_of_tests)
    asked = [*beside, *command(sys.executable, "-o", "sources.syscalls.fallback=ptrace")]

    assert (1, []) == (refused.code, refused.alerts)
    assert "ptrace cannot start (it would stop 1 processes of other users (65534)" in refused.log
    assert "a seccomp filter is in force" in refused.log
    check(finished(asked, folder, environment_of_tests), "the kernel gives no map for ring of ")


def test_an_ordinary_user(folder: Path) -> None:
    drop, interpreter = ordinary()

    run = finished([*OWN_NAMESPACE, *drop, *command(interpreter)], folder, environment(folder))

    check(run, "this process lacks CAP_BPF, CAP_PERFMON, CAP_DAC_READ_SEARCH")
    assert [ORDINARY_UID] == [fields["user.uid"] for fields in run.of("A child process")]


@pytest.mark.docker
def test_a_container_without_any_privilege(folder: Path, docker: DockerEngine) -> None:
    _, interpreter = ordinary()
    packages = Path(pytest.__file__).parents[1]
    seen = ("/usr", "/lib", "/lib64", str(ROOT), str(packages))
    places = [*(f"{path}:{path}:ro" for path in seen), "/usr/bin:/bin:ro", f"{folder}:{folder}"]
    mounts = [word for one in places for word in ("--volume", one)]
    variables = [word for pair in environment(Path("/")).items() for word in ("--env", "=".join(pair))]
    line = [
        "docker", "--host", f"unix://{docker.socket}", "run", "--rm", "--network", "none", "--read-only", "--cap-drop",
        "ALL", "--user", f"{ORDINARY_UID}:{ORDINARY_UID}", "--security-opt", "no-new-privileges", *mounts, *variables,
        "--workdir", str(folder), "registry.example:5000/team/box:1.2", *command(interpreter),
    ]  # fmt: skip

    check(finished(line, folder), "this process lacks CAP_BPF, CAP_PERFMON, CAP_DAC_READ_SEARCH")


def test_without_a_fallback_mozu_ends_with_the_reason(folder: Path) -> None:
    drop, interpreter = ordinary()

    line = [*OWN_NAMESPACE, *drop, *command(interpreter, "-o", "sources.syscalls.fallback=none")]
    run = finished(line, folder, environment(folder))

    assert (1, []) == (run.code, run.alerts)
    assert "mozu: source ebpf: this process lacks CAP_BPF, CAP_PERFMON, CAP_DAC_READ_SEARCH" in run.log


def test_what_a_fallback_saw_is_recorded_and_replayed(folder: Path) -> None:
    drop, interpreter = ordinary()
    line = [*OWN_NAMESPACE, *drop, *command(interpreter, "--record", "recording.jsonl.gz")]

    run = finished(line, folder, environment(folder))
    again = subprocess.run(
        [*drop, interpreter, "-m", "mozu", "replay", "recording.jsonl.gz", "-r", "rules.yaml", "--json"], cwd=folder,
        env=environment(folder), capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip

    check(run, "this process lacks CAP_BPF")
    replayed = [json.loads(text) for text in again.stdout.splitlines()]
    assert ["sh"] == [alert["output_fields"]["proc.pname"] for alert in replayed if alert["source"] == "syscall"]
