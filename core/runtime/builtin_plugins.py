"""The built-in plugins and the modules that contain them."""

from collections.abc import Mapping
from typing import Final

from mozu.core.api import Kind

BUILTINS: Final[Mapping[Kind, Mapping[str, str]]] = {
    Kind.SOURCE: {
        "syscalls": "mozu.plugins.sources.syscalls",
        "ebpf": "mozu.plugins.sources.ebpf",
        "replay": "mozu.plugins.sources.replay",
        "ptrace": "mozu.plugins.sources.ptrace",
        "falco_http": "mozu.plugins.sources.falco_http",
        "kafka": "mozu.plugins.sources.kafka",
        "k8s_audit": "mozu.plugins.sources.k8s_audit",
    },
    Kind.ENRICHER: {
        "hashes": "mozu.plugins.enrichers.hashes",
        "users": "mozu.plugins.enrichers.users",
        "containers": "mozu.plugins.enrichers.containers",
        "docker": "mozu.plugins.enrichers.containers",
        "containerd": "mozu.plugins.enrichers.containers",
        "cri": "mozu.plugins.enrichers.containers",
        "podman": "mozu.plugins.enrichers.containers",
        "kubernetes": "mozu.plugins.enrichers.kubernetes",
    },
    Kind.EVALUATOR: {
        "falco": "mozu.plugins.rules.falco",
    },
    Kind.SINK: {
        "stdout": "mozu.plugins.sinks.stdout",
        "webhook": "mozu.plugins.sinks.webhook",
        "file": "mozu.plugins.sinks.file",
        "syslog": "mozu.plugins.sinks.syslog",
        "journald": "mozu.plugins.sinks.journald",
        "program": "mozu.plugins.sinks.program",
        "smtp": "mozu.plugins.sinks.smtp",
        "kafka": "mozu.plugins.sinks.kafka",
        "s3": "mozu.plugins.sinks.s3",
    },
    Kind.RESPONDER: {
        "kill": "mozu.plugins.responders.kill",
        "stop": "mozu.plugins.responders.stop",
        "freeze": "mozu.plugins.responders.freeze",
        "pause": "mozu.plugins.responders.container_engines",
        "deny": "mozu.plugins.responders.deny",
        "kill_container": "mozu.plugins.responders.container_engines",
        "isolate": "mozu.plugins.responders.isolate",
        "capture": "mozu.plugins.responders.capture",
        "run": "mozu.plugins.responders.run",
        "webhook": "mozu.plugins.responders.webhook",
    },
}
"""Kind → plugin → module."""

BUILTIN_COMMANDS: Final[Mapping[str, str]] = {
    "ebpf": "Load every kernel program once and list them.",
}
"""Built-in plugin that brings commands → one sentence for `mozu --help`."""

EDITOR_SERVER: Final = "mozu.plugins.editors.lsp"
"""Module of `mozu lsp`, with the function `serve`."""

PAGE: Final = "mozu.plugins.pages.view"
"""Module of `mozu view`, with the function `exported`. These two names and the two tables above are the only places in
the core that name a plugin."""


def is_builtin(target: str) -> bool:
    """Return True if an import target belongs to a built-in plugin."""
    return any(target in table.values() for table in BUILTINS.values())
