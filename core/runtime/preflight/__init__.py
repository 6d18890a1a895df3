"""Preflight: the one place that decides what a start would find on this machine.

`mozu run`, `mozu replay` and `mozu trace` begin with it, `mozu check` ends with it, and `mozu sinks check` asks it
about each sink, so that all report the same of the same machine.

    start       the parts of a start, each with what it finds (`Finding`)
    parts       the parts that a configuration names, built for the check
    recordings  the files of `record` and `capture`

Spools are inspected by core/delivery/spool/inspect.py; plugins check their own needs (`ChecksStart`). A finding that
refuses the start is an error; the rest is a warning, because mozu keeps retrying as long as it runs.
"""

from mozu.core.runtime.preflight.parts import built_parts
from mozu.core.runtime.preflight.start import RUN_FILES, Finding, Start, StartRefused, require

__all__ = ["RUN_FILES", "Finding", "Start", "StartRefused", "built_parts", "require"]
