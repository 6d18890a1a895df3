"""Tokens of the language: patterns that match at a position, quoted strings, and reserved names."""

import re
from typing import Final

from mozu.core.model.event import as_bytes, as_text

BLANK: Final = " \t\b\r\n"
BLANKS: Final = re.compile(r"[ \t\x08\r\n]*")
IDENT: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")
FIELD: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*(?:\.[a-zA-Z][a-zA-Z0-9_]*)+")
BAREARG: Final = re.compile(r"""[^\[\]"' \t\n\r\v\f]+""")
BARESTR: Final = re.compile(r"""[^()"'=, \t\n\r\v\f]+""")
LISTED_BARESTR: Final = re.compile(r"""([^()"'=, \t\n\r\v\f\b]+)[ \t\r\n]*,[ \t\r\n]*""")
"""A text with the comma after it: of a long list this is nearly all."""
NUMBER: Final = re.compile(r"0[xX][0-9a-fA-F]+|[+-]?[0-9]+\.?[0-9]*(?:[eE][+-][0-9]+)?")

NUMERIC_OPERATORS: Final = ("<=", "<", ">=", ">")
SYMBOLS: Final = ("==", "=", "!=")
WORD_OPERATORS: Final = (
    "glob",
    "iglob",
    "contains",
    "icontains",
    "bcontains",
    "startswith",
    "bstartswith",
    "endswith",
    "regex",
)
LIST_OPERATORS: Final = ("intersects", "in", "pmatch")
MODIFIERS: Final = ("oneof", "anyof", "allof")
TRANSFORMERS: Final = ("tolower", "toupper", "basename", "b64", "len", "join", "concat", "getopt")
OPERATORS: Final = ("exists", *NUMERIC_OPERATORS, *SYMBOLS, *WORD_OPERATORS, *LIST_OPERATORS)

NUMERIC: Final = re.compile("|".join(NUMERIC_OPERATORS))
STRING: Final = re.compile(rf"==|=|!=|(?:{'|'.join(WORD_OPERATORS)})(?=[{BLANK}])")
LISTED: Final = re.compile("|".join(LIST_OPERATORS))
MODIFIER: Final = re.compile(
    rf"({'|'.join(MODIFIERS)})[{BLANK}]+(?=\(|(?!(?:and|or|not)(?![a-zA-Z0-9_]))[a-zA-Z])",
)
TRANSFORMER: Final = re.compile(rf"({'|'.join(TRANSFORMERS)})\(")

_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|.?)", re.DOTALL)
_PLAIN = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "\\": "\\", "/": "/", " ": "\\"}


def quoted_end(text: str, start: int) -> int:
    """Return the end of the quoted string that begins at `start` (after its delimiter); -1 if it is unclosed."""
    delimiter = text[start]
    end = text.find(delimiter, start + 1)
    while end != -1 and text[end - 1] == "\\":
        end = text.find(delimiter, end + 1)
    return end + 1 if end != -1 else -1


def unescape(body: str, delimiter: str) -> str | None:
    """Return the text between the delimiters with its escapes replaced; None if an escape is unknown."""
    if "\\" not in body:
        return body
    bad = False

    def replace(found: re.Match[str]) -> str:
        nonlocal bad
        code = found[1]
        if len(code) == 3:
            byte = int(code[1:], 16)
            return chr(byte if byte < 0x80 else 0xDC00 + byte)
        if code == delimiter:
            return delimiter
        bad = bad or code not in _PLAIN
        return _PLAIN.get(code, "")

    value = _ESCAPE.sub(replace, body)
    if bad:
        return None
    return value if value.isascii() else as_text(as_bytes(value))


def quote(value: str) -> str:
    """Return a quoted string that parses to `value`."""
    out = ['"']
    for char in value:
        if char in "\b\f\n\r\t":
            out.append({"\b": r"\b", "\f": r"\f", "\n": r"\n", "\r": r"\r", "\t": r"\t"}[char])
        elif char in '"\\':
            out.append("\\" + char)
        elif "\udc80" <= char <= "\udcff":
            out.append(f"\\x{ord(char) - 0xDC00:02x}")
        else:
            out.append(char)
    # A delimiter directly after a backslash would not end the string.
    if value.endswith("\\"):
        out[-1] = r"\x5c"
    return "".join((*out, '"'))
