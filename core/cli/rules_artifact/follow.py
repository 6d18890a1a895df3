"""The command `mozu rules follow`: a pull in each period, for a sidecar or a service."""

import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import repeat
from pathlib import Path
from typing import Final

import click

from mozu.core.cli import options
from mozu.core.cli.rules_artifact.commands import folder_option, keep_option, planned
from mozu.core.cli.rules_artifact.plan import PullPlan
from mozu.core.cli.rules_artifact.versions import RulesVersions
from mozu.core.cli.terminal import error_text, safe
from mozu.core.errors import MozuError

_EVERY: Final = 3600.0
_JITTER: Final = 600.0


@click.command(
    "follow",
    epilog="""\b
Example:
  mozu rules follow oci://registry.example/rules/web:stable --key cosign.pub --every 900 --jitter 300

A line is printed when something has changed: a version came into force, or the reason why none does.""",
)
@planned
@folder_option
@click.option(
    "--every", type=click.FloatRange(1), default=_EVERY, show_default=True, metavar="SECONDS",
    help="Time from one pull to the next.",
)  # fmt: skip
@click.option(
    "--jitter", type=click.FloatRange(0), default=_JITTER, show_default=True, metavar="SECONDS",
    help="Wait a random part of this longer, so that a fleet does not ask all at once.",
)  # fmt: skip
@keep_option
@options.verbose
def command(plan: PullPlan, folder: Path, every: float, jitter: float, keep: int, verbose: bool) -> None:
    """Pull rules again and again, as `mozu rules pull` does: at once if none are in force, then in each period."""
    from mozu.core.cli.rules_artifact.installation import pull

    versions = RulesVersions(folder)
    with suppress(KeyboardInterrupt), _ended_by_sigterm():
        before = ""
        for delay in _delays(every, jitter, is_new=not versions.digest_in_force()):
            time.sleep(delay)  # the period is the purpose; SIGTERM and Ctrl-C end the wait
            try:
                text, is_error = pull(plan, versions, keep), False
            except MozuError as error:
                text, is_error = f"mozu: {error_text(error)}", True
            if text != before:
                click.echo(safe(text), err=is_error)
                before = text


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Raise KeyboardInterrupt for SIGTERM during the block; the first process of a container would not notice it."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _delays(every: float, jitter: float, *, is_new: bool) -> Iterator[float]:
    """Yield the seconds before each pull. The first one of a machine that has rules comes within the jitter."""
    yield 0.0 if is_new else random.uniform(0.0, jitter)
    for seconds in repeat(every):
        yield seconds + random.uniform(0.0, jitter)
