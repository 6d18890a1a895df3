"""The enricher `users`: names of users and groups, the host's and each container's own."""

from mozu.core.api import EnricherDeclaration, LookupLimits, hookimpl
from mozu.plugins.enrichers.users.enricher import UsersEnricher, UsersSettings


@hookimpl
def mozu_components() -> EnricherDeclaration[UsersSettings]:
    """Declare the enricher `users`."""
    return EnricherDeclaration(
        name="users",
        build=UsersEnricher,
        summary="Names of users and groups, from the files of the host and of each container, and from name services.",
        settings=UsersSettings,
        provides=("users",),
        lookups=LookupLimits(ttl=0, negative_ttl=1),
    )
