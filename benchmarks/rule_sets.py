"""Sets of rules that a benchmark compares: files, and mozu's own rules at their levels."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from mozu.plugins.rules.falco.settings import FalcoSettings


class RuleSet(NamedTuple):
    """A named set of rules."""

    name: str
    settings: FalcoSettings


def add_options(parser: argparse.ArgumentParser) -> None:
    """`--rules` and `--level`, each as often as wanted."""
    parser.add_argument("--rules", type=Path, action="append", nargs="+", default=[], help="a set of rule files")
    parser.add_argument("--level", action="append", default=[], help="mozu's own rules at this level")


def chosen(options: argparse.Namespace) -> list[RuleSet]:
    """Return the sets of the command line; without any, mozu's own rules with default settings."""
    files = [RuleSet(_named(paths), FalcoSettings(rules=tuple(paths))) for paths in options.rules]
    levels = [RuleSet(f"level {level}", FalcoSettings(level=level)) for level in options.level]
    return files + levels or [RuleSet("mozu's own rules", FalcoSettings())]


def _named(paths: Sequence[Path]) -> str:
    return paths[0].name if len(paths) == 1 else f"{len(paths)} rule files"
