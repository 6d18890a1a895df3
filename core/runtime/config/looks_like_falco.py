"""Recognition of Falco's configuration, each key of which would otherwise be reported as unknown."""

from collections.abc import Iterable
from typing import Final

_KEYS: Final = frozenset(
    {
        "append_output", "base_syscalls", "buffered_outputs", "engine", "falco_libs", "file_output", "http_output",
        "json_output", "libs_logger", "load_plugins", "log_level", "log_stderr", "log_syslog", "output_timeout",
        "outputs_queue", "priority", "program_output", "rule_matching", "rules_file", "rules_files", "stdout_output",
        "syscall_event_drops", "syslog_output", "watch_config_files", "webserver",
    }
)  # fmt: skip
"""Keys at the top of falco.yaml that mozu's configuration does not have."""
_ENOUGH: Final = 2


def looks_like_falco(keys: Iterable[str]) -> bool:
    """Return True if enough of the keys are Falco's."""
    return len(_KEYS.intersection(keys)) >= _ENOUGH
