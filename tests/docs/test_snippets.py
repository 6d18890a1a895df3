"""Snippets and commands of README and docs/, each of which mozu must accept or this module must explain."""

import io
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import click
import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric import rsa

from mozu.core.cli import invoke
from mozu.core.cli.group import CommandState, mozu
from mozu.core.language.rules import SourceFile, load_texts, plugin_fields
from mozu.core.language.rules.files import expand, read_file
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.runtime.config import SECTIONS, CoreSettings
from mozu.core.runtime.configure import configure
from tests.docs.snippets import Block, blocks, commands, words
from tests.support.keys import pem
from tests.support.requirements import ROOT

BLOCKS: Final = blocks()
COMMANDS: Final = commands()
ELSEWHERE: Final = {
    "operate/ci.md": "tests/e2e/test_ci_guide.py does what the page says, line by line",
    "plugins/writing.md": "tests/docs/test_plugin_pages.py builds and runs the plugins of the page",
    "rules/tests.md": "tests/docs/test_rule_tests.py runs the page",
}
"""Page → the test that runs its blocks."""
NOT_MOZUS: Final = {
    ("architecture.md", "┌───────────────────────────── demand ◀─────────────────────────────┐"): "a drawing",
    ("operate/configuration.md", "password: {file: /run/secrets/siem}"): (
        "three ways to write one key; test_configuration and the tests of the sinks read each"
    ),
    ("operate/configuration.md", "plugins: [acme]"): "names a plugin that is not there",
    ("operate/enrichers.md", "enrichers:", "owners"): "names a plugin that is not there",
    ("integrate/formats.md", "00:00:00.000000001: Notice a shell was opened"): "an alert",
    ("integrate/formats.md", "00:00:00 NOTE Terminal shell in container: "): "an alert",
    ("integrate/formats.md", "CEF:0|mozu|mozu|0.1.0|terminal_shell_in_container"): "an alert",
    ("operate/k8s-audit.md", "apiVersion: v1"): "the API server reads it",
    ("operate/kubernetes.md", "apiVersion: v1"): "Kubernetes reads it; tests/e2e/test_kubernetes.py applies it",
    ("rules/lsp.md", "vim.lsp.config.mozu"): "Neovim reads it",
    ("rules/lsp.md", "vim.api.nvim_create_autocmd"): "Neovim reads it",
    ("operate/kubernetes.md", "image: {repository"): "values of the chart; tests/distribution/test_chart.py",
    ("operate/kubernetes.md", "env:"): "a part of a pod's manifest",
    ("operate/responders.md", "# systemctl edit mozu"): "systemd reads it",
    ("operate/rules-from-a-registry.md", "# /etc/systemd/system/mozu-rules.service"): "systemd reads it",
    ("operate/operations.md", "vm: ready (mozu 0.1.0"): "output; tests/core/cli/test_status.py",
    ("operate/operations.md", "vm: degraded (mozu 0.1.0", "seen/s"): "output; tests/core/cli/test_top.py",
    ("operate/operations.md", "scrape_configs:"): "Prometheus' configuration; tests/e2e/test_prometheus.py",
    ("internals/releasing.md", "ssh-keygen -t ed25519 -f releases -C releases"): "commands of OpenSSH, run once",
    ("rules/writing.md", "# iocs.txt: one value a line"): "a list; tests/core/language/rules/test_guide.py",
    ("rules/writing.md", "filtered by ebpf"): "output of `mozu rules explain`; tests/core/cli/test_rules.py",
    ("integrate/webhook.md", "json_output: true"): "Falco's configuration",
    ("rules/why.md", "Password database read by an unexpected program: does not match"): "output; tests/core/cli/why",
    ("rules/why.md", "never asked in a run: the kernel filter of ebpf discards it"): "output; tests/core/cli/why",
}
"""Page and beginning of a block (and words in it) → reason why mozu does not read the block."""
RUN: Final = ("check", "config", "explain", "fields", "plugins", "rules")
"""Commands that only read and are run here. test_commands_run.py runs those that need nothing but files. The others
watch the machine, run a build, reach a destination or change something, and are only parsed: tests/e2e, tests/delivery
and tests/core/cli run them."""
PROSE: Final = re.compile(
    r"mozu (?:started|stopped|reloaded|ended without a word|NAME.*|COMMAND --help|beep COMMAND|acme count)|make -j2"
)
"""Names of alerts, and commands of plugins that pages make."""
PLACEHOLDERS: Final = {
    "CODE": "LOAD_UNUSED_LIST",
    "FILES": "my_rules.yaml",
    "RULES": "my_rules.yaml",
    "PATTERN": "proc.",
    "FILE": "my_rules.yaml",
    "KIND": "sink",
    "NAME": "acme",
    "ID": str(UUID(int=0)),
}
SECRET: Final = f"whsec_{'c2VjcmV0' * 4}"
"""A value for every kind of secret that a page has, except for keys in JSON."""


def is_named(block: Block) -> bool:
    first = block.key[1]
    return any(
        page == block.page and first.startswith(start) and all(part in block.text for part in more)
        for page, start, *more in NOT_MOZUS
    )


def is_listing(block: Block) -> bool:
    """Return True if the block is a list of commands, which are tested singly."""
    begins = re.match(r"(\$ |tail .*\| |build host#\s+)?(mozu|make) ", block.text)
    return block.language in ("", "console") and begins is not None


def rest(language: str, *, rules: bool = False) -> list[Block]:
    """Return the blocks of a language that mozu itself reads."""
    found = [one for one in BLOCKS if one.language == language and one.page not in ELSEWHERE and not is_named(one)]
    return [one for one in found if one.text.startswith("- ") == rules] if language == "yaml" else found


def test_every_block_has_a_verdict() -> None:
    known = ("yaml", "json", "python", "toml", "sql", "esql", "spl", "sh")
    unknown = [
        block.key
        for block in BLOCKS
        if block.language not in known and block.page not in ELSEWHERE and not is_named(block) and not is_listing(block)
    ]

    assert unknown == [], "say in NOT_MOZUS why nothing reads it, or give the block a language"


def test_every_entry_of_the_tables_is_there() -> None:
    assert [key for key in NOT_MOZUS if not any(is_named(b) and b.page == key[0] for b in BLOCKS)] == []
    assert set(ELSEWHERE) <= {block.page for block in BLOCKS}


@pytest.mark.parametrize("block", rest("yaml"), ids=lambda block: f"{block.page} {block.key[1]}")
def test_a_configuration_is_one(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Checked are keys, plugins and settings, as by `mozu check --for-another-machine`."""
    for name in re.findall(r"\$\{(\w+)\}|env: (\w+)", block.text):
        monkeypatch.setenv(name[0] or name[1], "https://there.example/")
    folder = tmp_path / "etc"
    text = given(block.text, folder)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    for one in alternatives(block.page, text):
        (tmp_path / "mozu.yaml").write_text(one)

        config, _ = configure(tmp_path / "mozu.yaml")

        assert set(yaml.safe_load(one)) <= {*SECTIONS, *CoreSettings.model_fields}
        assert config.files == (str(tmp_path / "mozu.yaml"),)


def alternatives(page: str, text: str) -> list[str]:
    """Return the single configuration; for the page of the sources, the entries of a list, each by itself."""
    head, *entries = text.splitlines()
    return [f"{head}\n{entry}\n" for entry in entries] if page == "operate/sources.md" else [text]


def given(text: str, folder: Path) -> str:
    """Return the configuration with secrets and certificates in files that exist."""
    folder.mkdir()
    for name in re.findall(r"credential: (\w+)", text):
        (folder / name).write_text(SECRET)
    for path in re.findall(r"file: (/(?:etc|run)/[^}\s]+)", text):
        (folder / Path(path).name).write_text(account_key() if path.endswith(".json") else SECRET)
        text = text.replace(path, str(folder / Path(path).name))
    return text


def account_key() -> str:
    """Return the key of a service account, as Google's console issues it."""
    private = pem(rsa.generate_private_key(65537, 2048))
    names = ("client_email", "private_key_id", "token_uri")
    return json.dumps({**dict.fromkeys(names, "https://there.example/"), "private_key": private})


def test_rules_load_in_the_order_of_their_page_on_top_of_mozus_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules/iocs.txt").write_text("198.51.100.7\n")  # test_guide.py loads the one of the page
    packs = [read_file(path) for path in expand([ROOT / "plugins" / "rules" / "packs"])]
    pages: dict[str, list[SourceFile]] = {}
    for block in rest("yaml", rules=True):
        pages.setdefault(block.page, []).append(SourceFile(f"{block.page}: {block.key[1]}", block.text))
    fields = FieldRegistry((*builtin_fields(), *plugin_fields()))
    problems = {page: load_texts([*packs, *texts], fields).report for page, texts in pages.items()}

    assert {page: report.verbose() for page, report in problems.items() if not report.ok} == {}
    assert "rules/writing.md" in pages


def test_documents_are_json() -> None:
    for block in rest("json"):
        json.loads(block.text)


def test_programs_and_projects_are_sound() -> None:
    for block in rest("python"):
        compile(block.text, block.page, "exec")
    for block in rest("toml"):
        tomllib.loads(block.text)


@pytest.mark.parametrize(("page", "command"), [one for one in COMMANDS if one[1].startswith("mozu ")])
def test_a_command_of_mozu_is_one(
    page: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO(PLACEHOLDERS["ID"]))
    for name in ("my_rules.yaml", "kernel.bundle"):
        Path(name).touch()
    if PROSE.fullmatch(command) is None:
        for arguments in spelt_out(command):
            parse(arguments[1:])


@pytest.mark.parametrize(("page", "command"), [one for one in COMMANDS if one[1].startswith("make ")])
def test_a_command_of_make_is_one(page: str, command: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    if PROSE.fullmatch(command) is None:
        plain = re.sub(r"<[^>]*>", "X", command.partition("&&")[0])
        given = [word for word in plain.split()[1:] if not word.startswith("-")]
        variables = [word.partition("=")[0] for word in given if "=" in word]
        targets = [word for word in given if "=" not in word]

        assert [one for one in targets if re.search(rf"^{re.escape(one)}:", makefile, re.MULTILINE) is None] == []
        assert [one for one in variables if f"$({one})" not in makefile] == []


@pytest.mark.parametrize(
    "command", dict.fromkeys(text for _, text in COMMANDS if text.split()[:2][-1] in RUN and text.startswith("mozu "))
)
def test_a_command_that_only_reads_runs(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = [block.text for block in BLOCKS if block.page == "rules/writing.md" and block.text.startswith("- ")]
    (tmp_path / "my_rules.yaml").write_text(rules[0])
    monkeypatch.chdir(tmp_path)
    for arguments in spelt_out(command):
        if NOT_HERE.search(" ".join(arguments)) is None:
            code = invoke(arguments[1:])

            assert code == 0, capsys.readouterr()


NOT_HERE: Final = re.compile(
    r"^mozu (?:rules (?:show|explain)|config|explain)$|-p beep|plugins check|^mozu check$|rules promote|rules diff"
    r"|rules (?:pull|follow|push|verify|versions|rollback)"
)
"""Pattern of commands that are not run: groups and forms without required arguments, plugins that pages make, the state
of this machine, `rules promote`, which writes a rule file (tests/core/cli/test_promote.py), `rules diff`, which needs
two sets of rules (tests/core/cli/rules_diff/test_command.py), and those that need a registry
(tests/core/cli/rules_artifact)."""


def spelt_out(command: str) -> Iterator[list[str]]:
    """Yield a command with values for its placeholders, once for each of its alternatives (`show|list`)."""
    given = [PLACEHOLDERS.get(word, word) for word in words(command)]
    at = next((number for number, word in enumerate(given) if re.fullmatch(r"\w+(\|\w+)+", word)), None)
    choices = given[at].split("|") if at is not None else [""]
    for choice in choices:
        yield [choice if number == at else word for number, word in enumerate(given)]


def parse(arguments: list[str]) -> None:
    """Parse all options and arguments, down to the last command. Raises click's errors."""
    found: click.Command = mozu
    context: Any = mozu.make_context("mozu", list(arguments), obj=CommandState())
    while isinstance(found, click.Group):
        left = [*context._protected_args, *context.args]
        if not left:
            return
        name, inner, left = found.resolve_command(context, left)
        assert inner is not None
        if not left:
            return  # the command was found by its name
        context, found = inner.make_context(name, left, parent=context, resilient_parsing=False), inner
