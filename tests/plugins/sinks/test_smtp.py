"""The sink `smtp` against a mail server."""

import email
import email.policy
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from mozu.core.api import ConfigError, Rejected, Retry, Severity
from mozu.core.testing import alert, context, records
from mozu.plugins.sinks.smtp.message import mail
from mozu.plugins.sinks.smtp.settings import SmtpSettings
from mozu.plugins.sinks.smtp.sink import SmtpSink, build
from tests.support.https import Certificates
from tests.support.ports import free_port

HOSTILE = 'x\r\nBcc: evil@example.org\r\n\r\nbody ${x} \udc80 \u202e "}' + "ö" * 3000
BASE: dict[str, Any] = {"host": "localhost", "sender": "mozu@example.org", "recipients": ["soc@example.org"]}


class Mailbox:
    """Mail server that answers each mail by a script, then takes it."""

    def __init__(self, *answers: str) -> None:
        self._answers = list(answers)
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.refuses: set[str] = set()

    async def handle_RCPT(self, server: Any, session: Session, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        if address in self.refuses:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802  its name
        answer = self._answers.pop(0) if self._answers else "250 OK"
        if answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            found = email.message_from_bytes(envelope.content, policy=email.policy.default)
            assert isinstance(found, EmailMessage)
            self.mails.append(found)
            self.recipients.append(list(envelope.rcpt_tos))
        return answer


@contextmanager
def serving(mailbox: Mailbox, **options: Any) -> Iterator[int]:
    port = free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def sink(port: int, **settings: Any) -> SmtpSink:
    return build(SmtpSettings.model_validate({**BASE, "port": port, "security": "none", **settings}), context())


def test_several_alerts_share_a_mail_whose_subject_names_the_most_severe() -> None:
    alerts = [alert(f"Rule {number}") for number in range(3)]
    alerts[1].priority = Severity.CRITICAL
    mailbox = Mailbox()
    with serving(mailbox) as port:
        assert [None] * 3 == list(sink(port).deliver(records(*alerts)))

    (found,) = mailbox.mails
    assert "[Critical] Rule 1 on host and 2 more" == found["Subject"].replace(alerts[1].hostname, "host")
    assert all(f"Rule {number}" in found.get_content() for number in range(3))
    assert "auto-generated" == found["Auto-Submitted"]


def test_more_alerts_than_a_mail_may_have_are_several_mails() -> None:
    mailbox = Mailbox()
    with serving(mailbox) as port:
        assert [None] * 5 == list(sink(port, batch_records=2).deliver(records(*(alert() for _ in range(5)))))

    assert 3 == len(mailbox.mails)


@pytest.mark.parametrize("severity", list(Severity))
def test_no_name_of_a_rule_can_add_a_header_or_a_recipient(severity: Severity) -> None:
    item = alert(HOSTILE, **{"proc.name": HOSTILE})
    item.priority = severity
    mailbox = Mailbox()
    with serving(mailbox) as port:
        assert [None] == list(sink(port).deliver(records(item)))

    (found,) = mailbox.mails
    assert [["soc@example.org"]] == mailbox.recipients
    assert found["Bcc"] is None
    assert severity.label == found["X-Mozu-Priority"]
    assert len(found["Subject"]) < 220


def test_the_same_alerts_have_the_same_message_id() -> None:
    item = records(alert())

    one, other = (mail(item, "a@example.org", ["b@example.org"])["Message-ID"] for _ in range(2))
    assert one == other
    assert one != mail(records(alert()), "a@example.org", ["b@example.org"])["Message-ID"]


def test_content_that_is_refused_is_sent_one_by_one() -> None:
    mailbox = Mailbox("554 spam", "250 OK", "554 spam")
    with serving(mailbox) as port:
        good, bad = sink(port).deliver(records(alert("Good"), alert("Bad")))

    assert good is None
    assert Rejected("the server answered 554 spam") == bad


def test_a_mail_that_is_put_off_is_tried_again() -> None:
    with serving(Mailbox("451 later")) as port:
        assert [Retry(tried=False)] == list(sink(port).deliver(records(alert())))


def test_a_recipient_who_is_refused_keeps_the_mail_from_no_other() -> None:
    mailbox = Mailbox()
    mailbox.refuses = {"gone@example.org"}
    with serving(mailbox) as port:
        made = sink(port, recipients=["gone@example.org", "soc@example.org"])
        assert [None] == list(made.deliver(records(alert())))

    assert [["soc@example.org"]] == mailbox.recipients


def test_a_server_that_is_absent_blames_no_alert() -> None:
    with serving(Mailbox()) as port:
        pass
    made = sink(port)

    with pytest.raises(OSError, match="refused"):
        made.deliver(records(alert()))
    assert "refused" in str(made.check())


def test_a_login_over_tls(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    mailbox = Mailbox()

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        return AuthResult(success=(data.login, data.password) == (b"mozu", b"right"), handled=False)

    options = {
        "tls_context": certificates.context(), "require_starttls": True, "authenticator": authenticate,
        "auth_required": True,
    }  # fmt: skip
    secure: dict[str, Any] = {"security": "starttls", "user": "mozu", "tls": {"ca": certificates.ca}}
    with serving(mailbox, **options) as port:
        assert [None] == list(sink(port, **secure, password="right").deliver(records(alert())))
        assert sink(port, **secure, password="right").check() is None
        why = sink(port, **secure, password="wr0ng").check()
        assert "535" in str(why)
        assert "wr0ng" not in str(why)
        assert "certificate" in str(sink(port, **{**secure, "tls": {}}, password="right").check())

    assert 1 == len(mailbox.mails)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"user": "u", "password": "p", "security": "none"}, "for others to read"),
        ({"user": "u"}, "need each other"),
        ({"recipients": []}, "at least 1"),
        ({"recipients": ["a@b.example, c@d.example"]}, "must be an address"),
        ({"sender": "x\r\nBcc: y@z"}, "must be an address"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        SmtpSettings.model_validate({**BASE, **settings})


def test_a_certificate_that_cannot_be_read_is_a_mistake_of_the_configuration() -> None:
    settings = SmtpSettings.model_validate({**BASE, "tls": {"ca": "/absent.pem"}})

    with pytest.raises(ConfigError, match="absent"):
        build(settings, context())
