"""Falco's configuration as mozu's."""

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from mozu.core.abi.limits import DATA_MAX, TEXT_MAX
from mozu.core.model.value_types import Json, JsonObject
from mozu.core.runtime.falco_import.receivers import permission_note, receiver
from mozu.core.runtime.falco_import.tree_reader import TreeReader, tree_with_defaults

_LEVELS: Final = {
    **dict.fromkeys(("emergency", "alert", "critical", "error"), "error"),
    "warning": "warning",
    **dict.fromkeys(("notice", "info"), "info"),
    "debug": "debug",
}
_PRESETS: Final = tuple(1 << shift for shift in range(20, 30))
"""Bytes of `buf_size_preset` 1 to 10."""
_DEFAULT_PRESET: Final = 4
_FALCOS_PORT, _MOZUS_PORT = 8765, 18765
_DURATION: Final = re.compile(r"(\d+)(ms|s|m|h|d|w|y)")
_SECONDS: Final = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_LONGEST_HEARTBEAT: Final = 86_400.0
_ENRICHERS: Final = {"container": "containers", "k8smeta": "kubernetes"}
_AUDIT: Final = "k8saudit"
"""First part of the names of plugins that bring the Kubernetes audit log: k8saudit, k8saudit-eks …"""
_SYSTEMS_AUTHORITIES: Final = "/etc/ssl/certs"
"""The path of authorities in Falco's own file, and mozu's default on most systems."""
_PART_OF_MOZU: Final = frozenset({"json"})
_FALCOS_RULES: Final = ("/etc/falco/falco_rules.yaml", "/etc/falco/falco_rules.local.yaml", "/etc/falco/rules.d")
"""The rule files that Falco reads if its configuration names none."""


class FalcoTranslation:
    """A translation of one merged configuration.

    `notes`: what a person should read. `left_out`: key → why this configuration's translation leaves it out, though the
    key usually has an equal. `has_rules`: one of the configured rule files exists.
    """

    def __init__(self, tree: Mapping[str, Json]) -> None:
        self._read = TreeReader(tree)
        self.notes: list[str] = []
        self.left_out: dict[str, str] = {}
        self.has_rules = True

    def config(self) -> JsonObject:
        """Return mozu's configuration."""
        read = self._read
        found: JsonObject = {"sources": self._sources(), "enrichers": self._enrichers()}
        found["evaluators"] = [{"falco": self._evaluator()}]
        found["sinks"] = [*(self._with_heartbeat(sink) for sink in self._sinks()), *self._metrics_file()]
        log = self._log()
        if log:
            found["log"] = log
        if read.flag("watch_config_files", True):
            found["reload"] = {"watch": True}
        if read.flag("webserver.enabled"):
            found["http"] = self._http()
        if read.flag("capture.enabled"):
            found["capture"] = self._capture()
        return found

    def _log(self) -> JsonObject:
        read = self._read
        found: JsonObject = {}
        if read.value("log_level") is not None:
            found["level"] = _LEVELS.get(read.text("log_level").lower(), "info")
        if read.flag("log_syslog", True):
            if read.flag("log_stderr"):
                self.left_out["log_syslog"] = "the log goes to one place, here to stderr, which `log_stderr` names"
            else:
                found["to"] = "syslog"
        if read.flag("http_output.enabled") and read.flag("http_output.echo"):
            found["levels"] = {"sink.http_output": "debug"}
        return found

    # --- where events come from

    def _sources(self) -> list[Json]:
        kind = self._read.text("engine.kind", "kmod")
        if kind == "replay":
            return [{"replay": {"files": [self._read.text("engine.replay.capture_file")]}}]
        if kind == "nodriver":
            self.notes.append("engine.kind nodriver: plugins were its sources; name mozu's sources instead")
            return [{"falco_http": {"token": "none"}}]
        preset = self._read.number("engine.modern_ebpf.buf_size_preset", _DEFAULT_PRESET)
        ebpf: JsonObject = {}
        if preset != _DEFAULT_PRESET and 1 <= preset <= len(_PRESETS):
            ebpf["ring_size"] = _PRESETS[preset - 1]
        length = self._read.number("falco_libs.snaplen", 0) or DATA_MAX
        if length > TEXT_MAX:
            self.notes.append(f"falco_libs.snaplen: events have the first {TEXT_MAX} bytes of I/O data at the most")
        if length != DATA_MAX:
            ebpf["snaplen"] = min(length, TEXT_MAX)
        choice: JsonObject = {"source": {"ebpf": ebpf}} if ebpf else {}
        if "snaplen" in ebpf:
            choice["fallback"] = {"ptrace": {"snaplen": ebpf["snaplen"], "others": "refused"}}
        return [{"syscalls": choice}] if choice else ["syscalls"]

    def _enrichers(self) -> list[Json]:
        wanted = self._read.value("load_plugins")
        defined = self._read.value("plugins")
        items = defined if isinstance(defined, list) else []
        names = [str(one.get("name")) for one in items if isinstance(one, Mapping)]
        if isinstance(wanted, list):
            names = [name for name in names if name in wanted or name == "container"]
        for name in names:
            if name.startswith(_AUDIT):
                self.notes.append(
                    f"plugins: rules on events of {name} load; add the source k8s_audit, which listens for the API "
                    "server or follows its log (docs/operate/k8s-audit.md), in place of the plugin's own listener"
                )
            elif name not in _ENRICHERS and name not in _PART_OF_MOZU:
                self.notes.append(f"plugins: {name} has no equal; rules that name its fields are refused")
        found = ["users", "containers", *(_ENRICHERS[name] for name in names if _ENRICHERS.get(name) == "kubernetes")]
        return list(dict.fromkeys(found))

    # --- rules

    def _evaluator(self) -> JsonObject:
        read = self._read
        named = [*read.texts("rules_files"), *read.texts("rules_file")] or list(_FALCOS_RULES)
        rules = [path for path in named if "${" in path or Path(path).exists()]
        self.has_rules = bool(rules)
        for path in named if rules else ():
            if path not in rules:
                self.notes.append(f"rules_files: {path} does not exist, and is left out, as Falco does")
        if not rules:
            self.notes.append("rules_files: none of the files exists here; mozu does not start until `rules` exist")
        found: JsonObject = {"rule_matching": read.text("rule_matching", "first")}
        found["rules"] = rules or named
        if read.value("priority") is not None:
            found["priority"] = read.text("priority").lower()
        for theirs, ours in (("rules", "selection"), ("append_output", "append_output")):
            value = read.value(theirs)
            if value:
                found[ours] = tree_with_defaults(value)
        static = read.value("static_fields")
        if isinstance(static, Mapping) and static:
            found["static_fields"] = {name: str(tree_with_defaults(value)) for name, value in static.items()}
        return found

    # --- where alerts go

    def format(self) -> Json:
        """Return the format of every sink."""
        read = self._read
        options: JsonObject = {}
        if read.flag("time_format_iso_8601"):
            options["iso_time"] = True
        if not read.flag("json_output"):
            return {"falco": options} if options else "falco"
        for theirs, ours, default in (
            ("json_include_output_property", "output", True),
            ("json_include_message_property", "message", False),
            ("json_include_output_fields_property", "output_fields", True),
            ("json_include_tags_property", "tags", True),
            ("buffer_format_base64", "base64_bytes", False),
        ):
            if read.flag(theirs, default) != default:
                options[ours] = not default
        return {"json": options} if options else "json"

    def _sinks(self) -> Iterator[tuple[str, JsonObject]]:
        read = self._read
        if read.flag("stdout_output.enabled"):
            yield "stdout", {}
        if read.flag("syslog_output.enabled"):
            yield "syslog", {"spool": True}
        if read.flag("file_output.enabled"):
            yield "file", {"path": read.text("file_output.filename", "/var/log/mozu/alerts.log")}
        if read.flag("program_output.enabled"):
            keep = read.flag("program_output.keep_alive")
            yield "program", {"command": read.text("program_output.program"), "keep_alive": keep, "spool": True}
        if read.flag("http_output.enabled"):
            yield "webhook", self._webhook()

    def _webhook(self) -> JsonObject:
        read = self._read
        found: JsonObject = {"id": "http_output", **receiver(read.text("http_output.url"))}
        found["batch"], found["spool"] = "single", True
        if read.flag("http_output.compress_uploads"):
            found["gzip"] = True
        agent = read.text("http_output.user_agent")
        if agent and agent != "falcosecurity/falco":
            found["headers"] = {"User-Agent": agent}
        tls: JsonObject = {}
        authority = read.text("http_output.ca_bundle") or read.text("http_output.ca_cert")
        folder = read.text("http_output.ca_path")
        if not authority and folder != _SYSTEMS_AUTHORITIES:
            authority = folder
        if read.flag("http_output.insecure"):
            tls["verify"] = False
            self.notes.append("http_output.insecure: the certificate is not verified; better set `tls.ca` of the sink")
        elif authority:
            tls["ca"] = authority
        if read.flag("http_output.mtls"):
            tls["certificate"], tls["key"] = read.text("http_output.client_cert"), read.text("http_output.client_key")
        if tls:
            found["tls"] = tls
        if "allow_private" in found:
            self.notes.append(permission_note("http_output"))
        return found

    def _with_heartbeat(self, sink: tuple[str, JsonObject]) -> Json:
        name, settings = sink
        form = self.format()
        if form != "falco":
            settings["format"] = form
        if self._read.flag("metrics.enabled") and self._read.flag("metrics.output_rule"):
            settings["heartbeat"] = self._metrics_interval()
        return {name: settings} if settings else name

    def _metrics_file(self) -> Iterator[Json]:
        """Yield a sink `file` that receives heartbeats and notices, and no alerts."""
        path = self._read.text("metrics.output_file")
        if path and self._read.flag("metrics.enabled"):
            settings: JsonObject = {"id": "metrics", "path": path, "format": "json"}
            yield {"file": {**settings, "heartbeat": self._metrics_interval(), "route": {"not_rules": ["*"]}}}

    def _metrics_interval(self) -> float:
        read = self._read
        parts = _DURATION.findall(read.text("metrics.interval"))
        return min(_LONGEST_HEARTBEAT, sum(int(number) * _SECONDS[unit] for number, unit in parts) or 3600.0)

    # --- the rest

    def _http(self) -> JsonObject:
        read = self._read
        host = read.text("webserver.listen_address", "0.0.0.0")
        port = read.number("webserver.listen_port", _FALCOS_PORT)
        found: JsonObject = {}
        if read.flag("webserver.ssl_enabled"):
            pem = read.text("webserver.ssl_certificate", "/etc/falco/falco.pem")
            found["tls"] = {"certificate": pem, "key": pem}
            self.notes.append("webserver: beyond loopback the listener also wants `http.token` or `http.tls.client_ca`")
        if not _is_loopback(host):
            reason = f"{host} became 127.0.0.1; docs/operate/operations.md says what listening there takes"
            self.notes.append(f"webserver: {reason}")
            self.left_out["webserver.listen_address"] = reason
            host = "127.0.0.1"
        port = _MOZUS_PORT if port == _FALCOS_PORT else port
        found["listen"] = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        if read.flag("webserver.prometheus_metrics_enabled"):
            found["falco_names"] = True
        return found

    def _capture(self) -> JsonObject:
        read = self._read
        found: JsonObject = {"enabled": True, "mode": read.text("capture.mode", "rules")}
        found["path_prefix"] = read.text("capture.path_prefix", "/tmp/falco")
        found["default_duration"] = read.number("capture.default_duration", 5000)
        size = read.number("capture.max_file_size_mb", 0)
        if size:
            found["max_file_size"] = size * 1_000_000
        return found


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
