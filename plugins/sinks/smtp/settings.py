"""Settings of the sink `smtp`."""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from mozu.core.api import Secret, Settings
from mozu.core.common.tls import ClientTls

_ADDRESS: Final = re.compile(r"[!-~]+@[A-Za-z0-9.\-\[\]:]+")
"""Addresses that a server accepts between `<` and `>`; only the server knows if the mailbox exists."""
_PORTS: Final = {"none": 25, "starttls": 587, "tls": 465}


def _is_address(value: str) -> str:
    if not _ADDRESS.fullmatch(value) or set(value) & set("<>,;\"()"):
        raise ValueError("must be an address such as soc@example.org")
    return value


Address = Annotated[str, AfterValidator(_is_address)]


class SmtpSettings(Settings):
    """Settings of the sink `smtp`."""

    host: str = Field(min_length=1, description="Name or address of the server.")
    port: int | None = Field(
        None, ge=1, le=65_535, description="Its port; by default 587 with starttls, 465 with tls, 25 with none."
    )
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="Encrypted from the command STARTTLS on, from the start, or not at all."
    )
    user: str | None = Field(None, description="Name for the login.")
    password: Secret | None = Field(None, description="Its password.")
    sender: Address = Field(description="The address that mails come from.")
    recipients: tuple[Address, ...] = Field(min_length=1, description="The addresses that they go to.")
    batch_records: int = Field(50, ge=1, le=500, description="The most alerts in a mail.")
    timeout: float = Field(30.0, gt=0, le=600, description="Seconds for a connection, and for each answer.")
    tls: ClientTls = Field(ClientTls(), description="TLS of the connection.")

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password need each other")
        if self.user is not None and self.security == "none":
            raise ValueError("security: none would send the password for others to read; use starttls or tls")
        return self

    def port_number(self) -> int:
        """Return the server's port."""
        return self.port or _PORTS[self.security]
