"""The commands, each in a module that is imported when it is called."""

import importlib
from collections.abc import Mapping
from typing import Final

import click

from mozu.core.cli.process_settings import resume_collection

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "run": ("mozu.core.cli.run", "Watch this machine and report what the rules find."),
    "replay": ("mozu.core.cli.replay", "Judge recordings instead of the live machine."),
    "trace": ("mozu.core.cli.trace.command", "Run a command, a build or a test suite under rules."),
    "why": ("mozu.core.cli.why.command", "Show why a rule matches an event, or not."),
    "check": ("mozu.core.cli.check", "Check rule files, or the configuration, its rules, and what a start would find."),
    "test": ("mozu.core.cli.test", "Run the tests that rules carry beside them."),
    "tune": (
        "mozu.core.cli.tune.command",
        "Find the rules that raise most alerts, and silence harmless ones by exceptions that are tested and expire.",
    ),
    "view": ("mozu.core.cli.view", "Write alerts into one page, to look at in a browser or to send to someone."),
    "lsp": ("mozu.core.cli.lsp", "Help an editor with rule files: findings, completion, meanings and uses of words."),
    "rules": (
        "mozu.core.cli.rules",
        "List rules, show, explain or promote one, compare two sets, map them to ATT&CK, print their JSON Schema, or "
        "exchange them with a registry.",
    ),
    "fields": ("mozu.core.cli.fields", "List the fields that rules and outputs may name."),
    "events": ("mozu.core.cli.events", "List the types of events, with their parameters."),
    "plugins": ("mozu.core.cli.plugins", "List plugins and what they bring; check one."),
    "plugin": ("mozu.core.cli.plugin.command", "Begin a plugin of your own."),
    "config": ("mozu.core.cli.config", "Show the merged configuration or its JSON Schema."),
    "sources": ("mozu.core.cli.sources", "See what this machine lets mozu see, what not, and why."),
    "sinks": ("mozu.core.cli.sinks", "See whether the configured sinks would accept an alert; send one a test alert."),
    "responders": ("mozu.core.cli.responders", "See what was done about alerts, undo it, or switch it off."),
    "spool": ("mozu.core.cli.spool", "See what waits on disk for a sink, and its dead letters."),
    "import": ("mozu.core.cli.import_falco", "Translate a configuration of Falco, and say what became of every key."),
    "status": ("mozu.core.cli.status", "Show what a run watches, has lost, has delivered, and what is impaired."),
    "top": ("mozu.core.cli.top", "Show what a run does now: event types, rules, sinks and containers by their rates."),
    "redrive": ("mozu.core.cli.redrive", "Send dead letters again."),
    "explain": ("mozu.core.cli.explain", "Explain the code of an error or a warning."),
}
"""Name → (module with a `command`, one sentence), in the order of `mozu --help`."""


_STARTING: Final = frozenset({"run", "replay", "trace", "why"})
"""Commands that resume garbage collection only after their start."""


class CommandState:
    """State that the entry point needs after a command has failed."""

    def __init__(self) -> None:
        self.verbose = False


class _Commands(click.Group):
    """A group that imports a command when it is called, not when the group is listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            module = importlib.import_module("mozu.core.cli.plugin_commands")  # which imports this one
            found: click.Group | None = module.plugin_command(cmd_name)
            return found
        command: click.Command = importlib.import_module(COMMANDS[cmd_name][0]).command
        command.name = cmd_name
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and self.get_command(ctx, args[0]) is None:
            from mozu.core.runtime.config.suggest import suggestion

            hint = suggestion(args[0], COMMANDS) or f"; expected one of {', '.join(COMMANDS)}"
            ctx.fail(f"no command {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, sentence) for name, (_, sentence) in COMMANDS.items()])
        from mozu.core.runtime.builtin_plugins import BUILTIN_COMMANDS

        with formatter.section("Commands of plugins"):
            formatter.write_dl(list(BUILTIN_COMMANDS.items()))


def _version(context: click.Context, parameter: click.Parameter, value: object) -> None:
    if value and not context.resilient_parsing:
        from importlib.metadata import PackageNotFoundError, version

        try:
            click.echo(f"mozu {version('mozu')}")
        except PackageNotFoundError:
            click.echo("mozu (not installed)")
        context.exit()


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
First steps:
  mozu run                          watch this machine with the default rules
  mozu run -r my_rules.yaml --json  with your rules, alerts as JSON
  mozu check my_rules.yaml          what is wrong with a rule file, and where
  mozu fields proc.                 what a rule may ask about a process

`mozu COMMAND --help` has the rest.""",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Print the version."
)
@click.pass_context
def mozu(context: click.Context) -> None:
    """Watch what happens on a machine, decide with rules, and raise alerts.

    mozu reads Falco's rule language. Every part of it (sources, enrichers, evaluators, sinks) is a plugin.
    """
    if context.invoked_subcommand not in _STARTING:
        resume_collection()
