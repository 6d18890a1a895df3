"""The sink `smtp`: one connection for the mails of a delivery; the server's answers decide each alert's outcome."""

import contextlib
import smtplib
import ssl
from collections.abc import Sequence
from typing import Final

from mozu.core.api import ChecksDestination, ConfigError, Context, Outcome, Record, Rejected, Retry
from mozu.core.common.control_chars import visible
from mozu.core.common.tls import client_context
from mozu.plugins.sinks.smtp.message import mail
from mozu.plugins.sinks.smtp.settings import SmtpSettings

_MAX_REASON: Final = 300


def build(settings: SmtpSettings, context: Context) -> "SmtpSink":
    """Build the sink. Raises ConfigError if a certificate cannot be used."""
    try:
        tls = None if settings.security == "none" else client_context(settings.tls)
    except ValueError as error:
        raise ConfigError([f"sink {context.id}: {error}"]) from None
    return SmtpSink(settings, tls, context)


class SmtpSink(ChecksDestination):
    """Sink whose `deliver` raises if the server is absent or refuses the login: then no alert is to blame."""

    def __init__(self, settings: SmtpSettings, tls: ssl.SSLContext | None, context: Context) -> None:
        self._settings, self._tls = settings, tls
        self._log = context.log
        self._mails = context.metrics.counter("smtp_mails_total")
        self._refused = context.metrics.counter("smtp_recipients_refused_total")

    def start(self) -> None:
        """Do nothing: an absent server is noticed with the first alert."""

    def deliver(self, records: Sequence[Record]) -> Sequence[Outcome]:
        """Send the records as mails; return the outcome of each."""
        outcomes: list[Outcome] = []
        size = self._settings.batch_records
        with self._connected() as server:
            for start in range(0, len(records), size):
                part = records[start : start + size]
                outcome = self._send(server, part)
                if isinstance(outcome, Rejected) and len(part) > 1:
                    outcomes += [self._send(server, [record]) for record in part]  # one of them is to blame
                else:
                    outcomes += [outcome] * len(part)
        return outcomes

    def check(self) -> str | None:
        """Return the reason for which the server cannot be used; None if the login works."""
        try:
            with self._connected() as server:
                server.noop()
        except (OSError, smtplib.SMTPException) as error:
            return _reason(error)
        return None

    def stop(self) -> None:
        """Do nothing: connections last for one delivery."""

    def _connected(self) -> contextlib.AbstractContextManager[smtplib.SMTP]:
        """Connect and log in. Raises OSError and SMTPException."""
        settings, port = self._settings, self._settings.port_number()
        if settings.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(settings.host, port, timeout=settings.timeout, context=self._tls)
        else:
            server = smtplib.SMTP(settings.host, port, timeout=settings.timeout)
        try:
            if settings.security == "starttls":
                server.starttls(context=self._tls)
            if settings.user is not None and settings.password is not None:
                server.login(settings.user, settings.password.get_secret_value())
        except BaseException:
            server.close()
            raise
        return server

    def _send(self, server: smtplib.SMTP, records: Sequence[Record]) -> Outcome:
        """Send one mail: 4xx is retried, 5xx for the message itself rejects it. Refusals of the sender or of all
        recipients are the configuration's fault, and no alert's. Raises OSError and SMTPException."""
        message = mail(records, self._settings.sender, self._settings.recipients)
        try:
            refused = server.send_message(message, self._settings.sender, list(self._settings.recipients))
        except smtplib.SMTPDataError as error:
            if error.smtp_code < 500:
                return Retry(tried=False)
            return Rejected(f"the server answered {_reason(error)}")
        self._mails.value += 1
        for recipient, (code, _) in refused.items():  # the others have it: sending it again would be no help
            self._refused.value += 1
            self._log.warning("the server refuses the recipient %s (%d); the others have the mail", recipient, code)
        return None


def _reason(error: OSError | smtplib.SMTPException) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        return visible(f"{error.smtp_code} {text}")[:_MAX_REASON]
    return visible(str(error) or type(error).__name__)[:_MAX_REASON]
