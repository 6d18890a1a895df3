from mozu.core.model.fields import Argument, Field, FieldRegistry, FieldType
from mozu.core.model.fields.builtin import builtin_fields
from mozu.core.model.fields.document import document
from tests.support.requirements import ROOT


def test_the_committed_page_is_current() -> None:
    page = (ROOT / "docs" / "rules" / "fields.md").read_text()
    assert page == document(FieldRegistry(builtin_fields())), (
        "run: python -m mozu.core.model.fields.document > docs/rules/fields.md"
    )


def test_a_field_is_one_row_of_its_group() -> None:
    made = Field(
        name="evt.probe",
        type=FieldType.UINT,
        doc="One | two.",
        argument=Argument.KEY,
        traits=frozenset({"deprecated", "no_rhs"}),
    )
    row = r"| `evt.probe` | uint | `[KEY]` | syscall | One \| two. (out of use; not on the right side) |"
    assert [row] == [line for line in document([made]).splitlines() if "probe" in line]


def test_a_field_that_cannot_be_read_says_why() -> None:
    made = Field(name="fd.probe", type=FieldType.UINT, doc="A probe.", unavailable="nobody measures it")
    assert "(not available: nobody measures it)" in document([made])


def test_angle_brackets_stay_visible() -> None:
    made = Field(name="fd.probe", type=FieldType.UINT, doc="Prints <NA>.")
    assert r"Prints \<NA>." in document([made])


def test_groups_follow_in_their_order_and_strangers_last() -> None:
    made = [Field(name=f"{name}.probe", type=FieldType.UINT, doc="A probe.") for name in ("alien", "user", "evt")]
    headings = [line for line in document(made).splitlines() if line.startswith("## ")]
    assert ["## The event", "## Users and groups", "## alien.*"] == headings
