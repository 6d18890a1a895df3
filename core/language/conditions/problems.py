"""Problems of a condition or an output, with their place."""

from typing import Final

import msgspec

from mozu.core.errors import MozuError

ERROR: Final = "LOAD_ERR_COMPILE_CONDITION"
WARNING: Final = "LOAD_COMPILE_CONDITION"
UNSAFE_NA: Final = "LOAD_UNSAFE_NA_CHECK"


class ConditionProblem(msgspec.Struct, frozen=True):
    """A problem that `check` found."""

    code: str
    """A load code: LOAD_ERR_COMPILE_CONDITION is an error, the others are warnings."""
    reason: str
    """unknown_field, unavailable_field, unknown_event_type, operator, type, value, transformer, regex (errors);
    plain_regex, constant_is_field, constant_is_transformer, typographic_quotes, cut_number, not_available
    (warnings)."""
    message: str
    """A single sentence."""
    offset: int
    """Characters from the start of the text that `origin` names."""
    origin: str = ""
    hint: str = ""
    """A suggestion; empty if there is none."""

    @property
    def is_error(self) -> bool:
        """True if a condition with this problem cannot be compiled."""
        return self.code == ERROR


class ConditionError(MozuError):
    """Raised for a malformed condition or output. `offset` counts characters in `text`."""

    def __init__(
        self, text: str, offset: int, message: str, hint: str = "", *, reason: str = "syntax", origin: str = ""
    ) -> None:
        super().__init__(f"{message} ({hint})" if hint else message)
        self.text = text
        self.offset = offset
        self.message = message
        self.hint = hint
        self.reason = reason
        """Kind of error: syntax, undefined_macro, too_deep; for outputs also the reasons of ConditionProblem."""
        self.origin = origin
        self.further: tuple[ConditionError, ...] = ()
        """Further errors of the same output."""
