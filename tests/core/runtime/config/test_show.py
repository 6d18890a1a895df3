from pathlib import Path

import yaml

from mozu.core.api import Settings
from mozu.core.api.secret import Secret
from mozu.core.runtime.config import Entry, load
from mozu.core.runtime.config.show import show


class Example(Settings):
    topic: str = "t"
    password: Secret | None = None


def shown(tmp_path: Path, text: str, *, defaults: bool = False) -> str:
    path = tmp_path / "mozu.yaml"
    path.write_text(text)

    def settings_of(entry: Entry) -> Settings:
        return Example.model_validate(entry.settings)

    return show(load(path), settings_of, defaults=defaults)


def test_what_was_set_is_shown_and_no_more(tmp_path: Path) -> None:
    text = shown(tmp_path, "host: web\nsinks:\n  - stdout\n  - kafka: {id: siem, topic: x, format: json}\n")
    tree = yaml.safe_load(text)
    assert tree["sinks"] == [
        {"stdout": {"format": "falco"}},
        {"kafka": {"id": "siem", "format": "json", "topic": "x"}},
    ]
    assert tree["host"] == "web"
    assert "enrichment_buffer" not in tree


def test_what_is_shown_reads_back_as_the_same(tmp_path: Path) -> None:
    first = shown(
        tmp_path, "sinks:\n  - kafka: {id: siem, topic: x, queue: {bytes: 3MiB}}\nenrichment_buffer: {seconds: 1}\n"
    )
    assert shown(tmp_path, first) == first


def test_secrets_are_hidden(tmp_path: Path) -> None:
    text = shown(tmp_path, "sinks:\n  - kafka: {password: hunter2}\n")
    assert "hunter2" not in text
    assert "password" in text


def test_defaults_are_shown_on_demand(tmp_path: Path) -> None:
    tree = yaml.safe_load(shown(tmp_path, "", defaults=True))
    (sink,) = tree["sinks"]
    assert (sink["stdout"]["queue"], sink["stdout"]["spool"]["enabled"]) == ({"bytes": 64 << 20}, False)
    assert tree["enrichment_buffer"]["seconds"] == 0.5
