"""Alerts → one HTML file with its style, its script and the alerts, packed.

The file's content security policy allows this style and this script by their digests and nothing else: whatever an
alert says, it can neither run nor load anything. The alerts are JSON, packed by gzip and in Base64, so that no text of
theirs can end the element that holds them.
"""

import gzip
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from importlib.resources import files
from typing import Final

import orjson

from mozu.plugins.pages.view.contents import PageContents

_POLICY: Final = (
    "default-src 'none'; style-src '{style}'; script-src '{script}'; base-uri 'none'; form-action 'none'; "
    "require-trusted-types-for 'script'"
)


def exported(documents: Iterable[Mapping[str, object]], version: str, written: datetime) -> bytes:
    """Return the page of these alerts, each as in the format `json`. `written`: the time of now, in UTC."""
    contents = PageContents()
    for document in documents:
        contents.add(document)
    about = {"version": version, "written": written.isoformat()}
    packed = gzip.compress(orjson.dumps({"about": about, **contents.document()}), mtime=0)
    style, script = _part("page.css"), _part("page.js")
    page = _part("page.html")
    for name, text in (
        ("policy", _POLICY.format(style=_digest(style), script=_digest(script))),
        ("style", style),
        ("script", script),
        ("data", b64encode(packed).decode()),
    ):
        page = page.replace(f"@{name}@", text, 1)
    return page.encode()


def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _digest(text: str) -> str:
    """Return the source expression that allows an inline style or script (Content Security Policy Level 3)."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
