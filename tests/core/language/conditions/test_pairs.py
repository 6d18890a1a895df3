from typing import Final

import pytest

from mozu.core.language.conditions.pairs import labelled
from mozu.core.model.alert import Ref

FLAGS: Final = Ref("evt.arg.flags", "string")
MODE: Final = Ref("evt.arg.mode", "uint")


def shown(parts: list[str | Ref]) -> list[str | tuple[str, str]]:
    return [part if isinstance(part, str) else (part.label, part.key) for part in parts]


def test_pairs_in_parentheses_are_references_with_labels() -> None:
    parts: list[str | Ref] = ["opened ", FLAGS, " (flags=", FLAGS, "\n mode=", MODE, ")"]

    assert ["opened ", ("", "evt.arg.flags"), ("flags", "evt.arg.flags"), ("mode", "evt.arg.mode")] == shown(
        labelled(parts)
    )


def test_text_behind_the_pairs_stays() -> None:
    assert ["opened", ("flags", "evt.arg.flags"), " on ", ("", "evt.arg.mode")] == shown(
        labelled(["opened (flags=", FLAGS, ") on ", MODE])
    )


@pytest.mark.parametrize("text", ["opened (", "opened flags=", "(flags="])
def test_other_text_before_a_reference_is_no_label(text: str) -> None:
    assert [text, ("", "evt.arg.flags"), ")"] == shown(labelled([text, FLAGS, ")"]))
