"""Formulas of checks as text."""

from mozu.core.filter.comparison import Comparison
from mozu.core.filter.formula import AllOf, Constant, Formula, Leaf, Negation, fold
from mozu.core.language.conditions import text_of
from mozu.plugins.sources.ebpf.kernel_filter.address_lists import AddressList
from mozu.plugins.sources.ebpf.kernel_filter.check import (
    AddressCheck,
    ByteHint,
    BytesCheck,
    NumberCheck,
    ProcessCheck,
    SearchCheck,
)


def described(formula: Formula) -> str:
    """Return a text of the formula, its parts in their order."""
    return fold(formula, _described)


def _described(node: Formula, inner: list[str]) -> str:
    if isinstance(node, Constant):
        return str(node.value).lower()
    if isinstance(node, Negation):
        return f"not {inner[0]}"
    if isinstance(node, Leaf):
        return _leaf(node)
    return f"({(' and ' if isinstance(node, AllOf) else ' or ').join(inner)})"


def _leaf(leaf: Leaf) -> str:
    if isinstance(leaf, Comparison):
        return f"[{text_of(leaf)}]"
    if isinstance(leaf, ProcessCheck):
        return f"process bit {leaf.number}"
    if isinstance(leaf, AddressCheck):
        return f"{leaf.about.name.lower()} in {_listed(leaf.listed)}"
    assert isinstance(leaf, NumberCheck | BytesCheck | SearchCheck | ByteHint)
    about = leaf.about.name.lower()
    if isinstance(leaf, BytesCheck):
        return f"{about} {leaf.part.value} {leaf.offset} {leaf.value!r}"
    if isinstance(leaf, SearchCheck):
        return f"{about} contains {leaf.text!r}"
    if isinstance(leaf, ByteHint):
        return f"{about} has {bytes([leaf.byte])!r}"
    number = f"{about}.{leaf.member}[{leaf.element}]{':32' if leaf.narrow else ''}"
    masked = number if leaf.mask is None else f"{number} & {leaf.mask:#x}"
    return f"{masked} {leaf.relation} {leaf.constant}"


def _listed(listed: AddressList) -> str:
    networks = (f"{start:x}/{mask.bit_count()}:{size}" for size, start, mask in sorted(listed.networks))
    return f"({', '.join((*(one.hex() for one in sorted(listed.addresses)), *networks))})"
