"""Everyday work under Falco's stable rules raises no alert that is not true."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.requirements import ROOT, corpus, ebpf, program
from tests.support.running import Running, mozu_run

pytestmark = [pytest.mark.ebpf, pytest.mark.corpus, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def mozu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    ebpf()
    rules = corpus("falco-rules", "falco_rules.yaml")
    with mozu_run(tmp_path_factory.mktemp("mozu"), "-r", str(rules)) as running:
        yield running
        running.stop()


def raised(mozu: Running, work: Callable[[], object]) -> list[str]:
    """Return the alerts of a piece of work, as `rule: command line`; a marker shows that all of it has been judged."""
    before = len(mozu.alerts)
    work()
    subprocess.run(["cat", "/etc/shadow"], stdout=subprocess.DEVNULL, check=True)
    end = mozu.wait_alert(
        lambda alert: alert["output_fields"].get("proc.cmdline") == "cat /etc/shadow", "the marker", after=before
    )
    alerts = mozu.alerts[before : mozu.alerts.index(end)]
    return [f"{alert['rule']}: {alert['output_fields'].get('proc.cmdline')}" for alert in alerts]


def quietly(*command: str | Path, cwd: Path | None = None) -> None:
    subprocess.run(command, cwd=cwd, check=True, capture_output=True)


def test_updating_the_package_lists(mozu: Running) -> None:
    assert [] == raised(mozu, lambda: quietly(program("apt-get"), "update"))


def test_building_a_c_program(mozu: Running, tmp_path: Path) -> None:
    shutil.copy(ROOT / "tests/support/actor.c", tmp_path)
    (tmp_path / "Makefile").write_text("actor: actor.c\n\tgcc -O2 -o actor actor.c\n")
    assert [] == raised(mozu, lambda: quietly(program("make"), cwd=tmp_path))


def test_cloning_a_repository(mozu: Running, tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    quietly(program("git"), "init", "--quiet", origin)
    (origin / "file").write_text("text\n")
    quietly("git", "add", "file", cwd=origin)
    quietly("git", "-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "--quiet", "-m", "first", cwd=origin)
    assert [] == raised(mozu, lambda: quietly("git", "clone", "--quiet", origin, tmp_path / "clone"))


def test_creating_a_virtual_environment(mozu: Running, tmp_path: Path) -> None:
    assert [] == raised(mozu, lambda: quietly(sys.executable, "-m", "venv", tmp_path / "venv"))


def test_a_login_shell(mozu: Running) -> None:
    assert [] == raised(mozu, lambda: quietly(program("su"), "-", "root", "-c", "bash -l -c 'ls /'"))
