"""The responder `webhook`: one POST with the alert as JSON, so that another program can act. Any answer but 2xx is a
failure."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from pydantic import Field

from mozu.core.api import (
    Context,
    Incident,
    ResponderDeclaration,
    ResponderSettings,
    ResponsePlan,
    ResponseTarget,
    Secret,
    hookimpl,
)
from mozu.core.common.tls import ClientTls, client_context
from mozu.core.delivery.encode.incident import incident_line

if TYPE_CHECKING:
    import aiohttp

_OK: Final = range(200, 300)


class WebhookResponderSettings(ResponderSettings):
    """Settings of the responder `webhook`."""

    url: str = Field(pattern="^https?://", description="http or https; redirects are not followed.")
    token: Secret | None = Field(None, description="Sent as `Authorization: Bearer …`.")
    timeout: float = Field(10.0, gt=0, le=25, description="Seconds in which it must be answered.")
    tls: ClientTls = Field(ClientTls(), description="TLS of connections to an https URL.")


class WebhookResponder:
    """Responder with a single attempt, because a late act may meet a changed situation; the sink of this name
    retries."""

    def __init__(self, settings: WebhookResponderSettings, context: Context) -> None:
        self._settings, self._tls = settings, client_context(settings.tls)
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Do nothing: the first act connects."""

    def plan(self, incident: Incident) -> ResponsePlan | None:
        """Return the plan, for any alert. Of the address only the host is shown, since the rest may hold a secret."""
        return ResponsePlan(text=f"post to {self._settings.url.split('/')[2].rpartition('@')[2]}")

    async def act(self, incident: Incident, plan: ResponsePlan, targets: Sequence[ResponseTarget]) -> None:
        """Send the request. Raises OSError, aiohttp's errors, and RuntimeError for an answer other than 2xx."""
        import aiohttp  # only where there is such a responder, and it acts: a tenth of a second

        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(self._settings.timeout))
        headers = {"Content-Type": "application/json"}
        if self._settings.token is not None:
            headers["Authorization"] = f"Bearer {self._settings.token.get_secret_value()}"
        async with self._session.post(
            self._settings.url, data=incident_line(incident), headers=headers, allow_redirects=False,
            ssl=self._tls,
        ) as response:  # fmt: skip
            if response.status not in _OK:
                raise RuntimeError(f"answered {response.status}")

    async def undo(self, detail: Mapping[str, str], targets: Sequence[ResponseTarget]) -> None:
        """Do nothing: the receiver's acts are its own."""

    async def stop(self) -> None:
        """Close connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


@hookimpl
def mozu_components() -> ResponderDeclaration[WebhookResponderSettings]:
    """Declare the responder."""
    return ResponderDeclaration(
        name="webhook",
        build=WebhookResponder,
        settings=WebhookResponderSettings,
        summary="Posts the alert to a URL, so that something else can act.",
    )
