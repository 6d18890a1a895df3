"""A configuration and the plugins that it names, checked against each other."""

from collections.abc import Sequence
from pathlib import Path

from mozu.core.runtime.config import Config, StdoutForm, read
from mozu.core.runtime.import_notes import ImportNotes
from mozu.core.runtime.registry import Registry


def configure(
    path: Path | None = None,
    overrides: Sequence[str] = (),
    *,
    rules: Sequence[str] = (),
    form: StdoutForm | None = None,
) -> tuple[Config, Registry]:
    """Configuration and plugins, checked against each other. Raises ConfigError with every mistake of both."""
    config, problems = read(path, overrides, rules=rules, form=form)
    notes = ImportNotes(config.core.state_dir)
    notes.report()
    registry = Registry(notes)
    registry.check(config, problems)
    problems.check()
    return config, registry
