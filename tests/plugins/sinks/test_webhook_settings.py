"""Settings that are refused before anything is sent, and secrets that never print."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mozu.core.errors import ConfigError
from mozu.core.testing import context
from mozu.plugins.sinks.webhook.settings import WebhookSettings
from mozu.plugins.sinks.webhook.sink import build

URL = "https://siem.example/hook"
OAUTH = {"token_url": "https://login.example/token", "client_id": "c", "client_secret": "s" * 9}


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"url": "ftp://siem.example"}, "must be a URL"),
        ({"url": "siem.example/hook"}, "must be a URL"),
        ({"url": "http://[::1"}, "must be a URL"),
        ({"url": "http://127.1/"}, "must be a URL"),
        ({"url": "https://u:p@siem.example/"}, "write `user` and `password`"),
        ({"url": "http://127.0.0.1:9/"}, "loopback address"),
        ({"url": "http://[::ffff:a9fe:a9fe]/", "allow_private": True}, "metadata address"),
        ({"url": URL, "template": "text", "body": {"a": 1}}, "exclude each other"),
        ({"url": URL, "template": "falcosidekick", "batch": "array"}, "takes single"),
        ({"url": URL, "body": {"a": "${nothing}"}}, "not known"),
        ({"url": URL, "body_file": "/nonexistent"}, "cannot be read"),
        ({"url": URL, "token": "t" * 9, "user": "u", "password": "p"}, "exclude each other"),
        ({"url": URL, "token": "t" * 9, "oauth": OAUTH}, "token and oauth exclude each other"),
        ({"url": URL, "user": "u"}, "need each other"),
        ({"url": URL, "token": "a\nb"}, "one line"),
        ({"url": URL, "headers": {"X-A": "a\r\nb"}}, "one line"),
        ({"url": URL, "headers": {"X A": "a"}}, "no name of a header"),
        ({"url": URL, "headers": {"Webhook-Id": "a"}}, "follows from other settings"),
        ({"url": URL, "signing_secrets": ["whsec_eHg="]}, "24 to 64 bytes"),
        ({"url": URL, "allow": ["10.0.0.1/8"]}, "host bits"),
        ({"url": URL, "proxy": "https://p:1"}, "http://host:port"),
        ({"url": URL, "tls": {"key": "/k"}}, "needs its certificate"),
        ({"url": URL, "nonsense": 1}, "Extra inputs"),
    ],
)
def test_a_mistake_is_reported_when_the_configuration_is_read(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        WebhookSettings.model_validate(settings)
    assert complaint in str(caught.value)


@pytest.mark.parametrize("name", ["ca", "certificate"])
def test_a_certificate_that_cannot_be_used_is_reported_by_its_setting(name: str, tmp_path: Path) -> None:
    settings = WebhookSettings.model_validate({"url": URL, "tls": {name: tmp_path / "absent.pem"}})
    with pytest.raises(ConfigError, match=f"tls.{name}: .*absent.pem"):
        build(settings, context())


def test_no_secret_prints() -> None:
    settings = WebhookSettings.model_validate(
        {
            "url": "https://siem.example/services/PLANTED-1?key=PLANTED-2",
            "headers": {"X-Key": "PLANTED-3"},
            "user": "me",
            "password": "PLANTED-4",
            "proxy": "http://u:PLANTED-5@proxy:3128",
            "tls": {"certificate": "/c", "key_password": "PLANTED-6"},
        }
    )
    shown = f"{settings!r} {settings} {settings.model_dump(mode='json')} {settings.model_dump_json()}"
    assert "PLANTED" not in shown


def test_a_wrong_url_is_not_repeated_in_the_message() -> None:
    with pytest.raises(ValidationError) as caught:
        WebhookSettings.model_validate({"url": "nonsense://PLANTED"})
    reported = caught.value.errors(include_url=False, include_input=False, include_context=False)
    assert "PLANTED" not in str(reported)


def test_what_goes_with_a_template_comes_with_it() -> None:
    kinds = {
        name: WebhookSettings.model_validate({"url": URL, "template": name}).batch_kind()
        for name in ("falcosidekick", "alertmanager", "splunk_hec", "text")
    }
    assert {"falcosidekick": "single", "alertmanager": "array", "splunk_hec": "ndjson", "text": "single"} == kinds
