"""The reader of BTF, on a blob made by hand: nested, anonymous and bit members, arrays, pointers, alternatives."""

import struct

import pytest

from mozu.plugins.sources.ebpf import btf

INT, PTR, ARRAY, STRUCT, UNION, ENUM, TYPEDEF, VOLATILE, FUNC, FUNC_PROTO = 1, 2, 3, 4, 5, 6, 8, 9, 12, 13


class Maker:
    """Builder of a blob, type by type."""

    def __init__(self) -> None:
        self.text = b"\0"
        self.types: list[bytes] = []

    def name(self, text: str) -> int:
        """Return the offset of a text, which is added if it is missing."""
        if not text:
            return 0
        found = self.text.find(b"\0" + text.encode() + b"\0")
        if found < 0:
            found = len(self.text) - 1
            self.text += text.encode() + b"\0"
        return found + 1

    def add(self, kind: int, name: str, size: int, *rest: int, count: int = 0, flag: int = 0) -> int:
        """Add a type; return its number."""
        words = (self.name(name), flag << 31 | kind << 24 | count, size, *rest)
        self.types.append(struct.pack(f"<{len(words)}I", *words))
        return len(self.types)

    def structure(self, name: str, size: int, *members: tuple[str, int, int], kind: int = STRUCT, bits: int = 0) -> int:
        """Add a structure. Members are (name, type, bit offset)."""
        rest = [word for label, type_id, where in members for word in (self.name(label), type_id, where)]
        return self.add(kind, name, size, *rest, count=len(members), flag=bits)

    def blob(self) -> bytes:
        """Return the whole blob."""
        body = b"".join(self.types)
        return struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(body), len(body), len(self.text)) + body + self.text


@pytest.fixture
def types() -> btf.Btf:
    """Return the types of a small kernel."""
    make = Maker()
    int32 = make.add(INT, "int", 4, 1 << 24 | 32)
    uint64 = make.add(INT, "unsigned long", 8, 64)
    inner = make.structure("inner", 16, ("first", uint64, 0), ("second", int32, 64))
    pointer = make.add(PTR, "", inner)
    array = make.add(ARRAY, "", 0, inner, int32, 3)
    hidden = make.structure("", 8, ("one", uint64, 0), ("other", int32, 0), kind=UNION)
    alias = make.add(TYPEDEF, "alias_t", make.add(VOLATILE, "", int32))
    make.structure(
        "outer", 96,
        ("plain", alias, 0), ("", hidden, 64), ("held", inner, 128), ("many", array, 256), ("link", pointer, 640),
    )  # fmt: skip
    make.structure("packed", 4, ("low", int32, 3 << 24 | 1), ("high", int32, 4 << 24 | 12), bits=1)
    make.add(ENUM, "kind", 4, make.name("RED"), 0, make.name("BLUE"), 7, count=2)
    proto = make.add(FUNC_PROTO, "", 0, make.name("data"), pointer, make.name("size"), int32, count=2)
    make.add(FUNC, "traced", proto)
    return btf.Btf(make.blob(), ["inner", "outer", "packed", "kind", "absent"], ["traced", "absent"])


def test_members_of_anonymous_unions_are_members(types: btf.Btf) -> None:
    found = types.members("outer")

    assert {name: (member.bit, member.bits) for name, member in found.items()} == {
        "plain": (0, 0), "one": (64, 0), "other": (64, 0), "held": (128, 0), "many": (256, 0), "link": (640, 0),
    }  # fmt: skip


def test_bit_fields_have_their_offset_and_width(types: btf.Btf) -> None:
    found = types.members("packed")

    assert (found["low"].bit, found["low"].bits, found["high"].bit, found["high"].bits) == (1, 3, 12, 4)


def test_a_struct_and_a_function_of_one_name_are_told_apart() -> None:
    make = Maker()
    make.add(FUNC, "event", make.add(FUNC_PROTO, "", 0))
    struct_number = make.structure("event", 4, ("field", make.add(INT, "int", 4, 1 << 24 | 32), 0))
    make.structure("event", 8)
    types = btf.Btf(make.blob(), ["event"], ["event"])

    assert (types.function("event"), types.identity("event"), types.size("event")) == (2, struct_number, 4)


def test_enumerators_are_found_by_name(types: btf.Btf) -> None:
    assert (types.enumerator("kind", "BLUE"), types.enumerator("kind", "GREEN"), types.enumerator("absent", "X")) == (
        7, None, None,
    )  # fmt: skip


def test_the_parameters_of_a_function_have_their_names(types: btf.Btf) -> None:
    assert (types.parameters("traced"), types.parameters("absent")) == (("data", "size"), None)


@pytest.mark.parametrize(
    ("member", "path", "bit"),
    [
        ("many", "[2].second", 256 + 2 * 128 + 64),
        ("many", "[BLUE].first", 256 + 7 * 128),
        ("held", ".second", 128 + 64),
        ("held", "", 128),
        ("held", "[0]", None),
        ("held", ".third", None),
        ("many", "[GREEN]", None),
        ("plain", ".first", None),
    ],
)
def test_a_member_of_a_member_is_found_by_its_path(types: btf.Btf, member: str, path: str, bit: int | None) -> None:
    found = types.inside(types.members("outer")[member], path, ["kind"])

    assert bit == (None if found is None else found.bit)
