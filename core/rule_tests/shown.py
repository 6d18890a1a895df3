"""Values of fields in messages."""

from typing import Final

from mozu.core.model.alert import render_value
from mozu.core.model.fields import FieldType
from mozu.core.model.value_types import FieldValue

LONGEST: Final = 120
"""Characters of one value or test in a message."""


def shortened(text: str) -> str:
    """Return the text, no longer than LONGEST."""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def shown(value: FieldValue, kind: FieldType = FieldType.STRING) -> str:
    """Return a value in backticks as an output prints it, networks by their address; lists as a test file has them."""
    if value is None:
        return "absent"
    name = FieldType.IPADDR.value if kind is FieldType.IPNET else kind.value
    several = isinstance(value, tuple)
    texts = [render_value(one, name) for one in (value if isinstance(value, tuple) else (value,))]
    text = ", ".join(texts)
    return f"`{shortened(f'[{text}]' if several else text)}`"
