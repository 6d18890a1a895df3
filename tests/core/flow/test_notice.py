"""The form of notices: texts and numbers keep their type, on which formats and spools depend."""

from mozu.core.flow.notice import notice_form


def test_fields_are_texts_or_numbers_behind_the_text() -> None:
    template, values = notice_form("three were lost", {"evt_source": "made", "count": 3})
    assert [(ref.key, ref.type, ref.is_field) for ref in template.refs()] == [
        ("mozu.text", "string", False), ("evt_source", "string", True), ("count", "uint", True),
    ]  # fmt: skip
    assert values == {"evt_source": "made", "count": 3, "mozu.text": "three were lost"}
