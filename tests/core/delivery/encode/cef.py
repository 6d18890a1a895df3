"""A strict reader of CEF, written from the format's description and not from the encoder."""

import re

_KEY = re.compile(r"[A-Za-z0-9_.]+")
_HEADER = 7


class Malformed(ValueError):
    """An error raised if a line is not valid CEF."""


def read(line: bytes) -> tuple[list[str], dict[str, str]]:
    """Return the seven parts of the header (from the version on) and the extension. Raises Malformed."""
    text = line.decode("utf-8")
    if any(ord(char) < 32 or 0x7F <= ord(char) < 0xA0 or char in "\u2028\u2029" for char in text):
        raise Malformed("a raw control")
    if not text.startswith("CEF:"):
        raise Malformed("no CEF")
    header, rest = _header(text[4:])
    return header, _extension(rest)


def _header(text: str) -> tuple[list[str], str]:
    parts: list[str] = []
    part, at = "", 0
    while len(parts) < _HEADER:
        if at >= len(text):
            raise Malformed("the header is short")
        if text[at] == "\\":
            if text[at + 1 : at + 2] not in ("\\", "|"):
                raise Malformed(f"an escape that a header does not have: {text[at : at + 2]!r}")
            part, at = part + text[at + 1], at + 2
        elif text[at] == "|":
            parts.append(part)
            part, at = "", at + 1
        else:
            part, at = part + text[at], at + 1
    return parts, text[at:]


def _extension(text: str) -> dict[str, str]:
    tokens = _tokens(text)
    signs = [number for number, (char, raw) in enumerate(tokens) if raw and char == "="]
    starts = []
    for sign in signs:
        start = sign
        while start > 0 and tokens[start - 1][1] and tokens[start - 1][0] != " ":
            start -= 1
        key = "".join(char for char, _ in tokens[start:sign])
        if not _KEY.fullmatch(key):
            raise Malformed(f"a sign `=` that no key stands before: {key!r}")
        starts.append((start, sign, key))
    pairs: dict[str, str] = {}
    for (_, sign, key), (end, _, _) in zip(starts, [*starts[1:], (len(tokens) + 1, 0, "")], strict=True):
        if key in pairs:
            raise Malformed(f"the key {key} twice")
        pairs[key] = "".join(char for char, _ in tokens[sign + 1 : end - 1])
    return pairs


def _tokens(text: str) -> list[tuple[str, bool]]:
    """Return the characters, each with True if it was not escaped."""
    tokens: list[tuple[str, bool]] = []
    at = 0
    meanings = {"\\": "\\", "=": "=", "n": "\n", "r": "\r"}
    while at < len(text):
        if text[at] != "\\":
            tokens.append((text[at], True))
            at += 1
        elif text[at + 1 : at + 2] in meanings:
            tokens.append((meanings[text[at + 1]], False))
            at += 2
        else:
            raise Malformed(f"an escape that an extension does not have: {text[at : at + 2]!r}")
    return tokens
