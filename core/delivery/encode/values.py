"""JSON values from the typed values of an alert."""

from mozu.core.model.alert import Ref, render_value
from mozu.core.model.event import printable
from mozu.core.model.value_types import FieldValue, Json


def json_value(value: FieldValue, ref: Ref, *, base64_bytes: bool = False) -> Json:
    """Return the value for JSON: numbers unless they print in another base than ten; lists as arrays; missing as null.

    Numbers beyond 64 bits are left to `one_line`.
    """
    if isinstance(value, str):
        return printable(value)
    if value is None:
        return None
    if isinstance(value, tuple):
        return [json_value(item, ref, base64_bytes=base64_bytes) for item in value]
    if isinstance(value, bytes) or ref.format in ("hex", "octal"):
        return render_value(value, ref.type, ref.format, base64_bytes=base64_bytes)
    return value
