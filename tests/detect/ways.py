"""Ways to an end, on the host and in containers of both engines, and the page docs/rules/ways.md of the raised rules.

    python -m tests.detect.ways docs/rules/ways.md

Runs as root. tests/e2e/test_default_rules_ways.py repeats all ways and expects every rule that the page names.
"""

import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from mozu.plugins.rules.falco.rule_ids import registered
from tests.support.containerd import Containerd, containerd_engine
from tests.support.docker import DockerEngine, docker_engine
from tests.support.requirements import ROOT
from tests.support.running import Json, Running, mozu_run
from tests.support.stage import rules_amid_builds
from tests.support.triggers.ways import BOX, CTR_BOX, WAYS, commands, marker, scripts
from tests.support.triggers.ways.way import CONTAINERD, DOCKER, HOST, PLACES

PAGE: Final = ROOT / "docs" / "rules" / "ways.md"
_BOXES: Final = {DOCKER: "mozu-ways-docker", CONTAINERD: "mozu-ways-containerd"}
"""Names of the containers."""
_PART: Final = re.compile(r"<!-- ways -->\n.*?<!-- end of ways -->", re.DOTALL)
_SETTINGS: Final = ("level=paranoid", "rule_matching=all", "append_output=[{suggested_output: true}]")

Reported = Mapping[tuple[str, str], Mapping[str, frozenset[str]]]
"""End and way → place → ids of rules."""


def is_of(alert: Json, number: int, place: str) -> bool:
    """Return True if the alert was raised by this way in this place, by a rule of the way's meaning."""
    way, fields = WAYS[number], alert["output_fields"]
    lines = f"{fields.get('proc.cmdline')} {fields.get('proc.pcmdline')}"
    fits = alert["rule"] in way.rules and (not way.calls or fields["evt.type"] in way.calls)
    return fits and marker(number) in lines and fields.get("container.name") == _BOXES.get(place, HOST)


@contextmanager
def watching(folder: Path, docker: DockerEngine, containerd: Containerd) -> Iterator[Running]:
    """Run mozu with its own rules at the highest level, each of which alerts independently of the others, until the
    block ends."""
    options = [argument for path in rules_amid_builds(folder) for argument in ("-r", str(path))]
    options += [argument for setting in _SETTINGS for argument in ("-o", f"evaluators.falco.{setting}")]
    options += ["-o", f"enrichers.containers.docker.socket={docker.socket}"]
    for name, path in (("state", containerd.state), ("root", containerd.root / "root"), ("socket", containerd.socket)):
        options += ["-o", f"enrichers.containers.containerd.{name}={path}"]
    options += ["-o", f"sources.syscalls.source.ebpf.ring_size={64 << 20}"]
    with mozu_run(folder, *options) as mozu:
        yield mozu


@contextmanager
def done(docker: DockerEngine, containerd: Containerd, folder: Path) -> Iterator[None]:
    """Perform every way in each of the places; `folder`: directory for those on the host. The containers last until the
    end."""
    python = os.path.realpath(sys.executable)
    for command in commands(python, f"{folder}/root"):
        subprocess.run(command, check=False, stdin=-3, stdout=-3, stderr=-3, timeout=60)
    docker.begin("sleep", "1000", options=("--name", _BOXES[DOCKER], *BOX))
    containerd.begin(_BOXES[CONTAINERD], *CTR_BOX)
    for number, script in enumerate(scripts(python)):
        docker.docker("exec", _BOXES[DOCKER], "sh", "-c", script)
        containerd.ctr("tasks", "exec", "--exec-id", f"ways-{number}", _BOXES[CONTAINERD], "sh", "-c", script)
    try:
        yield
    finally:
        docker.remove(_BOXES[DOCKER])
        containerd.remove(_BOXES[CONTAINERD])


def table(alerts: Sequence[Json]) -> str:
    """Return the part of the page between its marks."""
    ids = {entry.name: entry.id for entry in registered() if not entry.removed}
    cells: dict[tuple[int, str], set[str]] = defaultdict(set)
    for alert in alerts:
        for number, place in product(_numbers(alert), PLACES):
            if is_of(alert, number, place):
                level = " (paranoid)" if "level_paranoid" in alert["tags"] else ""
                cells[number, place].add(f"{ids[alert['rule']]}{level}")
    lines = ["| end | way | host | docker | containerd |", "|---|---|---|---|---|"]
    for number, way in enumerate(WAYS):
        reported = (", ".join(sorted(cells[number, place])) for place in PLACES)
        lines.append(f"| {' | '.join((way.end, way.by, *reported))} |")
    return "\n".join(["<!-- ways -->", *lines, "<!-- end of ways -->"])


def _numbers(alert: Json) -> set[int]:
    """Return the numbers of the ways that the alert's command lines name."""
    return {int(number) for number in re.findall(r"mozu-way-(\d{3})", str(alert["output_fields"]))}


def reported(page: str) -> Reported:
    """Return the content of the page's table."""
    found = _PART.search(page)
    rows = re.findall(r"^\| (.+?) \| (.+?) \| (.*?) \| (.*?) \| (.*?) \|$", found[0] if found else "", re.MULTILINE)
    return {
        (end, by): {place: frozenset(re.findall(r"MZ-\d+", cell)) for place, cell in zip(PLACES, cells, strict=True)}
        for end, by, *cells in rows[1:]
    }


def main() -> None:
    """Write the current table into the page."""
    page = Path(sys.argv[1])
    engines = contextmanager(docker_engine)(), contextmanager(containerd_engine)()
    with TemporaryDirectory(prefix="mozu-ways-") as name, engines[0] as docker, engines[1] as containerd:
        folder = Path(name)
        with watching(folder, docker, containerd) as mozu, done(docker, containerd, folder):
            for place in PLACES:
                mozu.wait_alert(partial(is_of, number=len(WAYS) - 1, place=place), f"the last way ({place})")
            mozu.stop()
            mozu.close()
            found = table(mozu.alerts)
    page.write_text(_PART.sub(lambda _: found, page.read_text()))


if __name__ == "__main__":
    main()
