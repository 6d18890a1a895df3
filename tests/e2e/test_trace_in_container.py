"""`mozu trace` in a container that has no privilege at all, under the engine's own seccomp profile."""

import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.e2e.test_trace_handed_over import RULES
from tests.support.build import compiled
from tests.support.docker import DockerEngine, docker
from tests.support.requirements import ROOT
from tests.support.tracing import ORDINARY_UID, environment, ordinary

__all__ = ["docker"]

pytestmark = pytest.mark.docker

PACKAGES: Final = Path(pytest.__file__).parents[1]
SCRIPT: Final = "grep -E '^(Seccomp|CapEff|NoNewPrivs):' /proc/self/status; cat /etc/shadow; exit 3"


TRACED: Final = ("--fail-on", "critical", "--", "sh", "-c", SCRIPT)


def command(
    docker: DockerEngine, *options: str, traced: Sequence[str] = TRACED
) -> "subprocess.CompletedProcess[str]":
    """Run mozu in a container that sees this machine's programs, and may change nothing."""
    _, interpreter = ordinary()
    places = [f"{path}:{path}:ro" for path in ("/usr", "/lib", "/lib64", "/etc/shadow", str(ROOT), str(PACKAGES))]
    mounts = [word for place in [*places, "/usr/bin:/bin:ro"] for word in ("--volume", place)]
    variables = [word for pair in environment(Path("/")).items() for word in ("--env", "=".join(pair))]
    line = [
        "docker", "--host", f"unix://{docker.socket}", "run", "--rm", "--network", "none", "--read-only",
        "--cap-drop", "ALL", "--user", f"{ORDINARY_UID}:{ORDINARY_UID}",
        "--security-opt", "no-new-privileges", *options,
        *mounts, *variables, "registry.example:5000/team/box:1.2",
        interpreter, "-m", "mozu", "trace", *traced,
    ]  # fmt: skip
    return subprocess.run(line, capture_output=True, text=True, timeout=100, check=False)


def test_a_container_without_any_privilege_is_enough(docker: DockerEngine) -> None:
    done = command(docker)

    rows = dict(re.findall(r"^(\w+):\s+(\w+)$", done.stdout, re.MULTILINE))
    assert ({"Seccomp": "2", "CapEff": "0" * 16, "NoNewPrivs": "1"}, 120) == (rows, done.returncode), done.stderr
    assert "Password hashes /etc/shadow wanted by a build: cat (result=EACCES" in done.stderr


def test_where_the_profile_forbids_tracing_mozu_says_so_and_fails(docker: DockerEngine, tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    rules = [{"names": ["ptrace"], "action": "SCMP_ACT_ERRNO"}]
    profile.write_text(json.dumps({"defaultAction": "SCMP_ACT_ALLOW", "syscalls": rules}))

    done = command(docker, "--security-opt", f"seccomp={profile}")

    assert (125, "", True) == (done.returncode, done.stdout, "allow ptrace in its seccomp profile" in done.stderr)


def test_opens_are_handed_over_under_the_engines_profile_too(docker: DockerEngine, tmp_path: Path) -> None:
    place = tmp_path.resolve()
    shutil.copy(compiled("swapping", "-pthread", "-static"), place / "swapping")
    for name in ("allowed", "denied"):
        (place / name).write_text(name)
    (place / "rules.yaml").write_text(RULES)
    for made in (place, *place.iterdir()):
        made.chmod(0o755)
    swapping = ("/swapped/swapping", "text", "400", "/swapped/allowed", "/swapped/denied")

    done = command(
        docker, "--volume", f"{place}:/swapped:ro", traced=("-r", "/swapped/rules.yaml", "--deny", "--", *swapping)
    )

    assert 0 == done.returncode, done.stderr
    allowed, read_though_denied, denied = map(int, done.stdout.split())
    assert 0 == read_though_denied, done.stderr
    assert min(allowed, denied) > 0, done.stdout
    assert "can change paths" not in done.stderr
