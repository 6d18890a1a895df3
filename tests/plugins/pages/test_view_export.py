"""The page of `mozu view --export`, as a file."""

import gzip
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

import pytest

from mozu.plugins.pages.view import exported
from mozu.plugins.pages.view.contents import sentence

NOW: Final = datetime(2026, 12, 4, 10, tzinfo=UTC)
HOSTILE: Final = "</script><script>alert(1)</script>@data@ &amp; \u202e \ud83d\ude00"


def alert(**parts: object) -> dict[str, Any]:
    """Return an alert in the format `json`."""
    return {
        "rule": "Shadow read", "rule_id": "X-1", "priority": "Warning", "time": "2026-12-04T09:00:00.000000001Z",
        "output": "09:00:00.000000001: Warning Hashes read: /etc/shadow by cat (pid=7 user=root)",
        "output_fields": {"proc.pid": 7, "evt.time": 1796423433813142130, "proc.name": "cat"}, "tags": ["T1003.008"],
        "notes": {"description": "Somebody read it.", "triage": ["Who? `ps -p {proc.pid}`"]}, **parts,
    }  # fmt: skip


def contents(page: bytes) -> dict[str, Any]:
    """Return the document that is packed in a page."""
    found = re.search(rb'<script id="data" type="application/octet-stream">([A-Za-z0-9+/=]+)</script>', page)
    assert found is not None
    document: dict[str, Any] = json.loads(gzip.decompress(b64decode(found[1])))
    return document


def test_the_page_holds_each_alert_and_what_its_rule_says_once() -> None:
    found = contents(exported([alert(), alert(output_fields={"proc.pid": 8})], "1.2", NOW))
    (rule,) = found["rules"]
    assert rule["name"] == "Shadow read"
    assert rule["triage"] == ["Who? `ps -p {proc.pid}`"]
    assert [one["rule"] for one in found["alerts"]] == [0, 0]
    assert [one["fields"]["proc.pid"] for one in found["alerts"]] == ["7", "8"]
    assert found["about"] == {"version": "1.2", "written": "2026-12-04T10:00:00+00:00"}


def test_a_number_of_nanoseconds_keeps_its_last_digits() -> None:
    (one,) = contents(exported([alert()], "1", NOW))["alerts"]
    assert one["fields"]["evt.time"] == "1796423433813142130"


def test_the_policy_allows_the_style_and_the_script_of_the_page_alone() -> None:
    page = exported([alert()], "1", NOW).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    for name, tag in (("style-src", "style"), ("script-src", "script")):
        (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert f"{name} 'sha256-{b64encode(sha256(inline.encode()).digest()).decode()}'" in policy[1]
    assert policy[1].startswith("default-src 'none'; ")


@pytest.mark.parametrize("name", ["rule", "output", "hostname", "priority", "time", "correlation_uid", "next"])
def test_no_text_of_an_alert_gets_out_of_its_packing(name: str) -> None:
    plain, hostile = (exported([alert(**{name: text})], "1", NOW) for text in ("x", HOSTILE))
    packed = re.compile(rb'(<script id="data"[^>]*>)[A-Za-z0-9+/=]+')
    assert packed.sub(rb"\1", plain) == packed.sub(rb"\1", hostile)


@pytest.mark.parametrize(
    "document",
    [{}, {"rule": 7, "output": None, "output_fields": [], "tags": "x", "notes": 3}],
    ids=["empty", "other types"],
)
def test_an_alert_may_lack_anything(document: Mapping[str, object]) -> None:
    (one,) = contents(exported([document], "1", NOW))["alerts"]
    assert one == {"rule": 0, "time": "", "priority": "", "sentence": "", "host": "", "story": "", "fields": {}}


def test_a_value_of_several_parts_is_text() -> None:
    fields = {"fd.paths": ["/a", "/\udcff"], "x": None, "y": True}
    (one,) = contents(exported([alert(output_fields=fields)], "1", NOW))["alerts"]
    assert one["fields"] == {"fd.paths": '["/a", "/?"]', "x": None, "y": "true"}


def test_a_long_value_is_cut() -> None:
    (one,) = contents(exported([alert(output_fields={"proc.cmdline": "x" * 5_000})], "1", NOW))["alerts"]
    assert one["fields"]["proc.cmdline"] == "x" * 4_000 + "…"


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (
            "09:00:00.000000001: Warning Hashes read: /etc/shadow by cat (pid=7 user=root)",
            "Hashes read: /etc/shadow by cat",
        ),
        ("09:00:00.000000001: Notice Shell run user=root command=sh", "Shell run"),
        ("no time, no pairs", "no time, no pairs"),
        (" user=root", " user=root"),
        ("09:00:00.000000001: Error a (b) c=d", "a (b)"),
    ],
)
def test_the_sentence_of_an_output_ends_at_the_first_pair(output: str, said: str) -> None:
    assert sentence(output) == said
