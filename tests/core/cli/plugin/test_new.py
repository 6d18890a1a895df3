"""The output of `mozu plugin new` works at once: its lint, its own tests, and mozu itself find no problem."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mozu.core.cli import invoke
from mozu.core.cli.plugin.scaffold import KINDS
from tests.support.requirements import ROOT

Made = Callable[[str], Path]


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Return a function that makes a plugin, installs it as pip would, and returns its folder."""

    def make(kind: str) -> Path:
        assert invoke(["plugin", "new", kind, f"acme_{kind}", "--into", str(tmp_path)]) == 0
        folder = tmp_path / f"mozu-acme-{kind}"
        info = folder / "src" / f"mozu_acme_{kind}-0.1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: mozu-acme-{kind}\nVersion: 0.1\n")
        (info / "entry_points.txt").write_text(f"[mozu]\nacme_{kind} = mozu_acme_{kind}\n")
        return folder

    return make


def python(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    paths = os.pathsep.join((str(folder / "src"), str(ROOT / "src")))
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("kind", [one if one == "sink" else pytest.param(one, marks=pytest.mark.slow) for one in KINDS])
def test_its_tests_pass_and_lint_finds_nothing(made: Made, kind: str) -> None:
    folder = made(kind)
    plugins = ("-p", "no:mozu", "-p", "mozu.core.testing.pytest_plugin", "-p", "no:xdist")
    tests = python(folder, "-m", "pytest", "-q", *plugins)
    assert tests.returncode == 0, tests.stdout + tests.stderr
    lint = python(folder, "-m", "ruff", "check", "--no-cache", ".")
    assert lint.returncode == 0, lint.stdout


@pytest.mark.parametrize("kind", [one for one in KINDS if one != "rules"])
def test_mozu_builds_starts_and_stops_it(made: Made, kind: str) -> None:
    done = python(made(kind), "-m", "mozu", "plugins", "check", f"acme_{kind}")
    assert (done.returncode, done.stdout.endswith(": ok\n")) == (0, True), done.stdout + done.stderr


def test_what_it_brings_is_listed(made: Made) -> None:
    folder = made("source")
    listed = python(folder, "-m", "mozu", "plugins", "-p", "acme_source").stdout
    assert "source acme_source  (mozu-acme-source 0.1; API version 2)" in listed
    assert "fields: acme_source.text, acme_source.length" in listed
    assert "events: acme_source: line (version 1)" in listed
    fields = python(folder, "-m", "mozu", "fields", "acme_source", "-p", "acme_source").stdout
    assert [line.split()[0] for line in fields.splitlines()[1:]] == ["acme_source.length", "acme_source.text"]
    sources = python(folder, "-m", "mozu", "sources", "-p", "acme_source").stdout
    assert sources.rstrip().endswith("acme_source   line  1        A line was written.")


def test_a_field_of_a_plugin_that_is_not_loaded_is_found_with_a_hint(made: Made) -> None:
    done = python(made("source"), "-m", "mozu", "fields", "acme_source")
    assert done.stderr == (
        "mozu: no field fits; the plugin acme_source is installed and not loaded: add -p acme_source\n"
    )


def test_its_rules_are_checked_by_their_place_in_the_package(made: Made) -> None:
    folder = made("source")
    good = python(folder, "-m", "mozu", "check", "-p", "acme_source", "package:mozu_acme_source/rules")
    assert (good.returncode, "1 rules, 0 macros, 1 lists" in good.stdout) == (0, True), good.stdout + good.stderr
    bad = python(folder, "-m", "mozu", "check", "package:mozu_acme_sauce/rules")
    assert "no package mozu_acme_sauce is installed beside mozu" in bad.stdout


def test_its_command_is_one_of_mozu(made: Made) -> None:
    folder = made("command")
    (folder / "alerts.json").write_text('{"rule": "A"}\n{"rule": "A"}\n')
    done = python(folder, "-m", "mozu", "acme_command", "count", "alerts.json")
    assert (done.returncode, done.stdout) == (0, "       2 A\n")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("sink", "Pager"), "'Pager' is no name: lower-case letters, digits and _, such as acme_geo"),
        (("sink", "stdout"), "mozu has a plugin 'stdout' of its own"),
        (("skin", "pager"), "'skin' is not one of"),
    ],
)
def test_a_name_that_cannot_be_is_refused(arguments: tuple[str, str], problem: str, capsys: Any) -> None:
    assert invoke(["plugin", "new", *arguments]) == 2
    assert problem in capsys.readouterr().err


def test_nothing_that_is_there_is_overwritten(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "mozu-pager").mkdir()
    assert invoke(["plugin", "new", "sink", "pager", "--into", str(tmp_path)]) == 1
    assert "is there already; take another name" in capsys.readouterr().err


def test_a_package_of_rules_has_no_entry_point_and_its_rules_pass_the_tests_beside_them(made: Made) -> None:
    folder = made("rules")
    assert "entry-points" not in (folder / "pyproject.toml").read_text()
    assert "mozu plugins" not in (folder / "README.md").read_text()
    done = python(folder, "-m", "mozu", "test", "src")
    assert (done.returncode, "2 passed" in done.stdout) == (0, True), done.stdout + done.stderr
