"""`mozu test --watch`: repeats a run after each change of a file that took part, or of a directory that was named."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from time import sleep
from typing import Final

import click

from mozu.core.cli.terminal import error_text
from mozu.core.errors import MozuError

_INTERVAL: Final = 0.3
"""Seconds between two looks: below what people notice."""


def repeat(run: Callable[[], tuple[int, set[Path]]], paths: Iterable[Path]) -> int:
    """Run, wait for a change, and repeat until the user interrupts; return the exit code of the last run."""
    code, named = 0, list(paths)
    try:
        while True:
            try:
                code, files = run()
            except MozuError as error:
                click.echo(f"mozu: {error_text(error)}", err=True)
                code, files = 1, set()
            before = _state({*files, *named})
            click.echo("waiting for a change; Ctrl-C ends")
            while _state(before) == before:
                sleep(_INTERVAL)  # editors replace files in so many ways that looking is simpler than being notified
            click.echo("")
    except KeyboardInterrupt:
        return code


def _state(paths: Iterable[Path] | Mapping[Path, object]) -> dict[Path, object]:
    """Return the values that distinguish a file from its next version, and a directory's list from its next."""
    found: dict[Path, object] = {}
    for path in paths:
        try:
            status = path.stat()
        except OSError:
            found[path] = None
        else:
            found[path] = status.st_mtime_ns, status.st_size, status.st_ino
    return found
