"""A misspelt keyword of a declaration: the message names the class, the intended keyword, and the place."""

import re
from pathlib import Path

import pytest

from mozu.core.errors import PluginError
from mozu.core.runtime.plugin_checks import Origin, guarded, import_target

DECLARED = """
import mozu
from mozu import Field, FieldType, SinkDeclaration as Sink

def made(**more):
    return (Field(
        name="acme.x",
        {field}=FieldType.STRING,
        doc="X.",
        read=len,
    ),)

def mozu_components():
    fields = made()
    return {declaration}(
        name="acme", build=print, settings=mozu.Settings,
        {keyword}="A sink.",
        fields=fields,
    )
"""


def refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, **words: str) -> str:
    chosen = {"declaration": "Sink", "field": "type", "keyword": "summary", **words}
    (tmp_path / f"{name}.py").write_text(DECLARED.format(**chosen))
    monkeypatch.syspath_prepend(str(tmp_path))
    hook = import_target(f"{name}:mozu_components")
    assert callable(hook)
    with pytest.raises(PluginError) as raised:
        guarded(Origin("acme", name, "mozu-acme", "1"), "its hook mozu_components", hook)
    return str(raised.value)


@pytest.mark.parametrize(
    ("number", "words", "expected"),
    [
        (0, {"keyword": "sumary"}, "'sumary': SinkDeclaration has none of this name; did you mean 'summary'?"),
        (
            1, {"declaration": "mozu.SourceDeclaration", "keyword": "sumary"},
            "'sumary': SourceDeclaration has none of this name; did you mean 'summary'?",
        ),
        (
            2, {"declaration": "Sink[mozu.Settings]", "keyword": "sumary"},
            "'sumary': SinkDeclaration has none of this name; did you mean 'summary'?",
        ),
        (3, {"field": "tpye"}, "'tpye': Field has none of this name; did you mean 'type'?"),
        (4, {"keyword": "zzzzzz"}, "'zzzzzz': SinkDeclaration has none of this name; it has name, settings, summary"),
    ],
)  # fmt: skip
def test_a_misspelt_keyword_is_reported_with_what_was_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: dict[str, str], expected: str
) -> None:
    found = refusal(tmp_path, monkeypatch, f"keyword_{number}", **words)
    assert f"its hook mozu_components raised TypeError: Unexpected keyword argument {expected}" in found
    assert re.search(rf"keyword_{number}\.py:\d+\); update mozu-acme", found)
