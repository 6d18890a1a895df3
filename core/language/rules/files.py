"""Expansion of a list of paths to files, and their text."""

import codecs
import importlib.util
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.problem import ItemRefused, RuleProblem, file_context, refusal
from mozu.core.language.rules.rule_test_names import is_rule_tests
from mozu.core.language.rules.source import SourceFile

STANDARD: Final = ("/etc/mozu/rules.local.yaml", "/etc/mozu/rules.d")
"""Standard places of a machine's own rules; these may be missing, any other path must exist."""
PACKAGE: Final = "package:"
"""Prefix of a path into an installed package."""
SHIPPED: Final = f"{PACKAGE}mozu/plugins/rules/packs"
"""Directory of mozu's own rules."""
LARGEST: Final = 64 << 20
"""Maximum bytes of a rules file: far more than any set of rules, and small enough to read at once."""
_SUFFIXES: Final = (".yaml", ".yml")
_BYTE_ORDER_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def located(path: str | Path) -> Path:
    """Resolve `package:acme_rules/web.yaml` to that file of an installed package, without running its code; return
    other paths unchanged.

    Raises ValueError with a remedy.
    """
    text = str(path)
    if not text.startswith(PACKAGE):
        return Path(path)
    name, _, rest = text.removeprefix(PACKAGE).partition("/")
    if not name.isidentifier() or ".." in Path(rest).parts:
        raise ValueError(f"{text}: expected package:NAME/PATH, such as package:acme_rules/web.yaml")
    spec = importlib.util.find_spec(name)
    roots = [] if spec is None else list(spec.submodule_search_locations or ())
    if not roots:
        raise ValueError(f"{text}: no package {name} is installed beside mozu; install the distribution that brings it")
    part, _, inner = rest.partition("/")
    elsewhere = getattr(sys.modules.get(f"{name}.{part}"), "__path__", ())  # of an editable install without links
    found = [*(Path(root, rest) for root in roots), *(Path(root, inner) for root in elsewhere)]
    for one in found:
        if one.exists():
            return one
    raise ValueError(f"{text}: the package {name} has no {rest!r}; it is in {roots[0]}")


def expand(paths: Iterable[str | Path]) -> Iterator[Path]:
    """Yield the files in load order: for a directory, its `*.yaml` and `*.yml` by name, without tests of rules; other
    paths
    unchanged.
    """
    for path in map(_as_far_as_known, paths):
        if str(path) in STANDARD and not path.exists():
            continue
        if path.is_dir():
            found = (child for child in path.iterdir() if child.suffix in _SUFFIXES and not child.is_dir())
            yield from sorted(child for child in found if not is_rule_tests(child))
        else:
            yield path


def shipped_in(kind: str, name: str) -> str:
    """Return the name of the file among mozu's own rules that defines this rule, macro or list; empty if none does."""
    definition = re.compile(rf"^- {kind}: ([\"']?){re.escape(name)}\1[ \t]*$", re.MULTILINE)
    for path in expand([SHIPPED]):
        with suppress(ItemRefused):
            if definition.search(read_file(path).text):
                return path.name
    return ""


def read_file(path: Path, largest: int = LARGEST) -> SourceFile:
    """Read a file of at most so many bytes. Raises ItemRefused with LOAD_ERR_FILE_READ, or LOAD_ERR_YAML_PARSE if the
    bytes are not text."""
    name = str(path)
    context = file_context(SourceFile(name))
    try:
        path = located(path)
    except ValueError as error:
        raise refusal(Code.LOAD_ERR_FILE_READ, str(error), context) from error
    try:
        with path.open("rb") as file:
            raw = file.read(largest + 1)
    except OSError as error:
        message = f"cannot read {name}: {(error.strerror or str(error)).lower()}"
        raise refusal(Code.LOAD_ERR_FILE_READ, message, context) from error
    if len(raw) > largest:
        raise refusal(Code.LOAD_ERR_FILE_READ, f"{name} is larger than {largest >> 20} MiB", context)
    return decode(name, raw)


def _as_far_as_known(path: str | Path) -> Path:
    try:
        return located(path)
    except ValueError:  # `read_file` reports it
        return Path(path)


def decode(name: str, raw: bytes) -> SourceFile:
    """Decode UTF-8, or the encoding of a byte order mark. Raises ItemRefused."""
    encoding = next((encoding for mark, encoding in _BYTE_ORDER_MARKS if raw.startswith(mark)), "utf-8")
    try:
        return SourceFile(name, raw.decode(encoding))
    except UnicodeDecodeError as error:
        source = SourceFile(name, raw[: error.start].decode(encoding, "replace"))
        message = f"not text: the byte 0x{raw[error.start]:02X} at offset {error.start} is not {encoding.upper()}"
        problem = RuleProblem(Code.LOAD_ERR_YAML_PARSE, message, file_context(source), len(source.text))
        raise ItemRefused(problem) from error
