import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import IO

import click
import orjson
import pytest

from mozu.core.cli.group import COMMANDS
from mozu.core.cli.known import known_plugins
from mozu.core.cli.plugin_commands import plugin_command
from mozu.core.errors import SourceUnavailable
from mozu.core.runtime.builtin_plugins import BUILTIN_COMMANDS
from tests.core.cli.command_line import Run

ROOT = Path(__file__).parents[3]


def sub_process(
    *arguments: str, stdout: int | IO[str] = subprocess.PIPE, stderr: int | IO[str] = subprocess.PIPE
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "mozu", *arguments],
        stdout=stdout,
        stderr=stderr,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )


def test_every_command_is_there_with_help_and_an_example(run: Run) -> None:
    for name, (module, sentence) in COMMANDS.items():
        code, out, _ = run(name, "--help")
        assert (name, code) == (name, 0)
        assert import_module(module).command.name == name
        assert sentence.endswith(".")
        if not isinstance(import_module(module).command, click.Group):
            assert f"mozu {name}" in out.partition("Example")[2]


def test_a_plugin_s_commands_are_there_with_help_and_an_example(run: Run) -> None:
    for name, sentence in BUILTIN_COMMANDS.items():
        group = plugin_command(name)
        assert group is not None
        assert sentence in run("--help")[1]
        for command in group.commands:
            code, out, _ = run(name, command, "--help")
            assert (0, True) == (code, f"mozu {name} {command}" in out.partition("Example")[2])


def test_a_plugin_that_brings_commands_is_among_those_that_the_help_lists() -> None:
    registry = known_plugins(None, ())
    bringing = {one.declaration.name for one in registry.plugins() if one.declaration.commands is not None}

    assert set(BUILTIN_COMMANDS) == bringing


def test_a_name_of_no_command_and_of_no_plugin_s_is_wrong_usage(run: Run) -> None:
    code, _, said = run("stdout", "show")

    assert (2, True) == (code, "no command 'stdout'" in said)


def test_the_help_lists_the_commands_without_importing_them() -> None:
    code = (
        "import sys; from mozu.core.cli import invoke; invoke(['--help'])\n"
        "print('mozu.core.cli.run' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )
    assert [name for name in COMMANDS if name not in done.stdout] == []
    assert done.stderr == "False\n"


def test_python_m_mozu_tells_its_version() -> None:
    with sub_process("--version") as process:
        out, _ = process.communicate()
    assert (process.returncode, out.split()[0]) == (0, "mozu")


def test_a_misspelt_command_is_a_usage_error_with_a_suggestion(run: Run) -> None:
    code, _, err = run("chekc")
    assert code == 2
    assert "no command 'chekc'; did you mean 'check'?" in err


def test_a_misspelt_option_is_a_usage_error(run: Run) -> None:
    code, _, err = run("run", "--durration", "1")
    assert code == 2
    assert "--duration" in err


def test_mistakes_of_the_configuration_are_all_reported_and_the_code_is_1(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "mozu.yaml"
    path.write_text("sources: [replay]\nenrichers: []\nevaluators: []\nlgo: {}\nhost: [1]\n")
    code, out, err = run("config", "show", "-c", path, "-o", "sources=[nothing]")
    assert (code, out) == (1, "")
    lines = err.splitlines()
    assert lines[0] == f"{path}:4:1: unknown key 'lgo'; did you mean 'log'?"
    assert lines[1].startswith(f"{path}:5:7: configuration: host must be text")
    assert lines[2].startswith("-o sources: plugin 'nothing': no source has this name")
    assert lines[3:] == ["mozu: the configuration has 3 mistakes"]


def test_hostile_texts_in_messages_are_escaped(run: Run) -> None:
    _, _, err = run("config", "show", "-o", 'sources=["\\e[2J"]')
    assert "\x1b" not in err
    assert "\\x1b[2J" in err


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let `mozu config show` raise this error."""

    def configure(*arguments: object, **options: object) -> None:
        raise error

    monkeypatch.setattr(import_module("mozu.core.cli.config"), "configure", configure)


def test_a_deliberate_error_is_one_message_and_code_1(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, SourceUnavailable("no compiler; install libbpfcc"))
    assert run("config", "show") == (1, "", "mozu: no compiler; install libbpfcc\n")


@pytest.mark.parametrize("command", [("run",), ("replay", "none.scap")])
def test_statistics_that_cannot_be_written_are_refused_before_the_run(
    run: Run, tmp_path: Path, command: tuple[str, ...]
) -> None:
    code, _, err = run(*command, "--stats", tmp_path / "none" / "stats.json")
    assert code == 2
    file = tmp_path / "none/stats.json"
    assert f"'--stats': {file} cannot be written, for {file.parent} is no directory: make it" in err


def test_a_fault_of_mozu_is_one_message_and_code_70(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, RuntimeError("oh"))
    code, out, err = run("config", "show")
    assert (code, out, err.count("\n")) == (70, "", 1)
    assert err.startswith("mozu: internal fault: RuntimeError: oh; run it again with -v")


def test_a_traceback_appears_only_with_v(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, RuntimeError("oh"))
    code, _, err = run("config", "show", "-v")
    assert code == 70
    assert err.startswith("Traceback")


def test_an_interrupt_ends_with_130(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, KeyboardInterrupt())
    assert run("config", "show")[0] == 130


def test_a_reader_that_leaves_early_is_no_error() -> None:
    with sub_process("config", "schema") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == 0
    assert "Traceback" not in err
    assert "Broken" not in err


def test_an_output_that_cannot_be_written_is_one_message_and_code_1() -> None:
    with open("/dev/full", "w") as full, sub_process("fields", stdout=full) as process:
        assert process.stderr is not None
        err = process.stderr.read()
    assert (process.returncode, err) == (
        1, "mozu: the output cannot be written: No space left on device\n"
    )  # fmt: skip


def test_messages_that_cannot_be_written_change_no_exit_code(tmp_path: Path) -> None:
    (tmp_path / "mozu.yaml").write_text("sources: []\nsinks: [{nofile: {}}]\n")
    with open("/dev/full", "w") as full:
        codes = [_exit_code(command, full) for command in (["fields"], ["check", "-c", f"{tmp_path}/mozu.yaml"])]
    assert [0, 1] == codes


def _exit_code(arguments: list[str], stderr: IO[str]) -> int:
    with sub_process(*arguments, stderr=stderr) as process:
        assert process.stdout is not None
        process.stdout.read()
    return process.returncode


def test_the_schema_is_json_and_covers_the_built_ins(run: Run) -> None:
    code, out, _ = run("config", "schema")
    assert code == 0
    assert "stdout" in str(orjson.loads(out)["properties"]["sinks"])


def test_show_names_the_files_and_prints_what_was_merged(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "mozu.yaml"
    path.write_text("sources: [replay: {files: [x]}]\nenrichers: [users]\nevaluators: []\n")
    code, out, err = run("config", "show", "-c", path, "-o", "host=web")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == f"# {path}"
    assert "host: web" in out


def test_plugins_are_listed_with_their_settings(run: Run) -> None:
    code, out, _ = run("plugins")
    assert code == 0
    assert "sink stdout  (mozu " in out
    assert "/run/docker.sock" in out


def test_plugins_as_json_have_settings_with_types(run: Run) -> None:
    _, out, _ = run("plugins", "--json")
    listed = {(item["kind"], item["name"]): item for item in orjson.loads(out)["plugins"]}
    socket = next(item for item in listed["enricher", "docker"]["settings"] if item["name"] == "socket")
    assert (socket["type"], socket["default"], socket["required"]) == ("path", "/run/docker.sock", False)


def test_a_recording_that_is_not_there_is_an_error_of_one_line(tmp_path: Path) -> None:
    with sub_process("replay", str(tmp_path / "none.scap"), "-o", "evaluators=[]") as process:
        out, err = process.communicate()
    assert (process.returncode, out) == (1, "")
    assert "none.scap" in err.splitlines()[-1]


def test_the_format_of_stdout_can_be_chosen_by_a_flag(run: Run, tmp_path: Path) -> None:
    _, _, err = run("replay", tmp_path / "none.scap", "--json", "-o", "sinks=[]")
    assert "--json: this is about the sink stdout, and none is configured" in err
