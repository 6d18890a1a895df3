"""The surroundings of triggers: a folder, programs under telling names, a private network, containers."""

import os
import pwd
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template
from typing import Final

import pytest

from mozu.plugins.rules.falco.settings import PACKS
from tests.support.build import compiled
from tests.support.docker import DockerEngine
from tests.support.requirements import program
from tests.support.running import Json, Running
from tests.support.triggers import Contained, Expected, Trigger
from tests.support.triggers.containers import ADDRESSES, BOXES

_ACTORS: Final = ("nginx", "mysqld", "sshd", "ssh")
_IDLE: Final = ("crontab", "curl", "useradd", "nc", "sudoedit", "pkexec", "xmrig")
"""Names under which a program runs that does nothing."""
_NETWORK: Final = """
ip link set lo up && ip address add 203.0.113.1/32 dev lo
exec "$0" -c "
import socket, time
s = socket.create_server(('203.0.113.1', 443), backlog=64); print(flush=True); time.sleep(3600)"
"""
"""Script with a documentation address, local to this network only, on which something listens until it is ended."""


_WITHOUT_BUILDS: Final = "- list: build_tools\n  items: [none]\n  override: {items: replace}\n"


def rules_amid_builds(folder: Path) -> tuple[Path, Path]:
    """Return mozu's own rules, and a file after them that has them judge the children of make too, which may run the
    tests."""
    file = folder / "builds.yaml"
    file.write_text(_WITHOUT_BUILDS)
    return PACKS, file


class Stage:
    """The surroundings of triggers on the host."""

    def __init__(self, folder: Path, network: int) -> None:
        folder.chmod(0o755)
        self._bin = folder / "bin"
        self._bin.mkdir()
        for name in _ACTORS:
            shutil.copy(compiled("actor"), self._bin / name)
        for name in _IDLE:
            shutil.copy(program("true"), self._bin / name)
        shutil.copy(program("dash"), self._bin / "dash")
        for name in ("python3", "java", "vim"):
            (self._bin / name).symlink_to(os.path.realpath(sys.executable))
        self.words = {
            "TMP": str(folder),
            "BIN": str(self._bin),
            "PYTHON": str(self._bin / "python3"),
            "DAEMON": str(pwd.getpwnam("daemon").pw_uid),
            "NET": f"nsenter --net=/proc/{network}/ns/net --",
        }

    def filled(self, text: str) -> str:
        """Return the text with its words replaced."""
        return Template(text).safe_substitute(self.words)

    def command(self, trigger: Trigger) -> list[str]:
        """Return the command of the trigger."""
        command = ("sh", "-c", trigger.act) if isinstance(trigger.act, str) else trigger.act
        return [self.filled(part) for part in command]

    def act(self, trigger: Trigger) -> None:
        """Run the trigger to its end; ignore its exit status."""
        quiet = subprocess.DEVNULL
        subprocess.run(self.command(trigger), check=False, stdin=quiet, stdout=quiet, stderr=quiet, timeout=60)


@contextmanager
def own_network() -> Iterator[int]:
    """Yield the pid of a process in a private network namespace."""
    program("ip")
    process = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", _NETWORK, sys.executable], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        process.stdout.readline()
        yield process.pid
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class Boxes:
    """The containers of BOXES, each begun when its first trigger runs."""

    def __init__(self, docker: DockerEngine, mozu: Running, folder: Path) -> None:
        self._docker, self._mozu, self._folder = docker, mozu, folder
        self._begun: dict[str, int] = {}
        """Box → number of alerts before it began."""

    def act(self, trigger: Contained) -> int:
        """Run the trigger; return how many alerts there had been before."""
        before = len(self._mozu.alerts)
        if trigger.box not in self._begun:
            self._begun[trigger.box] = before
            words = {"TMP": self._folder, "SOCKET": self._docker.socket}
            options = tuple(Template(option).safe_substitute(words) for option in BOXES[trigger.box])
            self._docker.begin("sleep", "1000", options=("--name", trigger.box, *options))
            if "NET_ADMIN" in options:
                self._docker.docker("exec", trigger.box, "sh", "-c", ADDRESSES)
        if not trigger.act:
            return self._begun[trigger.box]
        terminal = ("--tty",) if trigger.terminal else ()
        script = trigger.act.replace("$PYTHON", os.path.realpath(sys.executable))
        self._docker.docker("exec", *terminal, trigger.box, "sh", "-c", f"{script}\ntrue")
        return before

    def close(self) -> None:
        """Remove the containers."""
        if self._begun:
            self._docker.remove(*self._begun)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with own_network() as network:
        yield Stage(tmp_path_factory.mktemp("stage"), network)


@pytest.fixture(scope="module")
def boxes(mozu: Running, docker: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Boxes]:
    opened = Boxes(docker, mozu, tmp_path_factory.mktemp("host"))
    yield opened
    opened.close()


def differences(alert: Json, expected: Expected, stage: Stage | None = None) -> dict[str, object]:
    """Return the fields that differ from the expected ones, with their values."""
    fields = alert["output_fields"]
    wrong: dict[str, object] = {}
    for name, value in expected.items():
        found = fields.get(name)
        if isinstance(value, re.Pattern):
            fits = value.search(str(found)) is not None
        else:
            fits = found == (stage.filled(value) if stage is not None and isinstance(value, str) else value)
        if not fits:
            wrong[name] = found
    return wrong
