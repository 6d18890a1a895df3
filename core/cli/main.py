"""Entry point of the command `mozu`: run a command, turn whatever goes wrong into one message and an exit code."""

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Final, NoReturn

import click

from mozu.core.cli.group import CommandState, mozu
from mozu.core.cli.standard_descriptors import tolerate_full_stderr
from mozu.core.cli.terminal import error_text, safe
from mozu.core.common.alert_output import close_to_others
from mozu.core.errors import ConfigError, MozuError
from mozu.core.isolation.texts import text_of, without_secrets
from mozu.core.runtime.early_signals import early_signals
from mozu.core.runtime.leaving import leave_soon

EXIT_REFUSED: Final = 1
EXIT_FAULT: Final = 70
_CANNOT_WRITE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""Errors of the machine, not of mozu: the standard output goes to a full disk, for example."""


def main() -> NoReturn:
    """Run the command line of this process and end it."""
    tolerate_full_stderr()
    code = invoke(sys.argv[1:])
    close_to_others()
    leave_soon(code)
    sys.exit(code)


def invoke(arguments: Sequence[str]) -> int:
    """Run one command line; return the exit code."""
    state = CommandState()
    try:
        result = mozu.main(args=list(arguments), prog_name="mozu", obj=state, standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        _with_answer_for_falco(error).show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return early_signals.exit_code
    except SystemExit:
        return 0  # click leaves this way after a completion script, and when the reader of the output has gone
    except BrokenPipeError:
        # The reader has seen enough; without this the interpreter would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MozuError as error:
        _report(error, state)
        return EXIT_REFUSED
    except OSError as error:
        if error.errno not in _CANNOT_WRITE:
            _fault(error, state)
            return EXIT_FAULT
        where = "the output" if error.filename is None else str(error.filename)
        click.echo(f"mozu: {safe(where)} cannot be written: {error.strerror}", err=True)
        return EXIT_REFUSED
    except Exception as error:  # noqa: BLE001 - top of the process: one message instead of a traceback
        _fault(error, state)
        return EXIT_FAULT
    return result if isinstance(result, int) else 0


def _with_answer_for_falco(error: click.ClickException) -> click.ClickException:
    """Return the error; for an option that Falco has, with what to type instead."""
    if not isinstance(error, click.NoSuchOption):
        return error
    from mozu.core.runtime.falco_import.falco_options import instead_of

    found = instead_of(error.option_name)
    if found is None:
        return error
    text = f"No such option: {error.option_name}. It is an option of Falco; mozu has {found}."
    return click.NoSuchOption(error.option_name, text, ctx=error.ctx)


def _report(error: MozuError, state: CommandState) -> None:
    if state.verbose:
        click.echo(without_secrets("".join(traceback.format_exception(error))), err=True, nl=False)
    if isinstance(error, ConfigError):
        for problem in error.problems:
            click.echo(safe(without_secrets(problem)), err=True)
        count = len(error.problems)
        click.echo(f"mozu: the configuration has {count} {'mistake' if count == 1 else 'mistakes'}", err=True)
        return
    click.echo(f"mozu: {error_text(error)}", err=True)


def _fault(error: Exception, state: CommandState) -> None:
    if state.verbose:
        click.echo(without_secrets("".join(traceback.format_exception(error))), err=True, nl=False)
    hint = "" if state.verbose else "; run it again with -v for the details and report them"
    click.echo(f"mozu: internal fault: {type(error).__name__}: {safe(text_of(error))}{hint}", err=True)
