"""python -m tests.trust.container_root [--minutes 1] [--pause 0.1] [--only TEXT]

Attempts as root of a container of docker's, with docker's own capabilities and privileged, against three rules that
kill with `where: either`: a rule that the kernel decides, a rule that mozu decides, and a rule of a second mozu that
spares another container, so that mozu decides. Prints a table in Markdown: attempts of each way, how many were killed,
and in how many a byte was read. Runs as root.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from mozu.plugins.sources.ebpf.maps import KILL, MAX_KILLS
from tests.support.docker import IMAGE, DockerEngine, docker_engine
from tests.support.requirements import program
from tests.support.responding import configured_rules
from tests.support.running import Running, mozu_run
from tests.trust.attempts_inside import WAYS

HERE: Final = Path(__file__).parent
SPARED: Final = "spared"
PLACE: Final = f"/srv/{os.getpid()}"
_OPENS: Final = "evt.type in (open, openat, openat2, creat) and fd.realpath in (PLACE/{0}, FOLDER/{0})"
"""Condition with PLACE, the traps' directory in the containers, different for each run, and FOLDER, their volume on the
host."""
CONDITIONS: Final = {
    "kernel": _OPENS.format("kernel"),
    "user": f"{_OPENS.format('user')} and proc.name exists",
}
"""Trap → a condition that the kernel decides, and one that mozu decides."""
SPARING: Final = {"sparing": _OPENS.format("sparing")}
TRAPS: Final = (*CONDITIONS, *SPARING)
KINDS: Final = {
    "default": (),
    "SYS_ADMIN": (
        *("--cap-add", "SYS_ADMIN"),
        *("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"),
    ),
    "privileged": ("--runtime", "bounded", "--privileged"),
}
_MACHINE: Final = ("/usr", "/lib", "/lib64")
"""Directories of the machine, for its Python and its executables."""
_HEAD: Final = """
| container | way | attempts | killed by the kernel | a byte read | attempts | killed by mozu | a byte read \
| attempts | killed beside a spared container | a byte read |
|---|---|---|---|---|---|---|---|---|---|---|"""


class Tally:
    """Counts of the attempts by a way."""

    def __init__(self) -> None:
        self.attempts = self.read = self.killed = 0

    def add(self, said: str) -> None:
        """Count an attempt that was possible."""
        self.attempts += 1
        self.read += "R" in said
        self.killed += "S" not in said


class Attacker:
    """A container in which ways are tried."""

    def __init__(
        self, engine: DockerEngine, folder: Path, options: tuple[str, ...], spared: str, maps: Sequence[int]
    ) -> None:
        volumes = [f"{place}:{place}:ro" for place in _MACHINE if Path(place).exists()]
        volumes += [f"{folder}:/volume:ro", f"{folder}/trust:/trust:ro"]
        self._process = subprocess.Popen(
            [
                *("docker", "--host", f"unix://{engine.socket}", "run", "--rm", "--interactive", "--network", "none"),
                *(word for one in volumes for word in ("--volume", one)), "--env", f"ALLOWED={spared}",
                *("--env", f"MAPS={' '.join(map(str, maps))}"), *options, IMAGE,
                "/usr/bin/python3", "/trust/attempts_inside.py", PLACE, *TRAPS,
            ],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def attempt(self, way: str, trap: str) -> str:
        """Return what the attempt has reported. Raises EOFError if the container has ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{way}\t{trap}\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline()
        if not said:
            raise EOFError(f"the container has ended at {way!r}")
        return said.strip()

    def close(self) -> None:
        """End the container."""
        with suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def prepared(folder: Path) -> None:
    """Put the traps and the files that run there into a directory that is mounted into the containers."""
    folder.chmod(0o755)
    for trap in TRAPS:
        (folder / trap).write_text("bait")
        (folder / f"{trap}-linked").hardlink_to(folder / trap)
    trust = folder / "trust"
    trust.mkdir()
    (trust / "attempts_inside.py").write_text((HERE / "attempts_inside.py").read_text())
    words = ("-O2", "-shared", "-fPIC", "-o", str(trust / "reads.so"), str(HERE.parent / "support" / "reads.c"))
    subprocess.run([program("gcc"), *words], check=True)


def configuration(folder: Path, engine: DockerEngine, conditions: Mapping[str, str], *spared: str) -> Path:
    """Write a configuration with a rule for each trap."""
    many = 1_000_000
    responders = [
        {"kill": {"id": name, "dry_run": False, "where": "either", "per_minute": many}} for name in conditions
    ]
    docker = {"socket": str(engine.socket), "data_root": str(engine.data_root)}
    return configured_rules(
        folder, conditions, responders, output="%proc.pid %container.id %container.name",
        enrichers=[{"containers": {"docker": docker}}],
        respond={"per_account": many, "per_minute": many, "allow": {"containers": spared}},
    )  # fmt: skip


def placed(conditions: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the conditions with the paths of this run."""
    words = {"FOLDER": str(folder), "PLACE": PLACE}
    return {name: re.sub("|".join(words), lambda word: words[word[0]], text) for name, text in conditions.items()}


def maps_of(running: Running) -> list[int]:
    """Return the ids of the maps KILLS that a mozu has open, known by their sizes, which no other map has."""
    wanted = {"max_entries": str(1 + MAX_KILLS), "value_size": str(KILL.size)}
    texts = []
    for place in Path(f"/proc/{running.process.pid}/fdinfo").iterdir():
        with suppress(FileNotFoundError):
            texts.append(place.read_text())
    infos = [dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line) for text in texts]
    return [int(one["map_id"]) for one in infos if "map_id" in one and wanted.items() <= one.items()]


@contextmanager
def attackers(engine: DockerEngine, folder: Path, maps: Sequence[int]) -> Iterator[dict[str, Attacker]]:
    """Start a container of each kind, beside the spared one."""
    spared = engine.begin(options=("--name", SPARED))
    made = {kind: Attacker(engine, folder, options, spared, maps) for kind, options in KINDS.items()}
    try:
        yield made
    finally:
        for one in made.values():
            one.close()
        engine.remove(spared)


def tried(folder: Path, engine: DockerEngine, arguments: argparse.Namespace) -> dict[tuple[str, str, str], Tally]:
    """Return (container, way, trap) → its attempts, all made in turns until the time is over."""
    tallies: dict[tuple[str, str, str], Tally] = defaultdict(Tally)
    possible = [(kind, way) for kind in KINDS for way in WAYS if arguments.only in way]
    killing, beside = placed(CONDITIONS, folder), placed(SPARING, folder)
    with (
        tempfile.TemporaryDirectory(prefix="mozu-state-") as state,
        tempfile.TemporaryDirectory(prefix="mozu-state-") as other,
        mozu_run(Path(state), "-c", str(configuration(Path(state), engine, killing))) as running,
        mozu_run(Path(other), "-c", str(configuration(Path(other), engine, beside, SPARED))) as sparing,
        attackers(engine, folder, [*maps_of(running), *maps_of(sparing)]) as containers,
    ):
        deadline = time.monotonic() + arguments.minutes * 60
        while possible and (time.monotonic() < deadline or not tallies):
            for kind, way in list(possible):
                for trap in TRAPS:
                    said = containers[kind].attempt(way, trap)
                    if "X" in said or "B" not in said:
                        print(f"not possible: {kind}, {way} ({said})", file=sys.stderr)
                        possible.remove((kind, way))
                        break
                    tallies[kind, way, trap].add(said)
                    running.alerts.clear()
                    sparing.alerts.clear()
                    time.sleep(arguments.pause)
        for one in (running, sparing):
            one.stop()
    return tallies


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.trust.container_root")
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between two attempts")
    parser.add_argument("--only", default="", help="ways whose name has this text")
    arguments = parser.parse_args()
    engines = docker_engine()
    engine = next(engines)
    try:
        with tempfile.TemporaryDirectory(prefix="mozu-trust-") as place:
            prepared(Path(place))
            tallies = tried(Path(place), engine, arguments)
    finally:
        for _ in engines:
            pass
    print(_HEAD)
    for kind, way in dict.fromkeys((kind, way) for kind, way, _ in tallies):
        both = [tallies[kind, way, trap] for trap in TRAPS]
        numbers = " | ".join(f"{one.attempts} | {one.killed} | {one.read}" for one in both)
        print(f"| {kind} | {way} | {numbers} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
