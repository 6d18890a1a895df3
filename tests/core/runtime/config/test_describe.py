from pathlib import Path
from typing import Literal

from pydantic import Field

from mozu.core.api import Settings
from mozu.core.api.secret import Secret
from mozu.core.runtime.config.describe import Setting, settings_of


class Tls(Settings):
    ca: Path | None = Field(None, description="The authority.")


class Example(Settings):
    topic: str = Field(description="Where to.")
    ports: tuple[int, ...] = Field((1, 2), description="Which\n ports.")
    mode: Literal["a", "b"] = "a"
    key: Secret | None = None
    tls: Tls = Tls()
    proxy: Tls | None = None
    others: tuple[Tls, ...] = ()
    headers: dict[str, str] = Field(default_factory=dict)
    fast: bool = False


def test_settings_are_reported_in_words_and_nested_ones_dotted() -> None:
    assert list(settings_of(Example)) == [
        Setting("topic", "text", "", True, "Where to."),
        Setting("ports", "list of integer", "[1, 2]", False, "Which ports."),
        Setting("mode", "a|b", "a", False, ""),
        Setting("key", "secret", "null", False, ""),
        Setting("tls.ca", "path", "null", False, "The authority."),
        Setting("proxy.ca", "path", "null", False, "The authority."),
        Setting("others", "list of mappings", "[]", False, ""),
        Setting("others[].ca", "path", "null", False, "The authority."),
        Setting("headers", "mapping to text", "{}", False, ""),
        Setting("fast", "boolean", "false", False, ""),
    ]
