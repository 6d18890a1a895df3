"""Falco's event-generator itself under mozu's own rules, on the host and in containers; the table of
docs/rules/detection.md.

    python -m tests.detect.generator PROGRAM TREE docs/rules/detection.md

Runs as root. PROGRAM is a static event-generator of the revision that the page names, TREE a tar of a Debian root
directory with the programs that its actions start. An action of the host has a copy of the tree as its root directory,
in private mount and network namespaces. No network leads out of them or of the containers; the addresses to which
actions connect are on the loopback device.
"""

import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from mozu.plugins.rules.falco.rule_ids import registered
from tests.detect.attribution import FIELDS
from tests.support.docker import DockerEngine, docker_engine
from tests.support.pod_cgroup import cgroup
from tests.support.running import Json, mozu_run
from tests.support.stage import rules_amid_builds
from tests.support.triggers.actions import ACTIONS, NO_ACT

HOST: Final = "host"
CONTAINER: Final = "container"
PLACES: Final = (HOST, CONTAINER)
PART: Final = re.compile(r"<!-- generator -->\n(.*?)<!-- end of generator -->", re.DOTALL)
_PROGRAM: Final = "/usr/bin/event-generator"
_IMAGE: Final = "mozu-generator:1"
_LEVELS: Final = ("low", "medium", "paranoid")
_ADDRESS: Final = "203.0.113.1"
"""Address to which the names resolve that the program connects to."""
_METADATA: Final = "169.254.169.254"
_NAMES: Final = f"127.0.0.1 localhost\n{_ADDRESS} example.com example.net\n"
_ADDRESSES: Final = " && ".join(
    ("ip link set lo up", *(f"ip address add {at}/32 dev lo" for at in (_ADDRESS, _METADATA, "10.2.3.4")))
)
_SERVERS: Final = (
    "@all = map { IO::Socket::INET->new(LocalAddr => $_, Listen => 64) or die } "
    f"qw({_METADATA}:80 {_ADDRESS}:443); "
    "$| = 1; print chr 10; sleep 3600"
)
"""Perl program that listens where a metadata service would, and at the port that ssh tries; it prints a line once it
does."""
_STAND_IN: Final = "nmap"
"""A scanner that would send to other machines; a program that does nothing takes its name instead."""
_STAGE: Final = f"""
set -e
mount -t tmpfs -o mode=755 tmpfs "$1"
tar -xf "$2" -C "$1" --exclude './dev/*'
cp "$3" "$1{_PROGRAM}"
cp "$1/usr/bin/true" "$1/usr/bin/{_STAND_IN}"
printf '{_NAMES}' > "$1/etc/hosts"
tar -cf "$4" -C "$1" .
{_ADDRESSES}
mount -t proc proc "$1/proc"
mkdir -m 1777 "$1/dev/shm"
mknod -m 666 "$1/dev/null" c 1 3
mknod -m 666 "$1/dev/urandom" c 1 9
exec chroot "$1" perl -MIO::Socket::INET -e '{_SERVERS}'
"""
"""Script with the arguments: the root directory, the tar of the tree, the program, the tar of the image to write."""
_ACT: Final = f"echo 0 > $2/cgroup.procs; TMPDIR=$4 exec chroot $1 {_PROGRAM} run --all $3"
"""Script with the arguments: the root directory, the action's cgroup, the pattern that chooses the action."""
_LEFT_OUT: Final = "applicable to containers|container required|not found in"
"""Pattern of the program's messages about actions that it does not perform in this place."""
_MARK: Final = "mozu-generator-ends"
_FOLDERS: Final = {"ClearLogActivities": "/var/log"}
"""Action → the only directory for temporary files in which the action has a meaning."""
_PATIENCE: Final = 60.0
"""Seconds for an action; the longest sleeps for six."""


def cell(action: str, found: Mapping[str, str], done: bool) -> str:
    """Return the page's text about an action in one place; `found`: rule → level."""
    right = [f"{rule} ({found[rule]})" for rule in ACTIONS[action] if rule in found]
    return ", ".join(right) or (NO_ACT.get(action, "no rule") if done else "")


def main() -> None:
    """Perform every action in both places, and write the table."""
    program, tree, page = (Path(word).resolve() for word in sys.argv[1:4])
    with TemporaryDirectory(prefix="mozu-generator-") as name, contextmanager(docker_engine)() as docker:
        folder = Path(name)
        options = [argument for path in rules_amid_builds(folder) for argument in ("-r", str(path))]
        for setting in ("level=paranoid", "rule_matching=all"):
            options += ["-o", f"evaluators.falco.{setting}"]
        options += ["-o", f"enrichers.containers.docker.socket={docker.socket}", *FIELDS]
        with _stage(tree, program, folder) as stage:
            docker.docker("import", folder / "image.tar", _IMAGE)
            with _network(docker) as network, mozu_run(folder, *options) as mozu:
                done = set(_acts(docker, network, stage))
                subprocess.run(["sh", "-c", f"cat /etc/shadow > /dev/null; : {_MARK}"], check=True)
                mozu.wait_alert(lambda alert: _MARK in str(alert["output_fields"].get("proc.pcmdline")), _MARK)
                mozu.stop()
                mozu.close()
                found = raised(mozu.alerts)
    rows = table(found, done)
    print(rows, flush=True)
    page.write_text(PART.sub(lambda _: f"<!-- generator -->\n{rows}<!-- end of generator -->", page.read_text()))


def raised(alerts: Sequence[Json]) -> dict[tuple[str, str], dict[str, str]]:
    """Return (action, place) → rule → its level."""
    ids = {entry.name: entry.id for entry in registered() if not entry.removed}
    found: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for alert in alerts:
        fields = alert["output_fields"]
        level = next(level for level in _LEVELS if f"level_{level}" in alert["tags"])
        if named := re.search(r"mozu-generator-(\w+)", str(fields.get("container.name"))):
            found[named[1], CONTAINER][ids[alert["rule"]]] = level
        elif named := re.search(r"/mozu-generator/(\w+)", str(fields.get("thread.cgroups"))):
            found[named[1], HOST][ids[alert["rule"]]] = level
    return found


def table(found: Mapping[tuple[str, str], Mapping[str, str]], done: set[tuple[str, str]]) -> str:
    """Return a table with a row for each action."""
    lines = ["| action | rule | host | container |", "|---|---|---|---|"]
    for action, rules in sorted(ACTIONS.items()):
        cells = (cell(action, found.get((action, place), {}), (action, place) in done) for place in PLACES)
        lines.append(f"| {' | '.join((action, ', '.join(rules), *cells))} |")
    return "".join(f"{line}\n" for line in lines)


def reported(page: str) -> dict[str, tuple[str, ...]]:
    """Return action → rules, host and container in the page's table."""
    part = PART.search(page)
    rows = re.findall(r"^\| ([A-Z]\w+) \| (.*?) \| (.*?) \| (.*?) \|$", part[1] if part else "", re.MULTILINE)
    return {action: tuple(cells) for action, *cells in rows}


def _acts(docker: DockerEngine, network: str, stage: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield the actions and places that were performed, and not left out by the program itself."""
    for action in sorted(ACTIONS):
        for place, said in ((HOST, _on_host(stage, action)), (CONTAINER, _in_container(docker, network, action))):
            if said and not re.search(_LEFT_OUT, said):
                yield action, place


def _on_host(stage: tuple[str, ...], action: str) -> str:
    with cgroup("mozu-generator", action) as place:
        return _said(*stage, str(place), f"^syscall.{action}$", _FOLDERS.get(action, "/tmp"))


def _in_container(docker: DockerEngine, network: str, action: str) -> str:
    """Perform an action in an ordinary container, and in a privileged one if the program requires that; return its
    output."""
    for options in ((), ("--privileged", "--runtime", "bounded")):
        said = _said(
            *("docker", "--host", f"unix://{docker.socket}", "run", "--rm", "--network", f"container:{network}"),
            *("--name", f"mozu-generator-{action}", "--env", f"TMPDIR={_FOLDERS.get(action, '/tmp')}", *options),
            *(_IMAGE, _PROGRAM, "run", "--all", f"^syscall.{action}$"),
        )
        if "privileged container required" not in said or "non-privileged" in said:
            break
    return said


def _said(*command: str) -> str:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=_PATIENCE, check=False,
    )  # fmt: skip
    return done.stdout.decode(errors="replace")


@contextmanager
def _network(docker: DockerEngine) -> Iterator[str]:
    """Yield the name of a container whose network and names the others share."""
    name = "mozu-network"
    docker.begin("sleep", "1000", image=_IMAGE, options=("--name", name, "--cap-add", "NET_ADMIN"))
    try:
        docker.docker("exec", name, "sh", "-c", f"{_ADDRESSES} && printf '{_NAMES}' > /etc/hosts")
        docker.docker("exec", "--detach", name, "perl", "-MIO::Socket::INET", "-e", _SERVERS)
        yield name
    finally:
        docker.remove(name)


@contextmanager
def _stage(tree: Path, program: Path, folder: Path) -> Iterator[tuple[str, ...]]:
    """Yield the command of an act in the host's root directory, without its end; the directory ends with its
    namespaces."""
    root = folder / "root"
    root.mkdir()
    process = subprocess.Popen(
        ["unshare", "--mount", "--net", "sh", "-c", _STAGE, "stage", root, tree, program, folder / "image.tar"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        assert process.stdout.readline(), "the root directory was not made"
        entered = ("nsenter", "--target", str(process.pid), "--mount", "--net")
        yield (*entered, "sh", "-c", _ACT, "act", str(root))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


if __name__ == "__main__":
    main()
