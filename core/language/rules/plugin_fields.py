"""Fields and versions of the plugins that mozu replaces, so that rules written for them load and run."""

from collections.abc import Iterable
from typing import Final

from mozu.core.language.rules.json_fields import json_fields
from mozu.core.language.rules.k8s_audit.fields import FIELDS as K8S_AUDIT_FIELDS
from mozu.core.language.rules.values import Version
from mozu.core.model.fields import Field

PLUGIN_VERSIONS: Final[dict[str, Version]] = {
    "container": Version(0, 7, 1),
    "json": Version(0, 7, 4),
    "k8saudit": Version(0, 18, 0),
}
"""Plugin → version with the same fields and semantics as mozu's; `required_plugin_versions` is compared with it."""


def plugin_fields(json_sources: Iterable[str] = ()) -> tuple[Field, ...]:
    """Return all of them, for the registry. `json_sources`: further source classes with records in JSON."""
    return (*json_fields(json_sources), *K8S_AUDIT_FIELDS)
