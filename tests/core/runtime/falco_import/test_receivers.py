"""URLs, logins and headers of receivers, as the sink webhook takes them."""

from typing import Any

import pytest

from mozu.core.runtime.falco_import.receivers import receiver, with_headers
from mozu.core.runtime.falco_import.sidekick_config import SidekickTranslation
from mozu.plugins.sinks.webhook.settings import WebhookSettings


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://hook.example/x", {"allow_private": True}),
        ("http://localhost:2801/", {"allow_private": True}),
        ("http://127.0.0.1:9200", {"allow": ["127.0.0.1"]}),
        ("http://[::ffff:10.0.0.1]:9200", {"allow": ["10.0.0.1"]}),
        ("http://169.254.1.1/", {"allow": ["169.254.1.1"]}),
        ("http://100.100.100.200/", {"allow": ["100.100.100.200"]}),
        ("https://1.1.1.1/", {}),
        ("https://${HOST:-}/", {"allow_private": True}),
    ],
)
def test_an_address_that_is_not_public_is_permitted_and_nothing_more(url: str, expected: dict[str, Any]) -> None:
    found = receiver(url)

    assert {"url": url, **expected} == found
    if "$" not in url:
        WebhookSettings.model_validate(found)


def test_a_login_within_the_url_becomes_settings() -> None:
    found = receiver("http://falco:p%40ss@127.0.0.1:2801/x?y=z")

    assert ("http://127.0.0.1:2801/x?y=z", "falco", "p@ss") == (found["url"], found["user"], found["password"])
    WebhookSettings.model_validate(found)


def test_a_host_alone_is_one_of_http_as_for_falco() -> None:
    assert "http://collector:8080/x" == receiver("collector:8080/x")["url"]


def test_headers_that_the_sink_makes_are_settings_or_left_out() -> None:
    given = {"Authorization": "Bearer abc", "Content-Type": "text/plain", "Host": "h", "X-A": "b"}

    found, refused = with_headers({"url": "https://x.example/", "user": "u", "password": "p"}, given)

    assert ["Host"] == refused
    assert ("Bearer", "abc", "text/plain") == (found["token_scheme"], found["token"], found["content_type"])
    assert {"X-A": "b"} == found["headers"]
    WebhookSettings.model_validate(found)


def test_fields_of_the_configuration_are_in_alerts_and_in_lower_case() -> None:
    written = {"Team": "blue", "where": "%REGION", "none": "", "odd": "100%"}
    translation = SidekickTranslation({"customfields": written})

    assert [{"team": "blue"}, {"where": "${REGION:-}"}] == translation.extra_fields()
    assert {"customfields.odd"} == set(translation.left_out)
