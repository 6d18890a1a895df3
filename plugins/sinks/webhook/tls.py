"""The context of TLS connections."""

import ssl

from mozu.core.api import Secret
from mozu.plugins.sinks.webhook.settings import WebhookTls

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def context(settings: WebhookTls) -> ssl.SSLContext:
    """Server and name are always verified. Raises ValueError that names the setting."""
    try:
        made = ssl.create_default_context(cafile=settings.ca)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"tls.ca: {settings.ca} cannot be used: {_reason(error)}") from None
    made.minimum_version = _VERSIONS[settings.min_version]
    if settings.certificate is not None:
        try:
            made.load_cert_chain(settings.certificate, settings.key, _password(settings.key_password))
        except (OSError, ssl.SSLError) as error:
            raise ValueError(f"tls.certificate: {settings.certificate} cannot be used: {_reason(error)}") from None
    return made


def _password(secret: Secret | None) -> str:
    """Never None: OpenSSL would ask the terminal."""
    return "" if secret is None else secret.get_secret_value()


def _reason(error: OSError) -> str:
    return getattr(error, "reason", None) or error.strerror or type(error).__name__
