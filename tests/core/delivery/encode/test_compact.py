"""The format `compact`: time, severity, act, object and actor."""

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from mozu.core.delivery.encode import FORMATS, compact
from mozu.core.model.alert import Severity
from tests.core.delivery.encode.made import connecting, hostile, plain, reading

BY = "sh (root) ← runc ← systemd · pod shop/web-7f9c"


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    compact._local.cache_clear()
    yield
    monkeypatch.undo()
    time.tzset()
    compact._local.cache_clear()


def encoded(alert: Any, **options: bool) -> str:
    declared = FORMATS["compact"]
    return declared.build(declared.settings(**options)).encode(alert).decode()


def test_an_exec_has_its_command_line_a_file_its_path_a_connection_its_ends() -> None:
    rule = "00:00:00 NOTE Terminal shell in container: "
    assert f"{rule}sh -i  {BY}" == encoded(plain())
    assert f"{rule}/etc/shadow  {BY}" == encoded(reading())
    assert f"{rule}10.0.0.2:40000->203.0.113.9:443  {BY}" == encoded(connecting())


def test_a_rename_has_both_paths_and_a_call_that_failed_its_error() -> None:
    alert = plain()
    alert.event_type = "renameat2"
    alert.enrichment |= {"fs.path.source": "/a", "fs.path.target": "/b", "evt.failed": True, "evt.rawres": -13}
    assert encoded(replace(alert, rule_id="MZ-0001")).endswith(f": /a → /b  {BY} · failed: EACCES · MZ-0001")


def test_a_container_without_a_pod_has_its_name_and_image_and_what_is_missing_is_said() -> None:
    alert = replace(plain(), incomplete=("kubernetes",))
    del alert.enrichment["k8s.pod.name"]
    by = "container web (docker.io/library/nginx:1.27) · without kubernetes"
    assert encoded(alert).endswith(f"systemd · {by}")


def test_a_notice_of_mozus_own_is_its_text() -> None:
    notice = replace(plain(), source="internal", event_type="", enrichment={}, priority=Severity.WARNING)
    assert "00:00:00 WARN a shell was opened proc.cmdline=sh -i" in encoded(notice)


@pytest.mark.parametrize("columns", [60, 100])
def test_lines_fit_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setattr(compact, "_width", lambda: columns)
    long = reading()
    long.enrichment["fd.name"] = "/srv/" + "deep/" * 40 + "file.txt"
    first, second = encoded(long, terminal=True).split("\n")
    assert (len(first), second[:14].isspace(), len(second) <= columns) == (columns, True, True)
    assert first.endswith("deep/file.txt")


def test_only_the_severity_and_the_second_line_are_coloured() -> None:
    alert = reading()
    assert encoded(alert, color=True) == encoded(alert).replace("NOTE", "\x1b[96mNOTE\x1b[0m")


def test_hostile_values_make_neither_lines_nor_sequences() -> None:
    for alert, _ in hostile(60, seed=4):
        assert re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e]", encoded(alert)) is None
