"""Fields and versions of the plugins that mozu stands in for, so that rules written for them load and run."""

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
"""Plugin → the version whose fields and meaning mozu has; `required_plugin_versions` is measured against it."""


def plugin_fields(json_sources: Iterable[str] = ()) -> tuple[Field, ...]:
    """All of them, for the registry. `json_sources`: further source classes whose records are JSON."""
    return (*json_fields(json_sources), *K8S_AUDIT_FIELDS)
