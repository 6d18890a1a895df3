"""Falco's own rules, which are no part of this project: MOZU_CORPUS names the folder that has them in `falco-rules`."""

import os
from pathlib import Path


def stable_rules() -> list[Path]:
    """The file of the stable ones; none without MOZU_CORPUS."""
    folder = os.environ.get("MOZU_CORPUS")
    return [Path(folder, "falco-rules", "falco_rules.yaml")] if folder else []


def rules_or_stable(given: list[Path]) -> list[Path]:
    """Return the rules of the command line, or the stable ones. Ends the program with a sentence if there are
    neither."""
    if found := given or stable_rules():
        return found
    raise SystemExit("no rules to measure with: name files with --rules, or set MOZU_CORPUS")
