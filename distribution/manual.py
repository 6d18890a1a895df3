"""Man pages and completions, made from the command line itself.

    python -I -S manual.py SITE TARGET VERSION DATE [DEPENDENCIES]

SITE is the directory of modules that will be packaged; a run also shows that the command line can be imported from it.
If the modules are for another machine, mozu's dependencies are taken from DEPENDENCIES.
"""

import gzip
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click

COMPLETIONS = {
    "bash": "usr/share/bash-completion/completions/mozu",
    "zsh": "usr/share/zsh/vendor-completions/_mozu",
    "fish": "usr/share/fish/vendor_completions.d/mozu.fish",
}
"""Shell → directory in which the shell looks for completions."""


def main() -> None:
    """Write all man pages and completions below TARGET."""
    site, target, version, date, *dependencies = sys.argv[1:]
    sys.path[:0] = [*dependencies, site]
    from click.shell_completion import ShellComplete, get_completion_class

    from mozu.core.cli.group import mozu

    pages = Path(target, "usr/share/man/man1")
    pages.mkdir(parents=True)
    for name, context in commands(mozu):
        text = page(name, context, version, date)
        (pages / f"{name}.1.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    for shell, place in COMPLETIONS.items():
        found = get_completion_class(shell)
        assert found is not None
        file = Path(target, place)
        file.parent.mkdir(parents=True)
        # not the class's own `source`, which would start bash
        file.write_text(ShellComplete.source(found(mozu, {}, "mozu", "_MOZU_COMPLETE")))


def commands(group: "click.Group") -> Iterator[tuple[str, "click.Context"]]:
    """Yield the name of each page and the command that the page is about, the group first."""
    import click

    from mozu.core.runtime.builtin_plugins import BUILTIN_COMMANDS

    context = click.Context(group, info_name="mozu")
    yield "mozu", context
    for name in (*group.list_commands(context), *BUILTIN_COMMANDS):
        command = group.get_command(context, name)
        assert command is not None
        yield from _below(f"mozu-{name}", click.Context(command, parent=context, info_name=name))


def _below(page_name: str, context: "click.Context") -> Iterator[tuple[str, "click.Context"]]:
    import click

    yield page_name, context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            assert command is not None
            yield from _below(f"{page_name}-{name}", click.Context(command, parent=context, info_name=name))


def page(name: str, context: "click.Context", version: str, date: str) -> str:
    """Return one man page: roff with the macros of man(7)."""
    import click

    command = context.command
    lines = [f'.TH "{name.upper()}" 1 "{date}" "mozu {version}" "mozu"', ".SH NAME"]
    lines += [f"{_text(name)} \\- {_text(command.get_short_help_str(200).rstrip('.'))}", ".SH SYNOPSIS"]
    lines += [f"\\fB{_text(context.command_path)}\\fR {_text(' '.join(command.collect_usage_pieces(context)))}"]
    lines += [".SH DESCRIPTION", *_paragraphs(command.help or "")]
    records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    shown = [record for record in records if record is not None]
    if shown:
        lines.append(".SH OPTIONS")
        for option, meaning in shown:
            lines += [".TP", f"\\fB{_text(option)}\\fR", _text(meaning)]
    if isinstance(command, click.Group):
        lines.append(".SH COMMANDS")
        for one in command.list_commands(context):
            found = command.get_command(context, one)
            assert found is not None
            lines += [".TP", f"\\fB{_text(f'{name}-{one}')}\\fR(1)", _text(found.get_short_help_str(200))]
    lines += _paragraphs(command.epilog or "", heading=".SH EXAMPLES")
    if name != "mozu":
        lines += [".SH SEE ALSO", "\\fBmozu\\fR(1), /usr/share/doc/mozu"]
    return "\n".join(lines) + "\n"


def _paragraphs(text: str, heading: str = "") -> Iterator[str]:
    """Yield the paragraphs of a help text in roff. A paragraph that begins with \b keeps its lines."""
    if text and heading:
        yield heading
    for block in re.split(r"\n\s*\n", text.strip()):
        lines = [line.rstrip() for line in block.split("\n")]
        if lines[0].strip() == "\b":
            yield from (".PP", ".nf", *(_text(line) for line in lines[1:] if line.strip() != "Examples:"), ".fi")
        elif any(lines):
            yield from (".PP", " ".join(_text(line.strip()) for line in lines))


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    main()
