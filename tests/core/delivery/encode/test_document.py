import json

from mozu.core.delivery.encode.document import distinct, filled, one_line


def test_what_json_cannot_hold_becomes_text_and_the_rest_stays_what_it_is() -> None:
    values = [None, True, False, 0.5, 1, -(1 << 63), (1 << 64) - 1, "a"]
    document = one_line({"kept": values, "beyond": [1 << 64, -(1 << 63) - 1], "in": {"b": [1 << 70, None]}})

    assert json.loads(document) == {
        "kept": values,
        "beyond": [str(1 << 64), str(-(1 << 63) - 1)],
        "in": {"b": [str(1 << 70), None]},
    }


def test_texts_that_are_no_utf_8_get_replacement_characters_in_keys_too() -> None:
    assert json.loads(one_line({"a\udcff": "b\udcff"})) == {"a\ufffd": "b\ufffd"}


def test_what_is_missing_is_left_out_and_what_is_false_or_zero_is_not() -> None:
    assert filled(a=None, b={}, c=[], d=0, e=False, f="") == {"d": 0, "e": False, "f": ""}


def test_texts_that_there_are_come_once_in_order() -> None:
    assert distinct(["b", None, "a", "", "b"]) == ["b", "a"]
