"""Preflight: the one place that decides what a start would find on this machine.

`mozu run`, `mozu replay` and `mozu trace` begin with it, `mozu check` ends with it, and `mozu sinks check` asks it
about each sink, so all of them say the same of the same machine.

    start       the parts of a start, each with what it finds (`Finding`)
    parts       the parts that a configuration names, built for a look
    recordings  the files of `record` and `capture`

Spools are looked at by core/delivery/spool/inspect.py, what plugins need by themselves (`ChecksStart`). A finding that
refuses the start is an error; the rest is a warning, because it is tried again as long as mozu runs.
"""

from mozu.core.runtime.preflight.parts import built_parts
from mozu.core.runtime.preflight.start import RUN_FILES, Finding, Start, StartRefused, require

__all__ = ["RUN_FILES", "Finding", "Start", "StartRefused", "built_parts", "require"]
