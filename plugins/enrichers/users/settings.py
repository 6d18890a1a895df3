"""Settings of the enricher `users`."""

from pathlib import Path

from pydantic import Field

from mozu.core.api import Settings


class UsersSettings(Settings):
    """Settings of the enricher `users`."""

    root: Path = Field(Path("/"), description="Where the host's root directory is seen.")
    nss: bool = Field(
        True, description="Ask the name services (LDAP, SSSD …) for what the files do not have; only where root is /."
    )
