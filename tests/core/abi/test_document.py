from mozu.core.abi.document import document
from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.model.syscalls import event_type
from tests.support.requirements import ROOT


def test_the_committed_page_of_calls_is_current() -> None:
    page = (ROOT / "docs" / "rules" / "calls.md").read_text()
    assert page == document(), "run: python -m mozu.core.abi.document > docs/rules/calls.md"


def test_every_event_type_of_the_live_sources_is_on_the_page() -> None:
    page = document()
    assert [] == [name for name in SYSCALL_SPECS if f"`{name}`" not in page and name[0] != "_"]


def test_every_parameter_is_in_the_row_of_its_call() -> None:
    rows = {line.split("`")[1]: line for line in document().splitlines() if line.startswith("| `")}
    named = {name: kind for name in rows if (kind := event_type(name)) is not None}
    assert named.keys() == rows.keys()
    params = [(name, param.name) for name, kind in named.items() for param in kind.params]
    assert [] == [(name, param) for name, param in params if f"`{param}`" not in rows[name]]
