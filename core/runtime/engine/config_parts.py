"""Parts of an assembly that follow from the configuration alone."""

import time

from mozu.core.common.boot_clock import namespace_offset
from mozu.core.common.host_identity import host_id
from mozu.core.delivery.redact import Redactor
from mozu.core.metrics import Metrics
from mozu.core.model.fields.entities import ProcessEntities
from mozu.core.model.fields.lookups import Lookups
from mozu.core.runtime.config import Config
from mozu.core.runtime.engine.interfaces import interface_addresses
from mozu.core.runtime.registry import Registry
from mozu.core.runtime.run_file import boot_id


def lookups_of(hostname: str) -> Lookups:
    """Return the look-ups of a new run."""
    names = Lookups()
    names.hostname = hostname
    names.entities = ProcessEntities(host_id(hostname), boot_id(), boot_offset=namespace_offset())
    names.addresses.replace(interface_addresses())
    names.first_time = time.time_ns()
    return names


def redactor_of(config: Config, metrics: Metrics) -> Redactor | None:
    """Return the redactor; None if redaction is off."""
    settings = config.core.redact
    return Redactor(metrics, settings.patterns, settings.fields) if settings.enabled else None


def requested_fields(config: Config, registry: Registry) -> tuple[str, ...]:
    """Return the fields that the formats of all sinks show."""
    return tuple(dict.fromkeys(name for entry in config.sinks for name in registry.requested_fields(entry)))
