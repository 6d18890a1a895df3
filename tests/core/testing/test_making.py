"""Objects that the kit makes for tests are like those of a run: values have the types of their fields."""

import pytest

from mozu.core.model.alert import Ref
from mozu.core.model.value_types import FieldValue
from mozu.testing import alert


@pytest.mark.parametrize(
    ("name", "value", "expected", "printed"),
    [
        ("word", "x", Ref("word", "string"), "x"),
        ("number", 7, Ref("number", "int"), "7"),
        ("share", 0.5, Ref("share", "double"), "0.5"),
        ("is_set", True, Ref("is_set", "bool"), "true"),
        ("raw", b"ab", Ref("raw", "bytes"), "ab"),
        ("missing", None, Ref("missing", "string"), "<NA>"),
        ("several", (1, 2), Ref("several", "int", is_list=True), "(1,2)"),
        ("fd.sip", b"\x7f\x00\x00\x01", Ref("fd.sip", "ipaddr"), "127.0.0.1"),
        ("fd.sport", 443, Ref("fd.sport", "port"), "443"),
        ("proc.name", "sh", Ref("proc.name", "string"), "sh"),
        ("proc.name", 7, Ref("proc.name", "int"), "7"),
    ],
)
def test_a_value_of_an_alert_has_its_true_type(name: str, value: FieldValue, expected: Ref, printed: str) -> None:
    made = alert("A rule", "happened", **{name: value})
    assert ([expected], f"happened {name}={printed}") == ([*made.template.refs()], made.message())
