"""The JSON Schema of what a sink's format writes."""

from mozu.core.errors import PluginError
from mozu.core.isolation.ends import is_ours
from mozu.core.runtime.config import Entry
from mozu.core.runtime.registry import Registry


def format_schema(registry: Registry, entry: Entry) -> str:
    """Return the JSON Schema of the records of a sink's entry; empty if there is none. Raises ConfigError, and
    PluginError if a plugin's format does not return a schema."""
    declared = registry.format(entry)
    if declared.schema is None:
        return ""
    try:
        found: object = declared.schema(registry.format_options(entry))
    except BaseException as error:  # a third party's code
        if is_ours(error):
            raise
        text = f"`schema` of the format failed: {type(error).__name__}: {error}"
        raise PluginError(declared.name, text) from error
    if not isinstance(found, str):
        raise PluginError(declared.name, f"`schema` of the format returned {type(found).__name__}, not a text")
    return found
