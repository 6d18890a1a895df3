"""`mozu lsp`: the language server for rule files."""

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol, cast

import click

from mozu.core.api.rule_workspace import RuleTestRunner, RuleWorkspace
from mozu.core.cli import options
from mozu.core.cli.known import known_fields, known_plugins
from mozu.core.cli.rules_in_force import RuleSettings
from mozu.core.errors import MozuError
from mozu.core.language.workspace import Workspace
from mozu.core.runtime.builtin_plugins import EDITOR_SERVER
from mozu.core.runtime.config import read
from mozu.core.runtime.config.override import RULES_PLUGIN
from mozu.core.runtime.registry import Registry

_LIBRARY: Final = frozenset({"pygls", "lsprotocol", "cattrs", "attrs"})


class _ServerModule(Protocol):
    def serve(self, rules: RuleWorkspace, tests: RuleTestRunner) -> None: ...


@click.command(
    epilog="""\b
Examples of what an editor starts:
  mozu lsp                             each file loads with the rule files of its directory
  mozu lsp /etc/falco/falco_rules.yaml rules/    these load first, in this order
  mozu lsp -c /etc/mozu/mozu.yaml      the rule files of this configuration, with the fields of its plugins

It speaks the Language Server Protocol over the standard streams. `pip install 'mozu[lsp]'` brings what it needs;
docs/rules/lsp.md says how editors start it."""
)
@click.argument("rules", nargs=-1, metavar="[RULES]...")
@click.option("--strict", is_flag=True, help="Report advice as well, like `mozu check --strict`.")
@options.configuration
@options.verbose
def command(rules: tuple[str, ...], strict: bool, path: Path | None, overrides: tuple[str, ...], verbose: bool) -> int:
    """Serve rule files to an editor: what `mozu check` finds, completion, and the meaning of words."""
    server = _server()
    registry = known_plugins(path, overrides)
    roots = rules or (_configured(path, overrides, registry) if path is not None else ())
    from mozu.core.rule_tests.beside import TestsBeside
    from mozu.core.rule_tests.live_run import LiveRun

    fields = known_fields(registry)
    server.serve(Workspace(fields, roots, strict=strict), TestsBeside(fields, LiveRun(lambda: registry)))
    return 0


def _server() -> _ServerModule:
    """Return the module of the server. Raises MozuError if its library is not installed."""
    try:
        return cast("_ServerModule", importlib.import_module(EDITOR_SERVER))
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _LIBRARY:
            raise
        raise MozuError("`mozu lsp` needs pygls; install it: pip install 'mozu[lsp]'") from error


def _configured(path: Path, overrides: Sequence[str], registry: Registry) -> list[str]:
    """Return the rule files and directories of the configuration, in load order. Raises ConfigError."""
    config, problems = read(path, overrides)
    problems.check()
    entries = [entry for entry in config.evaluators if entry.name == RULES_PLUGIN]
    return [str(rule) for entry in entries for rule in cast("RuleSettings", registry.settings(entry)).rules]
