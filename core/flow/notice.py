"""The form of a notice: its text is a value, so that all notices of one rule share a template."""

from collections.abc import Mapping
from typing import Final

from mozu.core.caches import cached
from mozu.core.model.alert import Ref, Template

_TEXT: Final = Ref("mozu.text", "string", is_field=False)


def notice_form(text: str, fields: Mapping[str, str | int]) -> tuple[Template, dict[str, str | int]]:
    """Return (template, values). Spools and caches thus keep one template per rule."""
    refs = tuple(Ref(name, "string" if isinstance(value, str) else "uint") for name, value in fields.items())
    return _template(refs), {**fields, _TEXT.key: text}


@cached(1024)
def _template(fields: tuple[Ref, ...]) -> Template:
    return Template((_TEXT,), fields)
